"""Many uploads at once: all there, each whole, counted exactly; on both databases."""

from collections import Counter

import pytest

from filmroom.blobs.local import LocalStore
from filmroom.model.conflicts import PathConflict
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.uploads import Fate
from service.desk import REPLACE, Desk, all_at_once, at, open_desk, saying


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def test_a_crowd_fills_one_new_resource(desk: Desk) -> None:
    def fill(thread: int) -> list[Fate]:
        return [desk.upload(f"{thread}/{number}.dcm", b"%d" % thread) for number in range(8)]

    fates = all_at_once(32, fill)

    paths = sorted(f"{thread}/{number}.dcm" for thread in range(32) for number in range(8))
    assert fates == [[Fate.STORED] * 8] * 32
    assert [resource.label for resource in desk.resources()] == ["NII"]
    assert desk.paths() == paths
    assert desk.counters() == (256, sum(8 * len(str(thread)) for thread in range(32)))
    assert [desk.read(path) for path in paths] == [path.split("/")[0].encode() for path in paths]


def test_a_crowd_makes_many_resources(desk: Desk) -> None:
    all_at_once(16, lambda thread: desk.upload("a", where=at(f"R{thread}")))

    resources = desk.resources()
    assert len({resource.rid for resource in resources}) == 16
    assert {resource.label for resource in resources} == {f"R{thread}" for thread in range(16)}
    assert {(resource.file_count, resource.size_bytes) for resource in resources} == {(1, 6)}


def test_one_of_a_crowd_gets_a_path(desk: Desk, blobs: LocalStore) -> None:
    fates = all_at_once(16, lambda thread: desk.upload("a", b"%02d" % thread))

    winner = fates.index(Fate.STORED)
    assert Counter(fates) == {Fate.STORED: 1, Fate.REFUSED: 15}
    assert desk.read("a") == b"%02d" % winner
    assert desk.counters() == (1, 2)
    assert len(list(blobs.iter_keys())) == 1


def test_all_of_a_crowd_replace_and_the_last_is_whole(desk: Desk, blobs: LocalStore) -> None:
    fates = all_at_once(16, lambda thread: desk.upload("a", b"x" * (thread + 1), REPLACE))

    content = desk.read("a")
    assert fates == [Fate.STORED] * 16
    assert content == b"x" * len(content)
    assert desk.counters() == (1, len(content))
    assert len(list(blobs.iter_keys())) == 16


def test_every_tag_of_a_crowd_is_kept(desk: Desk) -> None:
    """F-151: tags are added on every upload."""
    all_at_once(16, lambda thread: desk.upload(f"{thread}", b"", saying(f"tag{thread}")))

    assert set(desk.resource().said.tags) == {f"tag{thread}" for thread in range(16)}


def test_a_name_is_a_file_or_a_folder_whoever_is_first(desk: Desk) -> None:
    def put(thread: int) -> bool:
        try:
            desk.upload(("a", "a/b")[thread % 2], b"x", REPLACE)
        except PathConflict:
            return False
        return True

    stored = all_at_once(16, put)

    assert desk.paths() in (["a"], ["a/b"])
    assert stored == [thread % 2 == ["a", "a/b"].index(desk.paths()[0]) for thread in range(16)]


def test_uploads_and_deletions_leave_exact_counters(desk: Desk) -> None:
    desk.put([desk.arrival(f"old/{number}") for number in range(16)])

    def act(thread: int) -> None:
        desk.archive.files.delete(desk.viewer, at("NII", f"old/{thread}"), spellings=[f"old/{thread}"])
        desk.upload(f"new/{thread}", b"12")

    all_at_once(16, act)

    assert desk.counters() == (16, 32)
    assert len(desk.paths()) == 16


def test_two_server_processes_fill_one_resource(desk: Desk, elsewhere: Archive) -> None:
    """Nothing that counts is kept in one process."""
    other = Desk(elsewhere, desk.viewer)
    desks = [desk, other]

    all_at_once(16, lambda thread: [desks[thread % 2].upload(f"{thread}/{number}") for number in range(4)])

    assert desk.counters() == other.counters() == (64, 64 * 6)
    assert len(desk.paths()) == 64
