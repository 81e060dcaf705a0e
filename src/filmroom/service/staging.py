"""A body on its way in: bytes to a blob that no row names yet, its digest taken on the way."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedIOBase
from typing import IO, Final, Protocol

from isal import isal_zlib

from filmroom.blobs.base import BlobWriter
from filmroom.model.errors import DigestMismatch
from filmroom.model.resources import Digest

_PIECE_BYTES: Final = 1024 * 1024
# To begin a thread costs a twentieth of what it takes to sum up as much.
_WORTH_A_THREAD_BYTES: Final = _PIECE_BYTES


@dataclass(frozen=True, slots=True)
class Staged:
    """Durable bytes that nothing names yet."""

    key: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Arrival:
    """Durable bytes and the path they are meant for."""

    path: str
    staged: Staged


class Receiver(Protocol):
    """Takes a body, or a part of one, piece by piece. Exactly one of ``finish`` and ``abort`` ends it."""

    def write(self, chunks: Sequence[bytes]) -> None:
        """The next pieces. After an error only ``abort`` may follow."""

    def finish(self) -> list[Arrival]:
        """What came of it, durable. After an error only ``abort`` may follow."""

    def abort(self) -> None:
        """Forget all of it. Never raises."""


def iter_pieces(source: IO[bytes] | BufferedIOBase) -> Iterator[bytes]:
    """What is left of a file, 1 MiB or less at a time."""
    while piece := source.read(_PIECE_BYTES):
        yield piece


class Summing:
    """Sums up a body that is not kept."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32 = 0
        self.size_bytes = 0

    def copy(self) -> "Summing":
        """The sum so far, to go on from twice."""
        copied = Summing()
        copied._md5, copied._crc32, copied.size_bytes = self._md5.copy(), self._crc32, self.size_bytes
        return copied

    def write(self, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self._md5.update(chunk)
            self._crc32 = isal_zlib.crc32(chunk, self._crc32)
            self.size_bytes += len(chunk)

    def write_beside(self, chunks: Sequence[bytes], write: Callable[[Sequence[bytes]], None]) -> None:
        """Have chunks written, and sum them up: both are done when this returns or raises what ``write`` raises.

        MD5 takes longer than all the rest of a large upload, and lets go of the interpreter's lock; so what is large is
        summed up in a thread of its own meanwhile. After an error it is not known whether the sum has the chunks.
        """
        if sum(map(len, chunks)) < _WORTH_A_THREAD_BYTES:
            write(chunks)
            self.write(chunks)
            return
        with ThreadPoolExecutor(1, "filmroom-sum") as thread:
            summed = self._begin_write(thread, chunks)
            write(chunks)
        if summed is None:
            self.write(chunks)
        else:
            summed.result()

    def _begin_write(self, thread: Executor, chunks: Sequence[bytes]) -> Future[None] | None:
        """None, and nothing will happen, where the system lets this process begin no more threads."""
        try:
            return thread.submit(self.write, chunks)
        except RuntimeError:
            return None

    def finish(self) -> Digest:
        return Digest(size_bytes=self.size_bytes, md5=self._md5.hexdigest(), crc32=self._crc32)


class DigestCheck:
    """Whether a body has the digests that were declared for it, by the names that hashlib has for them."""

    def __init__(self, declared: Mapping[str, bytes]) -> None:
        self._sums = [(name, hashlib.new(name, usedforsecurity=False), digest) for name, digest in declared.items()]

    def write(self, chunks: Sequence[bytes]) -> None:
        for _, running, _ in self._sums:
            for chunk in chunks:
                running.update(chunk)

    def finish(self) -> None:
        """Raises DigestMismatch."""
        for name, running, digest in self._sums:
            if running.digest() != digest:
                raise DigestMismatch(name, declared=digest.hex(), arrived=running.hexdigest())


class Stage:
    """Takes a body that is to be kept. Exactly one of ``finish`` and ``abort`` ends it.

    ``check_room`` is asked before each piece and raises when there is no room for more.
    """

    def __init__(self, key: str, writer: BlobWriter, *, check_room: Callable[[], None]) -> None:
        self._key = key
        self._writer = writer
        self._check_room = check_room
        self._sum = Summing()

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks in order. After an error only ``abort`` may follow. Raises StorageFull."""
        self._check_room()
        self._sum.write_beside(chunks, self._writer.write)

    def finish(self) -> Staged:
        """Make the bytes durable. After an error only ``abort`` may follow."""
        self._writer.finish()
        return Staged(self._key, self._sum.finish())

    def close(self) -> Staged:
        """End the bytes without making them durable; the store's ``sync`` must follow before anything names them."""
        self._writer.close()
        return Staged(self._key, self._sum.finish())

    def abort(self) -> None:
        """Forget the bytes. Never raises."""
        self._writer.abort()


class FileReceiver:
    """A body that is one file."""

    def __init__(self, path: str, stage: Stage) -> None:
        self._path = path
        self._stage = stage

    def write(self, chunks: Sequence[bytes]) -> None:
        self._stage.write(chunks)

    def finish(self) -> list[Arrival]:
        return [Arrival(self._path, self._stage.finish())]

    def abort(self) -> None:
        self._stage.abort()
