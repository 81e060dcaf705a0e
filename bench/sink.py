"""A server that keeps nothing: the generator's speed against it is the most that the generator could measure.

It reads a PUT's body and forgets it; ``GET /<size>/...`` is answered with that many zeros, by sendfile from memory.
"""

import os
import socket
from functools import partial
from multiprocessing.connection import Connection
from typing import BinaryIO, Final

from bench.standin import read_request, serve_connections

_PIECE_BYTES: Final = 1024 * 1024


def serve_sink(port_sender: Connection) -> None:
    """Send the port, then serve until the process is ended."""
    zeros = os.fdopen(os.memfd_create("zeros"), "w+b", buffering=0)
    zeros.write(bytes(_PIECE_BYTES))
    serve_connections(port_sender, partial(_answer_all, zeros))


def _answer_all(zeros: BinaryIO, connection: socket.socket) -> None:
    buffer = bytearray(_PIECE_BYTES)
    with connection:
        while head := read_request(connection, buffer):
            size_bytes = int(head.split(b"/", 2)[1]) if head.startswith(b"GET ") else 0
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size_bytes)
            for start in range(0, size_bytes, _PIECE_BYTES):
                connection.sendfile(zeros, count=min(_PIECE_BYTES, size_bytes - start))
