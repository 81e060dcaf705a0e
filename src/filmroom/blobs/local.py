"""Blobs as files of a directory: ``ROOT/<lease>/<batch>/<key>``.

A blob is written under its final name (O_EXCL, never renamed). ``finish`` syncs the file and its folder; a folder
that had to be made is synced into its own parent before the first blob goes in. Batches keep folders small and let
concurrent uploads share the sync of a folder: one that began after a file was made has that file's name too.

A partial is a file too, whose writer holds an advisory lock on it (flock), which ends with the writer's process.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from filmroom.blobs.base import is_key, partial_name, split_key, storage_error
from filmroom.model.errors import Busy, MissingBytes, StorageFailed

# syncfs(2) reports write errors since Linux 5.8; Python has no function for it.
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
# link(2): what file systems without hard links say, those on which a file has as many as it can, and two of them.
_NO_LINKS: Final = frozenset({errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_COPY_BYTES: Final = 1024 * 1024
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_RESUME: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
# From linux/fs.h; and how much is written before the disk begins with it, at first and afterwards, so that it writes
# while a body is summed up or received, and fsync finds little left to wait for.
_SYNC_FILE_RANGE_WRITE: Final = 2
_FIRST_WRITTEN_OUT_BYTES: Final = 64 * 1024
_WRITTEN_OUT_BYTES: Final = 8 * 1024 * 1024
# Linux takes at most this many buffers in one writev.
_MOST_BUFFERS: Final = 1024


class LocalStore:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._root_text = str(root)  # to join paths costs as much as to open one
        # Folders whose own names are durable, by their paths. One that was only seen to be there may not be so yet.
        self._durable: dict[str, Folder] = {}
        with _STORAGE_ERRORS:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(root.parent)

    def create(self, key: str) -> "LocalWriter":
        below = self.path_below(key)
        path = f"{self._root_text}/{below}"
        with _STORAGE_ERRORS:
            folder = self._make_folder(below)
            return LocalWriter(path, os.open(path, _CREATE, 0o600), folder)

    def resume(self, key: str) -> "LocalPartial":
        path = self._path(key)
        with _STORAGE_ERRORS:
            self._make_folder(self.path_below(key))
            descriptor = os.open(path, _RESUME, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(descriptor)
                raise Busy("somebody else is writing to it") from error
            except BaseException:
                os.close(descriptor)
                raise
            return LocalPartial(path, descriptor)

    def _make_folder(self, below: str) -> "Folder":
        """The folders that a path below the root leads through; the last of them."""
        lease_and_batch = below.rpartition("/")[0]
        if (known := self._durable.get(lease_and_batch)) is not None:
            return known
        for name in (lease_and_batch.partition("/")[0], lease_and_batch):
            if name not in self._durable:
                folder = self._root / name
                folder.mkdir(mode=0o700, exist_ok=True)
                sync_folder(folder.parent)
                self._durable.setdefault(name, Folder(str(folder)))
        return self._durable[lease_and_batch]

    def watch(self) -> "LocalWatch":
        with _STORAGE_ERRORS:
            return LocalWatch(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def open(self, key: str) -> BinaryIO:
        with _StorageErrors(key):
            return FileIO(f"{self._root_text}/{self.path_below(key)}")

    def size_bytes(self, key: str) -> int:
        with _StorageErrors(key):
            return self._path(key).stat().st_size

    def locate(self, key: str) -> str:
        return str(self._path(key))

    def path_below(self, key: str) -> str:
        lease, batch, _ = split_key(key)
        return f"{lease}/{batch}/{key}"

    def copy(self, sources: Mapping[str, str]) -> None:
        """Hard links: two keys share the bytes, which are gone when both are. Where there are none, copies."""
        for new_key, key in sources.items():
            with _StorageErrors(key):
                if not self._link(self._path(key), new_key):
                    self._copy_bytes(key, new_key)
        with _STORAGE_ERRORS:
            for folder in {self._path(new_key).parent for new_key in sources}:
                sync_folder(folder)

    def _copy_bytes(self, key: str, new_key: str) -> None:
        writer = self.create(new_key)
        try:
            with self.open(key) as blob:
                while piece := blob.read(_COPY_BYTES):
                    writer.write([piece])
            writer.finish()
        except BaseException:
            writer.abort()
            raise

    def adopt(self, other: "LocalStore", keys: Iterable[str]) -> None:
        """Take blobs that are durable out of another store on the same file system; durable here on return.

        A blob that is here under such a key makes way.
        """
        folders = set()
        with _STORAGE_ERRORS:
            for key in keys:
                path = self._path(key)
                self._make_folder(self.path_below(key))
                other._path(key).replace(path)  # noqa: SLF001 - it is of this class
                folders.add(path.parent)
            for folder in folders:
                sync_folder(folder)

    def link(self, key: str, path: str) -> bool:
        """Make a file a blob, without copying it; not durable before ``sync``. False where there are no hard links."""
        with _StorageErrors(key):
            return self._link(Path(path), key)

    def _link(self, path: Path, key: str) -> bool:
        self._make_folder(self.path_below(key))
        try:
            os.link(path, self._path(key))
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return False
        return True

    def delete(self, keys: Iterable[str]) -> None:
        with _removal_errors():
            for key in keys:
                self._path(key).unlink(missing_ok=True)

    def destroy(self, keys: Iterable[str]) -> None:
        gone = list(keys)
        self.delete(gone)
        with _removal_errors():
            for folder in {self._path(key).parent for key in gone}:
                with suppress(FileNotFoundError):
                    sync_folder(folder)

    def iter_keys(self) -> Iterator[str]:
        return (key for key in self._iter(_list_names(self._root)) if not partial_name(key))

    def iter_partials(self) -> Iterator[str]:
        return filter(partial_name, self._iter(_list_names(self._root)))

    def iter_keys_of(self, lease: str) -> Iterator[str]:
        return self._iter([lease])

    def _iter(self, leases: Iterable[str]) -> Iterator[str]:
        # The joint of a key sorts before its letters and digits, so keys are sorted when folders and names are.
        for lease in leases:
            for batch in _list_names(self._root / lease):
                for name in _list_names(self._root / lease / batch):
                    if name.startswith(f"{lease}-{batch}-") and is_key(name):
                        yield name

    def free_bytes(self) -> int:
        with _STORAGE_ERRORS:
            return shutil.disk_usage(self._root).free

    def check(self) -> None:
        key = f"check-0-{uuid4().hex}"
        writer = self.create(key)
        try:
            writer.write([b"filmroom"])
            writer.finish()
            with self.open(key) as blob:
                if blob.read() != b"filmroom":
                    raise StorageFailed("a blob did not read back as it was written")
        finally:
            writer.abort()

    def _path(self, key: str) -> Path:
        return self._root / self.path_below(key)


class Folder:
    """A folder in which names become durable, those of several files by one sync."""

    __slots__ = ("_path", "_synced", "_syncing", "begun")

    def __init__(self, path: str) -> None:
        self._path = path
        self._syncing = threading.Lock()
        self.begun = 0
        """How many syncs of it have begun."""
        self._synced = 0  # the last one that was done without an error, counted like them

    def sync(self, *, since: int) -> None:
        """Make the names durable that were in it when so many syncs had begun, unless a later one has done so."""
        with self._syncing:
            if self._synced <= since:
                self.begun += 1
                sync_folder(self._path)
                self._synced = self.begun


class LocalWriter:
    def __init__(self, path: str, descriptor: int, folder: Folder) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self._folder = folder
        self._syncs_before = folder.begun  # read when the file is there: those that are to come know its name
        self._written_bytes = 0
        self._begin_at_bytes = _FIRST_WRITTEN_OUT_BYTES  # where the kernel is next told to write out what it holds

    def write(self, chunks: Sequence[bytes]) -> None:
        descriptor = self._get_descriptor()
        with _STORAGE_ERRORS:
            self._written_bytes += _write_chunks(descriptor, chunks)
        if self._written_bytes >= self._begin_at_bytes:
            self._begin_at_bytes = self._written_bytes + _WRITTEN_OUT_BYTES
            _begin_to_write_out(descriptor)

    def finish(self) -> None:
        with _STORAGE_ERRORS:
            os.fsync(self._get_descriptor())
            self._close()
            self._folder.sync(since=self._syncs_before)

    def close(self) -> None:
        with _STORAGE_ERRORS:
            self._close()

    def abort(self) -> None:
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            Path(self._path).unlink()

    def _get_descriptor(self) -> int:
        if self._descriptor is None:
            raise StorageFailed("blobs: this blob has ended already")
        return self._descriptor

    def _close(self) -> None:
        # Once only: the number may belong to another file as soon as it is closed.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class LocalWatch:
    """Sees what goes wrong with the file system, whoever it was written by, while its descriptor is open.

    Linux tells each descriptor once. One that is opened after somebody else was told hears nothing of it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def sync(self) -> None:
        """One syncfs, however many blobs there are; it writes out what others have on this file system too."""
        if self._descriptor is None:
            raise StorageFailed("blobs: nobody watches any more")
        with _STORAGE_ERRORS:
            if _LIBC.syncfs(self._descriptor) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    __del__ = close


class LocalPartial:
    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_named = False

    def cut(self, size_bytes: int) -> None:
        with _STORAGE_ERRORS:
            if os.fstat(self._descriptor).st_size < size_bytes:
                raise MissingBytes(self._path.name)
            os.ftruncate(self._descriptor, size_bytes)
            os.lseek(self._descriptor, size_bytes, os.SEEK_SET)

    def write(self, chunks: Sequence[bytes]) -> None:
        with _STORAGE_ERRORS:
            _write_chunks(self._descriptor, chunks)

    def sync(self) -> None:
        with _STORAGE_ERRORS:
            os.fsync(self._descriptor)
            if not self._is_named:
                sync_folder(self._path.parent)
                self._is_named = True

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)


def _write_chunks(descriptor: int, chunks: Sequence[bytes]) -> int:
    """How many bytes they are."""
    starts = range(0, len(chunks), _MOST_BUFFERS)
    return sum(_write_all(descriptor, chunks[start : start + _MOST_BUFFERS]) for start in starts)


def _write_all(descriptor: int, chunks: Sequence[bytes]) -> int:
    size_bytes = sum(map(len, chunks))
    written = os.writev(descriptor, chunks)
    if written < size_bytes:
        rest = memoryview(b"".join(chunks))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    return size_bytes


def _begin_to_write_out(descriptor: int) -> None:
    """sync_file_range(2): wait for nothing, and promise nothing; what fails is for fsync to tell."""
    begin = getattr(_LIBC, "sync_file_range", None)
    if begin is not None:
        begin(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _SYNC_FILE_RANGE_WRITE)


def _list_names(folder: Path) -> list[str]:
    """What is in it, sorted; nothing for what is no folder, or no longer there."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageFailed(f"blobs: {folder}: {error.strerror}") from error


def sync_folder(path: Path | str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _removal_errors() -> Iterator[None]:
    """A disk too full to delete from has failed: StorageFull says that nothing was stored, and by then it may be."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"blobs: {error.strerror}") from error


class _StorageErrors:
    """What the storage says leaves as what it means. A generator in its place would cost as much as a quick write."""

    __slots__ = ("_key",)

    def __init__(self, key: str = "") -> None:
        self._key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, FileNotFoundError) and self._key:
            raise MissingBytes(self._key) from error
        if isinstance(error, OSError):
            raise storage_error(error, "blobs") from error


_STORAGE_ERRORS: Final = _StorageErrors()
