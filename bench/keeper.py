"""A server that keeps what filmroom promises, and does nothing else: the most that this disk lets anybody promise.

A body is summed up (MD5) and written to a new file; file and folder are synced; then a page of a log, which connections
share as they share a transaction of filmroom's, is written over and synced; then it is answered. Nobody is asked who he
is, no name is looked at, and nothing can be found again.
"""

import hashlib
import os
import socket
import threading
from collections.abc import Sequence
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from bench.ground import MIB
from bench.standin import read_request, serve_connections
from filmroom.blobs.local import sync_folder

_PAGE: Final = bytes(4096)
_LOG_PAGES: Final = 1000  # as many as SQLite lets its log grow to before it begins anew
_KEPT: Final = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def serve_keeper(port_sender: Connection, folder: Path) -> None:
    """Send the port, then keep what comes in the folder until the process is ended."""
    serve_connections(port_sender, partial(_keep_all, Keeper(folder)))


def _keep_all(keeper: "Keeper", connection: socket.socket) -> None:
    buffer = bytearray(MIB)
    with connection:
        body: list[bytes] = []
        while read_request(connection, buffer, lambda piece: body.append(bytes(piece))):
            keeper.keep(body)
            connection.sendall(_KEPT)
            body.clear()


class Keeper:
    """Keeps bodies as files of a new folder in this one."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir(parents=True)
        self._numbers = count()
        self._log = _Log(folder / "log")

    def keep(self, body: Sequence[bytes]) -> None:
        """Return when a body, in its pieces, is durable."""
        digest = hashlib.md5(usedforsecurity=False)
        with (self._files / str(next(self._numbers))).open("xb", buffering=0) as file:
            for piece in body:
                digest.update(piece)
            os.writev(file.fileno(), body)
            os.fsync(file.fileno())
        sync_folder(self._files)
        self._log.write()


class _Log:
    """A page for each file. Those who come while it is synced share the next sync, which the first of them does."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(self._descriptor, _PAGE * _LOG_PAGES)
        os.fsync(self._descriptor)
        self._pages = 0
        self._synced_pages = 0
        self._writing = threading.Lock()
        self._syncing = threading.Lock()

    def write(self) -> None:
        """Return when the caller's page is durable."""
        with self._writing:
            page = self._pages
            os.pwrite(self._descriptor, _PAGE, page % _LOG_PAGES * len(_PAGE))
            self._pages += 1
        with self._syncing:
            if page >= self._synced_pages:
                written = self._pages
                os.fdatasync(self._descriptor)
                self._synced_pages = written
