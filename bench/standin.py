"""Servers of the bench's own, in processes of their own: the least of HTTP that sink, keeper and replay all are."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final

from bench.load import WrongAnswerError

_START_LIMIT_SECONDS: Final = 30.0
_LENGTH: Final = re.compile(rb"\r\nContent-Length: (\d+)\r\n")


@dataclass(frozen=True, slots=True)
class Standin:
    pid: int
    port: int


@contextmanager
def open_standin(name: str, serve: Callable[..., None], *arguments: Any) -> Iterator[Standin]:
    """A process that serves, with a pipe before its arguments, into which it sends its port. Ended with the context."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(sender, *arguments), daemon=True)
    process.start()
    try:
        if not receiver.poll(_START_LIMIT_SECONDS):
            raise WrongAnswerError(f"the {name} did not start")
        yield Standin(process.pid or 0, receiver.recv())
    finally:
        process.terminate()
        process.join()


def serve_connections(port_sender: Connection, serve: Callable[[socket.socket], None]) -> None:
    """Send the port, then give each connection a thread until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port_sender.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def read_head(connection: socket.socket, buffer: bytearray) -> tuple[bytes, bytes] | None:
    """The head of the next request and what came with it; None when the client has gone."""
    filled, end = 0, -1
    while end < 0:
        received = connection.recv_into(memoryview(buffer)[filled:])
        if not received:
            return None
        filled += received
        end = buffer.find(b"\r\n\r\n", 0, filled)
    return bytes(buffer[: end + 4]), bytes(buffer[end + 4 : filled])


def read_request(
    connection: socket.socket, buffer: bytearray, take: Callable[[bytes | memoryview], object] = len
) -> bytes:
    """The head of the next request, whose body was read, piece by piece, and taken; empty when the client has gone."""
    read = read_head(connection, buffer)
    if read is None:
        return b""
    head, more = read
    take(more)
    match = _LENGTH.search(head)
    left = (int(match[1]) if match else 0) - len(more)
    while left > 0:
        received = connection.recv_into(buffer)
        if not received:
            return b""
        take(memoryview(buffer)[:received])
        left -= received
    return head
