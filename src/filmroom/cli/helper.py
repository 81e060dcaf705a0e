"""A server process that another one has started (``crew.py``): it serves the connections that it is given."""

import asyncio
import gc
import os
import socket
import sys
from contextlib import suppress

import uvicorn

from filmroom.cli.channel import Report, Taking
from filmroom.cli.crew import LOOK_EVERY_SECONDS
from filmroom.cli.process import connections_of, count_busy, make_config
from filmroom.rest.processors import Processors


class _Helper(uvicorn.Server):
    """Listens to nobody but the process that started it, and ends when that has no more for it."""

    def __init__(self, config: uvicorn.Config, taking: Taking) -> None:
        super().__init__(config)
        self._taking = taking
        self._given = 0
        self._opening: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._taking, self._take)
        self._report()

    def _report(self) -> None:
        if not self.should_exit:
            connections = connections_of(self)
            self._taking.report(Report(self._given, len(connections), count_busy(connections)))
            asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._report)

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for connection in self._taking.take():
                self._given += 1
                opening = loop.create_task(self._open(connection))
                self._opening.add(opening)
                opening.add_done_callback(self._opening.discard)
        except EOFError:
            loop.remove_reader(self._taking)
            self.should_exit = True

    async def _open(self, connection: socket.socket) -> None:
        with suppress(OSError):  # whoever was there is gone
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def run(descriptor: int) -> None:
    """Serve as the first process says at the other end of this socket, until it closes that."""
    gc.disable()  # as the command does that starts a server
    taking = Taking(descriptor)
    orders = taking.read_orders()
    os.sched_setaffinity(0, orders.processors)
    processors = Processors()
    if orders.processor is not None:
        processors.keep_to(orders.processor)
    _Helper(make_config(orders.settings, processors), taking).run(sockets=[])


if __name__ == "__main__":
    with suppress(EOFError, KeyboardInterrupt):
        run(int(sys.argv[1]))
