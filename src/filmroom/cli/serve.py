"""Run the server: prepare the archive once, then listen, with one process or several to serve it."""

import os
import secrets
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from filmroom.cli.crew import Crew
from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.cli.process import LONGEST_SHUTDOWN_SECONDS, Process
from filmroom.composition import open_archive
from filmroom.service.archive import Archive
from filmroom.settings import SettingError, Settings, admin_password

_ADMIN: Final = "admin"


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; running requests are finished first. Raises SettingError, ArchiveError."""
    refuse_network_file_system(settings)
    with _listen(settings) as listener:
        _prepare(settings)
        _First(settings, Crew(settings), _url(settings, listener)).run(sockets=[listener])


class _First(Process):
    """The first process, which alone listens."""

    def __init__(self, settings: Settings, crew: Crew, url: str) -> None:
        super().__init__(settings, crew.processors, colleagues=crew)
        self._crew = crew
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._crew.begin(self.connections, self.tell_known)
            click.echo(f"filmroom answers at {self._url}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._crew.end()
        await super().shutdown(sockets)
        await self._crew.wait(LONGEST_SHUTDOWN_SECONDS, is_forced=lambda: self.force_exit)


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
