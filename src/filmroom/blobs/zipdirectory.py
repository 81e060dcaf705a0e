"""A zip on its way in: its directory read entry by entry, whatever its length, and its members opened one at a time.

``zipfile.ZipFile`` reads a whole directory into memory before it says how long that is: a zip of 1 GB that is little
else than directory becomes 10 GB of objects. Here an entry is forgotten as soon as the next one is read, and there is
a limit to how many there may be.

Members are stored or deflated, as in Java's reader: the other methods of ``zipfile`` give back a piece of any size for
a few bytes. What is no such zip raises one of UNREADABLE.

The format is PKWARE's APPNOTE 6.3.10; numbers in comments are its sections.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_END: Final = struct.Struct("<4s4H2LH")  # 4.3.16
_END_SIGNATURE: Final = b"PK\5\6"
_LONGEST_COMMENT: Final = 0xFFFF  # 4.4.12, after the end record
_WIDE_END: Final = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_WIDE_END_SIGNATURE: Final = b"PK\6\6"
_LOCATOR: Final = struct.Struct("<4sLQL")  # 4.3.15
_LOCATOR_SIGNATURE: Final = b"PK\6\7"
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_ENTRY_SIGNATURE: Final = b"PK\1\2"
_LOCAL: Final = struct.Struct("<4s5H3L2H")  # 4.3.7
_LOCAL_SIGNATURE: Final = b"PK\3\4"
_WIDE_EXTRA: Final = 1  # 4.5.3
_ELSEWHERE: Final = 0xFFFFFFFF  # 4.4.8, 4.4.9, 4.4.16: the number is in the extra field
_UTF8_NAMES: Final = 0x0800  # 4.4.4, bit 11
_ENCRYPTED_OR_PATCHED: Final = 0x0061  # 4.4.4, bits 0, 5 and 6
_PIECE_BYTES: Final = 1024 * 1024
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # 4.4.5

UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, EOFError)
"""What reading a zip that is broken raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the directory says of one member; ``offset`` is where its local header begins in the file.

    ``mode`` is its Unix mode, 0 where none was written.
    """

    name: str
    size_bytes: int
    packed_bytes: int
    crc32: int
    offset: int
    method: int
    flags: int
    mode: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the directory is, and what all offsets in it are short of: the bytes before the zip itself."""

    start: int
    stop: int
    prefix_bytes: int


def iter_entries(source: BinaryIO, *, most: int) -> Iterator[Entry]:
    """The entries of a zip's directory in its order. Between two of them ``source`` may be read elsewhere.

    Raises BadZipFile for what is no zip, and when there are more entries than ``most``.
    """
    directory = _find_directory(source)
    position, count = directory.start, 0
    while position < directory.stop:
        if count == most:
            raise zipfile.BadZipFile(f"its directory has more than {most} entries")
        source.seek(position)
        fields = _ENTRY.unpack(_exactly(source, _ENTRY.size))
        name_bytes, extra_bytes, comment_bytes = fields[10:13]
        if fields[0] != _ENTRY_SIGNATURE:
            raise zipfile.BadZipFile("its directory is broken")
        name, extra = _exactly(source, name_bytes), _exactly(source, extra_bytes)
        yield _entry(fields, name, extra, prefix_bytes=directory.prefix_bytes)
        position += _ENTRY.size + name_bytes + extra_bytes + comment_bytes
        count += 1
    if position != directory.stop:
        raise zipfile.BadZipFile("its directory is cut off")


def iter_member(source: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The member's bytes, 1 MiB or less at a time, to be read to their end before ``source`` is read elsewhere.

    Whoever gets as many as the directory says got all there are: the last piece comes only if they end there and have
    the CRC-32 they should. Raises what is UNREADABLE: at once when they are encrypted, packed in a way that is not read
    here, or not where they should be; later when they are broken, or more or fewer than the directory says.
    """
    return _iter_whole(_open(source, entry), entry)


def _iter_whole(member: io.BufferedIOBase, entry: Entry) -> Iterator[bytes]:
    left = entry.size_bytes
    while piece := member.read(_PIECE_BYTES if left > _PIECE_BYTES else left + 1):  # one more shows where the end is
        left -= len(piece)
        if left < 0:
            raise zipfile.BadZipFile(f"member {entry.name!r} is longer than its directory says")
        yield piece
    if left:
        raise zipfile.BadZipFile(f"member {entry.name!r} is shorter than its directory says")


def _open(source: BinaryIO, entry: Entry) -> io.BufferedIOBase:
    if entry.flags & _ENCRYPTED_OR_PATCHED:
        raise zipfile.BadZipFile(f"member {entry.name!r} is encrypted")
    if entry.method not in _METHODS:
        raise zipfile.BadZipFile(f"member {entry.name!r} is neither stored nor deflated")
    source.seek(min(entry.offset, source.seek(0, io.SEEK_END)))
    signature, *_, name_bytes, extra_bytes = _LOCAL.unpack(_exactly(source, _LOCAL.size))
    if signature != _LOCAL_SIGNATURE:
        raise zipfile.BadZipFile(f"member {entry.name!r} is not where the directory says")
    source.seek(name_bytes + extra_bytes, io.SEEK_CUR)
    info = zipfile.ZipInfo(entry.name)
    info.compress_type = entry.method
    info.compress_size = entry.packed_bytes
    info.file_size = entry.size_bytes + 1  # so that one that is longer than that shows
    info.CRC = entry.crc32
    return zipfile.ZipExtFile(source, "r", info)


def _find_directory(source: BinaryIO) -> _Directory:
    end, (*_, size, offset, _comment_bytes) = _find_end(source)
    if wide := _find_wide_end(source, end):
        end, (*_, size, offset) = wide
    prefix_bytes = end - size - offset
    if prefix_bytes < 0:
        raise zipfile.BadZipFile("its directory is not where it says")
    return _Directory(start=end - size, stop=end, prefix_bytes=prefix_bytes)


def _find_end(source: BinaryIO) -> tuple[int, tuple[Any, ...]]:
    """Where the end record (4.3.16) is, and its fields.

    Its comment may hold anything, what looks like another record too: the record is the last one whose comment ends
    with the file. Where there is none, as in a file that goes on after its zip, it is the last one at all.
    """
    size_bytes = source.seek(0, io.SEEK_END)
    start = max(0, size_bytes - _END.size - _LONGEST_COMMENT)
    source.seek(start)
    tail = _exactly(source, size_bytes - start)
    places = [match.start() for match in re.finditer(re.escape(_END_SIGNATURE), tail)]
    found = [(place, _END.unpack_from(tail, place)) for place in places if place + _END.size <= len(tail)]
    if not found:
        raise zipfile.BadZipFile("it has no directory")
    ending = [(place, fields) for place, fields in found if place + _END.size + fields[-1] == len(tail)]
    place, fields = (ending or found)[-1]
    return start + place, fields


def _find_wide_end(source: BinaryIO, end: int) -> tuple[int, tuple[Any, ...]] | None:
    """The same of the zip64 end record (4.3.14), where there is one. Raises BadZipFile when it is not where it should.

    Its locator (4.3.15) counts from the beginning of the zip, before which other bytes may stand; so the record is
    looked for directly before the locator first.
    """
    if end < _LOCATOR.size:
        return None
    source.seek(end - _LOCATOR.size)
    signature, _disk, said, _disks = _LOCATOR.unpack(_exactly(source, _LOCATOR.size))
    if signature != _LOCATOR_SIGNATURE:
        return None
    for place in (end - _LOCATOR.size - _WIDE_END.size, said):
        if 0 <= place <= end - _LOCATOR.size - _WIDE_END.size:
            source.seek(place)
            fields = _WIDE_END.unpack(_exactly(source, _WIDE_END.size))
            if fields[0] == _WIDE_END_SIGNATURE:
                return place, fields
    raise zipfile.BadZipFile("its zip64 directory is not where it says")


def _entry(fields: tuple[Any, ...], raw_name: bytes, extra: bytes, *, prefix_bytes: int) -> Entry:
    (_, _, _, flags, method, _, _, crc32, packed, size, _, _, _, _, _, attributes, offset) = fields
    size, packed, offset = _widened((size, packed, offset), extra)
    try:
        name = raw_name.decode("utf-8" if flags & _UTF8_NAMES else "cp437")  # appendix D
    except UnicodeDecodeError as error:
        raise zipfile.BadZipFile(f"the name {raw_name!r} in its directory is not valid UTF-8") from error
    return Entry(
        name=name,
        size_bytes=size,
        packed_bytes=packed,
        crc32=crc32,
        offset=offset + prefix_bytes,
        method=method,
        flags=flags,
        mode=attributes >> 16,
    )


def _widened(numbers: tuple[int, int, int], extra: bytes) -> tuple[int, int, int]:
    """4.5.3: numbers that need more than 32 bits, in this order, those that do not left out."""
    wide = iter(_wide_numbers(extra))
    size, packed, offset = (next(wide, -1) if number == _ELSEWHERE else number for number in numbers)
    if -1 in {size, packed, offset}:
        raise zipfile.BadZipFile("a zip64 field of its directory is cut off")
    return size, packed, offset


def _wide_numbers(extra: bytes) -> tuple[int, ...]:
    """4.5.1: an extra field is a row of blocks, each with its kind and length."""
    while len(extra) >= _BLOCK.size:
        kind, length = _BLOCK.unpack_from(extra)
        if kind == _WIDE_EXTRA:
            block = extra[_BLOCK.size : _BLOCK.size + length]
            return struct.unpack_from(f"<{len(block) // 8}Q", block)
        extra = extra[_BLOCK.size + length :]
    return ()


_BLOCK: Final = struct.Struct("<2H")


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    if len(data) != count:
        raise zipfile.BadZipFile("it is cut off")
    return data
