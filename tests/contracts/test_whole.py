"""Whoever gets the end of stored bytes got what was stored."""

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmroom.blobs.whole import iter_whole
from filmroom.model.errors import DamagedBytes, MissingBytes


class Blob(io.BytesIO):
    """One that gives no more than so many bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        return super().read(min(size, self._most))


def _read(blob: Blob, stored: bytes, piece_bytes: int) -> list[bytes]:
    """The pieces until all are there, or something is wrong, which is the last one's to tell."""
    pieces = iter_whole(blob, key="k", size_bytes=len(stored), crc32=zlib.crc32(stored), piece_bytes=piece_bytes)
    return list(pieces)


@given(st.binary(max_size=50), st.integers(1, 20), st.integers(1, 20))
def test_what_was_stored_comes_back_and_the_blob_is_closed(stored: bytes, piece_bytes: int, most: int) -> None:
    blob = Blob(stored, most)

    pieces = _read(blob, stored, piece_bytes)

    assert b"".join(pieces) == stored
    assert all(0 < len(piece) <= piece_bytes for piece in pieces)
    assert blob.closed


@given(st.binary(max_size=50), st.integers(1, 20), st.integers(1, 20), st.binary(min_size=1, max_size=3))
def test_what_is_longer_is_told(stored: bytes, piece_bytes: int, most: int, more: bytes) -> None:
    blob = Blob(stored + more, max(most, piece_bytes + 1))

    with pytest.raises(DamagedBytes):
        _read(blob, stored, piece_bytes)
    assert blob.closed


@given(st.binary(min_size=1, max_size=50), st.integers(1, 20), st.integers(1, 20), st.data())
def test_what_is_shorter_is_told(stored: bytes, piece_bytes: int, most: int, data: st.DataObject) -> None:
    blob = Blob(stored[: data.draw(st.integers(0, len(stored) - 1))], most)

    with pytest.raises(MissingBytes):
        _read(blob, stored, piece_bytes)
    assert blob.closed


@given(st.binary(min_size=1, max_size=50), st.integers(1, 20), st.integers(1, 20), st.data())
def test_what_is_not_the_same_is_told(stored: bytes, piece_bytes: int, most: int, data: st.DataObject) -> None:
    spoiled = bytearray(stored)
    spoiled[data.draw(st.integers(0, len(stored) - 1))] ^= 1

    with pytest.raises(DamagedBytes):
        _read(Blob(bytes(spoiled), most), stored, piece_bytes)


def test_one_that_is_read_no_further_is_closed() -> None:
    blob = Blob(b"abcdef", 2)
    pieces = iter_whole(blob, key="k", size_bytes=6, crc32=zlib.crc32(b"abcdef"), piece_bytes=2)

    assert next(pieces) == b"ab"
    pieces.close()

    assert blob.closed
