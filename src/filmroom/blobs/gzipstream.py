"""A gzip on its way in: its pieces go in as they come, and what they inflate to comes out a little at a time.

The format is RFC 1952, whose sections are the numbers in comments: members one after the other, each with a checksum.
Zeros behind a member are no error, as with gzip itself; anything else that is no member is one.
"""

import gzip
from collections.abc import Iterator
from typing import Final, cast

from isal import isal_zlib
from isal.igzip_lib import IsalError

_WITH_HEADERS: Final = 31  # what zlib calls the format: a window of 2 ** 15 bytes, and 16 for gzip
_STEP_BYTES: Final = 256 * 1024
# What is behind the end of a member is copied, and a gzip may be all ends: each that a step meets makes steps shorter.
_LEAST_STEP_BYTES: Final = 512
# However well it was packed, no more of it than this is held.
_MOST_BYTES: Final = 256 * 1024
_LONGEST_HEADER_BYTES: Final = 1024 * 1024
_BROKEN: Final = cast("type[Exception]", IsalError)
# 2.3.1: the bytes that every header has, those it begins with, and the flags of what else it has, in this order.
_FIXED_BYTES: Final = 10
_MAGIC: Final = b"\x1f\x8b\x08"
_EXTRA: Final = 4
_NAME_AND_COMMENT: Final = (8, 16)
_CHECKSUM: Final = 2
_RESERVED: Final = 0xE0


class Inflater:
    """Inflates one gzip. Raises BadGzipFile for bytes that are none, or have not the checksum they should have."""

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(_WITH_HEADERS)
        self._header = b""  # of a member that begins, as far as it has come
        self._is_inside = False  # a member, behind its header
        self._is_behind = False  # one, where zeros may stand
        self._step_bytes = _STEP_BYTES

    def push(self, chunk: bytes) -> Iterator[bytes]:
        """What more of it can be told now, at most 256 KiB at a time; to be taken to its end."""
        at = 0
        while at < len(chunk):
            step = chunk[at : at + self._step_bytes]
            at += len(step)
            if not self._is_inside:
                step = self._begin(step)
            if step:
                yield from self._inflate(step)
                at -= len(self._member.unused_data)
                self._end_step()

    def finish(self) -> None:
        """Raises EOFError when it has not come to an end. One without a byte has."""
        if self._is_inside or self._header:
            raise EOFError("it ends in the middle of its gzip")

    def _begin(self, step: bytes) -> bytes:
        """A member from its beginning, once all of its header is here: isal loses its way where that comes in parts."""
        if self._is_behind and not self._header:
            step = step.lstrip(b"\0")
        self._header += step
        if not _is_whole(self._header):
            return b""
        begun, self._header, self._is_inside = self._header, b"", True
        return begun

    def _inflate(self, step: bytes) -> Iterator[bytes]:
        """To the end of the member at most."""
        is_full = True
        while (step or is_full) and not self._member.eof:
            try:
                piece = self._member.decompress(step, _MOST_BYTES)
            except _BROKEN as error:
                raise gzip.BadGzipFile(f"its gzip is broken: {_reason(error)}") from error
            step, is_full = self._member.unconsumed_tail, len(piece) == _MOST_BYTES
            if piece:
                yield piece

    def _end_step(self) -> None:
        if not self._member.eof:
            self._step_bytes = min(2 * self._step_bytes, _STEP_BYTES)
            return
        self._step_bytes = max(self._step_bytes // 2, _LEAST_STEP_BYTES)
        self._member = isal_zlib.decompressobj(_WITH_HEADERS)
        self._is_inside, self._is_behind = False, True


def _is_whole(header: bytes) -> bool:
    """Whether all of a member's header is there. Raises BadGzipFile for what can be none."""
    if not header.startswith(_MAGIC[: len(header)]):
        raise gzip.BadGzipFile(f"it is no gzip: {header[:3]!r}")
    if len(header) < _FIXED_BYTES:
        return False
    if header[3] & _RESERVED:
        raise gzip.BadGzipFile("its gzip has flags that mean nothing yet")
    size = _header_bytes(header)
    if min(size, len(header)) > _LONGEST_HEADER_BYTES:
        raise gzip.BadGzipFile(f"the header of its gzip is longer than {_LONGEST_HEADER_BYTES} bytes")
    return size <= len(header)


def _header_bytes(header: bytes) -> int:
    """How long it is; more than there are bytes when that cannot be told yet."""
    flags, size = header[3], _FIXED_BYTES
    if flags & _EXTRA:
        size += 2 + int.from_bytes(header[size : size + 2], "little")
    for flag in _NAME_AND_COMMENT:
        if flags & flag:
            size = header.find(b"\0", size) + 1 or len(header) + 1
    return size + (2 if flags & _CHECKSUM else 0)


def _reason(error: Exception) -> str:
    """Without the number that each of isal's has."""
    return " ".join(str(error).split()[2:]) or "unreadable"
