"""A tar on its way in: its members one after the other, strictly, and in little memory.

``tarfile`` takes a header that is broken, and bytes that end where one should be, for the end of the archive; it reads
a long name of any length into memory, and remembers every member. Here the end is the block of zeros that POSIX asks
for (1003.1-2001, ustar), and anything else in place of a header is an error.

Headers of the plainest kind, which are almost all there are, are read here, in a fifth of the time. Every other, and
whatever is wrong, is ``tarfile``'s: what comes of an archive is what would come of it without them.
"""

import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple, Self

_LONGEST_NOTE_BYTES: Final = 1024 * 1024
_MOST_NOTES_IN_A_ROW: Final = 16
# Headers that say something of the member after them.
_NOTES: Final = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_END: Final[type[Exception]] = tarfile.EOFHeaderError  # type: ignore[attr-defined]
_BLOCK_BYTES: Final = tarfile.BLOCKSIZE
_PIECE_BYTES: Final = 256 * 1024


class Entry(NamedTuple):
    """One member. ``pieces`` are the bytes of a file, to be read before the next member; None if it is no file.

    They are as many as its header says, or raise TarError.
    """

    name: str
    is_folder: bool
    pieces: Iterator[bytes] | None


class _Ahead:
    """A source from which one reads forward only, and can look at what comes next."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._held = b""
        self._at = 0
        self._passed_bytes = 0

    def look(self, size: int) -> bytes:
        """The next bytes, which stay; fewer of them at the end."""
        while len(self._held) - self._at < size and (more := self._source.read(_PIECE_BYTES)):
            self._passed_bytes += self._at
            self._held, self._at = self._held[self._at :] + more, 0
        return self._held[self._at : self._at + size]

    def read(self, size: int) -> bytes:
        data = self.look(size)
        self._at += len(data)
        return data

    def tell(self) -> int:
        return self._passed_bytes + self._at

    def seek(self, position: int) -> None:
        """Go forward, if need be to the end of the source. Raises StreamError for what has passed."""
        to_pass = position - self.tell()
        if to_pass < 0:
            raise tarfile.StreamError("a member in it says more of itself than there is")
        if to_pass <= len(self._held) - self._at:
            self._at += to_pass
            return
        while (left := position - self.tell()) > 0 and self.read(min(left, _PIECE_BYTES)):
            pass


class _Header(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _NOTES and header.size > _LONGEST_NOTE_BYTES:
            raise tarfile.ReadError(f"a name or note in it is longer than {_LONGEST_NOTE_BYTES} bytes")
        return header

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        header: Self = _read_header(super().fromtarfile, tarfile)
        return header


def _read_header(read: Any, archive: Any) -> Any:
    """One header with the notes before it, each of which has the next one read."""
    archive.depth += 1
    try:
        if archive.depth > _MOST_NOTES_IN_A_ROW:
            raise tarfile.ReadError("it has too many notes on one member")
        return read(archive)
    except _END:
        raise
    except tarfile.HeaderError as error:
        raise tarfile.ReadError(f"a header in it is broken or missing: {error}") from error
    finally:
        archive.depth -= 1


class _Archive(tarfile.TarFile):
    tarinfo = _Header
    members: list[tarfile.TarInfo]
    offset: int
    """Where the next header begins."""
    depth = 0


def iter_members(source: IO[bytes], *, most: int) -> Iterator[Entry]:
    """Each member in its order.

    Raises TarError for what is no tar, for one that is cut off or broken, and for more members than ``most``; and
    ValueError for a number or text that is none.
    """
    ahead = _Ahead(source)
    with _Archive(fileobj=ahead, mode="r") as archive:  # type: ignore[arg-type]
        entry = _read_any(archive)  # which it did when it was opened
        count = 0
        while entry is not None:
            if count == most:
                raise tarfile.ReadError(f"it has more than {most} entries")
            count += 1
            yield entry
            _go_to(ahead, archive.offset)
            entry = _read_plain(archive, ahead) or _read_any(archive)


def _go_to(ahead: _Ahead, position: int) -> None:
    ahead.seek(position)
    if ahead.tell() < position:
        raise tarfile.ReadError("unexpected end of data")


def _read_any(archive: _Archive) -> Entry | None:
    """The next member as the library reads it; None at the end."""
    info = archive.next()
    if info is None:
        return None
    archive.members.clear()
    file = archive.extractfile(info) if info.isreg() else None
    return Entry(info.name, info.isdir(), None if file is None else _iter_file(file, info.size))


# A header of a file, a folder or a note (POSIX 1003.1-2001, ustar, and GNU's): numbers in full, no prefix, no device.
_PLAIN: Final = re.compile(
    rb"(?=(?P<name>[^\0]+)).{100}(?:[0-7]{6}[0-7 ]\0){3}(?P<size>[0-7]{11})[\0 ][0-7]{11}[\0 ]"
    rb"(?P<sum>[0-7]{6})\0 (?P<kind>[05x]).{100}ustar(?:\x0000|  \0).{64}(?:[0-7]{6}[0-7 ]\0|\0{8}){2}\0{167}",
    re.DOTALL,
)
_SUM: Final = slice(148, 156)
_SUM_OF_BLANKS: Final = 8 * ord(" ")  # which stand for it where it is computed
# A record of a note (pax) that says nothing but when a file was changed, or its path.
_RECORD: Final = re.compile(rb"(\d{1,3}) (?:[acm]time=[0-9.]+|path=(?P<path>[ -~]*[ -.0-~]))\n")


class _Plain(NamedTuple):
    kind: bytes
    name: str
    size_bytes: int


def _read_plain(archive: _Archive, ahead: _Ahead) -> Entry | None:
    """The next member, if its header and the note before it are plain; else None, and nothing was read."""
    if archive.pax_headers:
        return None
    block = ahead.look(3 * _BLOCK_BYTES)
    header, name, size_bytes = _parse_header(block[:_BLOCK_BYTES]), "", _BLOCK_BYTES
    if header is not None and header.kind == tarfile.XHDTYPE:
        noted = _parse_note(block[_BLOCK_BYTES : 2 * _BLOCK_BYTES], header.size_bytes)
        header = None if noted is None else _parse_header(block[2 * _BLOCK_BYTES :])
        name, size_bytes = noted or "", 3 * _BLOCK_BYTES
    if header is None or header.kind == tarfile.XHDTYPE:
        return None
    archive.offset = ahead.tell() + size_bytes
    ahead.seek(archive.offset)
    if header.kind == tarfile.DIRTYPE:
        return Entry(name or header.name, is_folder=True, pieces=None)
    archive.offset += -(-header.size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
    return Entry(name or header.name, is_folder=False, pieces=_iter_file(ahead, header.size_bytes))


def _iter_file(file: IO[bytes] | _Ahead, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        left -= len(piece)
        yield piece
    if left:
        raise tarfile.ReadError("unexpected end of data")


def _parse_header(block: bytes) -> _Plain | None:
    match = _PLAIN.fullmatch(block)
    if match is None or not block.isascii():
        return None
    name, size, checksum, kind = match.group("name", "size", "sum", "kind")
    # The lower half of Adler-32 is one more than the sum of the bytes (RFC 1950), which ASCII of a block cannot exceed.
    total = (zlib.adler32(block) & 0xFFFF) - 1 - sum(block[_SUM]) + _SUM_OF_BLANKS
    if total != int(checksum, 8):
        return None
    return _Plain(kind, name[:100].decode(), int(size, 8))


def _parse_note(block: bytes, size_bytes: int) -> str | None:
    """The path that a plain note tells, empty if none; None if it tells anything else, or is not of one block."""
    path, at = "", 0
    while at < size_bytes:
        match = _RECORD.match(block, at, size_bytes)
        if match is None or int(match[1]) != len(match[0]):
            return None
        path = match["path"].decode() if match["path"] else path
        at = match.end()
    return path if size_bytes else None
