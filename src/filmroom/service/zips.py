"""What is inside a stored zip: its members listed, and one of them opened."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from filmroom.blobs.zipdirectory import UNREADABLE, iter_entries, iter_member
from filmroom.model.errors import NotFound, UnreadableZip
from filmroom.service.files import OpenFile
from filmroom.service.unpacking import Limits


@dataclass(frozen=True, slots=True)
class OpenMember:
    """A member's name, the size that the zip says it has, and its bytes, which raise UnreadableZip when broken.

    ``close`` gives up the zip.
    """

    name: str
    size_bytes: int
    pieces: Iterator[bytes]
    close: Callable[[], None]


class Zips:
    """Looks into stored zips; in constant memory, however many members they have and however large these are.

    A file that is given to it is closed by it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @contextmanager
    def open_contents(self, found: OpenFile) -> Iterator[Iterator[tuple[str, int]]]:
        """Name and size of each member that is no folder, in the zip's order, readable while the context is open.

        Raises UnreadableZip, here or while they are read.
        """
        with _buffered(found) as source, _told_of(found):
            entries = iter_entries(source, most=self._limits.entries)
            yield ((entry.name, entry.size_bytes) for entry in entries if not entry.is_folder)

    def open_member(self, found: OpenFile, names: Sequence[str]) -> OpenMember:
        """The first member that has one of these names, exactly. Raises NotFound, UnreadableZip."""
        with ExitStack() as stack, _told_of(found):
            source = stack.enter_context(_buffered(found))
            entries = iter_entries(source, most=self._limits.entries)
            entry = next((entry for entry in entries if entry.name in names and not entry.is_folder), None)
            if entry is None:
                raise NotFound(f"member {names[0]!r} of {found.entry.path!r}")
            pieces = _pieces(found, iter_member(source, entry))
            return OpenMember(entry.name, entry.size_bytes, pieces, stack.pop_all().close)


def _buffered(found: OpenFile) -> BinaryIO:
    """A directory is read in small steps, and a blob's file has no buffer."""
    return io.BufferedReader(cast("io.RawIOBase", found.blob))


def _pieces(found: OpenFile, member: Iterator[bytes]) -> Iterator[bytes]:
    with _told_of(found):
        yield from member


@contextmanager
def _told_of(found: OpenFile) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise UnreadableZip(found.entry.path, str(error)) from error
