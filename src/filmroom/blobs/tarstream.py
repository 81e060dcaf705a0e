"""A tar on its way in: its members one after the other, strictly, and in little memory.

``tarfile`` takes a header that is broken, and bytes that end where one should be, for the end of the archive; it reads
a long name of any length into memory, and remembers every member. Here the end is the block of zeros that POSIX asks
for (1003.1-2001, ustar), and anything else in place of a header is an error.
"""

import tarfile
from collections.abc import Iterator
from typing import IO, Any, Final, Self

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
    depth = 0


def iter_members(source: IO[bytes], *, most: int) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Each member in its order, with its bytes if it is a file, to be read to their end before the next one.

    Raises TarError for what is no tar, for one that is cut off or broken, and for more members than ``most``; and
    ValueError for a number or text that is none.
    """
    with _Archive.open(fileobj=source, mode="r|") as archive:
        count = 0
        while (member := archive.next()) is not None:
            if count == most:
                raise tarfile.ReadError(f"it has more than {most} entries")
            count += 1
            yield member, archive.extractfile(member) if member.isreg() else None
            archive.members.clear()
