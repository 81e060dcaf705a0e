"""A gzip on its way in: its pieces go in as they come, and what they inflate to comes out a little at a time.

The format is RFC 1952: members one after the other, each with a checksum. Zeros behind a member are no error, as with
gzip itself; anything else that is no member is one.
"""

from collections.abc import Iterator
from typing import Final

from isal import isal_zlib

_WITH_HEADERS: Final = 31  # what zlib calls the format: a window of 2 ** 15 bytes, and 16 for gzip
_STEP_BYTES: Final = 256 * 1024
# What is behind the end of a member is copied, and a gzip may be all ends: behind one it goes on in small steps.
_SMALL_STEP_BYTES: Final = 16 * 1024
# However well it was packed, no more of it than this is held.
_MOST_BYTES: Final = 256 * 1024


class Inflater:
    """Inflates one gzip. Raises IsalError for bytes that are none, or have not the checksum they should have."""

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(_WITH_HEADERS)
        self._is_inside = False  # a member
        self._is_behind = False  # one, where zeros may stand

    def push(self, chunk: bytes) -> Iterator[bytes]:
        """What more of it can be told now, at most 256 KiB at a time; to be taken to its end."""
        at, step_bytes = 0, _STEP_BYTES
        while at < len(chunk):
            step = chunk[at : at + step_bytes]
            at += len(step)
            if not self._is_inside and self._is_behind:
                step = step.lstrip(b"\0")
            if step:
                yield from self._inflate(step)
                at -= len(self._member.unused_data)
                step_bytes = _SMALL_STEP_BYTES if self._member.eof else _STEP_BYTES
                self._begin_next()

    def finish(self) -> None:
        """Raises EOFError when it has not come to an end. One without a byte has."""
        if self._is_inside:
            raise EOFError("it ends in the middle")

    def _inflate(self, step: bytes) -> Iterator[bytes]:
        """To the end of the member at most."""
        self._is_inside, is_full = True, True
        while (step or is_full) and not self._member.eof:
            piece = self._member.decompress(step, _MOST_BYTES)
            step, is_full = self._member.unconsumed_tail, len(piece) == _MOST_BYTES
            if piece:
                yield piece

    def _begin_next(self) -> None:
        if self._member.eof:
            self._member = isal_zlib.decompressobj(_WITH_HEADERS)
            self._is_inside, self._is_behind = False, True
