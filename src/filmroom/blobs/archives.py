"""zip and tar on their way out, as streams: members are read one after the other, nothing is kept of them.

Sizes and CRC-32 of the members are known beforehand, so a stored zip is headers and copies. Names are UTF-8, times
UTC, permissions 0644; there are no members for folders. A member that has not as many bytes as it should ends the
stream with MissingBytes, one whose bytes have changed with DamagedBytes: an archive is whole or it breaks off, and
never silently shorter.

The zip format is PKWARE's APPNOTE 6.3.10; numbers in comments are its sections. The tar format is POSIX 1003.1-2001
(pax), with extended headers only where a name or size needs one.
"""

import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, NamedTuple

from filmroom.blobs.whole import iter_whole

Open = Callable[[str], BinaryIO]
"""Opens the bytes under a key for whoever closes them."""


class Member(NamedTuple):
    """One file of an archive, and the key of its bytes."""

    name: str
    key: str
    size_bytes: int
    crc32: int
    modified_at: datetime


class Members:
    """Members in order, many of them in a spool: memory first, then a file. Add them all, then read them at will."""

    def __init__(self) -> None:
        self._spool = SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed by close()
        self._spooled = 0  # batches
        self._latest: list[Member] = []
        self.count = 0

    def add(self, member: Member) -> None:
        if len(self._latest) == _MEMBERS_AT_ONCE:
            pickle.dump([tuple(member) for member in self._latest], self._spool)
            self._spooled += 1
            self._latest = []
        self._latest.append(member)
        self.count += 1

    def __iter__(self) -> Iterator[Member]:
        self._spool.seek(0)
        for _ in range(self._spooled):
            yield from map(Member._make, pickle.load(self._spool))  # noqa: S301 - written above, by us
        yield from self._latest

    def close(self) -> None:
        self._spool.close()


_MEMBERS_AT_ONCE: Final = 2000
_SPOOL_BYTES: Final = 8 * 1024 * 1024
_STORED: Final = 0
_DEFLATED: Final = 8
_UTF8_NAMES: Final = 0x0800  # 4.4.4, bit 11
_SIZES_FOLLOW: Final = 0x0008  # 4.4.4, bit 3
_UNIX: Final = 3 << 8  # 4.4.2
_ZIP64: Final = 45  # 4.4.3
_PLAIN: Final = 20
_MOST_32: Final = 0xFFFFFFFF
_MOST_16: Final = 0xFFFF
_MODE_0644: Final = 0o100644 << 16
_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")  # 4.3.7
_DIRECTORY_ENTRY: Final = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_WIDE_SIZES: Final = struct.Struct("<HHQQ")  # 4.5.3
_EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
_DIRECTORY_IN_MEMORY: Final = 1024 * 1024
_COPY_BYTES: Final = 1024 * 1024


def iter_zip(members: Iterable[Member], open_blob: Open, *, is_deflated: bool = False) -> Iterator[bytes]:
    """A zip of the members in order, with zip64 fields where they are needed and nowhere else."""
    method = _DEFLATED if is_deflated else _STORED
    offset = count = 0
    with SpooledTemporaryFile(max_size=_DIRECTORY_IN_MEMORY) as directory:
        for member in members:
            name, stamp = member.name.encode(), _dos_time(member.modified_at)
            start, packed_bytes = offset, 0
            header = _local_header(member, method, name=name, stamp=stamp)
            yield header
            for chunk in _deflated(member, open_blob) if is_deflated else _whole(member, open_blob):
                packed_bytes += len(chunk)
                yield chunk
            offset += len(header) + packed_bytes
            if is_deflated:
                tail = _data_descriptor(member, packed_bytes)
                yield tail
                offset += len(tail)
            numbers = (member.size_bytes, packed_bytes, start)
            directory.write(_directory_entry(member, method, name=name, stamp=stamp, numbers=numbers))
            count += 1
        directory_bytes = directory.tell()
        directory.seek(0)
        while chunk := directory.read(_COPY_BYTES):
            yield chunk
    yield _end(count, directory_bytes, offset)


def _whole(member: Member, open_blob: Open) -> Iterator[bytes]:
    return iter_whole(
        open_blob(member.key),
        key=member.key,
        size_bytes=member.size_bytes,
        crc32=member.crc32,
        piece_bytes=_COPY_BYTES,
    )


def _deflated(member: Member, open_blob: Open) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for chunk in _whole(member, open_blob):
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _dos_time(moment: datetime) -> tuple[int, int]:
    """4.4.6: time and date in steps of two seconds; the format begins in 1980."""
    utc = max(moment.astimezone(UTC), _EARLIEST)
    date = (utc.year - 1980) << 9 | utc.month << 5 | utc.day
    return utc.hour << 11 | utc.minute << 5 | utc.second // 2, date


def _local_header(member: Member, method: int, *, name: bytes, stamp: tuple[int, int]) -> bytes:
    """4.3.7. Of a deflated member size and CRC follow its bytes, in the wide form, which must be announced here."""
    is_wide = method == _DEFLATED or _is_wide(member.size_bytes)
    size = _MOST_32 if is_wide else member.size_bytes
    sizes_here = (0, 0) if method == _DEFLATED else (member.size_bytes, member.size_bytes)
    extra = _WIDE_SIZES.pack(1, 16, *sizes_here) if is_wide else b""
    flags = _UTF8_NAMES | (_SIZES_FOLLOW if method == _DEFLATED else 0)
    crc32 = 0 if method == _DEFLATED else member.crc32
    fields = (_ZIP64 if is_wide else _PLAIN, flags, method, *stamp, crc32, size, size)
    return _LOCAL_HEADER.pack(b"PK\3\4", *fields, len(name), len(extra)) + name + extra


def _is_wide(number: int) -> bool:
    """4.4.1.4: the largest number of 32 bits says that the true one is elsewhere."""
    return number >= _MOST_32


def _data_descriptor(member: Member, packed_bytes: int) -> bytes:
    """4.3.9."""
    return struct.pack("<4sLQQ", b"PK\7\10", member.crc32, packed_bytes, member.size_bytes)


def _directory_entry(
    member: Member, method: int, *, name: bytes, stamp: tuple[int, int], numbers: tuple[int, int, int]
) -> bytes:
    """4.3.12; 4.5.3 for what does not fit in 32 bits. The numbers: its size, as it is packed, where it begins."""
    wide = list(filter(_is_wide, numbers)) if _is_wide(max(numbers)) else []
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, packed, offset = (min(number, _MOST_32) for number in numbers) if wide else numbers
    version = _ZIP64 if wide or method == _DEFLATED else _PLAIN
    flags = _UTF8_NAMES | (_SIZES_FOLLOW if method == _DEFLATED else 0)
    fields = (_UNIX | version, version, flags, method, *stamp, member.crc32, packed, size)
    rest = (len(name), len(extra), 0, 0, 0, _MODE_0644, offset)
    return _DIRECTORY_ENTRY.pack(b"PK\1\2", *fields, *rest) + name + extra


def _end(count: int, directory_bytes: int, offset: int) -> bytes:
    """4.3.14 to 4.3.16."""
    wide = b""
    if count >= _MOST_16 or directory_bytes >= _MOST_32 or offset >= _MOST_32:
        versions = (_UNIX | _ZIP64, _ZIP64, 0, 0)
        wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, *versions, count, count, directory_bytes, offset)
        wide += struct.pack("<4sLQL", b"PK\6\7", 0, offset + directory_bytes, 1)
    counts = (min(count, _MOST_16), min(count, _MOST_16))
    sizes = (min(directory_bytes, _MOST_32), min(offset, _MOST_32))
    return wide + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *counts, *sizes, 0)


def zip_length(members: Iterable[Member]) -> int:
    """How many bytes ``iter_zip`` makes of stored members."""
    offset = count = directory_bytes = 0
    for member in members:
        name_bytes, size_bytes = len(member.name.encode()), member.size_bytes
        is_wide = _is_wide(size_bytes)
        wide = 2 * is_wide + _is_wide(offset)  # as it is, as it is packed, and where it begins
        directory_bytes += _DIRECTORY_ENTRY.size + name_bytes + (4 + 8 * wide if wide else 0)
        offset += _LOCAL_HEADER.size + name_bytes + size_bytes + (_WIDE_SIZES.size if is_wide else 0)
        count += 1
    return offset + directory_bytes + len(_end(count, directory_bytes, offset))


def iter_tar(members: Iterable[Member], open_blob: Open) -> Iterator[bytes]:
    """A tar of the members in order."""
    for member in members:
        yield _tar_header(member)
        yield from _whole(member, open_blob)
        yield bytes(-member.size_bytes % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def tar_length(members: Iterable[Member]) -> int:
    """How many bytes ``iter_tar`` makes."""
    bodies = (len(_tar_header(member)) + -(-member.size_bytes // 512) * 512 for member in members)
    return sum(bodies) + 2 * tarfile.BLOCKSIZE


def _tar_header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size = member.size_bytes
    info.mtime = int(member.modified_at.timestamp())
    info.mode = 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def iter_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 1952, of whatever comes."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
