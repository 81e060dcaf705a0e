"""A server that keeps nothing: the generator's speed against it is the most that the generator could measure.

It reads a PUT's body and forgets it; ``GET /<size>/...`` is answered with that many zeros, by sendfile from memory.
"""

import os
import re
import socket
import threading
from multiprocessing.connection import Connection
from typing import BinaryIO, Final

_PIECE_BYTES: Final = 1024 * 1024
_LENGTH: Final = re.compile(rb"\r\nContent-Length: (\d+)\r\n")


def serve_sink(port_sender: Connection) -> None:
    """Send the port, then serve until the process is ended."""
    zeros = os.fdopen(os.memfd_create("zeros"), "w+b", buffering=0)
    zeros.write(bytes(_PIECE_BYTES))
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port_sender.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer_all, args=(connection, zeros), daemon=True).start()


def _answer_all(connection: socket.socket, zeros: BinaryIO) -> None:
    buffer = bytearray(_PIECE_BYTES)
    with connection:
        while head := _read_request(connection, buffer):
            size_bytes = int(head.split(b"/", 2)[1]) if head.startswith(b"GET ") else 0
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size_bytes)
            for start in range(0, size_bytes, _PIECE_BYTES):
                connection.sendfile(zeros, count=min(_PIECE_BYTES, size_bytes - start))


def _read_request(connection: socket.socket, buffer: bytearray) -> bytes:
    """The head of the next request, whose body was read too; empty when the client has gone."""
    filled, end = 0, -1
    while end < 0:
        received = connection.recv_into(memoryview(buffer)[filled:])
        if not received:
            return b""
        filled += received
        end = buffer.find(b"\r\n\r\n", 0, filled)
    head = bytes(buffer[: end + 4])
    match = _LENGTH.search(head)
    left = (int(match[1]) if match else 0) - (filled - len(head))
    while left > 0:
        received = connection.recv_into(buffer)
        if not received:
            return b""
        left -= received
    return head
