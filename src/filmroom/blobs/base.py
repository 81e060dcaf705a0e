"""What every store of blobs promises; ``tests/contracts/`` holds each implementation to it.

A *key* is made by the caller and never used twice: three parts joined by ``-``, each of lower-case letters and digits.
The first two group blobs that are written and swept together; a store may use them as folders.

A blob is written once and never changed, renamed or overwritten. It may be read as soon as its writer has finished.
Nobody reads a key that no row names, so a blob that is half written harms nothing and can be deleted at any time.

A *partial* is what is still to become a blob, and may take days and several processes for it. Its key is made by
``partial_key`` and is none of any row; one writer at a time appends to it. When all of it is there it is copied to a
blob, and written no more from then on unless that copy is deleted, because the two may share storage.

Errors: a full disk or quota is ``StorageFull``, a key that is not there ``MissingBytes``, anything else that the
storage reports ``StorageFailed``.
"""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, Protocol

from filmroom.model.errors import ArchiveError, StorageFailed, StorageFull

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PARTIAL: Final = "partial"
_KEY: Final = re.compile(r"([a-z0-9]{1,32})-([a-z0-9]{1,32})-([a-z0-9]{1,64})")


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def split_key(key: str) -> tuple[str, str, str]:
    """The three parts of a key. Raises StorageFailed for text that is no key, so that none becomes a path."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise StorageFailed(f"{key!r} is not a blob's key")
    return match[1], match[2], match[3]


def storage_error(error: OSError, what: str) -> ArchiveError:
    """What it means that a file of the archive's own could not be written or read."""
    return StorageFull() if error.errno in _FULL else StorageFailed(f"{what}: {error.strerror}")


def partial_key(name: str) -> str:
    """The key of the partial of a name of lower-case letters and digits."""
    return f"{_PARTIAL}-{name[:2]}-{name}"


def partial_name(key: str) -> str:
    """What ``partial_key`` made the key of; empty for the key of a blob."""
    first, _, name = split_key(key)
    return name if first == _PARTIAL else ""


class BlobWriter(Protocol):
    """One blob on its way in. Exactly one of ``finish``, ``close`` and ``abort`` ends it."""

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks in order. After an error only ``abort`` may follow."""

    def finish(self) -> None:
        """Make the bytes, and the name they can be found under, durable. On return they survive a power cut."""

    def close(self) -> None:
        """End the blob without making it durable: a ``Watch`` that was there before it does that, for many at once.

        In place of ``finish``. What is closed can still be read and deleted.
        """

    def abort(self) -> None:
        """Forget what was written. Never raises; what cannot be removed now is swept later."""


class Partial(Protocol):
    """A partial in the hands of its one writer, until it is closed."""

    def cut(self, size_bytes: int) -> None:
        """Keep so many bytes, forget what is behind them, and go on there. MissingBytes when there are fewer."""

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append the chunks in order. After an error only ``close`` may follow."""

    def sync(self) -> None:
        """Make all that was written durable, and the name it is found under. After an error as ``write``."""

    def close(self) -> None:
        """Leave it to others, as it is. Never raises."""


class Watch(Protocol):
    """Makes many blobs durable together: those that are begun and closed while it watches.

    One for each batch of blobs, never shared: a storage may tell each watch only once that it failed to write, and
    tells those that begin later nothing.
    """

    def sync(self) -> None:
        """Make every blob so far durable; they survive a power cut if nothing is raised, by this or an earlier call."""

    def close(self) -> None:
        """Watch no more. Never raises."""


class BlobStore(Protocol):
    def create(self, key: str) -> BlobWriter:
        """Begin a blob. A key that exists already is StorageFailed: nothing is ever overwritten."""

    def resume(self, key: str) -> Partial:
        """Take a partial into one's hands, which is made if need be.

        Busy while it is in the hands of another, of whatever process; a process that dies lets go of it.
        """

    def watch(self) -> Watch:
        """To be asked for before the first of the blobs is begun that it is to make durable."""

    def open(self, key: str) -> BinaryIO:
        """The blob for reading, seekable, as a file that the caller closes."""

    def size_bytes(self, key: str) -> int: ...

    def locate(self, key: str) -> str:
        """Where the bytes are, for people who look after the storage; whether or not they are there."""

    def path_below(self, key: str) -> str:
        """Where the bytes are below the store's own folder, for a proxy that sends them itself."""

    def copy(self, sources: Mapping[str, str]) -> None:
        """Give each new key the bytes of its source, durable on return. They may share storage: neither ever changes.

        After an error some of the new keys may be there.
        """

    def delete(self, keys: Iterable[str]) -> None:
        """Remove blobs; keys that are not there are passed over. Raises StorageFailed, also when the disk is full."""

    def destroy(self, keys: Iterable[str]) -> None:
        """As ``delete``; and on return not even a power cut brings them back."""

    def iter_keys(self) -> Iterator[str]:
        """Every key in the store, sorted by code point, in memory that does not grow with their number.

        Blobs that come or go meanwhile may be missed. Partials, and whatever else lies where the blobs are, are passed
        over.
        """

    def iter_keys_of(self, lease: str) -> Iterator[str]:
        """Every key that begins with a lease; as ``iter_keys``."""

    def iter_partials(self) -> Iterator[str]:
        """The key of every partial, as ``iter_keys`` does it."""

    def free_bytes(self) -> int | None:
        """How much more the store can take; None where nobody can tell."""

    def check(self) -> None:
        """Write, read and delete a small blob; raises what that raises."""
