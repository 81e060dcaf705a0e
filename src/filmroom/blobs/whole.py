"""Stored bytes read from first to last: whoever gets the end of them got what was stored."""

from collections.abc import Iterable, Iterator

from isal import isal_zlib

from filmroom.model.errors import DamagedBytes, MissingBytes


def iter_whole(pieces: Iterable[bytes], *, key: str, size_bytes: int, crc32: int) -> Iterator[bytes]:
    """The pieces of the blob of a key, the last of them only if all have the size and the CRC-32 they should have.

    Raises MissingBytes or DamagedBytes in its place. Pieces are given out as they come, so the last should be small
    beside the whole where somebody is to notice that it is missing.
    """
    left, found = size_bytes, 0
    for piece in pieces:
        left -= len(piece)
        found = isal_zlib.crc32(piece, found)
        if left < 0 or (left == 0 and found != crc32):
            raise DamagedBytes(key)
        yield piece
    if left:
        raise MissingBytes(key)
