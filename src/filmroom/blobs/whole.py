"""Stored bytes read from first to last: whoever gets the end of them got what was stored."""

from collections.abc import Generator
from typing import BinaryIO

from isal import isal_zlib

from filmroom.model.errors import DamagedBytes, MissingBytes


def iter_whole(
    blob: BinaryIO, *, key: str, size_bytes: int, crc32: int, piece_bytes: int
) -> Generator[bytes, None, None]:
    """The open blob of a key piece by piece, the last only if all have the size and CRC-32 they should; closes it.

    Raises MissingBytes or DamagedBytes in its place. Pieces are given out as they come, so the last should be small
    beside the whole where somebody is to notice that it is missing.
    """
    left, found = size_bytes, 0
    with blob:
        while True:
            piece = blob.read(piece_bytes if left > piece_bytes else left + 1)  # one more shows where the end is
            left -= len(piece)
            found = isal_zlib.crc32(piece, found)
            if left < 0 or (left == 0 and found != crc32):
                raise DamagedBytes(key)
            if piece:
                yield piece
            if left == 0:
                return
            if not piece:
                raise MissingBytes(key)
