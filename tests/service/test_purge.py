"""What is purged is gone at once and for good: rows, versions, what was deleted before, copies in caches."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from conftest import Clock
from filmroom.blobs.local import LocalStore
from filmroom.db import schema
from filmroom.db.engine import Database
from filmroom.model.address import Address, parse_address
from filmroom.model.errors import BadValue, NotFound, StillNeeded, StorageFailed
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.removal import Removed
from filmroom.service.archive import Archive
from filmroom.service.removal import Removal
from filmroom.service.resumable import Wanted
from service.desk import REFUSE, REPLACE, Desk, all_at_once, at, open_desk
from service.stock import SESSION, counts, make, make_session, run
from service.test_bringing_back import IN_SCAN, SCAN, SUBJECT, delete, undelete

SECRET = b"SECRET-BYTES-OF-A-PATIENT"


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def purge(desk: Desk, where: Address) -> Removed:
    told = desk.archive.purge.preview(where)
    removed = desk.archive.purge.run(where).removed
    assert removed == told
    return removed


def _events(database: Database) -> list[str]:
    query = select(schema.event.c.address, schema.event.c.details).order_by(schema.event.c.pk)
    with database.read() as connection:
        return [f"{row.address} {row.details}" for row in connection.execute(query)]


THINGS = {str(where): where for where in (SUBJECT, parse_address(SESSION), SCAN)}


@pytest.mark.parametrize("where", THINGS.values(), ids=THINGS)
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_thing_goes_with_all_below_it_live_or_deleted(
    desk: Desk, database: Database, where: Address, *, is_deleted: bool
) -> None:
    before = counts(database)
    make_session(desk)
    desk.upload("a.dcm", b"newer!", REPLACE, where=IN_SCAN)
    delete(desk, f"{SESSION}/resources/NOTES")
    if is_deleted:
        delete(desk, where)

    removed = purge(desk, where)

    expected = {Kind.SUBJECT: (4, 3), Kind.EXPERIMENT: (3, 3), Kind.SCAN: (1, 1)}[where.kind]
    assert (removed.things, removed.files, removed.versions) == (*expected, 1)
    with pytest.raises(NotFound):
        undelete(desk, where)
    with pytest.raises(NotFound):
        desk.archive.purge.run(where)
    if where.kind is Kind.SUBJECT:
        assert counts(database) == before


def test_a_project_goes_and_its_names_are_free(desk: Desk, database: Database, blobs: LocalStore) -> None:
    make_session(desk)
    purge(desk, at())

    assert list(blobs.iter_keys()) == []
    assert [counts(database)[table] for table in ("name", "project_name", "resource", "file")] == [0, 0, 0, 0]
    desk.archive.projects.put(desk.viewer, "DEMO", {})


def test_a_file_goes_with_all_that_was_ever_there_and_the_counters_are_right(
    desk: Desk, blobs: LocalStore, clock: Clock
) -> None:
    desk.upload("other", b"kept")
    for content in (b"1", b"22"):
        desk.upload("a", content)
        desk.upload("a", content * 2, REPLACE)
        clock.move(seconds=1)
        delete(desk, at("NII", "a"))
    desk.upload("a", b"333")

    removed = purge(desk, at("NII", "a"))

    assert (removed.files, removed.versions, removed.size_bytes) == (3, 2, 12)
    assert (desk.paths(), desk.counters()) == (["other"], (1, 4))
    assert len(list(blobs.iter_keys())) == 1


def test_resumable_uploads_to_what_is_purged_go_and_no_others(desk: Desk, blobs: LocalStore) -> None:
    make_session(desk)
    for where in (IN_SCAN, replace(SUBJECT, resource="R"), at("NII"), parse_address("/user/cache/resources/R")):
        wanted = Wanted(path="a", size_bytes=10, is_unpacked=False, metadata="")
        upload = desk.archive.resumable.begin(desk.viewer, where, wanted=wanted, options=REFUSE)
        stretch = desk.archive.resumable.go_on(desk.viewer, where, upload.id, at=0, declared={})
        stretch.write([SECRET[:4]])
        stretch.finish()
    delete(desk, parse_address(SESSION))

    purge(desk, parse_address(SESSION))
    assert len(list(blobs.iter_partials())) == 3
    purge(desk, SUBJECT)

    assert len(list(blobs.iter_partials())) == 2


def test_a_folder_and_a_resource_go_and_no_others(desk: Desk, blobs: LocalStore) -> None:
    for path in ("dir/a", "dir/b", "directory"):
        desk.upload(path)
    desk.upload("x", where=at("OTHER"))
    desk.upload("y", where=at("THIRD"))

    assert purge(desk, at("NII", "dir")).files == 2
    assert purge(desk, at("OTHER")).resources == 1

    assert desk.paths() == ["directory", "y"]
    assert len(list(blobs.iter_keys())) == 2


def test_what_came_from_a_cache_goes_there_too(desk: Desk, database: Database, blobs: LocalStore) -> None:
    """A move leaves the bytes twice, under one name deleted, under the other in the archive."""
    cache = Address(kind=Kind.USER, resource="up")
    desk.upload("a", SECRET, where=cache)
    desk.upload("mine", b"mine", where=cache)
    desk.archive.cache.move(desk.viewer, Address(kind=Kind.USER, resource="up", path="a"), at("NII"), options=REPLACE)
    assert len(list(blobs.iter_keys())) == 3

    purge(desk, at("NII", "a"))

    assert len(list(blobs.iter_keys())) == 1
    assert desk.paths(cache) == ["mine"]
    assert counts(database)["file"] == 1


def test_the_event_names_ids_and_numbers_alone(desk: Desk, database: Database) -> None:
    make(desk, "/projects/DEMO/subjects/Jane_Doe")
    where = parse_address("/projects/DEMO/subjects/Jane_Doe/resources/NOTES")
    desk.upload("about_jane.txt", where=where)

    purge(desk, parse_address(f"{where}/files/about_jane.txt"))
    purge(desk, parse_address("/projects/DEMO/subjects/Jane_Doe"))

    of_file, of_subject = _events(database)[-2:]
    assert of_file.startswith("/projects/DEMO/subjects/XNAT_S00001/resources/1 ")
    assert of_subject.startswith("/projects/DEMO/subjects/XNAT_S00001 ")
    assert "jane" not in f"{of_file}{of_subject}".lower()
    told = desk.archive.audit.list_of(desk.viewer, at(), limit=2)
    assert [event.action for event in told] == ["purged subject", "purged files"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_of_it_is_left_in_any_file(desk: Desk, tmp_path: Path) -> None:
    """But for the addresses of events, which tell that it was there."""
    make(desk, "/projects/DEMO/subjects/S1")
    where = parse_address("/projects/DEMO/subjects/S1/resources/NOTES")
    for number in range(300):
        desk.upload(f"path-of-a-patient-{number:05}", SECRET + bytes(number), where=where)
    desk.archive.upkeep.run()
    assert any(SECRET in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    events = {line for line in _all_files(tmp_path) if b"path-of-a-patient" in line}
    assert events

    assert desk.archive.purge.run(SUBJECT).is_wiped

    connection_free = desk.archive.purge._stores.database
    with connection_free.read() as connection:
        kept = connection.execute(text("SELECT count(*) FROM event WHERE details LIKE '%path-of-a-patient%'")).scalar()
    found = sum(content.count(b"path-of-a-patient") for content in _all_files(tmp_path))
    assert found == kept
    assert not any(SECRET in content for content in _all_files(tmp_path))


def _all_files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_what_carries_experiments_of_others_stays(desk: Desk) -> None:
    desk.archive.projects.put(desk.viewer, "OTHER", {})
    session = make_session(desk)
    desk.archive.sharing.share(desk.viewer, session, "OTHER", None, is_primary=True)

    for where in (SUBJECT, at()):
        with pytest.raises(StillNeeded):
            desk.archive.purge.run(where)

    moved = parse_address("/projects/OTHER/experiments/E1/scans/0/resources/DICOM")
    assert desk.read("a.dcm", moved) == b"voxels"


def test_a_purge_that_is_broken_off_is_finished_by_upkeep(
    desk: Desk, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(desk)

    def fail(*_: object, **__: object) -> None:
        raise StorageFailed("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Removal, "remove_deleted", fail)
        with pytest.raises(StorageFailed):
            desk.archive.purge.run(SUBJECT)
    with pytest.raises(NotFound):
        undelete(desk, SUBJECT)
    run(desk)

    assert list(blobs.iter_keys()) == []


@pytest.mark.parametrize("where", [at("NO"), at("NII", "no"), at(project="NO"), parse_address(f"{SESSION}/scans/9")])
def test_what_never_was_is_not_found(desk: Desk, where: Address) -> None:
    desk.upload("a")

    with pytest.raises(NotFound):
        desk.archive.purge.run(where)


def test_a_cache_is_not_purged(desk: Desk) -> None:
    with pytest.raises(BadValue):
        desk.archive.purge.run(Address(kind=Kind.USER, resource="up"))


def test_a_reader_of_what_is_purged_reads_to_its_end(desk: Desk) -> None:
    desk.upload("a", SECRET * 1000)
    opened = desk.archive.files.open_file(desk.viewer, at("NII"), spellings=["a"])

    purge(desk, at("NII"))

    with opened.blob as blob:
        assert blob.read() == SECRET * 1000


def test_uploads_beside_a_purge_are_whole_or_not_there(desk: Desk, blobs: LocalStore) -> None:
    make_session(desk)

    def act(number: int) -> None:
        if number == 0:
            desk.archive.purge.run(at("NII"))
        for turn in range(5):
            desk.upload(f"{number}/{turn}")

    desk.upload("first")
    all_at_once(4, act)

    paths = desk.paths(at("NII"))
    assert desk.counters() == (len(paths), 6 * len(paths))
    assert len(list(blobs.iter_keys())) == len(paths) + 3
    assert all(desk.read(path) == b"voxels" for path in paths)
