"""A server that stores nothing: it answers a client as another server did, and what is uploaded is thrown away.

While it records, it passes each request on and keeps the answer, the last one to each method and target. After that it
has these answers, and nothing else: a client costs here what it costs by itself. One that has a folder makes each body
durable there before it answers, as the keeper does.
"""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

from bench.keeper import Keeper
from bench.standin import open_standin, read_head, serve_connections

_BUFFER_BYTES: Final = 1024 * 1024
_ANSWER_LIMIT_SECONDS: Final = 60.0
_LENGTH: Final = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)
# Of one connection only, or said anew, because an answer is kept whole.
_OWN_HEADERS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_UNKNOWN: Final = b"HTTP/1.1 501 Not recorded\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Replay:
    port: int
    _is_recorded: Event

    def stop_recording(self) -> None:
        """From now on what was never asked before is answered 501."""
        self._is_recorded.set()


@contextmanager
def open_replay(port: int, folder: Path | None = None) -> Iterator[Replay]:
    """One that records the server at this port of 127.0.0.1."""
    is_recorded = get_context("spawn").Event()
    with open_standin("server that stores nothing", _serve, port, is_recorded, folder) as standin:
        yield Replay(standin.port, is_recorded)


def _serve(port_sender: Connection, recorded_port: int, is_recorded: Event, folder: Path | None) -> None:
    recorded = _Recorded(recorded_port, is_recorded)
    keeper = Keeper(folder) if folder else None
    serve_connections(port_sender, lambda connection: _Dialogue(connection, recorded, keeper).run())


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Which server is recorded, whether it was, and its answers by the first line of what they answer."""

    port: int
    is_done: Event
    answers: dict[bytes, bytes] = field(default_factory=dict)


class _Dialogue:
    """One connection. Once all is recorded, nothing but reading and answering is done here."""

    def __init__(self, connection: socket.socket, recorded: _Recorded, keeper: Keeper | None) -> None:
        self._connection = connection
        self._recorded = recorded
        self._keeper = keeper
        self._buffer = bytearray(_BUFFER_BYTES)

    def run(self) -> None:
        with self._connection:
            while head_and_more := read_head(self._connection, self._buffer):
                head, more = head_and_more
                match = _LENGTH.search(head)
                left = (int(match[1]) if match else 0) - len(more)
                line = head.partition(b"\r\n")[0]
                if self._recorded.is_done.is_set():
                    self._take(more, left)
                    answer = self._recorded.answers.get(line, _UNKNOWN)
                else:
                    body = b"".join([more, *self._iter_rest(left)])
                    answer = self._recorded.answers[line] = self._ask(head, body)
                self._connection.sendall(answer)

    def _take(self, more: bytes, left: int) -> None:
        """Keep a body, if there is one and somebody to keep it; else it is not looked at."""
        if self._keeper is not None and (more or left):
            self._keeper.keep([more, *self._iter_rest(left)])
            return
        while left > 0 and (received := self._connection.recv_into(self._buffer)):
            left -= received

    def _iter_rest(self, left: int) -> Iterator[bytes]:
        while left > 0 and (received := self._connection.recv_into(self._buffer)):
            yield bytes(memoryview(self._buffer)[:received])
            left -= received

    def _ask(self, head: bytes, body: bytes) -> bytes:
        """What the recorded server answers, whole and with a length."""
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ", 2)
        connection = http.client.HTTPConnection("127.0.0.1", self._recorded.port, timeout=_ANSWER_LIMIT_SECONDS)
        with closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for line in lines:
                name, _, value = line.partition(":")
                if name.lower() not in _OWN_HEADERS:
                    connection.putheader(name, value.strip())
            if body or method in {"PUT", "POST"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        kept = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS]
        told = "\r\n".join((f"HTTP/1.1 {answer.status} {answer.reason}", *kept, f"Content-Length: {len(content)}"))
        return f"{told}\r\n\r\n".encode("latin-1") + content
