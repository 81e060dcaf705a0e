"""Answers on their way out are as long as they were announced, or broken off."""

import asyncio
import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from filmroom.rest.call import BodyHead
from filmroom.rest.reply import PIECE_BYTES, Chunks, Reply, chunks_of
from filmroom.rest.transfer import Body, BodyLimits, Message, send_reply

_LIMITS = BodyLimits(longest_bytes=1, progress_seconds=1, uploads_per_user=1)


def _sent(reply: Reply, messages: list[Message]) -> None:
    """Send it to a client that stays."""

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    async def run(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    asyncio.run(send_reply(reply, Body(receive, BodyHead(), _LIMITS), send, run, with_body=True))


def _give_up() -> None:
    """There is nothing to close."""


def _bytes_of(messages: Sequence[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


@pytest.mark.parametrize("pieces", [[b"ab", b"c"], [b"abc"], [bytes(PIECE_BYTES), b"x"]])
@pytest.mark.parametrize("is_announced", [True, False])
def test_all_of_it_is_sent(pieces: list[bytes], *, is_announced: bool) -> None:
    whole = b"".join(pieces)
    messages: list[Message] = []

    _sent(Reply(body=Chunks(iter(pieces), len(whole) if is_announced else None, _give_up)), messages)

    assert _bytes_of(messages) == whole
    assert not messages[-1].get("more_body")


@pytest.mark.parametrize("pieces", [[b"abc", b"d"], [b"abcd"], [b"ab"], [b""], []])
def test_what_is_not_as_long_as_was_announced_is_broken_off(pieces: list[bytes]) -> None:
    messages: list[Message] = []

    with pytest.raises(OSError, match="an answer of 3 bytes"):
        _sent(Reply(body=Chunks(iter(pieces), 3, _give_up)), messages)

    assert len(_bytes_of(messages)) < 3
    assert messages[-1].get("more_body", True)


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 1])
def test_of_an_open_file_no_more_is_read_than_was_asked_for(length: int) -> None:
    file = io.BytesIO(bytes(3 * PIECE_BYTES))
    file.seek(1)

    chunks = chunks_of(file, length)

    assert sum(map(len, chunks.pieces)) == length
    assert file.tell() == 1 + length
