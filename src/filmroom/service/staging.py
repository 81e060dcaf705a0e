"""A body on its way in: bytes to a blob that no row names yet, its digest taken on the way."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from typing import IO, Final, Protocol

from filmroom.blobs.base import BlobWriter
from filmroom.model.errors import DigestMismatch
from filmroom.model.resources import Digest
from filmroom.service.summing import JointSum, JointSums, Summing

_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staged:
    """Durable bytes that nothing names yet."""

    key: str
    sum: Digest | JointSum

    @property
    def digest(self) -> Digest:
        """It may have to be taken yet, and not of these bytes alone (``JointSums``)."""
        return self.sum if isinstance(self.sum, Digest) else self.sum.get()


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
    """Takes a body that is to be kept. Exactly one of ``finish``, ``close`` and ``abort`` ends it.

    ``check_room`` is asked before each piece and raises when there is no room for more.
    ``joint_sums`` sums up what is small, and ``is_one_of_many`` says that more will come.
    """

    def __init__(
        self,
        key: str,
        writer: BlobWriter,
        *,
        check_room: Callable[[], None],
        joint_sums: JointSums,
        is_one_of_many: bool = False,
    ) -> None:
        self._key = key
        self._writer = writer
        self._check_room = check_room
        self._sum: Summing | None = None
        self._joint_sums = joint_sums
        self._is_one_of_many = is_one_of_many
        self._put_off: bytes | None = None  # all that has come, if that is not summed up yet
        self._is_whole = False
        joint_sums.enter()

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks in order. After an error only ``abort`` may follow. Raises StorageFull."""
        self._check_room()
        if self._is_to_wait(chunks):
            self._writer.write(chunks)
            self._put_off = b"".join(chunks)
        else:
            self._sum_up_what_came().write_beside(chunks, self._writer.write)

    def _is_to_wait(self, chunks: Sequence[bytes]) -> bool:
        """Whether to sum up with others what begins with these chunks, if no more follow."""
        if self._sum is not None or self._put_off is not None:
            return False
        return self._joint_sums.are_worth_it(chunks, is_one_of_many=self._is_one_of_many)

    def _sum_up_what_came(self) -> Summing:
        if self._sum is None:
            self._sum = Summing()
        if self._put_off is not None:
            self._sum.write([self._put_off])
            self._put_off = None
        return self._sum

    def finish(self) -> Staged:
        """Make the bytes durable. After an error only ``abort`` may follow."""
        total = self._end()  # so that others can sum it up while the disk writes
        try:
            self._writer.finish()
        except BaseException:
            self._joint_sums.forget(total)
            raise
        self._joint_sums.sum_up_unless_more_come(total)
        return Staged(self._key, total)

    def close(self) -> Staged:
        """End the bytes without making them durable; the store's ``sync`` must follow before anything names them."""
        self._writer.close()
        return Staged(self._key, self._end())

    def abort(self) -> None:
        """Forget the bytes. Never raises."""
        self._writer.abort()
        if not self._is_whole:
            self._joint_sums.leave()

    def _end(self) -> Digest | JointSum:
        """What the body comes to, now that it is whole."""
        total = self._sum_up_what_came().finish() if self._put_off is None else self._joint_sums.add(self._put_off)
        self._joint_sums.leave()
        self._is_whole = True
        return total


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
