"""Run the server: prepare the archive once, then one process or several on one listening socket."""

import gc
import logging
import os
import resource
import secrets
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import click
import orjson
import structlog
import uvicorn
from starlette.routing import Router
from uvicorn.supervisors import Multiprocess

from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.cli.libc import end_with_parent, keep_freed_memory
from filmroom.cli.protocol import BoundedProtocol, ConnectionLimits
from filmroom.composition import open_archive
from filmroom.service.archive import Archive
from filmroom.settings import SettingError, Settings, admin_password

_KEEP_ALIVE_SECONDS: Final = 75
# A request that makes no progress must not keep the server from ever stopping.
_LONGEST_SHUTDOWN_SECONDS: Final = 300
# Of a server process before it is killed and replaced. One that starts on a busy machine needs its time for importing.
_LONGEST_SILENCE_SECONDS: Final = 60
_ADMIN: Final = "admin"
# For the database, the log, and what else a process has open beside a blob for each connection.
_OTHER_FILES: Final = 256


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; running requests are finished first. Raises SettingError, ArchiveError."""
    refuse_network_file_system(settings)
    with _listen(settings) as listener:
        _prepare(settings)
        _serve(settings, listener)


def _serve(settings: Settings, listener: socket.socket) -> None:
    url = _url(settings, listener)
    config = uvicorn.Config(
        _AppFactory(settings, parent_pid=os.getpid()),
        factory=True,
        loop="uvloop",
        http=cast("type[BoundedProtocol]", partial(BoundedProtocol, limits=_connection_limits(settings))),
        lifespan="on",
        interface="asgi3",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_LONGEST_SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=_LONGEST_SILENCE_SECONDS,
        workers=settings.workers,
    )
    if settings.workers == 1:
        _Server(config, url).run(sockets=[listener])
    else:
        threading.Thread(target=_announce_when_up, args=(url, listener.getsockname()), daemon=True).start()
        _begin_collecting()
        Multiprocess(config, sockets=[listener]).run()


def _connection_limits(settings: Settings) -> ConnectionLimits:
    """As the settings say; fewer connections, with a word about it, where this process may not open enough files."""
    wanted = 2 * settings.max_connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))  # processes that are started inherit it
    connections = (most - _OTHER_FILES) // 2
    if connections < settings.max_connections:
        click.echo(f"max_connections is {connections}, because only {hard} files may be open (ulimit -Hn)", err=True)
    return ConnectionLimits(
        connections=connections, head_bytes=settings.max_head_bytes, progress_seconds=settings.progress_seconds
    )


@dataclass(frozen=True, slots=True)
class _AppFactory:
    """Makes the application in each server process; it travels there by pickle."""

    settings: Settings
    parent_pid: int

    def __call__(self) -> Router:
        keep_freed_memory()
        if self.settings.workers > 1:
            end_with_parent(self.parent_pid)
        configure_log(self.settings.log_level, for_good=True)
        from filmroom.app import create_app

        app = create_app(open_archive(self.settings), self.settings)
        _begin_collecting()
        return app


def _begin_collecting() -> None:
    """Of what is made from now on only: hardly anything that was loaded will ever be garbage."""
    gc.freeze()
    gc.enable()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _announce(self._url)


def _announce(url: str) -> None:
    click.echo(f"filmroom answers at {url}")


def _announce_when_up(url: str, address: tuple[str, int]) -> None:
    """The socket listens before any process accepts, so an answer is waited for."""
    with socket.create_connection(_reachable(address)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if connection.recv(1):
            _announce(url)


def _reachable(address: tuple[str, int]) -> tuple[str, int]:
    host, port = address[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


def _listen(settings: Settings) -> socket.socket:
    """A socket that listens before anything is made, so that a port in use leaves no traces."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise SettingError(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}") from error
    listener.set_inheritable(True)
    return listener


def _url(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.root_path}"


def _prepare(settings: Settings) -> None:
    """Make or migrate what is to be served, and the first administrator; once, before any server process."""
    archive = open_archive(settings)
    try:
        if not archive.accounts.has_any():
            _add_first_administrator(archive, settings)
    finally:
        archive.close()


def _add_first_administrator(archive: Archive, settings: Settings) -> None:
    """The password is told before the account is there: whatever comes between the two, the next start begins anew."""
    given = admin_password()
    password = given or secrets.token_urlsafe(12)
    if not given:
        _tell_password(settings, password)
    with ThreadPoolExecutor(1) as beside:
        added = beside.submit(archive.accounts.add, _ADMIN, password, is_admin=True)
        import_module("filmroom.app")  # is needed next, and a password takes its time
        added.result()


def _tell_password(settings: Settings, password: str) -> None:
    if sys.stdout.isatty():
        click.echo(f"user {_ADMIN}, password {password} (shown only now)")
    else:
        note = _write_password(settings.data_dir / "initial-password", password)
        click.echo(f"user {_ADMIN}, password in {note}")


def _write_password(path: Path, password: str) -> Path:
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as note:
        note.write(f"{password}\n")
        note.flush()
        os.fsync(note.fileno())
    return path


def configure_log(level: str, *, for_good: bool = False) -> None:
    """One JSON line per event on standard error, whoever tells of it.

    ``for_good`` says that it stays so as long as the process lives, which makes it quicker.
    """
    number = getattr(logging, level.upper())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_Forwarder()])
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", _Unfailing(sys.stderr.buffer))),
        cache_logger_on_first_use=for_good,
    )


class _Forwarder(logging.Handler):
    """Gives what libraries log to the log of the server."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("filmroom.libraries")
        log.log(record.levelno, "library", name=record.name, told=record.getMessage(), exc_info=record.exc_info)


class _Unfailing:
    """A log that is on a full disk, or whose reader has gone, must not keep the server from answering."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _to_json(event: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=str)
