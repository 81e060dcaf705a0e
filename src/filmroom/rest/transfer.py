"""Bodies in and out: with ``endpoint.py`` the only asynchronous code.

Waiting for slow clients happens here, without a thread; what touches disks or the database happens in threads. A body
is gathered into pieces of up to 1 MiB before one hop to a thread takes them, so a small upload is one hop and a large
one costs the same memory whatever its length.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from filmroom.model.errors import BodyTooLarge, CutUpload, StalledUpload, TooManyUploads, UnknownCoding
from filmroom.rest.call import BodyHead, Intake
from filmroom.rest.reply import PIECE_BYTES, Chunks, Reply
from filmroom.rest.threads import Run

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# decisions.md, Writing: how much of a body that will not be kept is read before a client is answered with an error.
_DRAIN_BYTES: Final = 64 * 1024 * 1024
_DRAIN_SECONDS: Final = 10.0
# What a client must send of a body in the time that it has to make progress.
_LEAST_PROGRESS_BYTES: Final = 1024
# How long a small body is waited for before its sender is looked at: it must not be gathered for just anybody.
_SOON_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """``progress_seconds`` is how long a client may send nothing of a body."""

    longest_bytes: int
    progress_seconds: float
    uploads_per_user: int


class Uploads:
    """The bodies that are arriving at this process, by whose they are."""

    def __init__(self, most_each: int) -> None:
        self._most_each = most_each
        self._logins: list[str | None] = []

    @contextmanager
    def one_more(self, login: str | None) -> Iterator[None]:
        """Count one while the context is open. Raises TooManyUploads."""
        if self._logins.count(login) >= self._most_each:
            raise TooManyUploads(f"this account is sending {self._most_each} bodies already")
        self._logins.append(login)
        try:
            yield
        finally:
            self._logins.remove(login)


class Body:
    """A request's body. ``is_read`` when there is none, or its end was seen; ``received_bytes`` is what has come."""

    def __init__(self, receive: Receive, announced: BodyHead, limits: BodyLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._announced = announced
        self._was_asked_for = False
        self._is_stalled = False
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self.received_bytes = 0
        # Where none is announced there is none (RFC 9112 section 6.3), and nothing to wait for.
        self.is_read = not announced.size_bytes and not announced.coding

    def check_coding(self) -> None:
        """Raises UnknownCoding for any but chunked (RFC 9112 section 6.1): what is packed would be stored packed."""
        coding = self._announced.coding
        if coding and coding.strip().lower() != "chunked":
            raise UnknownCoding(coding)

    def check_length(self) -> None:
        """Raises BodyTooLarge for what is announced, or has come, beyond the limit."""
        if max(self._announced.size_bytes, self.received_bytes) > self._limits.longest_bytes:
            raise BodyTooLarge(self._limits.longest_bytes)

    async def is_here_soon(self) -> bool:
        """Whether all of a small body has come within a second; what has come is not lost. Raises as ``read_piece``."""
        try:
            async with asyncio.timeout(_SOON_SECONDS):
                while self._wants_more():
                    self._note(await self._receive_chunk())
        except TimeoutError:
            return False
        return self.is_read

    async def read_piece(self) -> list[bytes]:
        """The next chunks, 1 MiB or a little more of them unless the body ends; none at its end.

        Raises CutUpload when the connection ends before the body does, once what came before that is given out: only
        the server's own word that there is no more counts as an end, because a chunked body that was cut between two
        chunks looks like a whole one. So it does with StalledUpload, when a client sends (almost) nothing for too long.
        Raises BodyTooLarge.
        """
        try:
            await self._gather()
        except CutUpload:
            if not self._gathered:
                raise
        self.check_length()
        return self._take_gathered()

    def _take_gathered(self) -> list[bytes]:
        chunks, self._gathered, self._gathered_bytes = self._gathered, [], 0
        return chunks

    async def _gather(self) -> None:
        if self._is_stalled:
            raise self._stalled()
        due, wanted_bytes = self._due(), _LEAST_PROGRESS_BYTES
        while self._wants_more():
            chunk = await self._receive_by(due)
            self._note(chunk)
            wanted_bytes -= len(chunk)
            if wanted_bytes <= 0:
                due, wanted_bytes = self._due(), _LEAST_PROGRESS_BYTES

    def _wants_more(self) -> bool:
        return not self.is_read and self._gathered_bytes < PIECE_BYTES

    def _note(self, chunk: bytes) -> None:
        if chunk:
            self._gathered.append(chunk)
            self._gathered_bytes += len(chunk)
            self.received_bytes += len(chunk)

    def _stalled(self) -> StalledUpload:
        return StalledUpload(f"too little came within {self._limits.progress_seconds:g} seconds")

    def _due(self) -> float:
        return asyncio.get_running_loop().time() + self._limits.progress_seconds

    async def _receive_by(self, due: float) -> bytes:
        try:
            async with asyncio.timeout_at(due):
                return await self._receive_chunk()
        except TimeoutError as error:
            self._is_stalled = True
            raise self._stalled() from error

    async def _receive_chunk(self) -> bytes:
        self._was_asked_for = True
        message = await self._receive()
        if message["type"] != "http.request":
            raise CutUpload("the connection was closed")
        self.is_read = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def wait_for_disconnect(self) -> None:
        """Return when the client is gone; only for when the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def drain(self) -> bool:
        """Read what is left and forget it, within limits; whether the connection can be used again.

        Many clients read no answer before they have sent their body. One that waits to be asked for it
        (``Expect: 100-continue``) is answered at once.
        """
        if self._is_stalled or (self._announced.is_held_back and not self._was_asked_for):
            return self.is_read
        left = _DRAIN_BYTES
        with suppress(CutUpload, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self.is_read and left > 0:
                    await self._gather()
                    left -= sum(map(len, self._take_gathered()))
        return self.is_read


async def take(intake: Intake, body: Body, run: Run) -> Reply:
    """Feed a body to what takes it, and give back its reply. Whatever goes wrong, nothing half-taken stays."""
    try:
        pieces = await body.read_piece()
        while not body.is_read:
            pieces = await _feed(intake, pieces, body, run)
    except BaseException:
        await run(intake.abort)
        raise
    return await run(finish, intake, pieces)


async def _feed(intake: Intake, pieces: Sequence[bytes], body: Body, run: Run) -> list[bytes]:
    """Feed a piece of a body, and read the next one meanwhile. Whatever fails, neither goes on afterwards."""
    feeding = asyncio.ensure_future(run(intake.feed, pieces))
    reading = asyncio.ensure_future(body.read_piece())
    try:
        await asyncio.wait([feeding, reading], return_when=asyncio.FIRST_EXCEPTION)
    finally:
        reading.cancel()
        await asyncio.gather(feeding, reading, return_exceptions=True)
    feeding.result()
    return reading.result()


def finish(intake: Intake, last: Sequence[bytes]) -> Reply:
    """Feed the last pieces of a body and end it, in a thread."""
    try:
        intake.feed(last)
    except BaseException:
        intake.abort()
        raise
    return intake.finish()


@dataclass(frozen=True, slots=True)
class Sent:
    """How much of an answer's body was sent, and whether that was all."""

    size_bytes: int
    is_whole: bool = True


async def send_reply(reply: Reply, body: Body, send: Send, run: Run, *, with_body: bool) -> Sent:
    """Send status, headers and body. A client that goes away is sent no more."""
    content, length = reply.body, _length(reply)
    headers = [(_raw_name(name), value.encode("latin-1", "replace")) for name, value in reply.headers]
    if reply.status not in _WITHOUT_CONTENT:
        headers.append((b"content-type", reply.media_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if not with_body or length == 0:
        await send({"type": "http.response.body", "body": b""})
        return Sent(0)
    if isinstance(content, bytes):
        await send({"type": "http.response.body", "body": content})
        return Sent(len(content))
    return await _send_chunks(content, body, send, run)


@cache  # they are all ours
def _raw_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


_WITHOUT_CONTENT: Final = frozenset({204, 304})


def is_one_piece(reply: Reply) -> bool:
    """Whether its body is known to be no more than a piece."""
    length = _length(reply)
    return length is not None and length <= PIECE_BYTES


def _length(reply: Reply) -> int | None:
    return len(reply.body) if isinstance(reply.body, bytes) else reply.body.length


async def _send_chunks(chunks: Chunks, body: Body, send: Send, run: Run) -> Sent:
    """Send as much as was announced, else all there is.

    What ends early is broken off, so that nobody takes it for whole; and so is what is longer in the pieces that hold
    its end. Whoever makes pieces must see to it that no more follow those.
    """
    sent, length = 0, chunks.length
    gone = asyncio.ensure_future(body.wait_for_disconnect()) if body.is_read else None
    try:
        while (length is None or sent < length) and (parts := await run(chunks.read)):
            if length is not None and sum(map(len, parts)) > length - sent:
                raise OSError(f"an answer of {length} bytes goes on after them")
            for part in parts:
                sent += len(part)
                await send({"type": "http.response.body", "body": part, "more_body": True})
            if gone is not None and gone.done():
                return Sent(sent, is_whole=False)
    finally:
        if gone is not None:
            gone.cancel()
    if length is not None and sent < length:
        raise OSError(f"an answer of {length} bytes ended after {sent}")
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return Sent(sent)
