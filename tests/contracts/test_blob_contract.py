"""What every store of blobs promises (``blobs/base.py``), held against each of them."""

import io
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from filmroom.blobs.base import BlobStore, split_key
from filmroom.blobs.local import LocalStore
from filmroom.model.errors import MissingBytes, StorageFailed

# Another store is another line: a name, and how to make an empty one.
STORES: Final[dict[str, Callable[[Path], BlobStore]]] = {
    "local": lambda folder: LocalStore(folder / "blobs"),
}

_NUMBERS = count()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)


def _new_key(batch: str = "b0") -> str:
    return f"lease-{batch}-{next(_NUMBERS):x}{secrets.token_hex(4)}"


def _put(store: BlobStore, *chunks: bytes, key: str = "") -> str:
    key = key or _new_key()
    writer = store.create(key)
    writer.write(chunks)
    writer.finish()
    return key


def _get(store: BlobStore, key: str) -> bytes:
    with store.open(key) as blob:
        return blob.read()


CONTENTS: Final[dict[str, list[bytes]]] = {
    "no chunks": [],
    "empty chunks": [b"", b""],
    "one byte": [b"x"],
    "several chunks": [b"ab", b"", b"c"],
    "as many chunks as one system call takes": [b"%d," % number for number in range(1024)],
    "more chunks than one system call takes": [b"%d," % number for number in range(5000)],
    "five mebibytes": [secrets.token_bytes(1024 * 1024)] * 5,
    "one large chunk": [secrets.token_bytes(5 * 1024 * 1024)],
}


@pytest.mark.parametrize("chunks", CONTENTS.values(), ids=CONTENTS)
def test_what_was_written_is_read(store: BlobStore, chunks: list[bytes]) -> None:
    key = _put(store, *chunks)

    assert _get(store, key) == b"".join(chunks)
    assert store.size_bytes(key) == len(b"".join(chunks))


def test_chunks_of_several_writes_come_in_order(store: BlobStore) -> None:
    writer = store.create(key := _new_key())
    for number in range(100):
        writer.write([b"%d," % number, b";"])
    writer.finish()

    assert _get(store, key) == b"".join(b"%d,;" % number for number in range(100))


def _close(store: BlobStore, *chunks: bytes) -> str:
    """As ``_put``, for many at once: the store's ``sync`` makes them durable."""
    writer = store.create(key := _new_key())
    writer.write(chunks)
    writer.close()
    return key


@pytest.mark.parametrize("chunks", CONTENTS.values(), ids=CONTENTS)
def test_what_was_closed_is_read_before_and_after_the_store_is_synced(store: BlobStore, chunks: list[bytes]) -> None:
    watch = store.watch()
    key = _close(store, *chunks)

    before = _get(store, key)
    watch.sync()
    watch.close()

    assert before == _get(store, key) == b"".join(chunks)
    assert store.size_bytes(key) == len(before)


def test_one_sync_is_enough_for_many_closed_blobs(store: BlobStore) -> None:
    watch = store.watch()
    keys = [_close(store, b"%d" % number) for number in range(50)]

    watch.sync()
    watch.close()

    assert sorted(store.iter_keys()) == sorted(keys)
    assert [_get(store, key) for key in keys] == [b"%d" % number for number in range(50)]


def test_a_closed_blob_can_be_deleted_before_the_store_is_synced(store: BlobStore) -> None:
    watch = store.watch()
    gone, left = _close(store, b"gone"), _close(store, b"left")

    store.delete([gone])
    watch.sync()
    watch.close()

    assert list(store.iter_keys()) == [left]


def test_a_closed_blob_takes_no_more_bytes_and_holds_its_key(store: BlobStore) -> None:
    writer = store.create(key := _new_key())
    writer.write([b"whole"])
    writer.close()

    with pytest.raises(StorageFailed):
        writer.write([b"more"])
    with pytest.raises(StorageFailed):
        store.create(key)

    assert _get(store, key) == b"whole"


def test_an_empty_store_can_be_synced(store: BlobStore) -> None:
    watch = store.watch()
    watch.sync()
    watch.close()

    assert list(store.iter_keys()) == []


def test_syncing_leaves_a_blob_that_is_still_being_written_alone(store: BlobStore) -> None:
    watch = store.watch()
    writer = store.create(key := _new_key())
    writer.write([b"first "])

    watch.sync()

    writer.write([b"second"])
    writer.finish()
    watch.close()
    assert _get(store, key) == b"first second"


def test_a_blob_is_opened_for_reading_and_seeking(store: BlobStore) -> None:
    key = _put(store, b"0123456789")

    with store.open(key) as blob:
        size_bytes = blob.seek(0, io.SEEK_END)
        blob.seek(3)
        middle = blob.read(4)

    assert (size_bytes, middle) == (10, b"3456")


def test_two_readers_do_not_disturb_each_other(store: BlobStore) -> None:
    key = _put(store, b"0123456789")

    with store.open(key) as first, store.open(key) as second:
        first.read(5)

        assert second.read(5) == b"01234"


def test_a_key_is_never_overwritten(store: BlobStore) -> None:
    key = _put(store, b"first")

    with pytest.raises(StorageFailed):
        store.create(key)

    assert _get(store, key) == b"first"


def test_a_key_that_is_being_written_is_taken_too(store: BlobStore) -> None:
    writer = store.create(key := _new_key())

    with pytest.raises(StorageFailed):
        store.create(key)

    writer.write([b"first"])
    writer.finish()
    assert _get(store, key) == b"first"


def test_aborting_leaves_nothing(store: BlobStore) -> None:
    writer = store.create(key := _new_key())
    writer.write([b"half"])

    writer.abort()

    assert list(store.iter_keys()) == []
    with pytest.raises(MissingBytes):
        store.open(key)


def test_aborting_at_once_leaves_nothing(store: BlobStore) -> None:
    store.create(_new_key()).abort()

    assert list(store.iter_keys()) == []


def test_aborting_what_was_swept_meanwhile_is_no_error(store: BlobStore) -> None:
    writer = store.create(key := _new_key())
    store.delete([key])

    writer.abort()

    assert list(store.iter_keys()) == []


def test_opening_what_is_not_there_names_the_key(store: BlobStore) -> None:
    with pytest.raises(MissingBytes) as raised:
        store.open(key := _new_key())

    assert raised.value.key == key


def test_what_is_not_there_has_no_size(store: BlobStore) -> None:
    with pytest.raises(MissingBytes):
        store.size_bytes(_new_key())


def test_deleted_blobs_are_gone_and_others_stay(store: BlobStore) -> None:
    gone, left = _put(store, b"gone"), _put(store, b"left")

    store.delete([gone])

    assert list(store.iter_keys()) == [left]
    assert _get(store, left) == b"left"


def test_deleting_passes_over_what_is_not_there(store: BlobStore) -> None:
    gone = _put(store, b"gone")

    store.delete([_new_key(), _new_key("other"), gone, gone])

    assert list(store.iter_keys()) == []


def test_deleting_takes_any_iterable(store: BlobStore) -> None:
    keys = [_put(store, b"x") for _ in range(3)]

    store.delete(key for key in keys)

    assert list(store.iter_keys()) == []


def test_destroyed_blobs_are_gone_and_others_stay(store: BlobStore) -> None:
    gone, left = _put(store, b"gone"), _put(store, b"left")

    store.destroy(iter([gone, _new_key("neverused")]))

    assert list(store.iter_keys()) == [left]


def test_an_open_blob_can_be_read_to_its_end_after_its_deletion(store: BlobStore) -> None:
    """Bytes go after a grace period; a slow download must not be cut even so."""
    key = _put(store, b"0123456789")

    with store.open(key) as blob:
        store.delete([key])

        assert blob.read() == b"0123456789"


BAD_KEYS: Final = (
    "",
    "a",
    "a-b",
    "a-b-",
    "-b-c",
    "a--c",
    "a-b-c-d",
    "../b-c-d",
    "a-..-c",
    "..-..-x",
    "a-b-../../x",
    "/a-b-c",
    "a-b-c/",
    "a/b-c-d",
    "a-b-C",
    "a-b-c\n",
    "a-b-c\0",
    "a-b-ä",
    "a-b-\u0661",
    f"{'a' * 33}-b-c",
    f"a-{'b' * 33}-c",
    f"a-b-{'c' * 65}",
)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_is_no_key_becomes_no_path(store: BlobStore, tmp_path: Path, key: str) -> None:
    there = sorted(tmp_path.rglob("*"))

    for use in (store.create, store.open, store.size_bytes, lambda bad: store.delete([bad])):
        with pytest.raises(StorageFailed):
            use(key)

    assert sorted(tmp_path.rglob("*")) == there


@pytest.mark.parametrize("key", ["a-b-c", "0-0-0", f"{'a' * 32}-{'b' * 32}-{'c' * 64}"])
def test_a_key_has_three_parts(store: BlobStore, key: str) -> None:
    _put(store, b"x", key=key)

    assert "-".join(split_key(key)) == key
    assert _get(store, key) == b"x"


def test_every_key_is_listed(store: BlobStore) -> None:
    keys = {_put(store, b"x", key=_new_key(batch)) for batch in ("b0", "b1", "b2") for _ in range(5)}

    listed = list(store.iter_keys())

    assert len(listed) == 15
    assert set(listed) == keys


def test_the_keys_of_one_lease_are_listed_apart(store: BlobStore) -> None:
    own = [_put(store, b"x", key=f"mine-b{number}-{number}") for number in range(2)]
    _put(store, b"x", key="minetoo-b0-1")

    assert sorted(store.iter_keys_of("mine")) == own
    assert list(store.iter_keys_of("unknown")) == []


def test_an_empty_store_has_no_keys(store: BlobStore) -> None:
    assert list(store.iter_keys()) == []


def test_many_threads_may_write_into_one_batch_that_is_not_there_yet(store: BlobStore) -> None:
    def put(number: int) -> str:
        return _put(store, b"%d" % number, key=f"lease-new-{number:x}")

    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(put, range(128)))

    assert [_get(store, key) for key in keys] == [b"%d" % number for number in range(128)]
    assert len(list(store.iter_keys())) == 128


def test_only_one_of_many_threads_takes_a_key(store: BlobStore) -> None:
    def put(number: int) -> bool:
        try:
            _put(store, b"%d" % number, key="lease-b0-same")
        except StorageFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        stored = list(pool.map(put, range(16)))

    assert sum(stored) == 1
    assert _get(store, "lease-b0-same") == b"%d" % stored.index(True)


def test_a_check_leaves_nothing(store: BlobStore) -> None:
    store.check()
    store.check()

    assert list(store.iter_keys()) == []


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
def test_a_second_store_over_the_same_bytes_sees_them(make: Callable[[Path], BlobStore], tmp_path: Path) -> None:
    """Several server processes share a store."""
    first, second = make(tmp_path), make(tmp_path)

    key = _put(first, b"shared")

    assert _get(second, key) == b"shared"


def test_a_copy_has_the_same_bytes_and_outlives_what_it_was_made_of(store: BlobStore) -> None:
    key, copy = _put(store, b"vox", b"els"), _new_key("b9")

    store.copy({copy: key})
    before = _get(store, copy)
    store.delete([key])

    assert (before, _get(store, copy)) == (b"voxels", b"voxels")


def test_a_copy_of_nothing_and_a_copy_over_something_fail(store: BlobStore) -> None:
    key, other = _put(store, b"one"), _put(store, b"other")

    with pytest.raises(MissingBytes):
        store.copy({_new_key(): _new_key()})
    with pytest.raises(StorageFailed):
        store.copy({other: key})
    assert _get(store, other) == b"other"
