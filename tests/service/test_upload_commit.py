"""What an upload leaves behind: files, counters, descriptions, histories; and what it refuses."""

from dataclasses import replace
from itertools import count
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from conftest import Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.schema import file_history
from filmroom.model.address import Address
from filmroom.model.conflicts import PathConflict
from filmroom.model.errors import BadName
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Digest, FileEntry, IfExists
from filmroom.service.archive import Archive
from filmroom.service.uploads import Fate, UploadOptions
from service.desk import REFUSE, REPLACE, Desk, at, md5_of, open_desk, saying

STORED, REFUSED, SAME = Fate.STORED, Fate.REFUSED, Fate.SAME


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _entry(desk: Desk, path: str) -> FileEntry:
    opened = desk.archive.files.open_file(desk.viewer, at("NII"), spellings=[path])
    opened.blob.close()
    return opened.entry


def test_what_was_put_can_be_read(desk: Desk) -> None:
    fate = desk.upload("deep/brain.nii", b"voxels")

    assert fate is STORED
    assert desk.read("deep/brain.nii") == b"voxels"
    assert desk.paths() == ["deep/brain.nii"]


def test_a_file_is_described_by_its_bytes_its_path_and_who_put_it(desk: Desk, clock: Clock) -> None:
    """F-152."""
    desk.upload("a.nii", b"voxels", saying("t", "n=v", format="NIFTI", content="RAW", description="ä"))

    entry = _entry(desk, "a.nii")

    assert entry.digest == Digest(size_bytes=6, md5=md5_of(b"voxels"), crc32=crc32(b"voxels"))
    assert entry.said == Description(format="NIFTI", content="RAW", description="ä", tags=("t", "n=v"))
    assert (entry.path, entry.created_at, entry.created_by) == ("a.nii", clock.now, "alice")
    assert (entry.modified_at, entry.modified_by) == (clock.now, "alice")


def test_a_body_is_summed_up_however_it_was_cut(desk: Desk) -> None:
    receiver = desk.archive.arrivals.receive("a")
    receiver.write([b"vo", b"", b"x"])
    receiver.write([])
    receiver.write([b"els"])

    digest = receiver.finish()[0].staged.digest

    assert digest == Digest(size_bytes=6, md5=md5_of(b"voxels"), crc32=crc32(b"voxels"))


def test_an_empty_file_is_a_file(desk: Desk) -> None:
    """F-134."""
    desk.upload("empty", b"")

    assert desk.read("empty") == b""
    assert desk.counters() == (1, 0)


def test_counters_are_exact_after_every_upload(desk: Desk) -> None:
    """F-154; replacing changes the size only, a refused duplicate nothing."""
    seen = []
    for path, content, options in (
        ("a", b"12345", saying()),
        ("b", b"123", saying()),
        ("b", b"1234567", REPLACE),
        ("b", b"1", REPLACE),
        ("b", b"refused", saying()),
    ):
        desk.upload(path, content, options)
        seen.append(desk.counters())

    assert seen == [(1, 5), (2, 8), (2, 12), (2, 6), (2, 6)]


def test_counters_know_all_arrivals_of_a_batch(desk: Desk) -> None:
    desk.upload("there", b"123")

    fates = desk.put([desk.arrival("a", b"1"), desk.arrival("there", b"1234"), desk.arrival("b", b"12")])

    assert fates == (STORED, REFUSED, STORED)
    assert desk.counters() == (3, 6)


def test_a_taken_path_is_refused_and_the_same_bytes_are_told_apart(desk: Desk, blobs: LocalStore) -> None:
    """F-142."""
    desk.upload("a", b"first")

    fates = [desk.upload("a", content) for content in (b"other", b"first")]

    assert fates == [REFUSED, SAME]
    assert desk.read("a") == b"first"
    assert len(list(blobs.iter_keys())) == 1


def test_refusing_everything_changes_nothing_of_the_resource(desk: Desk, clock: Clock) -> None:
    desk.upload("a", b"first", saying("old", format="NIFTI"))
    before = desk.resource()
    clock.move(hours=1)

    desk.upload("a", b"other", saying("new", format="DICOM"))

    assert desk.resource() == before
    assert _entry(desk, "a").said == Description(format="NIFTI", tags=("old",))


def test_replacing_keeps_who_created_a_file_and_says_who_changed_it(
    desk: Desk, people: dict[str, Viewer], clock: Clock
) -> None:
    """F-153."""
    created_at = clock.now
    desk.upload("a", b"first")
    clock.move(hours=1)

    fate = Desk(desk.archive, people["admin"]).upload("a", b"second!", REPLACE)

    entry = _entry(desk, "a")
    assert fate is STORED
    assert desk.read("a") == b"second!"
    assert (entry.created_at, entry.created_by) == (created_at, "alice")
    assert (entry.modified_at, entry.modified_by) == (clock.now, "admin")
    assert entry.is_changed


def test_what_was_replaced_is_kept_in_the_history_with_its_bytes(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock
) -> None:
    desk.upload("a", b"first", saying(format="NIFTI"))
    old = _entry(desk, "a")
    clock.move(hours=1)

    desk.upload("a", b"second", REPLACE)

    with database.read() as connection:
        row = connection.execute(select(file_history)).one()
    assert (row.key, row.md5, row.format, row.replaced_at) == (old.key, md5_of(b"first"), "NIFTI", clock.now)
    assert set(blobs.iter_keys()) == {old.key, _entry(desk, "a").key}


def test_replacing_what_is_not_there_creates_it(desk: Desk) -> None:
    """F-144."""
    assert desk.upload("a", b"first", REPLACE) is STORED


def test_what_is_said_anew_replaces_and_tags_are_added_once(desk: Desk) -> None:
    """F-151, F-153."""
    desk.upload("a", b"1", saying("x", "y", format="NIFTI", content="RAW"))

    desk.upload("a", b"2", saying("y", "z", if_exists=IfExists.REPLACE, format="DICOM", description="new"))

    expected = Description(format="DICOM", content="RAW", description="new", tags=("x", "y", "z"))
    assert _entry(desk, "a").said == expected
    assert desk.resource().said == expected


def test_what_an_upload_says_goes_onto_its_resource_too(desk: Desk) -> None:
    """F-151."""
    desk.make_resource("NII", Description(format="OLD", description="kept", tags=("first",)))

    desk.upload("a", b"1", saying("second", format="NIFTI"))

    assert desk.resource().said == Description(format="NIFTI", description="kept", tags=("first", "second"))
    assert _entry(desk, "a").said == Description(format="NIFTI", tags=("second",))


def test_a_tag_that_is_said_twice_is_kept_once_on_the_resource(desk: Desk) -> None:
    desk.upload("a", b"1", saying("t", "t"))

    assert desk.resource().said.tags == ("t",)


def test_the_first_of_several_arrivals_at_one_path_wins(desk: Desk, blobs: LocalStore) -> None:
    """F-138."""
    fates = desk.put([desk.arrival("a", content) for content in (b"first", b"second", b"first")])

    assert fates == (STORED, REFUSED, SAME)
    assert desk.read("a") == b"first"
    assert desk.counters() == (1, 5)
    assert len(list(blobs.iter_keys())) == 1


def test_the_last_of_several_arrivals_at_one_path_wins_when_replacing(desk: Desk) -> None:
    """F-138."""
    fates = desk.put([desk.arrival("a", content) for content in (b"1", b"12", b"123")], REPLACE)

    assert fates == (STORED, STORED, STORED)
    assert desk.read("a") == b"123"
    assert desk.counters() == (1, 3)


@pytest.mark.parametrize(
    ("there", "path"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a"), ("a/b/c", "a"), ("a/b/c", "a/b")]
)
@pytest.mark.parametrize("options", [REFUSE, REPLACE], ids=["refuse", "replace"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_name_cannot_be_a_file_and_a_folder(desk: Desk, there: str, path: str, options: UploadOptions) -> None:
    desk.upload(there)

    with pytest.raises(PathConflict) as raised:
        desk.upload(path, options=options)

    assert (raised.value.path, raised.value.other) == (path, there)
    assert desk.paths() == [there]


def test_a_conflict_takes_back_the_whole_batch(desk: Desk, blobs: LocalStore) -> None:
    desk.upload("a/b", b"there", saying(format="NIFTI"))
    before = desk.resource()
    arrivals = [desk.arrival("new"), desk.arrival("a/b", b"changed"), desk.arrival("a")]

    with pytest.raises(PathConflict):
        desk.put(arrivals, saying("tag", if_exists=IfExists.REPLACE, format="DICOM"))

    assert desk.paths() == ["a/b"]
    assert desk.read("a/b") == b"there"
    assert desk.resource() == before
    assert len(list(blobs.iter_keys())) == 1


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
def test_arrivals_of_one_batch_may_conflict_with_each_other(
    desk: Desk, blobs: LocalStore, paths: tuple[str, str]
) -> None:
    with pytest.raises(PathConflict):
        desk.put([desk.arrival(path) for path in paths])

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == []


def test_a_deleted_file_stands_in_nobodys_way(desk: Desk) -> None:
    desk.upload("a", b"old")
    desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])

    fates = [desk.upload("a/b", b"new"), desk.upload("c", b"new")]

    assert fates == [STORED, STORED]
    assert desk.counters() == (2, 6)


def test_names_differ_in_case_and_composition(desk: Desk) -> None:
    """decisions.md: UTF-8 as received, no normalisation."""
    paths = ["a", "A", "\u00e9", "e\u0301"]

    fates = desk.put([desk.arrival(path) for path in paths])

    assert fates == (STORED,) * 4
    assert desk.paths() == sorted(paths)


@pytest.mark.parametrize("path", ["../a", "a/../b", "/", "", "a//b", "x_catalog.xml", "a\0b"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_path_that_cannot_be_is_refused_with_the_whole_batch(desk: Desk, path: str) -> None:
    """F-140, F-141."""
    arrivals = [desk.arrival("good"), replace(desk.arrival("bad"), path=path)]

    with pytest.raises(BadName):
        desk.put(arrivals)

    assert desk.resources() == ()


PATHS = st.lists(st.sampled_from(["a", "b", "a/x", "a/y", "b/a/x", "c", "a x"]), max_size=6)


@given(paths=PATHS, replaces=st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_files_into_nothing_are_what_they_are_one_by_one(desk: Desk, paths: list[str], *, replaces: bool) -> None:
    """An empty resource takes what fits together in one step; what comes of it is the same."""
    options = REPLACE if replaces else REFUSE
    empty, other = f"E{next(_NUMBERS)}", f"O{next(_NUMBERS)}"
    desk.upload("zz", where=at(other))

    outcomes = [_outcome(desk, paths, options, at(label)) for label in (empty, other)]

    assert outcomes[0] == outcomes[1]


_NUMBERS = count()


def _outcome(desk: Desk, paths: list[str], options: UploadOptions, where: Address) -> object:
    """The fates and what is there afterwards, without the file that was there before; or the error."""
    arrivals = [desk.arrival(path, f"{number}".encode()) for number, path in enumerate(paths)]
    try:
        fates: object = desk.put(arrivals, options, where=where)
    except PathConflict:
        return "conflict"
    there = {path: desk.read(path, where) for path in desk.paths(where) if path != "zz"}
    counted = {found.label: found.file_count for found in desk.resources()}.get(where.resource)
    assert len(desk.paths(where)) == (counted or 0)
    return fates, there
