"""How long a client may take for the head of a request, and that nothing else is held to it."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import pytest
import uvicorn
from uvicorn.server import ServerState

from filmroom.cli import protocol as protocol_module
from filmroom.cli.protocol import BoundedProtocol, ConnectionLimits
from waiting import PATIENCE_SECONDS

HEAD_SECONDS: Final = 0.5
HEAD: Final = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(autouse=True)
def short_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_module, "HEAD_TIME_SECONDS", HEAD_SECONDS)


def _app(pause_seconds: float) -> Any:
    """Answers once it has the whole body and has thought about it."""

    async def app(_scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(pause_seconds)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


@asynccontextmanager
async def _connected(pause_seconds: float = 0.0) -> AsyncIterator[Client]:
    limits = ConnectionLimits(connections=10, head_bytes=8192, progress_seconds=math.inf)
    config = uvicorn.Config(_app(pause_seconds), lifespan="off", ws="none", log_config=None)
    config.load()
    make = partial(BoundedProtocol, config=config, server_state=ServerState(), app_state={}, limits=limits)
    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        listening.close()


async def _send_each(client: Client, *packets: bytes) -> None:
    """In packets of their own."""
    for packet in packets:
        client[1].write(packet)
        await client[1].drain()
        await asyncio.sleep(0.1)


async def _status(client: Client) -> bytes:
    """The status of the next answer, which is read to its end."""
    head = await asyncio.wait_for(client[0].readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    if b"content-length: 2\r\n" in head.lower():
        await client[0].readexactly(2)
    return head.split()[1]


def test_a_head_that_does_not_come_to_its_end_is_408() -> None:
    async def work() -> None:
        async with _connected() as client:
            await _send_each(client, b"GET / HT", b"TP/1.1\r\n")
            assert await _status(client) == b"408"

    asyncio.run(work())


def test_so_is_a_later_one_of_a_connection() -> None:
    async def work() -> None:
        async with _connected() as client:
            await _send_each(client, HEAD, b"0\r\n\r\n")
            assert await _status(client) == b"200"
            await asyncio.sleep(2 * HEAD_SECONDS)
            await _send_each(client, b"GET / HTTP/1.1\r\n")
            assert await _status(client) == b"408"

    asyncio.run(work())


@pytest.mark.parametrize("last", [[b"0\r\n\r\n"], [b"0\r\n", b"\r\n"]], ids=["at once", "in two packets"])
def test_an_answer_may_take_longer_than_a_head(last: list[bytes]) -> None:
    async def work() -> None:
        async with _connected(pause_seconds=3 * HEAD_SECONDS) as client:
            await _send_each(client, HEAD, b"2\r\nhi\r\n", *last)
            assert await _status(client) == b"200"

    asyncio.run(work())


def test_whoever_has_their_answer_may_rest() -> None:
    async def work() -> None:
        async with _connected() as client:
            await _send_each(client, HEAD, b"2\r\nhi\r\n", b"0\r\n\r\n")
            assert await _status(client) == b"200"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client[0].read(1), 3 * HEAD_SECONDS)

    asyncio.run(work())
