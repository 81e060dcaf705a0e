"""What leaves a user's cache, by being moved or by its age; and nothing else ever does."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from conftest import Clock
from filmroom.model.address import Address
from filmroom.model.errors import NotFound
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.resources import FileEntry
from filmroom.service.archive import Archive
from filmroom.service.staging import Arrival
from service.desk import REPLACE, Desk, at, open_desk

UP = Address(kind=Kind.USER, resource="up")


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _blobs(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "blobs").rglob("*"))


def test_what_is_old_goes_for_good_with_what_it_was_before(desk: Desk, clock: Clock, tmp_path: Path) -> None:
    desk.upload("old", b"first", where=UP)
    desk.upload("old", b"second", REPLACE, where=UP)
    desk.upload("deleted", where=UP)
    desk.archive.cache.delete_files(desk.viewer, UP, ["deleted"])
    desk.upload("kept.nii", b"archive")
    clock.move(days=40)
    desk.upload("new", b"new", where=UP)

    cleared = desk.archive.cache.clear(timedelta(days=30))

    assert (cleared.files, cleared.versions, cleared.size_bytes) == (2, 1, 17)
    assert desk.paths(UP) == ["new"]
    [folder] = desk.archive.cache.list_folders(desk.viewer, UP)
    assert (folder.file_count, folder.size_bytes) == (1, 3)
    assert desk.read("kept.nii") == b"archive"
    assert _blobs(tmp_path) == 2


def test_what_moved_into_the_archive_outlives_the_cache(desk: Desk, clock: Clock, tmp_path: Path) -> None:
    desk.upload("a.nii", b"voxels", where=UP)
    desk.archive.cache.move(desk.viewer, UP, at("NII"), options=REPLACE)
    clock.move(days=40)

    cleared = desk.archive.cache.clear(timedelta(days=30))

    assert cleared.files == 1
    assert desk.read("a.nii") == b"voxels"
    assert _blobs(tmp_path) == 1


def test_more_files_than_one_transaction_takes_are_cleared(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmroom.db.upkeep._ROWS_AT_ONCE", 2)
    for number in range(5):
        desk.upload(f"{number}", where=UP)
    clock.move(days=1)

    assert desk.archive.cache.clear(timedelta(0)).files == 5
    assert desk.paths(UP) == []


def test_a_file_is_moved_once_however_many_ask(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second finds that it is gone when it is about to be named."""
    desk.upload("a.nii", where=UP)
    stage = desk.archive.arrivals.stage_copies

    def stage_late(entries: Mapping[str, FileEntry], *, is_unpacked: bool) -> list[Arrival]:
        monkeypatch.undo()
        desk.archive.cache.move(desk.viewer, UP, at("FIRST"), options=REPLACE)
        return stage(entries, is_unpacked=is_unpacked)

    monkeypatch.setattr(desk.archive.arrivals, "stage_copies", stage_late)
    with pytest.raises(NotFound):
        desk.archive.cache.move(desk.viewer, UP, at("SECOND"), options=REPLACE)

    assert desk.paths(at("FIRST")) == ["a.nii"]
    assert [resource.label for resource in desk.resources()] == ["FIRST"]
    assert _blobs(tmp_path) == 2


def test_what_is_written_while_it_is_moved_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.upload("a.nii", b"old", where=UP)
    stage = desk.archive.arrivals.stage_copies

    def stage_late(entries: Mapping[str, FileEntry], *, is_unpacked: bool) -> list[Arrival]:
        monkeypatch.undo()
        desk.upload("a.nii", b"newer", REPLACE, where=UP)
        return stage(entries, is_unpacked=is_unpacked)

    monkeypatch.setattr(desk.archive.arrivals, "stage_copies", stage_late)
    desk.archive.cache.move(desk.viewer, UP, at("NII"), options=REPLACE)

    assert desk.read("a.nii") == b"old"
    assert desk.read("a.nii", UP) == b"newer"
    [folder] = desk.archive.cache.list_folders(desk.viewer, UP)
    assert (folder.file_count, folder.size_bytes) == (1, 5)
