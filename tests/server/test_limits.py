"""Clients that are too slow, too large or too many, at a real server."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from server.process import AUTHORIZATION, Server
from waiting import PATIENCE_SECONDS, wait_until

FILES = "/data/projects/DEMO/resources/R/files"
MIB = 1024 * 1024


@pytest.fixture
def limited(make_server: Callable[..., Server], tmp_path: Path) -> Callable[..., Server]:
    """A server with some settings, and a project DEMO."""

    def make(**settings: int) -> Server:
        config = tmp_path / "limits.toml"
        config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")
        server = make_server("--config", str(config))
        server.request("PUT", "/data/projects/DEMO")
        return server

    return make


def _head(target: str, *headers: str, method: str = "PUT") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}{lines}\r\n".encode()


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the server has no more to say."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def _kept(server: Server) -> list[Path]:
    return [path for path in server.folder.joinpath("blobs").rglob("*") if path.is_file()]


STALLED = {
    "a small body": ["Content-Length: 1000"],
    "a large body": ["Content-Length: 5000000"],
    "a chunked body": ["Transfer-Encoding: chunked"],
}


@pytest.mark.parametrize("headers", STALLED.values(), ids=STALLED)
def test_who_sends_nothing_more_is_cut_and_nothing_is_stored(
    limited: Callable[..., Server], headers: list[str]
) -> None:
    server = limited(progress_seconds=1)
    with server.connect() as connection:
        connection.sendall(_head(f"{FILES}/a?inbody=true", *headers) + b"5\r\nhello\r\n")

        answer = _answer(connection)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"was not received whole, so nothing was stored" in answer
    assert server.rows("/data/projects/DEMO/files") == []
    assert _kept(server) == []


def _send_until_cut(connection: socket.socket, piece: bytes, *, pause_seconds: float) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    with suppress(ConnectionError):
        while True:
            connection.sendall(piece)
            assert time.monotonic() < give_up_at, "it was not cut"
            time.sleep(pause_seconds)


def test_who_sends_a_few_bytes_now_and_then_is_cut_too(limited: Callable[..., Server]) -> None:
    server = limited(progress_seconds=1)
    with server.connect() as connection:
        connection.sendall(_head(f"{FILES}/a?inbody=true", "Content-Length: 1000000"))
        _send_until_cut(connection, b"x", pause_seconds=0.1)


def test_who_sends_slowly_but_steadily_is_waited_for(limited: Callable[..., Server]) -> None:
    server = limited(progress_seconds=1)
    with server.connect() as connection:
        connection.sendall(_head(f"{FILES}/a?inbody=true", "Content-Length: 20000", "Connection: close"))
        for _ in range(20):
            connection.sendall(b"x" * 1000)
            time.sleep(0.15)

        answer = _answer(connection)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert server.request("GET", f"{FILES}/a")[1] == b"x" * 20000


def _open_blobs(server: Server) -> int:
    found = 0
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += "/blobs/" in str(link.readlink())
    return found


def _holds(server: Server, connection: socket.socket) -> bool:
    """Whether the server has its end of a connection open: the kernel names no inode of one that nobody has."""
    ends = [f"0100007F:{port:04X}" for port in (server.port, connection.getsockname()[1])]
    table = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()]
    return any(row[1:3] == ends and row[9] != "0" for row in table)


@pytest.mark.parametrize(
    ("requests", "headers", "all_bytes"),
    [(1, [], 64 * MIB), (40, ["Range: bytes=0-199999"], 40 * 200_000)],
    ids=["one answer", "the end of many, with which the server is done"],
)
def test_who_takes_nothing_of_an_answer_is_cut(
    limited: Callable[..., Server], requests: int, headers: list[str], all_bytes: int
) -> None:
    server = limited(progress_seconds=1)
    server.request("PUT", f"{FILES}/large?inbody=true", b"x" * 64 * MIB)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(_head(f"{FILES}/large", *headers, method="GET") * requests)
        assert connection.recv(10)

        wait_until(lambda: not _holds(server, connection))

        assert len(_answer(connection)) < all_bytes
    assert "cut" in _events(server)


def test_a_reader_that_is_slow_but_steady_gets_all(limited: Callable[..., Server]) -> None:
    server = limited(progress_seconds=1)
    server.request("PUT", f"{FILES}/some?inbody=true", b"x" * 6 * MIB)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(_head(f"{FILES}/some", "Connection: close", method="GET"))
        received = 0
        while chunk := connection.recv(100_000):
            received += len(chunk)
            time.sleep(0.02)

    assert received > 6 * MIB


def test_a_body_beyond_the_limit_is_413(limited: Callable[..., Server]) -> None:
    server = limited(max_body_bytes=100_000)
    for headers, body in (
        (["Content-Length: 100001"], b"x" * 100_001),
        (["Transfer-Encoding: chunked"], b"186a1\r\n" + b"x" * 100_001 + b"\r\n0\r\n\r\n"),
    ):
        with server.connect() as connection:
            connection.sendall(_head(f"{FILES}/a?inbody=true", *headers, "Connection: close") + body)

            assert _answer(connection).startswith(b"HTTP/1.1 413 ")

    assert server.request("PUT", f"{FILES}/b?inbody=true", b"x" * 100_000)[0] == 200
    assert len(_kept(server)) == 1


def test_a_head_beyond_the_limit_is_431(limited: Callable[..., Server]) -> None:
    server = limited(max_head_bytes=8192)
    with server.connect() as connection:
        connection.sendall(b"GET /data/projects HTTP/1.1\r\nX-Long: " + b"y" * 9000)

        assert _answer(connection).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("sent", [b"0\r\nX-Trailer: ", b"5;extension="], ids=["trailer", "extension of a chunk"])
def test_what_is_no_body_in_a_chunked_one_has_a_limit_too(limited: Callable[..., Server], sent: bytes) -> None:
    server = limited()
    with server.connect() as connection:
        connection.sendall(_head(f"{FILES}/a?inbody=true", "Transfer-Encoding: chunked") + sent)
        _send_until_cut(connection, b"y" * 16_384, pause_seconds=0.001)


def test_one_connection_too_many_is_told_to_come_back(limited: Callable[..., Server]) -> None:
    server = limited(max_connections=3)
    with ExitStack() as stack:
        held = [stack.enter_context(server.connect()) for _ in range(3)]
        for connection in held:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")

        with server.connect() as one_more:
            one_more.sendall(_head(f"{FILES}/a?inbody=true", "Content-Length: 500000") + b"x" * 500_000)
            crowded = _answer(one_more)
        with server.connect() as watcher:
            watcher.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            alive = _answer(watcher)

    assert crowded.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in crowded
    assert alive.startswith(b"HTTP/1.1 200 ")
    assert "refused" in _events(server)
    wait_until(lambda: _answers(server))


def _events(server: Server) -> list[str]:
    return [json.loads(line)["event"] for line in server.log.read_text(encoding="utf-8").splitlines()]


def _answers(server: Server) -> bool:
    with server.connect() as connection:
        connection.sendall(_head("/data/projects", "Connection: close", method="GET"))
        return _answer(connection).startswith(b"HTTP/1.1 200 ")


def test_one_account_may_send_so_many_bodies_at_once_and_no_more(limited: Callable[..., Server]) -> None:
    server = limited(uploads_per_user=2)
    with ExitStack() as stack:
        for number in range(2):
            connection = stack.enter_context(server.connect())
            connection.sendall(_head(f"{FILES}/{number}?inbody=true", "Transfer-Encoding: chunked") + b"1\r\nx\r\n")
        wait_until(lambda: _open_blobs(server) == 2)
        with server.connect() as third:
            third.sendall(_head(f"{FILES}/3?inbody=true", "Transfer-Encoding: chunked", "Connection: close"))
            third.sendall(b"1\r\nx\r\n0\r\n\r\n")
            refused = _answer(third)
        small = server.request("PUT", f"{FILES}/4?inbody=true", b"quick")

    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nretry-after: " in refused
    assert small == (200, b"")
    wait_until(lambda: _open_blobs(server) == 0)
    assert [row["Name"] for row in server.rows("/data/projects/DEMO/files")] == ["4"]


def test_slow_clients_are_in_nobodys_way(limited: Callable[..., Server]) -> None:
    """Fifty that send a byte now and then, and fifty that hardly read; threads are for others."""
    server = limited()
    server.request("PUT", f"{FILES}/large?inbody=true", b"x" * 8 * MIB)
    with ExitStack() as stack:
        senders = [stack.enter_context(server.connect()) for _ in range(50)]
        for number, sender in enumerate(senders):
            length = (1_000, 5_000_000)[number % 2]
            sender.sendall(_head(f"{FILES}/slow{number}?inbody=true", f"Content-Length: {length}") + b"x")
        for _ in range(50):
            stack.enter_context(server.connect()).sendall(_head(f"{FILES}/large", method="GET"))
        wait_until(lambda: _open_blobs(server) >= 70)

        started = time.monotonic()
        for number in range(40):
            server.request("PUT", f"{FILES}/quick{number}?inbody=true", b"voxels")
            assert server.request("GET", f"{FILES}/quick{number}")[1] == b"voxels"
            senders[number].sendall(b"x")

    assert time.monotonic() - started < PATIENCE_SECONDS
