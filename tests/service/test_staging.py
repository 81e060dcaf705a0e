"""Bytes on their way in are summed up whole and in order, however they come, and leave no thread behind."""

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmroom.blobs.base import BlobStore
from filmroom.blobs.local import LocalStore
from filmroom.model.errors import StorageFailed
from filmroom.service.staging import Stage
from filmroom.service.summing import JointSums
from service.desk import full_digest_of
from service.failing_blobs import FailingBlobs

MIB: Final = 1024 * 1024
KEY: Final = "lease-0-blob"
# Around the size from which a piece is summed up in a thread of its own.
SIZES: Final = st.sampled_from([0, 1, 4_000, MIB - 1, MIB, MIB + 1, 3 * MIB])


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random(7).randbytes(12 * MIB)


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def open_stage(store: BlobStore) -> Stage:
    return Stage(KEY, store.create(KEY), check_room=lambda: None, joint_sums=JointSums(None))


def pieces_of(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield content[start : start + size]
        start += size


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(SIZES, max_size=4), is_synced=st.booleans())
def test_a_body_has_the_digest_of_all_its_pieces(
    content: bytes, tmp_path_factory: pytest.TempPathFactory, *, sizes: list[int], is_synced: bool
) -> None:
    store = LocalStore(tmp_path_factory.mktemp("blobs"))
    stage = open_stage(store)
    for piece in pieces_of(content, sizes):
        middle = len(piece) // 2
        stage.write([piece[:middle], piece[middle:]])
    staged = stage.finish() if is_synced else stage.close()
    sent = content[: sum(sizes)]
    assert staged.digest == full_digest_of(sent)
    with store.open(KEY) as blob:
        assert blob.read() == sent


@pytest.mark.usefixtures("no_thread_left")
def test_a_large_body_leaves_no_thread_behind(content: bytes, tmp_path: Path) -> None:
    stage = open_stage(LocalStore(tmp_path))
    stage.write([content[:MIB]])
    stage.write([content[MIB : 3 * MIB]])
    stage.finish()


@pytest.mark.usefixtures("no_thread_left")
def test_a_large_body_that_the_disk_does_not_take_leaves_nothing_behind(content: bytes, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    stage = open_stage(FailingBlobs(store, step="write", error=StorageFailed("blobs: Input/output error")))
    with pytest.raises(StorageFailed):
        stage.write([content])
    stage.abort()
    assert list(store.iter_keys()) == []


@pytest.mark.usefixtures("no_thread_left")
def test_a_large_body_that_cannot_be_synced_leaves_no_thread_behind(content: bytes, tmp_path: Path) -> None:
    stage = open_stage(FailingBlobs(LocalStore(tmp_path), step="finish", error=StorageFailed("blobs: broken")))
    stage.write([content])
    with pytest.raises(StorageFailed):
        stage.finish()
    stage.abort()


@pytest.fixture
def no_more_threads() -> Iterator[None]:
    """Each would get a stack that no machine has room for."""
    usual_bytes = threading.stack_size(1 << 46)
    yield
    threading.stack_size(usual_bytes)


@pytest.mark.usefixtures("no_more_threads")
def test_where_no_thread_can_begin_a_large_body_is_summed_up_all_the_same(content: bytes, tmp_path: Path) -> None:
    stage = open_stage(LocalStore(tmp_path))
    with pytest.raises(RuntimeError):
        threading.Thread(target=print).start()
    stage.write([content[: 2 * MIB]])
    stage.write([content[2 * MIB :]])
    assert stage.finish().digest.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
