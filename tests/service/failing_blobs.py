"""A store of blobs on a disk that fails."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from filmroom.blobs.base import BlobStore, BlobWriter, Partial, Watch
from filmroom.model.errors import ArchiveError


class FailingBlobs:
    """Keeps the contract of a store until one step fails.

    Steps are ``watch``, ``create``, ``write``, ``finish``, ``close``, ``sync``, ``copy`` and ``delete``; ``append``
    and ``keep`` are the writing and syncing of a partial.
    Whatever reached the disk before stays there, as it would.
    """

    def __init__(self, store: BlobStore, *, step: str, error: ArchiveError) -> None:
        self.store = store
        self._errors = {step: error}

    def fail_at(self, step: str) -> None:
        if step in self._errors:
            raise self._errors[step]

    def create(self, key: str) -> BlobWriter:
        self.fail_at("create")
        return _Writer(self, self.store.create(key))

    def resume(self, key: str) -> Partial:
        return _Partial(self, self.store.resume(key))

    def watch(self) -> Watch:
        self.fail_at("watch")
        return _Watch(self, self.store.watch())

    def open(self, key: str) -> BinaryIO:
        return self.store.open(key)

    def size_bytes(self, key: str) -> int:
        return self.store.size_bytes(key)

    def locate(self, key: str) -> str:
        return self.store.locate(key)

    def path_below(self, key: str) -> str:
        return self.store.path_below(key)

    def copy(self, sources: Mapping[str, str]) -> None:
        self.fail_at("copy")
        self.store.copy(sources)

    def delete(self, keys: Iterable[str]) -> None:
        self.fail_at("delete")
        self.store.delete(keys)

    def destroy(self, keys: Iterable[str]) -> None:
        self.fail_at("delete")
        self.store.destroy(keys)

    def iter_keys(self) -> Iterator[str]:
        return self.store.iter_keys()

    def iter_keys_of(self, lease: str) -> Iterator[str]:
        return self.store.iter_keys_of(lease)

    def iter_partials(self) -> Iterator[str]:
        return self.store.iter_partials()

    def free_bytes(self) -> int | None:
        return self.store.free_bytes()

    def check(self) -> None:
        self.fail_at("check")
        self.store.check()


class _Writer:
    def __init__(self, blobs: FailingBlobs, writer: BlobWriter) -> None:
        self._blobs = blobs
        self._writer = writer

    def write(self, chunks: Sequence[bytes]) -> None:
        self._writer.write(chunks[:1])
        self._blobs.fail_at("write")
        self._writer.write(chunks[1:])

    def finish(self) -> None:
        self._blobs.fail_at("finish")
        self._writer.finish()

    def close(self) -> None:
        self._blobs.fail_at("close")
        self._writer.close()

    def abort(self) -> None:
        self._writer.abort()


class _Watch:
    def __init__(self, blobs: FailingBlobs, watch: Watch) -> None:
        self._blobs = blobs
        self._watch = watch

    def sync(self) -> None:
        self._blobs.fail_at("sync")
        self._watch.sync()

    def close(self) -> None:
        self._watch.close()


class _Partial:
    def __init__(self, blobs: FailingBlobs, partial: Partial) -> None:
        self._blobs = blobs
        self._partial = partial

    def cut(self, size_bytes: int) -> None:
        self._partial.cut(size_bytes)

    def write(self, chunks: Sequence[bytes]) -> None:
        self._partial.write(chunks[:1])
        self._blobs.fail_at("append")
        self._partial.write(chunks[1:])

    def sync(self) -> None:
        self._blobs.fail_at("keep")
        self._partial.sync()

    def close(self) -> None:
        self._partial.close()
