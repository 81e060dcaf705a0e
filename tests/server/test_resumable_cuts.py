"""Large uploads over connections that break and servers that die: they arrive whole.

``LARGE_UPLOAD_MIB`` says how large the largest is; ``make test-large`` sends 2 GiB.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable

import pytest

from server.process import Server
from server.tus import PIECE_BYTES, Sender

UPLOADS = "/data/projects/DEMO/resources/R/uploads"
FILES = "/data/projects/DEMO/resources/R/files"
MIB = 1024 * 1024
LARGE_MIB = int(os.environ.get("LARGE_UPLOAD_MIB", "64"))
# Of a length that nothing else has, so that bytes in the wrong place are wrong.
_BLOCK = random.Random(1).randbytes(PIECE_BYTES + 7)


def _at(place: int, length: int) -> bytes:
    """A stretch, no longer than a piece, of a file without end."""
    start = place % len(_BLOCK)
    return (_BLOCK[start:] + _BLOCK)[:length]


def _whole_md5(size_bytes: int) -> str:
    running = hashlib.md5(usedforsecurity=False)
    for place in range(0, size_bytes, PIECE_BYTES):
        running.update(_at(place, min(PIECE_BYTES, size_bytes - place)))
    return running.hexdigest()


def _digest(server: Server) -> dict[str, str]:
    rows = server.rows(f"{FILES}?format=json")
    return {row["Name"]: row["digest"] for row in rows}


@pytest.mark.parametrize("flags", [(), ("--workers", "2")], ids=["one process", "two processes"])
def test_an_upload_that_is_cut_many_times_while_its_server_is_killed_twice_arrives_whole(
    make_server: Callable[..., Server], flags: tuple[str, ...]
) -> None:
    server = make_server(*flags)
    server.request("PUT", "/data/projects/DEMO")
    size_bytes = LARGE_MIB * MIB + 4321
    sender = Sender(server, _at, size_bytes)
    sender.begin(UPLOADS, "large.bin")

    begun = []
    for number in range(1, 11):
        begun.append(sender.send(until=size_bytes * number // 11 + 999))
        if number in {4, 8}:
            server.kill()
            server.start()
        sender.wait_until_free()
    left = size_bytes - sender.send()

    assert begun == sorted(begun)
    assert begun[-1] > size_bytes // 2
    assert left < size_bytes // 2
    assert sender.offset() == size_bytes
    assert _digest(server) == {"large.bin": _whole_md5(size_bytes)}
    assert [path.name for path in server.folder.joinpath("blobs/partial").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("size_bytes", [8 * MIB, 100_000])
def test_even_a_cut_of_a_small_piece_makes_progress(server: Server, size_bytes: int) -> None:
    sender = Sender(server, _at, size_bytes)
    sender.begin(UPLOADS, "a")

    with server.connect() as connection:
        connection.sendall(sender._head(0) + _at(0, 5000))
        time.sleep(0.3)
    sender.wait_until_free()

    assert sender.offset() == 5000
    sender.send()
    assert _digest(server) == {"a": _whole_md5(size_bytes)}


def test_what_a_killed_server_told_is_there_after_its_restart(server: Server) -> None:
    sender = Sender(server, _at, 200 * MIB)
    sender.begin(UPLOADS, "a")

    with server.connect() as connection:
        connection.sendall(sender._head(0))
        for place in range(0, 80 * MIB, PIECE_BYTES):
            connection.sendall(_at(place, PIECE_BYTES))
        while (told := sender.offset()) == 0:
            time.sleep(0.05)
        server.kill()
    server.start()

    assert sender.offset() >= told > 0
