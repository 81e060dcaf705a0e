"""The servers under measurement: started on free ports of 127.0.0.1 with folders of their own, stopped at the end."""

import getpass
import grp
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from abc import abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Final, Literal

from bench.content import Content, iter_content
from bench.keeper import serve_keeper
from bench.load import Load, WrongAnswerError, fill_target
from bench.machine import memory
from bench.sink import serve_sink
from bench.standin import open_standin

_START_LIMIT_SECONDS: Final = 30.0
_STOP_LIMIT_SECONDS: Final = 30.0
_ANSWER_LIMIT_SECONDS: Final = 60.0
_SETTLE_SECONDS: Final = 1.0
_LAST_WORDS_LENGTH: Final = 1000
PASSWORD: Final = "filmroom-bench"
# Settings of whoever runs the bench; and that Python keep nothing of what it has compiled, which no operator wants.
_NOT_THE_SERVERS: Final = ("FILMROOM_", "PYTHONDONTWRITEBYTECODE")
_READY: Final = "filmroom answers at http://127.0.0.1:"
_DEPLOYED: Final = Path(__file__).parents[1] / "deploy" / "nginx.conf"
PROJECT: Final = "/data/projects/BENCH"
RESOURCE: Final = f"{PROJECT}/resources/R"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One running server, and how it wants its files: see ``Load``. ``headers`` go with every request."""

    name: str
    pid: int
    port: int
    put_target: str
    get_target: str
    headers: str = ""
    put_method: Literal["PUT", "POST"] = "PUT"
    content_of: Content = iter_content
    is_form: bool = False
    stored_answer: bytes = b""

    def put(self, names: list[str], *, size_bytes: int, connections: int, pace_bytes_per_second: int = 0) -> Load:
        return Load(
            port=self.port,
            method=self.put_method,
            target=self.put_target,
            headers=self.headers,
            names=names,
            size_bytes=size_bytes,
            connections=connections,
            pace_bytes_per_second=pace_bytes_per_second,
            content_of=self.content_of,
            is_form=self.is_form,
            stored_answer=self.stored_answer,
        )

    def get(self, names: list[str], *, size_bytes: int, connections: int) -> Load:
        return Load(
            port=self.port,
            method="GET",
            target=self.get_target,
            headers=self.headers,
            names=names,
            size_bytes=size_bytes,
            connections=connections,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileServer(Server):
    """A server that keeps what it is sent."""

    @abstractmethod
    def count_files(self) -> int:
        """How many files the server says it holds."""

    def check_content(self, name: str, size_bytes: int) -> None:
        """Raises WrongAnswerError unless the server gives back the bytes that a file of this name has."""
        with self._open_answer("GET", self.locate(name)) as answer:
            is_same = all(answer.read(len(piece)) == bytes(piece) for piece in self.content_of(name, size_bytes))
        if not is_same:
            raise WrongAnswerError(f"{self.name}: {name} did not come back as it was sent")

    def locate(self, name: str) -> str:
        """The target of the file of this name."""
        return fill_target(self.get_target, name)

    def delete(self, name: str) -> None:
        self.ask("DELETE", self.locate(name))

    def ask(self, method: str, target: str, document: Mapping[str, str] | None = None) -> bytes:
        """The body of the answer. A document goes as JSON. Raises WrongAnswerError unless it is one of success."""
        with self._open_answer(method, target, document) as answer:
            return answer.read()

    @contextmanager
    def _open_answer(
        self, method: str, target: str, document: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_LIMIT_SECONDS)
        headers = dict(line.split(": ", 1) for line in self.headers.splitlines())
        if document is not None:
            headers["Content-Type"] = "application/json"
        with closing(connection):
            connection.request(method, target, json.dumps(document) if document is not None else None, headers)
            answer = connection.getresponse()
            if answer.status not in {200, 201, 204}:
                raise WrongAnswerError(f"{self.name}: {method} {target}: {answer.status} {answer.read(200)!r}")
            yield answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx(FileServer):
    root: Path

    def count_files(self) -> int:
        return sum(path.is_file() for path in self.root.rglob("*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filmroom(FileServer):
    start_seconds: float
    """From the spawn of its process to its ready line."""

    def get_one(self, target: str, *, size_bytes: int) -> Load:
        """One GET of something that is as long as that."""
        return replace(self.get(["it"], size_bytes=size_bytes, connections=1), target=target)

    def put_file(self, target: str, path: Path) -> float:
        """The seconds from the first byte of the request to the answer. Raises WrongAnswerError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_LIMIT_SECONDS)
        with closing(connection), path.open("rb") as body:
            connection.putrequest("PUT", target)
            for line in (*self.headers.splitlines(), f"Content-Length: {path.stat().st_size}"):
                connection.putheader(*line.split(": ", 1))
            started = time.monotonic()
            connection.endheaders()
            connection.sock.sendfile(body)
            answer = connection.getresponse()
            if answer.status != 200:
                raise WrongAnswerError(f"PUT {target}: {answer.status} {answer.read(200)!r}")
            return time.monotonic() - started

    def count_files(self) -> int:
        table = json.loads(self.ask("GET", f"{PROJECT}/resources?format=json"))
        return sum(int(row["file_count"] or 0) for row in table["ResultSet"]["Result"])

    def rest_bytes(self) -> int:
        """The memory of a server that has answered one request and rests: a first sign-in costs more than most work."""
        self.count_files()
        time.sleep(_SETTLE_SECONDS)
        return memory(self.pid).rss_bytes

    def make_resource(self) -> None:
        """Make the project and the resource that the targets name."""
        self.ask("PUT", PROJECT)
        self.ask("PUT", RESOURCE)

    def make_user(self, login: str) -> None:
        self.ask("POST", "/xapi/users", {"username": login, "password": PASSWORD})


def basic(login: str) -> str:
    """What signs somebody in at a filmroom: all of its people have one password."""
    return f"Basic {b64encode(f'{login}:{PASSWORD}'.encode()).decode()}"


def find_program(name: str) -> str | None:
    """A peer's program; Debian keeps nginx in /usr/sbin, which is not in every user's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def open_nginx(folder: Path) -> Iterator[Nginx]:
    root = folder / "root" / "dav"
    root.mkdir(parents=True)
    port = free_port()
    with _serve_site(folder, _read_template("dav").substitute(folder=folder, port=port), port) as pid:
        yield Nginx(name="nginx", pid=pid, port=port, put_target="/dav/{name}", get_target="/dav/{name}", root=root)


@contextmanager
def open_filmroom_behind_nginx(folder: Path) -> Iterator["Filmroom"]:
    """As ``deploy/nginx.conf`` has it: nginx sends whole files, and filmroom says which. Its pid is not of nginx."""
    folder.mkdir()
    settings = 'trusted_proxies = "127.0.0.1"\naccel_location = "/filmroom-blobs"\n'
    (folder / "filmroom.toml").write_text(settings, encoding="utf-8")
    port = free_port()
    with open_filmroom(folder) as filmroom:
        site = _DEPLOYED.read_text(encoding="utf-8")
        for given, here in (
            ("listen 80;", f"listen 127.0.0.1:{port};"),
            ("127.0.0.1:8080", f"127.0.0.1:{filmroom.port}"),
            ("/var/lib/filmroom/blobs/", f"{folder / 'data' / 'blobs'}/"),
        ):
            site = site.replace(given, here)
        front = folder / "front"
        front.mkdir()
        with _serve_site(front, site, port):
            yield replace(filmroom, port=port)


@contextmanager
def _serve_site(folder: Path, site: str, port: int) -> Iterator[int]:
    """Start an nginx with one site; its pid."""
    config = folder / "nginx.conf"
    config.write_text(_read_template("nginx").substitute(folder=folder, site=site, user=_user_line()), encoding="utf-8")
    program = find_program("nginx") or "nginx"
    process = subprocess.Popen([program, "-p", folder, "-e", folder / "error.log", "-c", config])
    with stopped(process):
        wait_for_port(port, name="nginx", log=folder / "error.log")
        yield process.pid


def _read_template(name: str) -> Template:
    return Template(Path(__file__).with_name(f"{name}.conf.template").read_text(encoding="utf-8"))


def _user_line() -> str:
    """Started by root, nginx would give its workers to another user."""
    if os.geteuid() != 0:
        return ""
    return f"user {getpass.getuser()} {grp.getgrgid(os.getegid()).gr_name};"


@contextmanager
def open_filmroom(folder: Path, *flags: str) -> Iterator[Filmroom]:
    """``filmroom serve`` with no setting but the flags, with its data in the folder, which may hold some."""
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THE_SERVERS)}
    log = folder / "log"
    with log.open("ab") as log_file:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "filmroom", "serve", "--data", folder / "data", "--port", "0", *flags],
            cwd=folder,
            env=environment | {"FILMROOM_ADMIN_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
        )
    with stopped(process):
        port = _read_port(process, log=log)
        yield Filmroom(
            name="filmroom",
            pid=process.pid,
            port=port,
            put_target=f"{RESOURCE}/files/{{name}}?inbody=true",
            get_target=f"{RESOURCE}/files/{{name}}",
            headers=f"Authorization: {basic('admin')}\r\n",
            start_seconds=time.monotonic() - started,
        )


def _read_port(process: subprocess.Popen[str], *, log: Path) -> int:
    """Wait for the ready line. Raises WrongAnswerError when the process ends, or is ended, before it."""
    watchdog = threading.Timer(_START_LIMIT_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout or ():
            if line.startswith(_READY):
                return int(line.removeprefix(_READY))
    finally:
        watchdog.cancel()
    raise WrongAnswerError(f"filmroom did not start: {_last_words(log)}")


@contextmanager
def open_sink() -> Iterator[Server]:
    with open_standin("sink", serve_sink) as sink:
        target = "/{size_bytes}/{name}"
        yield Server(name="sink", pid=sink.pid, port=sink.port, put_target=target, get_target=target)


@contextmanager
def open_keeper(folder: Path) -> Iterator[Server]:
    with open_standin("keeper", serve_keeper, folder) as keeper:
        yield Server(name="keeper", pid=keeper.pid, port=keeper.port, put_target="/{name}", get_target="/{name}")


@contextmanager
def stopped(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for_port(port: int, *, name: str, log: Path) -> None:
    """Raises WrongAnswerError with what the program has logged when nobody listens in time."""
    give_up_at = time.monotonic() + _START_LIMIT_SECONDS
    while time.monotonic() < give_up_at:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise WrongAnswerError(f"{name} did not start: {_last_words(log)}")


def _last_words(log: Path) -> str:
    written = log.read_text(encoding="utf-8") if log.exists() else ""
    return written[-_LAST_WORDS_LENGTH:] or "it wrote no log"
