"""What every store promises of partials, which are still to become blobs (``blobs/base.py``)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.test_blob_contract import STORES
from filmroom.blobs.base import BlobStore, partial_key, partial_name
from filmroom.model.errors import Busy, MissingBytes, StorageFailed

KEY = partial_key("0a1b2c")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)


def _append(store: BlobStore, at: int, *chunks: bytes) -> None:
    partial = store.resume(KEY)
    partial.cut(at)
    partial.write(chunks)
    partial.sync()
    partial.close()


def _read(store: BlobStore, key: str = KEY) -> bytes:
    with store.open(key) as blob:
        return blob.read()


def test_a_partial_grows_through_many_hands(store: BlobStore) -> None:
    _append(store, 0, b"first ", b"second ")
    _append(store, 13, b"third")

    assert _read(store) == b"first second third"
    assert store.size_bytes(KEY) == 18


def test_what_is_behind_the_cut_is_forgotten(store: BlobStore) -> None:
    _append(store, 0, b"0123456789")
    _append(store, 4, b"x")

    assert _read(store) == b"0123x"


def test_more_than_there_is_cannot_be_kept(store: BlobStore) -> None:
    _append(store, 0, b"0123")

    partial = store.resume(KEY)
    with pytest.raises(MissingBytes):
        partial.cut(5)
    partial.close()

    assert _read(store) == b"0123"


def test_more_chunks_than_one_system_call_takes_are_appended(store: BlobStore) -> None:
    chunks = [b"%d," % number for number in range(3000)]

    _append(store, 0, *chunks)

    assert _read(store) == b"".join(chunks)


def test_only_one_writes_at_a_time(store: BlobStore) -> None:
    first = store.resume(KEY)

    with pytest.raises(Busy):
        store.resume(KEY)
    first.close()

    store.resume(KEY).close()


_HOLD = """
import sys, time
from pathlib import Path
from filmroom.blobs.local import LocalStore
partial = LocalStore(Path(sys.argv[1])).resume(sys.argv[2])
partial.write([b"half"])
print("held", flush=True)
time.sleep(60)
"""


def test_a_process_that_dies_lets_go_of_it(tmp_path: Path) -> None:
    store = STORES["local"](tmp_path)
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "blobs"), KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Busy):
            store.resume(KEY)
        process.kill()

    store.resume(KEY).close()

    assert _read(store) == b"half"


def test_a_partial_is_listed_apart_from_blobs(store: BlobStore) -> None:
    _append(store, 0, b"x")
    writer = store.create("lease-b0-1")
    writer.finish()

    assert list(store.iter_keys()) == ["lease-b0-1"]
    assert list(store.iter_partials()) == [KEY]


def test_a_partial_is_known_by_its_key() -> None:
    assert (partial_name(KEY), partial_name("lease-b0-1")) == ("0a1b2c", "")
    with pytest.raises(StorageFailed):
        partial_name("../x")


def test_a_copy_of_a_partial_is_a_blob_and_outlives_it(store: BlobStore) -> None:
    _append(store, 0, b"voxels")

    store.copy({"lease-b0-1": KEY})
    store.delete([KEY])

    assert _read(store, "lease-b0-1") == b"voxels"
    assert list(store.iter_partials()) == []


def test_closing_leaves_what_was_written(store: BlobStore) -> None:
    partial = store.resume(KEY)
    partial.write([b"half"])

    partial.close()

    assert _read(store) == b"half"


def test_a_partial_that_was_made_is_found_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is synced once, behind the file itself."""
    store, synced = STORES["local"](tmp_path), list[Path]()
    real = os.fsync

    def fsync(number: int) -> None:
        synced.append(Path(f"/proc/self/fd/{number}").readlink())
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)

    partial = store.resume(KEY)
    synced.clear()
    for _ in range(2):
        partial.write([b"x"])
        partial.sync()
    partial.close()

    file = tmp_path / "blobs/partial/0a" / KEY
    assert synced == [file, file.parent, file]
