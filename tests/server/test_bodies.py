"""Bodies over real connections: cut ones, unwanted ones, many at once."""

import hashlib
import os
import random
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from server.process import AUTHORIZATION, Server

URL = "/data/projects/DEMO/resources/R/files"


def _head(path: str, *headers: str, method: str = "PUT") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}{lines}\r\n".encode()


def _answer(connection: socket.socket) -> bytes:
    """One whole answer, or what there is of it when the connection ends."""
    received = b""
    while not _is_whole(received) and (chunk := connection.recv(65536)):
        received += chunk
    return received


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return bool(end) and (length is None or len(body) >= int(length[1]))


CUT = {
    "a body shorter than its length": (["Content-Length: 1000000"], b"x" * 400_000),
    "a large body shorter than its length": (["Content-Length: 9000000"], b"x" * 4_000_000),
    "nothing of a body": (["Content-Length: 10"], b""),
    "a chunked body without its last chunk": (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n"),
    "a chunked body cut inside a chunk": (["Transfer-Encoding: chunked"], b"ff\r\nhello"),
    "a large chunked body cut between chunks": (
        ["Transfer-Encoding: chunked"],
        b"100000\r\n" + b"x" * 0x100000 + b"\r\n" + b"200000\r\n" + b"y" * 0x200000 + b"\r\n",
    ),
    "a chunked body with a broken chunk": (["Transfer-Encoding: chunked"], b"5\r\nhello\r\nzz\r\nx"),
    "a multipart body cut between parts": (
        ["Content-Type: multipart/form-data; boundary=b", "Transfer-Encoding: chunked"],
        b'40\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n12\r\n',
    ),
}


def _close(connection: socket.socket) -> None:
    connection.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def _half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    connection.recv(65536)


@pytest.mark.parametrize("end", [_close, _reset, _half_close])
def test_a_cut_upload_never_looks_whole(server: Server, end: Callable[[socket.socket], None]) -> None:
    for headers, sent in CUT.values():
        target = URL if "multipart" in headers[0] else f"{URL}/cut?inbody=true"
        with server.connect() as connection:
            connection.sendall(_head(target, *headers) + sent)
            end(connection)

    server.stop()  # which lets it finish whatever it is doing
    left = [path for path in server.folder.joinpath("blobs").rglob("*") if path.is_file()]
    server.start()
    assert left == []
    assert server.rows("/data/projects/DEMO/files") == []


def test_a_chunked_body_is_stored_whole(server: Server) -> None:
    """F-27, F-134: what curl sends from a pipe, and what xnatpy sends for an empty file."""
    with server.connect() as connection:
        connection.sendall(_head(f"{URL}/a?inbody=true", "Transfer-Encoding: chunked"))
        connection.sendall(b"5\r\nhello\r\n" + b"1\r\n \r\n" + b"5\r\nworld\r\n0\r\n\r\n")
        first = _answer(connection)
        connection.sendall(_head(f"{URL}/b?inbody=true", "Transfer-Encoding: chunked") + b"0\r\n\r\n")
        second = _answer(connection)

    assert (first[:15], second[:15]) == (b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK")
    assert server.request("GET", f"{URL}/a")[1] == b"hello world"
    assert server.request("GET", f"{URL}/b")[1] == b""


@pytest.mark.parametrize(
    ("coding", "status"), [("gzip, chunked", b"501"), ("deflate, chunked", b"501"), ("chunked, chunked", b"400")]
)
def test_a_body_that_is_packed_on_its_way_is_refused(server: Server, coding: str, status: bytes) -> None:
    """RFC 9112 section 6.1."""
    with server.connect() as connection:
        connection.sendall(_head(f"{URL}/a?inbody=true", f"Transfer-Encoding: {coding}") + b"5\r\nhello\r\n0\r\n\r\n")
        reply = _answer(connection)

    assert reply.startswith(b"HTTP/1.1 " + status)
    assert server.rows("/data/projects/DEMO/files") == []


def test_who_waits_to_be_asked_is_refused_at_once(server: Server) -> None:
    """RFC 9110 section 10.1.1."""
    head = _head(
        "/data/projects/NONE/resources/R/files/a?inbody=true", "Content-Length: 9999999", "Expect: 100-continue"
    )
    with server.connect() as connection:
        connection.sendall(head)

        reply = _answer(connection)

    assert reply.startswith(b"HTTP/1.1 404")


def test_who_waits_to_be_asked_is_asked(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(_head(f"{URL}/a?inbody=true", "Content-Length: 5", "Expect: 100-continue"))
        asked = _answer(connection)
        connection.sendall(b"hello")
        reply = _answer(connection)

    assert asked.startswith(b"HTTP/1.1 100 Continue")
    assert reply.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("path", "status"), [("NONE/resources/R", b"404"), ("DEMO/resources/77", b"404")])
def test_who_sends_first_and_then_listens_gets_the_answer(server: Server, path: str, status: bytes) -> None:
    """A body that will not be kept is read, and the connection can be used again."""
    body = b"x" * 8_000_000
    with server.connect() as connection:
        connection.sendall(_head(f"/data/projects/{path}/files/a?inbody=true", f"Content-Length: {len(body)}") + body)
        refused = _answer(connection)
        connection.sendall(_head("/data/projects/DEMO/accessibility", method="GET"))
        again = _answer(connection)

    assert refused.split(b" ")[1] == status
    assert again.startswith(b"HTTP/1.1 200")


def test_a_refused_duplicate_is_read_to_its_end(server: Server) -> None:
    """F-142."""
    body = random.Random(1).randbytes(3_000_000)
    server.request("PUT", f"{URL}/a?inbody=true", body)

    status, answer = server.request("PUT", f"{URL}/a?inbody=true", body)

    assert (status, answer) == (200, b'{"duplicates":["a"]}')


@pytest.mark.parametrize("overwrite", ["", "&overwrite=true"])
def test_sixteen_at_once_into_one_new_resource_lose_nothing(server: Server, overwrite: str) -> None:
    """The pain that filmroom was begun for: parallel uploads into one resource."""
    bodies = {f"{number}.dcm": random.Random(number).randbytes(1000 + number) for number in range(64)}

    with ThreadPoolExecutor(16) as pool:
        statuses = list(
            pool.map(
                lambda item: server.request("PUT", f"{URL}/{item[0]}?inbody=true{overwrite}", item[1])[0],
                bodies.items(),
            )
        )

    resources = server.rows("/data/projects/DEMO/resources")
    digests = {row["Name"]: row["digest"] for row in server.rows("/data/projects/DEMO/files")}
    assert set(statuses) == {200}
    assert [(row["file_count"], row["file_size"]) for row in resources] == [("64", str(sum(map(len, bodies.values()))))]
    assert digests == {name: hashlib.md5(body, usedforsecurity=False).hexdigest() for name, body in bodies.items()}


def test_of_many_writers_of_one_name_one_wins_whole(server: Server) -> None:
    bodies = [bytes([65 + number]) * 300_000 for number in range(12)]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda body: server.request("PUT", f"{URL}/one?inbody=true", body)[1], bodies))

    assert answers.count(b"") == 1
    assert server.request("GET", f"{URL}/one")[1] == bodies[answers.index(b"")]


def test_readers_of_a_file_that_is_being_replaced_get_one_whole_version(server: Server) -> None:
    bodies = [bytes([65 + number]) * 2_500_000 for number in range(4)]
    server.request("PUT", f"{URL}/one?inbody=true", bodies[0])

    with ThreadPoolExecutor(8) as pool:
        writes = [
            pool.submit(server.request, "PUT", f"{URL}/one?inbody=true&overwrite=true", bodies[number % 4])
            for number in range(12)
        ]
        reads = [pool.submit(server.request, "GET", f"{URL}/one") for _ in range(24)]

    assert {write.result()[0] for write in writes} == {200}
    assert {read.result()[1] for read in reads} <= set(bodies)


def test_a_head_without_end_is_refused(server: Server) -> None:
    """RFC 6585 section 5."""
    with server.connect() as connection:
        connection.sendall(b"GET /data/projects HTTP/1.1\r\nHost: x\r\nX-Long: ")
        connection.sendall(b"y" * 100_000)

        reply = _answer(connection)

    assert reply.startswith(b"HTTP/1.1 431")
    assert server.request("GET", "/data/projects")[0] == 200


def test_a_long_head_within_its_limit_is_read(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(_head("/data/projects", f"X-Long: {'y' * 30_000}", method="GET"))

            assert _answer(connection).startswith(b"HTTP/1.1 200")


OFFERS = {
    "as Java's own client does": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    "web sockets": ("Connection: keep-alive, Upgrade", "Upgrade: websocket"),
}


@pytest.mark.parametrize("is_split", [False, True], ids=["in one packet", "body apart"])
@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_an_upload_that_offers_another_protocol_is_stored_whole(
    server: Server, offer: tuple[str, ...], *, is_split: bool
) -> None:
    """And what it consists of is never taken for another request."""
    body = b"DELETE /data/projects/DEMO HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION.encode() + b"\r\n"
    target = f"{URL}/offered?inbody=true&overwrite=true"
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with server.connect() as connection:
        for head, sent in (
            (_head(target, *offer, f"Content-Length: {len(body)}"), body),
            (_head(target, *offer, "Transfer-Encoding: chunked"), chunked),
            (_head(target, *offer, method="GET"), b""),
        ):
            connection.sendall(head + (b"" if is_split else sent))
            if is_split:
                time.sleep(0.1)
                connection.sendall(sent)
            assert _answer(connection).startswith(b"HTTP/1.1 200 ")

    assert server.request("GET", f"{URL}/offered")[1] == body


def test_a_length_may_begin_with_any_number_of_zeros(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(_head(f"{URL}/zeros?inbody=true", f"Content-Length: {'0' * 5000}5") + b"hello")

        assert _answer(connection).startswith(b"HTTP/1.1 200 ")

    assert server.request("GET", f"{URL}/zeros")[1] == b"hello"


def test_requests_that_wait_behind_another_fill_no_memory(server: Server) -> None:
    """Whoever sends them without a pause, signed in or not, and reads no answer."""
    before = _resident_mib(server)
    many = _head("/healthz", method="GET") * 1000
    with server.connect() as connection:
        connection.settimeout(1)
        deadline = time.monotonic() + 5
        with suppress(TimeoutError):
            while time.monotonic() < deadline:
                connection.sendall(many)

        assert _resident_mib(server) - before < 64
        assert server.request("GET", "/healthz")[0] == 200


def _resident_mib(server: Server) -> int:
    pages = Path(f"/proc/{server.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") // 2**20


def test_many_requests_at_once_that_offer_another_protocol_are_answered_each(server: Server) -> None:
    offer = _head("/healthz", *OFFERS["web sockets"], method="GET")
    with server.connect() as connection:
        connection.sendall(offer * 300 + _head("/healthz", "Connection: close", method="GET"))
        received = b""
        while chunk := connection.recv(65536):
            received += chunk

    assert received.count(b"HTTP/1.1 200 ") == 301
