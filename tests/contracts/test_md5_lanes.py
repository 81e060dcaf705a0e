"""MD5 of several bodies at once is what hashlib says of each, by whatever a processor has for it."""

import hashlib
import random
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmroom.blobs import md5lanes
from filmroom.blobs.md5lanes import LANES, Hasher, find_hasher, make_hasher

CONTENT: Final = random.Random(20).randbytes(300_000)
# Around the ends of MD5's blocks of 64 bytes, of which the last eight hold the length.
SIZES: Final = st.one_of(
    st.builds(lambda blocks, more: max(0, 64 * blocks + more), st.integers(0, 40), st.integers(-9, 9)),
    st.integers(0, 300_000),
)


def hashers() -> list[tuple[str, Hasher]]:
    """Each kind that runs here, made to sum up in lanes whatever that costs."""
    names = [name for feature, name, _ in md5lanes._KINDS if not feature or feature in md5lanes._read_features()]
    return [(name, hasher) for name in names if (hasher := make_hasher(name, cost=0))]


@pytest.fixture(scope="module", params=[hasher for _, hasher in hashers()], ids=[name for name, _ in hashers()])
def hasher(request: pytest.FixtureRequest) -> Hasher:
    hasher: Hasher = request.param
    return hasher


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def test_filmroom_was_built_with_it_and_uses_it() -> None:
    assert hashers()
    assert find_hasher() is not None


@given(sizes=st.lists(SIZES, max_size=LANES), start=st.integers(0, 1000))
def test_each_body_has_the_digest_that_hashlib_gives_it(hasher: Hasher, sizes: list[int], start: int) -> None:
    bodies = [CONTENT[start + number : start + number + size] for number, size in enumerate(sizes)]
    assert hasher(bodies) == [md5(body) for body in bodies]


@given(sizes=st.lists(SIZES, max_size=LANES))
def test_whether_lanes_pay_or_not_the_digests_are_the_same(sizes: list[int]) -> None:
    usual = find_hasher()
    assert usual is not None
    bodies = [CONTENT[:size] for size in sizes]
    assert usual(bodies) == [md5(body) for body in bodies]


def test_more_bodies_than_lanes_are_an_error(hasher: Hasher) -> None:
    with pytest.raises(ValueError, match="9 bodies"):
        hasher([b""] * (LANES + 1))


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF, but no more"])
def test_without_a_library_that_can_be_loaded_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    library = tmp_path / "lib.so"
    if content is not None:
        library.write_bytes(content)
    monkeypatch.setattr(md5lanes, "_LIBRARY", library)
    assert all(make_hasher(name, cost) is None for _, name, cost in md5lanes._KINDS)


def test_one_that_is_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(md5lanes, "sum_up_one_by_one", lambda bodies: [md5(body + b"!") for body in bodies])
    assert all(make_hasher(name, cost) is None for _, name, cost in md5lanes._KINDS)
