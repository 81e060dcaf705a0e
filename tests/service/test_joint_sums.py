"""Small bodies that come at once are summed up together: each has its own sum, and none waits for another."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmroom.blobs.local import LocalStore
from filmroom.blobs.md5lanes import LANES, find_hasher
from filmroom.model.errors import StorageFailed
from filmroom.model.resources import Digest
from filmroom.service import summing
from filmroom.service.staging import Stage
from filmroom.service.summing import JointSums
from service.desk import full_digest_of
from service.failing_blobs import FailingBlobs

CONTENT: Final = random.Random(21).randbytes(2_000_000)


@pytest.fixture
def sums() -> JointSums:
    """Of bodies that come at once."""
    sums = JointSums(find_hasher())
    sums.enter()
    sums.enter()
    return sums


def waiting_bytes(sums: JointSums) -> int:
    return sum(len(each.body) for each in sums._waiting)


@given(sizes=st.lists(st.integers(0, 5000), max_size=3 * LANES), asked=st.sets(st.integers(0, 3 * LANES)))
def test_whoever_is_asked_first_has_a_sum(sizes: list[int], asked: set[int]) -> None:
    sums = JointSums(find_hasher())
    bodies = [CONTENT[size : 2 * size] for size in sizes]
    made = []
    for number, body in enumerate(bodies):
        made.append(sums.add(body))
        if number in asked:
            assert made[-1].get() == full_digest_of(body)
    assert [joint_sum.get() for joint_sum in made] == [full_digest_of(body) for body in bodies]


def test_one_who_asks_has_all_summed_up(sums: JointSums) -> None:
    made = [sums.add(CONTENT[:size]) for size in (10, 20, 30)]
    assert waiting_bytes(sums) == 60
    assert made[1].get() == full_digest_of(CONTENT[:20])
    assert [joint_sum.body for joint_sum in made] == [b""] * 3
    assert waiting_bytes(sums) == 0


def test_no_more_wait_than_there_are_lanes(sums: JointSums) -> None:
    for number in range(5 * LANES + 2):
        sums.add(b"%d" % number)
        assert len(sums._waiting) < LANES


def test_what_cannot_be_summed_up_now_is_summed_up_later(sums: JointSums, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [sums.add(CONTENT[:size]) for size in (10, 20)]
    with monkeypatch.context() as patch:
        patch.setattr(sums, "_hasher", _without_memory)
        with pytest.raises(MemoryError):
            made[0].get()
    assert [joint_sum.get() for joint_sum in made] == [full_digest_of(CONTENT[:10]), full_digest_of(CONTENT[:20])]


def test_who_was_told_before_something_failed_keeps_his_sum(sums: JointSums, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [sums.add(CONTENT[:size]) for size in (10, 20, 30)]
    left = iter([True, False])

    def fail_once(**said: Any) -> Digest:
        if not next(left, True):
            raise MemoryError
        return Digest(**said)

    monkeypatch.setattr(summing, "Digest", fail_once)
    with pytest.raises(MemoryError):
        sums.sum_up()
    assert [joint_sum.get() for joint_sum in made] == [full_digest_of(CONTENT[:size]) for size in (10, 20, 30)]


def _without_memory(_bodies: object) -> list[str]:
    raise MemoryError


def test_a_crowd_of_threads_has_each_its_own_sum(sums: JointSums) -> None:
    def sum_up(number: int) -> list[Digest]:
        draw = random.Random(number)
        bodies = [CONTENT[: draw.randrange(20_000)] for _ in range(50)]
        return [sums.add(body).get() for body in bodies]

    def expected(number: int) -> list[Digest]:
        draw = random.Random(number)
        return [full_digest_of(CONTENT[: draw.randrange(20_000)]) for _ in range(50)]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(sum_up, range(32))) == [expected(number) for number in range(32)]


@pytest.mark.parametrize("sizes", [[0], [200_000], [1_999_999], [0, 0, 5], [70_000, 0, 70_000], [900_000, 900_000]])
def test_a_body_among_others_has_the_digest_of_all_its_pieces(
    sums: JointSums, tmp_path: Path, sizes: list[int]
) -> None:
    store = LocalStore(tmp_path)
    stage = Stage("lease-0-blob", store.create("lease-0-blob"), check_room=lambda: None, joint_sums=sums)
    for size in sizes:
        stage.write([CONTENT[: size // 2], CONTENT[size // 2 : size]])
    sent = b"".join(CONTENT[:size] for size in sizes)
    assert stage.finish().digest == full_digest_of(sent)
    with store.open("lease-0-blob") as blob:
        assert blob.read() == sent


def test_only_small_bodies_that_come_at_once_wait(sums: JointSums) -> None:
    assert sums.are_worth_it([b"small"])
    assert not sums.are_worth_it([CONTENT])
    alone = JointSums(find_hasher())
    alone.enter()
    assert not alone.are_worth_it([b"small"])
    alone.leave()
    alone.enter()
    assert not alone.are_worth_it([b"small"])
    assert alone.are_worth_it([b"small"], is_one_of_many=True)
    assert not alone.are_worth_it([CONTENT], is_one_of_many=True)


def test_where_there_are_no_lanes_none_waits() -> None:
    sums = JointSums(None)
    sums.enter()
    sums.enter()
    assert not sums.are_worth_it([b"small"], is_one_of_many=True)
    assert sums.add(b"small").get() == full_digest_of(b"small")


def test_who_was_in_company_long_ago_is_alone(sums: JointSums, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summing, "_COMPANY_SECONDS", 0.0)
    assert not sums.are_worth_it([b"small"])


@pytest.mark.parametrize("step", ["write", "finish"])
def test_a_body_that_fails_leaves_no_trace_among_those_that_wait(sums: JointSums, tmp_path: Path, step: str) -> None:
    entered = sums._entered
    store = FailingBlobs(LocalStore(tmp_path), step=step, error=StorageFailed("blobs: broken"))
    stage = Stage("lease-0-blob", store.create("lease-0-blob"), check_room=lambda: None, joint_sums=sums)
    with pytest.raises(StorageFailed):
        _take(stage)
    stage.abort()
    assert sums._entered == entered
    assert not sums._waiting


@pytest.mark.parametrize("others", [0, 1])
def test_who_has_waited_for_the_disk_sums_up_unless_a_body_may_still_join(others: int) -> None:
    sums = JointSums(find_hasher())
    made = [sums.add(CONTENT[:size]) for size in (10, 20)]
    for _ in range(others):
        sums.enter()
    sums.sum_up_unless_more_come(made[0])
    assert waiting_bytes(sums) == (30 if others else 0)
    assert [each.get() for each in made] == [full_digest_of(CONTENT[:10]), full_digest_of(CONTENT[:20])]


def test_who_was_summed_up_already_leaves_the_others_waiting() -> None:
    sums = JointSums(find_hasher())
    first = sums.add(b"first")
    sums.sum_up()
    sums.add(b"second")
    sums.sum_up_unless_more_come(first)
    sums.sum_up_unless_more_come(full_digest_of(b"alone"))
    assert waiting_bytes(sums) == len(b"second")


def test_while_one_waits_the_next_is_in_company() -> None:
    """Although it is whole, and only the disk has not got it yet."""
    sums = JointSums(find_hasher())
    sums.add(b"first")
    sums.enter()
    assert sums.are_worth_it([b"small"])


def test_bodies_join_before_they_are_synced(sums: JointSums, tmp_path: Path) -> None:
    """So that the last of as many as there are lanes sums up while the disk writes."""
    waiting: list[int] = []

    class Watched(FailingBlobs):
        def fail_at(self, step: str) -> None:
            if step == "finish":
                waiting.append(len(sums._waiting))

    store = Watched(LocalStore(tmp_path), step="", error=StorageFailed("blobs: broken"))
    for number in range(LANES):
        key = f"lease-0-blob{number}"
        _take(Stage(key, store.create(key), check_room=lambda: None, joint_sums=sums))
    assert waiting == [*range(1, LANES), 0]


def _take(stage: Stage) -> None:
    stage.write([b"content"])
    stage.finish()
