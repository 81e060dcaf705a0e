"""A server process beside the first one, which has started it (``crew.py``): it serves the connections it is given."""

import asyncio
import gc
import socket
import sys
from contextlib import suppress

import structlog

from filmroom import __version__
from filmroom.cli.channel import HelperEnd, Orders, Report
from filmroom.cli.crew import LOOK_EVERY_SECONDS
from filmroom.cli.process import Process, count_busy
from filmroom.rest.processors import Processors


class _Helper(Process):
    """Listens to nobody but the first process, and ends when that closes the channel."""

    def __init__(self, orders: Orders, end: HelperEnd) -> None:
        processors = Processors(orders.processors, for_small_work=orders.processor)
        super().__init__(orders.settings, processors, known=orders.known)
        self._end = end
        self._given = 0
        self._opening: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._end, self._take)
        self._report()

    def _report(self) -> None:
        if not self.should_exit:
            self._end.report(Report(self._given, len(self.connections), count_busy(self.connections)))
            asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._report)

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for given in self._end.take():
                self._given += 1
                if given.connection is None:
                    structlog.get_logger("filmroom.processes").error("a connection was lost: too many files are open")
                    continue
                opening = loop.create_task(self._open(given.connection, is_new=given.is_new))
                self._opening.add(opening)
                opening.add_done_callback(self._opening.discard)
        except EOFError:
            loop.remove_reader(self._end)
            self.should_exit = True

    async def _open(self, connection: socket.socket, *, is_new: bool) -> None:
        def make_protocol() -> asyncio.Protocol:
            return self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state, is_kept=not is_new
            )

        with suppress(OSError):  # whoever was there is gone
            await asyncio.get_running_loop().connect_accepted_socket(make_protocol, connection)


def run(descriptor: int) -> None:
    """Serve as the first process says at the other end of this socket, until it closes that."""
    gc.disable()  # as the command does that starts a server
    end = HelperEnd(descriptor)
    orders = end.read_orders()
    if orders.version != __version__:
        # Another schema may be this one's, and to bring the database to it is not for a helper.
        sys.exit(f"filmroom {orders.version} is now {__version__}: restart the server to have more than one process")
    _Helper(orders, end).run(sockets=[])


if __name__ == "__main__":
    with suppress(EOFError):
        run(int(sys.argv[1]))
