"""A zip is as long as was said before it was made, also where numbers need more than 32 bits."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Final

import pytest
from isal import isal_zlib

from filmroom.blobs.archives import Member, Members, iter_zip, zip_length

_NOW: Final = datetime(2026, 11, 27, tzinfo=UTC)
_ZEROS: Final = bytes(1024 * 1024)


class _Zeros(BytesIO):
    """As many as its key says."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._left = int(key)

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        size = min(size, self._left)
        self._left -= size
        return _ZEROS if size == len(_ZEROS) else bytes(size)


def _crc32(size_bytes: int) -> int:
    zeros, crc32 = _Zeros(f"{size_bytes}"), 0
    while piece := zeros.read(len(_ZEROS)):
        crc32 = isal_zlib.crc32(piece, crc32)
    return crc32


def _member(name: str, size_bytes: int) -> Member:
    return Member(name=name, key=f"{size_bytes}", size_bytes=size_bytes, crc32=_crc32(size_bytes), modified_at=_NOW)


@pytest.mark.parametrize(
    "sizes", [[], [0], [1, 0, 70_000], [2**32 - 2, 5], [2**32 - 1, 5], [2**32 - 100, 5, 5]], ids=str
)
def test_a_zip_is_as_long_as_was_said(sizes: list[int]) -> None:
    members = [_member(f"ä/{number}", size_bytes) for number, size_bytes in enumerate(sizes)]

    assert sum(map(len, iter_zip(members, _Zeros))) == zip_length(members)


@pytest.mark.parametrize("count", [0, 1, 1999, 2000, 2001, 4000, 4001, 70_000])
def test_members_come_back_as_they_were_added(count: int) -> None:
    added = [
        Member(name=f"{number}", key=f"k{number}", size_bytes=number, crc32=7, modified_at=_NOW)
        for number in range(count)
    ]
    members = Members()
    for member in added:
        members.add(member)

    assert list(members) == list(members) == added
    assert members.count == count
    members.close()
