"""What is past its grace period goes, rows and bytes; nothing else does; and whoever is broken off loses nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from conftest import RULES, Clock
from db.rows import read
from filmroom.blobs.local import LocalStore
from filmroom.db import schema
from filmroom.db.engine import Database
from filmroom.model.address import parse_address
from filmroom.model.errors import StorageFailed
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from service.desk import REPLACE, Desk, all_at_once, at, open_desk
from service.failing_blobs import FailingBlobs
from service.stock import count, counts, make, make_session, run


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def test_nothing_goes_before_its_time(desk: Desk, database: Database, blobs: LocalStore, clock: Clock) -> None:
    session = make_session(desk)
    desk.upload("a", b"first")
    desk.upload("a", b"second", REPLACE)
    desk.archive.entities.delete(desk.viewer, session)
    before = (counts(database), sorted(blobs.iter_keys()))
    clock.move(days=6, hours=23)

    report = run(desk)

    assert set(report.as_flat().values()) == {0}
    assert (counts(database), sorted(blobs.iter_keys())) == before


def test_what_was_deleted_goes_with_all_below_it(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock
) -> None:
    make(desk, "/projects/DEMO/subjects/S1")
    before = (counts(database), sorted(blobs.iter_keys()))
    desk.archive.entities.delete(desk.viewer, make_session(desk))
    events = count(database, schema.event)
    clock.move(days=7)

    report = run(desk)

    assert (report.removed.things, report.removed.resources, report.removed.files) == (3, 3, 3)
    assert (counts(database), sorted(blobs.iter_keys())) == before
    assert count(database, schema.event) == events


def test_a_deleted_project_goes_with_its_people_names_and_texts(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock
) -> None:
    make_session(desk)
    desk.archive.projects.delete(desk.viewer, at())
    clock.move(days=7)

    run(desk)

    people = (schema.membership, schema.user_group, schema.configuration)
    users = read(database, lambda connection: len(connection.execute(select(schema.account)).all()))
    assert {**counts(database), "node": count(database, schema.node) - users} == dict.fromkeys(counts(database), 0)
    assert [count(database, table) for table in people] == [0, 0, 0]
    assert list(blobs.iter_keys()) == []
    desk.archive.projects.put(desk.viewer, "DEMO", {})


def test_events_of_what_is_gone_are_told_of_what_it_was_in_and_of_nothing_new(
    desk: Desk, clock: Clock, people: dict[str, Viewer]
) -> None:
    """SQLite gives the number of the newest row that was removed to the next one."""
    desk.archive.entities.delete(desk.viewer, make_session(desk))
    clock.move(days=7)
    run(desk)

    desk.archive.projects.put(people["bob"], "NEXT", {})

    subject = parse_address("/projects/DEMO/subjects/S1")
    told = {event.action for event in desk.archive.audit.list_of(desk.viewer, subject, limit=100)}
    assert {"created experiment", "created scan", "uploaded file", "deleted experiment"} <= told
    [event] = desk.archive.audit.list_of(people["bob"], at(project="NEXT"), limit=100)
    assert event.action == "created project"


def test_a_deleted_resource_and_deleted_and_overwritten_files_go(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock
) -> None:
    desk.upload("kept", b"first")
    desk.upload("kept", b"now", REPLACE)
    desk.upload("gone")
    desk.upload("x", where=at("OTHER"))
    desk.archive.files.delete(desk.viewer, at("NII", "gone"), spellings=["gone"])
    desk.archive.resources.delete(desk.viewer, at("OTHER"))
    clock.move(days=7)

    removed = run(desk).removed

    assert (removed.resources, removed.files, removed.versions, removed.size_bytes) == (1, 2, 1, 17)
    assert desk.read("kept") == b"now"
    assert desk.counters() == (1, 3)
    assert len(list(blobs.iter_keys())) == 1
    assert counts(database)["file_history"] == 0


def test_what_is_told_beforehand_is_what_is_done(desk: Desk, database: Database, clock: Clock) -> None:
    desk.archive.entities.delete(desk.viewer, make_session(desk))
    desk.upload("a", b"first")
    desk.upload("a", b"second", REPLACE)
    desk.stage()
    clock.move(days=8)
    desk.archive.upkeep._stores.leases.give_up()
    told = desk.archive.upkeep.preview().as_flat()
    before = counts(database)

    done = run(desk).as_flat()

    assert told == done
    assert done["unnamed_blobs"] == 1
    assert before != counts(database)


def test_more_than_one_transaction_takes_is_removed(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmroom.db.upkeep._ROWS_AT_ONCE", 2)
    monkeypatch.setattr("filmroom.db.upkeep._THINGS_AT_ONCE", 3)
    for name in "abcde":
        desk.upload(name, b"first")
        desk.upload(name, b"second", REPLACE)
        desk.upload(name, b"third", REPLACE)
    make_session(desk, scans=5)
    desk.archive.projects.delete(desk.viewer, at())
    clock.move(days=7)

    removed = run(desk).removed

    assert (removed.things, removed.resources, removed.files, removed.versions) == (8, 7, 11, 10)
    assert list(blobs.iter_keys()) == []
    assert count(database, schema.doomed_blob) == 0


def test_a_subject_that_carries_a_session_of_another_project_stays(desk: Desk, clock: Clock) -> None:
    """Its project was deleted when the subject was, and came back."""
    desk.archive.projects.put(desk.viewer, "OTHER", {})
    session = make_session(desk)
    desk.archive.sharing.share(desk.viewer, session, "OTHER", None, is_primary=True)
    desk.archive.projects.delete(desk.viewer, at(project="OTHER"))
    desk.archive.entities.delete(desk.viewer, parse_address("/projects/DEMO/subjects/S1"))
    clock.move(days=6)
    desk.archive.undo.undelete(desk.viewer, at(project="OTHER"))
    clock.move(days=2)

    assert run(desk).kept == 1


# The places between two effects, by what is broken there.
@contextmanager
def _broken(archive: Archive, monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Every write and every deletion of bytes is an effect; the one of this number does not happen any more."""
    stores = archive.upkeep._stores
    left = iter(range(number))

    def counted(effect: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any) -> Any:
            if next(left, None) is None:
                raise StorageFailed("killed")
            return effect(*arguments)

        return act

    with monkeypatch.context() as patch:
        patch.setattr(stores.database, "write", counted(stores.database.write))
        patch.setattr(stores.blobs, "destroy", counted(stores.blobs.destroy))
        yield


def _is_consistent(database: Database, blobs: LocalStore) -> bool:
    """Each row has its bytes; bytes without a row are known to be doomed."""
    with database.read() as connection:
        named = {
            key
            for table in (schema.file, schema.file_history)
            for key in connection.execute(select(table.c.key)).scalars()
        }
        doomed = set(connection.execute(select(schema.doomed_blob.c.key)).scalars())
    return named <= set(blobs.iter_keys()) <= named | doomed


def test_whoever_is_killed_between_two_effects_loses_nothing_and_the_next_one_finishes(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmroom.db.upkeep._ROWS_AT_ONCE", 2)
    desk.upload("kept", b"kept")
    desk.archive.entities.delete(desk.viewer, make_session(desk, scans=3))
    desk.upload("a", b"first")
    desk.upload("a", b"second", REPLACE)
    clock.move(days=7)
    broken = 0
    while True:
        try:
            with _broken(desk.archive, monkeypatch, broken):
                run(desk)
            break
        except StorageFailed:
            broken += 1
            assert _is_consistent(database, blobs)
            assert desk.read("kept") == b"kept"
            clock.move(minutes=11)

    assert broken > 10
    assert len(list(blobs.iter_keys())) == 2
    assert count(database, schema.doomed_blob) == 0


def test_bytes_that_another_row_names_stay(desk: Desk, database: Database, clock: Clock) -> None:
    desk.upload("a", b"shared")
    desk.upload("b", b"other")
    one, two = (desk.archive.files.open_file(desk.viewer, at("NII"), spellings=[path]) for path in "ab")
    one.blob.close()
    two.blob.close()
    renamed = schema.file.update().where(schema.file.c.key == two.entry.key)
    database.write(lambda connection: connection.execute(renamed.values(key=one.entry.key, size_bytes=6)).close())
    desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])
    clock.move(days=7)

    run(desk)

    assert desk.read("b") == b"shared"


def test_a_reader_of_a_file_that_goes_reads_to_its_end(desk: Desk, clock: Clock) -> None:
    desk.upload("a", b"voxels" * 1000)
    opened = desk.archive.files.open_file(desk.viewer, at("NII"), spellings=["a"])
    desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])
    clock.move(days=7)

    run(desk)

    with opened.blob as blob:
        assert blob.read() == b"voxels" * 1000


def test_uploads_go_on_while_much_is_removed(desk: Desk, blobs: LocalStore, clock: Clock) -> None:
    for number in range(30):
        desk.upload(f"{number}", where=at("OLD"))
    desk.archive.resources.delete(desk.viewer, at("OLD"))
    clock.move(days=7)

    def act(number: int) -> None:
        if number == 0:
            run(desk)
        else:
            for turn in range(10):
                desk.upload(f"{number}/{turn}")

    all_at_once(5, act)

    assert desk.counters() == (40, 240)
    assert all(desk.read(path) == b"voxels" for path in desk.paths())
    assert len(list(blobs.iter_keys())) == 40


def test_a_disk_that_fails_leaves_the_keys_to_the_next_run(
    database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path, desk: Desk
) -> None:
    desk.upload("a")
    desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])
    clock.move(days=7)
    failing = FailingBlobs(blobs, step="delete", error=StorageFailed("disk"))
    other = Archive(database, failing, clock=clock, rules=RULES, spool_dir=tmp_path)
    with pytest.raises(StorageFailed):
        other.upkeep.run()
    assert len(list(blobs.iter_keys())) == 1

    run(desk)

    assert list(blobs.iter_keys()) == []
