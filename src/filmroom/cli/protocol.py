"""HTTP/1.1 connections with limits, where uvicorn has none: on heads, on their number, on clients that read nothing.

Clients that send no more of a body are cut in ``rest/transfer.py``, which can tell them so.
"""

import asyncio
import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LOG: Final = structlog.get_logger("filmroom.connections")

HEAD_TIME_SECONDS: Final = 30.0

_MOST_WAITING_BYTES: Final = 256 * 1024
# What a client must take of an answer in the time that it has to make progress.
_LEAST_PROGRESS_BYTES: Final = 1024
# Connections beyond the limit that are told so; those beyond these too are closed without a word.
_MOST_TURNED_AWAY: Final = 256
_TURNED_AWAY_SECONDS: Final = 5.0
# Time for a client to read why it is refused: closing at once, with something unread, would take the answer back.
_LINGER_SECONDS: Final = 2.0
# Whoever asks whether the server lives must not be told that it is crowded.
_HEALTH: Final = (b"/healthz", b"/readyz")

_CLOSED: Final = b"Connection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _CLOSED
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\n" + _CLOSED
_CROWDED: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n" + _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """``progress_seconds`` is how long a client may take nothing of an answer that waits for it."""

    connections: int
    head_bytes: int
    progress_seconds: float


class Colleagues(Protocol):
    """Other processes, which may take connections over."""

    def wants(self) -> bool:
        """Whether one of them would take a connection that was busy here."""

    def take(self, descriptor: int, *, is_new: bool) -> bool:
        """Whether one of them has the connection now, so that this process must close it without a word."""


class _Parser(HttpRequestParser):
    """Goes on in HTTP/1.1 when a client offers another protocol (RFC 9110 section 7.8).

    httptools takes such a request to end with its head, and what is its body to be of the other protocol: a file would
    be stored without a byte. So the head is read once more, without the offer.
    """

    def __init__(self, protocol: "BoundedProtocol") -> None:
        super().__init__(protocol)
        self._protocol = protocol
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it

    def feed_data(self, data: Any) -> None:
        rest = memoryview(data)
        while rest:
            try:
                super().feed_data(rest)
            except HttpParserUpgrade as offer:
                super().feed_data(self._protocol.head_without_offer())
                rest = rest[offer.args[0] :]
            else:
                break


class _Flow(FlowControl):
    """Reads on only when no request waits behind the one that is answered.

    Else each answer would let in another buffer of requests that wait, without end.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head that is too long (431) or not whole after 30 seconds (408), and a connection too many (503).

    Ends a connection whose client takes nothing of its answer. Lets colleagues take over one that is new, or between
    two requests; ``is_kept`` says that it comes from one, with whom it had requests already. ``opened_at`` is the time
    of the loop then, ``answered_at`` when its last answer was complete, -inf before the first one.
    """

    def __init__(
        self,
        *arguments: Any,
        limits: ConnectionLimits,
        colleagues: Colleagues | None = None,
        is_kept: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.parser = _Parser(self)
        self.opened_at = self.loop.time()
        self.answered_at = -math.inf
        self._is_kept = is_kept
        self._limits = limits
        self._colleagues = colleagues
        self._is_in_message = False
        self._is_given = False
        self._heads = 0  # whole ones so far
        self._steps = 0  # whole heads and pieces of bodies so far
        self._head_bytes = 0  # since the last of them
        self._is_in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0
        self._is_surplus = False
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        if self._colleagues is not None and self._give_to(self._colleagues, is_new=True):
            return
        surplus = len(self.connections) - self._limits.connections
        self._is_surplus = surplus > 0
        if surplus > _MOST_TURNED_AWAY:
            transport.abort()
            return
        if self._is_kept:
            self._wait_for_next_request()
        else:
            self._begin_head(_TURNED_AWAY_SECONDS if self._is_surplus else HEAD_TIME_SECONDS)

    def _wait_for_next_request(self) -> None:
        """As uvicorn does after an answer."""
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    @property
    def is_answering(self) -> bool:
        return bool(self._heads) and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self._is_given:
            return
        steps, was_in_head = self._steps, self._is_in_head
        super().data_received(data)
        if self._steps == steps:  # a part of a head; or of what a chunked body has around its chunks and after them
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(_TOO_LARGE)
            elif was_in_head and self._head_timer is None:  # and still is; the last chunk of a body begins no head
                self._begin_head(HEAD_TIME_SECONDS)

    def on_message_begin(self) -> None:
        self._is_in_message = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # nobody asks for the trailers of a body
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._has_offer():
            return
        self._is_in_head = False
        self._steps += 1
        self._end_head()
        if self._is_surplus and not self.url.endswith(_HEALTH):
            self._refuse(_CROWDED)
        if not self._is_refused:
            self._heads += 1
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """As uvicorn does it, but with room for a whole small upload before reading is paused."""
        if self._is_refused:
            return
        self._steps += 1
        self._head_bytes = 0
        if self.cycle.response_complete:
            return
        # Not by adding to its bytearray: what is taken at once, as it nearly always is, is then not copied twice.
        self.cycle.body = self.cycle.body + body if self.cycle.body else body  # type: ignore[assignment]
        if len(self.cycle.body) > _MOST_WAITING_BYTES:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._has_offer():
            return
        if not self._is_refused:
            super().on_message_complete()
        self._is_in_head = True
        self._is_in_message = False

    def _has_offer(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def head_without_offer(self) -> bytes:
        """The head that was just read, but for what it says of other protocols."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():  # which it does only when the last byte has gone
            self._watch_reader()
        self.answered_at = self.loop.time()
        if self._colleagues is not None and self._colleagues.wants():
            self.loop.call_soon(self._give_if_idle, self._colleagues)  # when the answer has been sent

    def _give_if_idle(self, colleagues: Colleagues) -> None:
        is_idle = self.cycle.response_complete and not self._is_in_message and not self.transport.is_closing()
        if is_idle and not self.transport.get_write_buffer_size():
            self._give_to(colleagues, is_new=False)

    def _give_to(self, colleagues: Colleagues, *, is_new: bool) -> bool:
        """Whether it is theirs now. Nothing of a request must have been read, and nothing be left to be sent.

        Then it goes on in another process that has it open; here its socket is closed without a word to the client, and
        what has come meanwhile stays with the kernel for the other one to read.
        """
        if not colleagues.take(self.transport.get_extra_info("socket").fileno(), is_new=is_new):
            return False
        self._is_given = True
        self.transport.abort()
        return True

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self._watch_reader()
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_watch()
        super().connection_lost(exc)

    def _begin_head(self, seconds: float) -> None:
        self._head_timer = self.loop.call_later(seconds, self._refuse_slow_head)

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_slow_head(self) -> None:
        if self._head_bytes:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()  # a browser may open one in case it will need it: there is nothing to answer

    def _refuse(self, answer: bytes) -> None:
        if self.transport.is_closing() or self._is_refused:
            return
        self._is_refused = True
        _LOG.warning("refused", client=self._peer(), status=int(answer[9:12]))
        if self._heads and not self.cycle.response_complete:
            self.transport.abort()  # a second answer cannot begin in the middle of the first
            return
        self.transport.write(answer)
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def _watch_reader(self) -> None:
        self._end_watch()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._reader_timer = self.loop.call_later(self._limits.progress_seconds, self._check_reader)

    def _end_watch(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _check_reader(self) -> None:
        unsent_bytes = self.transport.get_write_buffer_size()
        if not unsent_bytes:
            self.transport.close()
        elif unsent_bytes > self._unsent_bytes - _LEAST_PROGRESS_BYTES:
            _LOG.warning("cut", client=self._peer(), bytes_left=unsent_bytes)
            self.transport.abort()
        else:
            self._watch_reader()

    def _peer(self) -> str | None:
        """The other end of the connection, which may be a proxy."""
        return self.client[0] if self.client else None
