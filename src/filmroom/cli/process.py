"""One server process: uvicorn, with limits on connections, around the application of an archive."""

import asyncio
import gc
import resource
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import click
import uvicorn
from starlette.routing import Router

from filmroom.cli.libc import keep_freed_memory
from filmroom.cli.log import configure_log
from filmroom.cli.protocol import BoundedProtocol, Colleagues, ConnectionLimits
from filmroom.composition import open_archive
from filmroom.rest.processors import Processors
from filmroom.service.archive import Archive
from filmroom.service.sessions import Known
from filmroom.settings import Settings

# A request that makes no progress must not keep the server from ever stopping.
LONGEST_SHUTDOWN_SECONDS: Final = 300
_KEEP_ALIVE_SECONDS: Final = 75
# For the database, the log, and what else a process has open beside a blob for each connection.
_OTHER_FILES: Final = 256
# For so long after its last answer, or after it was opened, a connection counts as busy.
_BUSY_SECONDS: Final = 1.0


class Process(uvicorn.Server):
    """What the first process and those beside it have in common.

    ``colleagues`` may take connections over from it; ``known`` is what another one remembers of who signed in.
    """

    def __init__(
        self,
        settings: Settings,
        processors: Processors,
        *,
        colleagues: Colleagues | None = None,
        known: Known | None = None,
    ) -> None:
        self._factory = _AppFactory(settings, processors, known)
        super().__init__(_make_config(settings, self._factory, colleagues))
        self._processors = processors
        self._write_log = configure_log(settings.log_level, for_good=True)

    @property
    def connections(self) -> set[BoundedProtocol]:
        """Those that are open, as they come and go."""
        return cast("set[BoundedProtocol]", self.server_state.connections)

    def tell_known(self) -> Known | None:
        """What this process remembers of who signed in; None before it serves."""
        return self._factory.archive.sessions.tell_known() if self._factory.archive else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._processors.keep()  # only now: the threads that the application has started may use all

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._write_log()  # a signal that ended the server is about to end the process


def _make_config(settings: Settings, factory: "_AppFactory", colleagues: Colleagues | None) -> uvicorn.Config:
    limits = _connection_limits(settings)
    return uvicorn.Config(
        factory,
        factory=True,
        loop="uvloop",
        http=cast("type[BoundedProtocol]", partial(BoundedProtocol, limits=limits, colleagues=colleagues)),
        lifespan="on",
        interface="asgi3",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LONGEST_SHUTDOWN_SECONDS,
    )


def _connection_limits(settings: Settings) -> ConnectionLimits:
    """As the settings say; fewer connections, with a word about it, where this process may not open enough files."""
    wanted = 2 * settings.max_connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    connections = (most - _OTHER_FILES) // 2
    if connections < settings.max_connections:
        click.echo(f"max_connections is {connections}, because only {hard} files may be open (ulimit -Hn)", err=True)
    return ConnectionLimits(
        connections=connections, head_bytes=settings.max_head_bytes, progress_seconds=settings.progress_seconds
    )


@dataclass(slots=True)
class _AppFactory:
    """Makes the application, in the thread of the event loop; then ``archive`` is what it serves."""

    settings: Settings
    processors: Processors
    known: Known | None
    archive: Archive | None = None

    def __call__(self) -> Router:
        keep_freed_memory()
        from filmroom.app import create_app

        self.archive = open_archive(self.settings)
        if self.known is not None:
            self.archive.sessions.learn(self.known)
        app = create_app(self.archive, self.settings, self.processors)
        _begin_collecting()
        return app


def _begin_collecting() -> None:
    """Of what is made from now on only: hardly anything that was loaded will ever be garbage."""
    gc.freeze()
    gc.enable()


def count_busy(connections: Iterable[BoundedProtocol]) -> int:
    """How many are being answered, were answered within the last second, or opened."""
    since = _recently()
    return sum(each.is_answering or max(each.answered_at, each.opened_at) > since for each in connections)


def count_answered(connections: Iterable[BoundedProtocol]) -> int:
    """How many were answered within the last second."""
    since = _recently()
    return sum(each.answered_at > since for each in connections)


def _recently() -> float:
    return asyncio.get_running_loop().time() - _BUSY_SECONDS
