"""What only the store in a folder promises: who may read it, and in which words its disk's errors are told."""

import errno
import os
import resource
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from filmroom.blobs.local import Folder, LocalStore, LocalWriter
from filmroom.model.errors import StorageFailed, StorageFull

KEY = "lease-b0-1"


def _put(store: LocalStore, content: bytes, key: str = KEY) -> None:
    writer = store.create(key)
    writer.write([content])
    writer.finish()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_blob_lies_in_the_folders_of_its_key(tmp_path: Path) -> None:
    _put(LocalStore(tmp_path / "blobs"), b"x")

    assert (tmp_path / "blobs" / "lease" / "b0" / KEY).read_bytes() == b"x"


def test_nobody_else_may_read_folders_and_blobs(tmp_path: Path) -> None:
    root = tmp_path / "blobs"

    _put(LocalStore(root), b"x")

    folders = [root, root / "lease", root / "lease" / "b0"]
    assert [_mode(folder) for folder in folders] == [0o700] * 3
    assert _mode(root / "lease" / "b0" / KEY) == 0o600


def test_a_store_is_made_with_the_folders_above_it(tmp_path: Path) -> None:
    LocalStore(tmp_path / "a" / "b" / "blobs").check()

    assert (tmp_path / "a" / "b" / "blobs").is_dir()


def test_a_store_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    _put(LocalStore(tmp_path), b"x")

    with LocalStore(tmp_path).open(KEY) as blob:
        assert blob.read() == b"x"


def test_a_store_cannot_be_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageFailed, match="blobs: "):
        LocalStore(tmp_path / "file" / "blobs")


def test_a_folder_that_cannot_be_made_is_a_failed_storage(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "lease").touch()

    with pytest.raises(StorageFailed, match="blobs: "):
        store.create(KEY)


def test_a_store_whose_root_is_gone_is_a_failed_storage(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs")
    (tmp_path / "blobs").rmdir()

    with pytest.raises(StorageFailed):
        store.create(KEY)


def test_a_blob_whose_folder_is_gone_is_not_finished(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    writer = store.create(KEY)
    (tmp_path / "lease" / "b0").rename(tmp_path / "lease" / "elsewhere")

    with pytest.raises(StorageFailed):
        writer.finish()


def test_what_cannot_be_deleted_is_a_failed_storage(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "lease" / "b0" / KEY).mkdir(parents=True)

    with pytest.raises(StorageFailed):
        store.delete([KEY])


@pytest.mark.parametrize("remove", ["delete", "destroy"])
def test_a_disk_too_full_to_delete_from_is_a_failed_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remove: str
) -> None:
    """Some file systems need room to delete. Nobody may be told that nothing was stored: by then it may be."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = LocalStore(tmp_path)
    monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)

    with pytest.raises(StorageFailed):
        getattr(store, remove)(["lease-batch-key"])


def test_a_blob_that_does_not_read_back_fails_the_check(tmp_path: Path) -> None:
    class Forgetful(LocalStore):
        """A disk that keeps names and no bytes."""

        def open(self, key: str) -> BinaryIO:
            self._path(key).write_bytes(b"")
            return super().open(key)

    with pytest.raises(StorageFailed, match="did not read back"):
        Forgetful(tmp_path).check()


@contextmanager
def no_file_beyond(size_bytes: int) -> Iterator[None]:
    """To this process a disk that becomes full in the middle of a write: what fits is written, the rest is not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("chunks", [66, 3000])
def test_a_disk_that_becomes_full_is_told_as_such(tmp_path: Path, chunks: int) -> None:
    store = LocalStore(tmp_path)
    writer = store.create(KEY)

    with no_file_beyond(65_536), pytest.raises(StorageFull):
        writer.write([b"x" * 1000] * chunks)

    assert store.size_bytes(KEY) == 65_536
    writer.abort()
    assert list(store.iter_keys()) == []


def test_what_just_fits_is_stored(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)

    with no_file_beyond(65_536):
        _put(store, b"x" * 65_536)

    assert store.size_bytes(KEY) == 65_536


def test_the_disk_can_be_full_before_the_first_byte() -> None:
    """``/dev/full`` answers every write with ENOSPC."""
    writer = LocalWriter("/dev/full/no such file", os.open("/dev/full", os.O_WRONLY), Folder("/dev"))

    with pytest.raises(StorageFull):
        writer.write([b"x"])

    writer.abort()


def test_a_process_out_of_descriptors_is_a_failed_storage(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(StorageFailed, match="Too many open files"):
            store.create(KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_each_watch_is_told_by_a_descriptor_of_its_own_until_it_is_closed(tmp_path: Path) -> None:
    """Linux tells each descriptor once that it failed to write."""
    store = LocalStore(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    first, second = store.watch(), store.watch()
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 2

    first.close()
    first.close()
    with pytest.raises(StorageFailed):
        first.sync()
    second.sync()
    del second
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was synced, in order."""
    names: list[str] = []
    sync = os.fsync

    def watch(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    return names


def _create(store: LocalStore, key: str) -> LocalWriter:
    writer = store.create(key)
    writer.write([b"x"])
    return writer


def test_files_that_were_there_when_their_folder_is_synced_share_that(tmp_path: Path, synced: list[str]) -> None:
    store = LocalStore(tmp_path)
    writers = [_create(store, f"lease-b0-{number}") for number in range(3)]
    synced.clear()
    for writer in writers:
        writer.finish()

    assert synced == ["lease-b0-0", "b0", "lease-b0-1", "lease-b0-2"]


def test_a_file_that_was_made_since_has_its_folder_synced_once_more(tmp_path: Path, synced: list[str]) -> None:
    store = LocalStore(tmp_path)
    first = _create(store, "lease-b0-1")
    synced.clear()
    first.finish()
    _create(store, "lease-b0-2").finish()

    assert synced == ["lease-b0-1", "b0", "lease-b0-2", "b0"]


def test_a_file_that_is_made_while_its_folder_is_synced_does_not_rely_on_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[str]
) -> None:
    store = LocalStore(tmp_path)
    first, others = _create(store, "lease-b0-1"), list[LocalWriter]()
    synced.clear()
    sync = os.fsync

    def make_another(descriptor: int) -> None:
        if not others and Path(f"/proc/self/fd/{descriptor}").readlink().name == "b0":
            others.append(_create(store, "lease-b0-2"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", make_another)
    first.finish()
    others[0].finish()

    assert synced == ["lease-b0-1", "b0", "lease-b0-2", "b0"]


def test_nobody_relies_on_a_sync_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: list[str]
) -> None:
    store = LocalStore(tmp_path)
    first, second = (_create(store, f"lease-b0-{number}") for number in (1, 2))
    synced.clear()
    with monkeypatch.context() as patch:
        patch.setattr("filmroom.blobs.local.sync_folder", _fail)
        with pytest.raises(StorageFailed):
            first.finish()
    first.abort()
    second.finish()

    assert synced == ["lease-b0-1", "lease-b0-2", "b0"]


def _fail(_path: str) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("count", [2, 16])
def test_files_that_end_at_once_all_have_their_names_synced(tmp_path: Path, synced: list[str], count: int) -> None:
    store = LocalStore(tmp_path)
    together = threading.Barrier(count)

    def put(number: int) -> None:
        together.wait()
        writer = _create(store, f"lease-b0-{number}")
        writer.finish()
        assert synced.count("b0") > writer._syncs_before

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(put, range(count)))
    assert sorted(store.iter_keys()) == sorted(f"lease-b0-{number}" for number in range(count))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.ENOTSUP])
def test_where_there_are_no_hard_links_a_copy_is_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = LocalStore(tmp_path / "blobs")
    _put(store, b"voxels" * 300_000)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    store.copy({"lease-b1-2": KEY})

    path = tmp_path / "blobs/lease/b1/lease-b1-2"
    assert path.read_bytes() == b"voxels" * 300_000
    assert (_mode(path), path.stat().st_nlink) == (0o600, 1)


def test_what_is_no_blob_is_passed_over(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    _put(store, b"x")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "note.txt").touch()
    (tmp_path / "lease/b0/README").touch()
    (tmp_path / "lease/b0/other-b0-1").touch()
    (tmp_path / "lease/b1").touch()

    assert list(store.iter_keys()) == [KEY]


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path)
    _put(store, b"x")

    def refuse(_: object) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "listdir", refuse)

    with pytest.raises(StorageFailed, match="Input/output error"):
        list(store.iter_keys())
