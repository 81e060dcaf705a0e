"""HTTP/1.1 connections with limits on the head of a request, which uvicorn reads without any."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD_BYTES: Final = 64 * 1024
HEAD_TIME_SECONDS: Final = 30.0

_MOST_WAITING_BYTES: Final = 256 * 1024

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head of more than 64 KiB (431), and one that is not whole after 30 seconds (408)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._heads = 0  # whole heads so far
        self._head_bytes = 0
        self._is_in_head = True
        self._head_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if self._is_in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIME_SECONDS, self._refuse, _TOO_SLOW)
        was_in_head, heads = self._is_in_head, self._heads
        super().data_received(data)
        if was_in_head and self._heads == heads:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD_BYTES:
                self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._heads += 1
        self._end_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """As uvicorn does it, but with room for a whole small upload before reading is paused."""
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > _MOST_WAITING_BYTES:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
