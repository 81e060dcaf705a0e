"""A client of resumable uploads that is cut off and goes on, as its user's network would have it."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rest.tus import TUS, named
from server.process import AUTHORIZATION, Server

PIECE_BYTES = 1024 * 1024
_PATIENCE_SECONDS = 30.0
# Somebody else sends, or has just sent more than was asked about.
_BUSY = {409, 423}


@dataclass
class Sender:
    """Sends what ``piece`` gives for a place and a length, to one upload."""

    server: Server
    piece: Callable[[int, int], bytes]
    size_bytes: int
    path: str = ""

    def begin(self, uploads: str, name: str) -> None:
        self.path = self._ask("POST", uploads, named(name, self.size_bytes))["Location"]

    def offset(self) -> int:
        return int(self._ask("HEAD", self.path, TUS)["Upload-Offset"])

    def send(self, *, until: int | None = None) -> int:
        """Send from where the upload stands; ``until`` is where the connection is cut. Where it stood."""
        begins = self.offset()
        with self.server.connect() as connection, suppress(ConnectionError):
            connection.settimeout(120)
            connection.sendall(self._head(begins))
            place = begins
            while place < (self.size_bytes if until is None else until):
                content = self.piece(place, min(PIECE_BYTES, self.size_bytes - place))
                connection.sendall(content)
                place += len(content)
            if until is None:
                assert b" 204 " in connection.recv(65536).split(b"\r\n", 1)[0] + b" "
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return begins

    def wait_until_free(self) -> None:
        """Until the server has noticed that a cut connection is no more."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while self._is_busy():
            assert time.monotonic() < give_up_at, "the upload is still in use"
            time.sleep(0.05)

    def _is_busy(self) -> bool:
        """An empty stretch at the end of what is there changes nothing."""
        headers = {**TUS, "Upload-Offset": str(self.offset()), "Content-Type": "application/offset+octet-stream"}
        try:
            self._ask("PATCH", self.path, headers)
        except HTTPError as error:
            with error:
                if error.code not in _BUSY:
                    raise
            return True
        return False

    def _head(self, begins: int) -> bytes:
        lines = (
            f"PATCH {self.path} HTTP/1.1",
            "Host: localhost",
            AUTHORIZATION.strip(),
            "Tus-Resumable: 1.0.0",
            "Content-Type: application/offset+octet-stream",
            f"Upload-Offset: {begins}",
            f"Content-Length: {self.size_bytes - begins}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> Message:
        request = Request(f"{self.server.url}{path}", method=method, headers=headers)
        request.add_header("Authorization", AUTHORIZATION.split(": ", 1)[1].strip())
        with urlopen(request, timeout=60) as reply:
            told: Message = reply.headers
            return told
