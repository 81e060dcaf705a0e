"""Between the first server process and a helper: orders and connections one way, how the helper fares the other way.

A pair of sockets that keep messages apart (SOCK_SEQPACKET, unix(7)). Connections travel as open descriptors. When the
first process closes its end, for whatever reason, the helper is to come to its end.
"""

import pickle
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from filmroom import __version__
from filmroom.service.sessions import Known
from filmroom.settings import Settings

_LONGEST_ORDERS_BYTES: Final = 65_536
_NEW: Final = b"n"
_KEPT: Final = b"k"
_REPORT: Final = struct.Struct("<III")


@dataclass(frozen=True, slots=True)
class Orders:
    """What a helper is to serve, which processors there are, and which of them its small work is kept to.

    ``known`` is what the first process remembers of who signed in; None for nothing.

    ``version`` is that of the first process: what lies on the disk may be another one by now.
    """

    settings: Settings
    processors: frozenset[int]
    processor: int
    known: Known | None = None
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Report:
    """How many connections a helper was given so far, how many of its are open, and how many of these are busy."""

    given: int
    open: int
    busy: int


@dataclass(frozen=True, slots=True)
class Given:
    """A connection, which had requests already unless it is new; without a socket where no descriptor was left."""

    is_new: bool
    connection: socket.socket | None


class FirstEnd:
    """The end of the first process. It never waits."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        channel.settimeout(0)

    def fileno(self) -> int:
        return self._channel.fileno()

    def send_orders(self, orders: Orders) -> None:
        self._channel.send(pickle.dumps(orders))

    def give(self, descriptor: int, *, is_new: bool) -> bool:
        """Whether the connection is on its way; the descriptor stays open here."""
        try:
            socket.send_fds(self._channel, [_NEW if is_new else _KEPT], [descriptor])
        except OSError:  # it is full, or the helper is gone, which is seen elsewhere
            return False
        return True

    def read_report(self) -> Report | None:
        """The newest that has come; None where none has. Raises EOFError when the helper is gone."""
        newest = None
        try:
            while message := self._channel.recv(_REPORT.size):
                newest = Report(*_REPORT.unpack(message))
        except BlockingIOError:
            return newest
        except OSError as error:
            raise EOFError from error
        raise EOFError

    def close(self) -> None:
        self._channel.close()


class HelperEnd:
    """The end of a helper."""

    def __init__(self, descriptor: int) -> None:
        self._channel = socket.socket(fileno=descriptor)

    def fileno(self) -> int:
        return self._channel.fileno()

    def read_orders(self) -> Orders:
        """Wait for what is to be done. Raises EOFError when that is nothing any more."""
        message = self._channel.recv(_LONGEST_ORDERS_BYTES)
        if not message:
            raise EOFError
        self._channel.settimeout(0)
        orders: Orders = pickle.loads(message)  # noqa: S301 - from the process that started this one
        return orders

    def take(self) -> Iterator[Given]:
        """What has come. Raises EOFError when no more will."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
            except BlockingIOError:
                return
            except OSError as error:
                raise EOFError from error
            if not message:
                raise EOFError
            # Where no more may be open, the kernel gives the message without it.
            yield Given(message == _NEW, socket.socket(fileno=descriptors[0]) if descriptors else None)

    def report(self, report: Report) -> None:
        """Tell it, unless the other end is gone or has not read what came before: there will be a newer one."""
        try:
            self._channel.send(_REPORT.pack(report.given, report.open, report.busy))
        except OSError:
            return


@contextmanager
def open_channel() -> Iterator[tuple[FirstEnd, int]]:
    """One end, and the descriptor of the other, which is open for as long as the context is; after an error neither."""
    first, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with others:
        try:
            yield FirstEnd(first), others.fileno()
        except BaseException:
            first.close()
            raise
