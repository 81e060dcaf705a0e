"""The real nginx, set up as ``deploy/nginx.conf`` has it, before a real server."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.message import Message
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from server.process import AUTHORIZATION, Server
from waiting import wait_until

SITE: Final = Path(__file__).parents[2] / "deploy" / "nginx.conf"
FILES: Final = "/data/projects/DEMO/resources/R/files"
LARGE: Final = os.urandom(3_000_000)
# What must be the same whoever sends a file.
TOLD: Final = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Referrer-Policy",
    "Vary",
    "X-Content-Type-Options",
    "X-Frame-Options",
)
NONE: Final[Mapping[str, str]] = MappingProxyType({})
AROUND: Final = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    types {{}}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _site(**instead: str) -> str:
    """The site as it is given to operators, with another value for each of its own."""
    site = SITE.read_text(encoding="utf-8")
    for old, new in instead.items():
        own = {"port": "listen 80;", "server": "127.0.0.1:8080", "blobs": "/var/lib/filmroom/blobs/"}[old]
        assert site.count(own) == 1
        site = site.replace(own, new)
    return site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here, which keep apart by the names of their files."""
    folder = tmp_path_factory.mktemp("behind")
    config = folder / "filmroom.toml"
    config.write_text('trusted_proxies = "127.0.0.1"\naccel_location = "/filmroom-blobs"\n', encoding="utf-8")
    server = Server(folder / "data", "--config", str(config))
    server.start()
    try:
        server.request("PUT", "/data/projects/DEMO")
        server.request("PUT", f"{FILES}/dir/large.dcm?inbody=true", LARGE)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def port(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """That of nginx."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("NO NGINX WAS TRIED: it is not installed (Debian: nginx-light)")
    folder, port = tmp_path_factory.mktemp("nginx"), _free_port()
    site = _site(
        port=f"listen 127.0.0.1:{port};", server=f"127.0.0.1:{server.port}", blobs=f"{server.folder / 'blobs'}/"
    )
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(AROUND.format(folder=folder, site=site, user=user), encoding="utf-8")
    with subprocess.Popen([program, "-p", folder, "-e", folder / "error.log", "-c", config]) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("nginx did not start")


def _ask(
    port: int, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] = NONE
) -> tuple[int, Message, bytes]:
    name, _, value = AUTHORIZATION.strip().partition(": ")
    request = Request(f"http://127.0.0.1:{port}{path}", method=method, data=body, headers={name: value, **headers})
    try:
        with urlopen(request, timeout=60) as reply:
            return reply.status, reply.headers, reply.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


def _logged(server: Server, *words: str) -> str:
    """The line of the log with these words, which for a request is written when its answer has gone."""

    def found() -> list[str]:
        lines = server.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if all(word in line for word in words)]

    wait_until(lambda: bool(found()))
    return found()[0]


def test_nginx_sends_a_file_and_says_of_it_what_filmroom_says(server: Server, port: int) -> None:
    _, direct, _ = _ask(server.port, f"{FILES}/dir/large.dcm", headers={"Range": "bytes=0-"})
    status, headers, body = _ask(port, f"{FILES}/dir/large.dcm")
    sent = _logged(server, '"event":"request"', headers["Filmroom-Request"])

    assert (status, body) == (200, LARGE)
    assert {name: headers[name] for name in TOLD} == {name: direct[name] for name in TOLD}
    assert headers["Filmroom-Request"]
    assert headers.get("X-Accel-Redirect") is None
    assert '"bytes_out":0' in sent  # which were nginx's to send


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ({"Range": "bytes=10-19"}, 206, LARGE[10:20]),
        ({"If-None-Match": '"other"'}, 200, LARGE),
        ({"If-Match": '"other"'}, 412, None),
        ({"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}, 304, b""),
    ],
    ids=["range", "none-match", "match", "since"],
)
def test_parts_and_conditions_are_filmrooms(
    port: int, asked: Mapping[str, str], status: int, body: bytes | None
) -> None:
    found, headers, content = _ask(port, f"{FILES}/dir/large.dcm", headers=asked)

    assert found == status
    assert body is None or content == body
    assert status == 412 or headers["ETag"]


def test_a_tag_that_nginx_told_spares_a_download(port: int) -> None:
    tag = _ask(port, f"{FILES}/dir/large.dcm")[1]["ETag"]

    assert _ask(port, f"{FILES}/dir/large.dcm", headers={"If-None-Match": tag})[0] == 304


def test_nobody_gets_at_the_blobs_themselves(server: Server, port: int) -> None:
    blob = next(path for path in (server.folder / "blobs").rglob("*") if path.is_file() and path.stat().st_size > 10**6)
    below = blob.relative_to(server.folder / "blobs")

    assert _ask(port, f"/filmroom-blobs/{below}")[0] == 404
    assert _ask(port, f"/filmroom-blobs/{below}", headers={"X-Accel-Redirect": "/filmroom-blobs/x"})[0] == 404


def test_whoever_is_no_trusted_proxy_gets_the_bytes(make_server: Callable[..., Server], tmp_path: Path) -> None:
    config = tmp_path / "other.toml"
    config.write_text('trusted_proxies = "192.0.2.1"\naccel_location = "/filmroom-blobs"\n', encoding="utf-8")
    server = make_server("--config", str(config))
    server.request("PUT", "/data/projects/DEMO")
    server.request("PUT", f"{FILES}/a?inbody=true", b"voxels")

    assert _ask(server.port, f"{FILES}/a")[2] == b"voxels"


def test_a_head_says_the_same(port: int) -> None:
    told, head = (_ask(port, f"{FILES}/dir/large.dcm", method)[1] for method in ("GET", "HEAD"))

    assert {name: head[name] for name in TOLD} == {name: told[name] for name in TOLD}


def test_a_file_whose_bytes_are_gone_is_not_found(server: Server, port: int) -> None:
    server.request("PUT", f"{FILES}/gone?inbody=true", b"voxels that will be gone")
    blobs = (path for path in (server.folder / "blobs").rglob("*") if path.is_file())
    next(path for path in blobs if path.read_bytes() == b"voxels that will be gone").unlink()

    assert _ask(port, f"{FILES}/gone")[0] == 404


def test_uploads_and_archives_go_through(port: int) -> None:
    status, _, _ = _ask(port, "/data/projects/DEMO/resources/UP/files/b?inbody=true", "PUT", LARGE[::-1])

    assert status == 200
    assert _ask(port, "/data/projects/DEMO/resources/UP/files/b")[2] == LARGE[::-1]
    assert len(_ask(port, "/data/projects/DEMO/resources/UP/files?format=zip")[2]) > len(LARGE)


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_an_upload_that_is_cut_off_at_nginx_is_not_stored(server: Server, port: int, framing: str) -> None:
    start = b"x" * 5000 if "Length" in framing else b"1388\r\n" + b"x" * 5000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"PUT {FILES}/cut?inbody=true HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}{framing}\r\n\r\n"
        connection.sendall(head.encode() + start)
        time.sleep(0.3)

    assert '"method":"PUT"' in _logged(server, '"event":"request"', f"{FILES}/cut")
    assert "cut" not in {row["Name"] for row in server.rows(FILES)}
