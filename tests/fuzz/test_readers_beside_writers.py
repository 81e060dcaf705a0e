"""Clients at one file all at once: readers get one whole version each, and at the end everything is counted exactly."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.testclient import TestClient

from fuzz.effort import FACTOR
from rest.session import results

SIZE_BYTES: Final = 300_000
ROUNDS: Final = 8 * FACTOR


def _version(writer: int, number: int) -> bytes:
    """Of another length each, and of one byte throughout."""
    return bytes([writer * 50 + number % 50]) * (SIZE_BYTES + number % 50)


def test_readers_get_whole_versions_and_counters_are_exact(client: Callable[[str], TestClient], demo: str) -> None:
    url = f"{demo}/resources/R"
    client("alice").put(f"{url}/files/shared?inbody=true", content=_version(0, 0))

    def write(writer: int) -> None:
        alice = client("alice")
        for number in range(ROUNDS):
            shared = alice.put(f"{url}/files/shared?inbody=true&overwrite=true", content=_version(writer, number))
            own = alice.put(f"{url}/files/{writer}/{number}?inbody=true", content=b"own")
            assert (shared.status_code, own.status_code) == (200, 200)
        assert alice.delete(f"{url}/files/{writer}/0").status_code == 200

    def read(_reader: int) -> None:
        alice = client("alice")
        for _ in range(ROUNDS * 2):
            reply = alice.get(f"{url}/files/shared")
            content = reply.content
            assert reply.status_code == 200
            assert content == content[:1] * len(content)
            assert len(content) == SIZE_BYTES + content[0] % 50
            assert reply.headers["ETag"] == f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(write, writer) for writer in range(3)] + [pool.submit(read, reader) for reader in range(3)]
        for one in done:
            one.result()

    [row] = results(client("alice"), f"{demo}/resources?file_stats=true")
    sizes = [int(row["Size"]) for row in results(client("alice"), f"{url}/files")]
    assert (int(row["file_count"]), int(row["file_size"])) == (len(sizes), sum(sizes))
    assert len(sizes) == 1 + 3 * (ROUNDS - 1)
