"""Bodies in and out: with ``endpoint.py`` the only asynchronous code.

Waiting for slow clients happens here, without a thread; what touches disks or the database happens in threads. A body
is gathered into pieces of up to 1 MiB before one hop to a thread takes them, so a small upload is one hop and a large
one costs the same memory whatever its length.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, Final, TypeVar

from filmroom.model.errors import ArchiveError, CutUpload
from filmroom.rest.call import Intake
from filmroom.rest.reply import Chunks, Reply, Stream

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
T = TypeVar("T")

PIECE_BYTES: Final = 1024 * 1024
# decisions.md, Writing: how much of a body that will not be kept is read before a client is answered with an error.
_DRAIN_BYTES: Final = 64 * 1024 * 1024
_DRAIN_SECONDS: Final = 10.0


class Threads:
    """Runs what may block, away from the event loop."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)


class Body:
    """A request's body. ``is_read`` once its end was seen."""

    def __init__(self, receive: Receive, *, expects_continue: bool) -> None:
        self._receive = receive
        self._expects_continue = expects_continue
        self._was_asked_for = False
        self.is_read = False

    async def read_piece(self) -> list[bytes]:
        """The next chunks, 1 MiB or a little more of them unless the body ends; none at its end.

        Raises CutUpload when the connection ends before the body does: only the server's own word that there is no
        more counts as an end, because a chunked body that was cut between two chunks looks like a whole one.
        """
        chunks: list[bytes] = []
        size = 0
        while not self.is_read and size < PIECE_BYTES:
            self._was_asked_for = True
            message = await self._receive()
            if message["type"] != "http.request":
                raise CutUpload("the connection was closed")
            if chunk := message.get("body", b""):
                chunks.append(chunk)
                size += len(chunk)
            self.is_read = not message.get("more_body", False)
        return chunks

    async def drain(self) -> bool:
        """Read what is left and forget it, within limits; whether the connection can be used again.

        Many clients read no answer before they have sent their body. One that waits to be asked for it
        (``Expect: 100-continue``) is answered at once.
        """
        if self._expects_continue and not self._was_asked_for:
            return self.is_read
        left = _DRAIN_BYTES
        with suppress(CutUpload, TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while not self.is_read and left > 0:
                    left -= sum(map(len, await self.read_piece()))
        return self.is_read


async def take(intake: Intake, body: Body, threads: Threads) -> Reply:
    """Feed a body to what takes it, and give back its reply. Whatever goes wrong, nothing half-taken stays."""
    try:
        pieces = await body.read_piece()
        while not body.is_read:
            await threads.run(intake.feed, pieces)
            pieces = await body.read_piece()
    except BaseException:
        await threads.run(intake.abort)
        raise
    return await threads.run(_finish, intake, pieces)


def _finish(intake: Intake, last: list[bytes]) -> Reply:
    try:
        intake.feed(last)
    except ArchiveError:
        intake.abort()
        raise
    return intake.finish()


async def send_reply(reply: Reply, send: Send, threads: Threads, *, with_body: bool) -> int:
    """Send status, headers and body; the number of body bytes sent."""
    length = len(reply.body) if isinstance(reply.body, bytes) else reply.body.length
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in reply.headers]
    if reply.status not in _WITHOUT_CONTENT:
        headers.append((b"content-type", reply.media_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if not with_body or length == 0:
        await send({"type": "http.response.body", "body": b""})
        return 0
    match reply.body:
        case bytes(body):
            await send({"type": "http.response.body", "body": body})
            return len(body)
        case Stream() as stream:
            return await _send_pieces(lambda: stream.file.read(PIECE_BYTES), stream.length, send, threads)
        case Chunks() as chunks:
            return await _send_pieces(lambda: _gather(chunks.pieces), chunks.length, send, threads)


_WITHOUT_CONTENT: Final = frozenset({204, 304})


def _gather(pieces: Iterator[bytes]) -> bytes:
    """The next pieces, 1 MiB or a little more of them; empty at their end."""
    gathered: list[bytes] = []
    size = 0
    while size < PIECE_BYTES and (piece := next(pieces, None)) is not None:
        gathered.append(piece)
        size += len(piece)
    return gathered[0] if len(gathered) == 1 else b"".join(gathered)


async def _send_pieces(read: Callable[[], bytes], length: int | None, send: Send, threads: Threads) -> int:
    """Send what ``read`` gives until it gives nothing, or as much as was announced; the number of bytes sent.

    What ends early is broken off, so that nobody takes it for whole.
    """
    sent = 0
    while (piece := await threads.run(read)) and (length is None or sent < length):
        piece = piece if length is None else piece[: length - sent]
        sent += len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if length is not None and sent < length:
        raise OSError(f"an answer of {length} bytes ended after {sent}")
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return sent
