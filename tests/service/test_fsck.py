"""``Fsck`` on both databases: every flaw is told, what is in flight is none, and little is changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, text, update

from conftest import Clock
from db.rows import read
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.leases import fence_lease
from filmroom.db.schema import AnyRow, file, lease, resource
from filmroom.model.errors import StorageFailed
from filmroom.model.holdings import Finding, Flaw
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.fsck import Checks, Fsck, Summary
from filmroom.service.pacing import Pace
from filmroom.service.refresh import Refresh
from service.desk import REPLACE, Desk, at, blob_path, open_desk

LOOK = Checks()


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    desk = open_desk(archive, people["alice"])
    for path in ("a", "b", "sub/c"):
        desk.upload(path, path.encode() * 10)
    return desk


def check(desk: Desk, checks: Checks = LOOK) -> tuple[Summary, list[Finding]]:
    found: list[Finding] = []
    summary = desk.archive.fsck.run(checks, found.append)
    assert summary.findings.total() == len(found)
    return summary, found


def scrub() -> Checks:
    return Checks(scrub=Pace(None))


def row_of(database: Database, path: str) -> AnyRow:
    return read(database, lambda connection: connection.execute(select(file).where(file.c.path == path)).one())


def blob_of(database: Database, folder: Path, path: str) -> Path:
    return blob_path(folder / "blobs", row_of(database, path).key)


def fence_all(database: Database, clock: Clock) -> None:
    def unit(connection: Connection) -> None:
        for lease_id in connection.execute(select(lease.c.id)).scalars().all():
            fence_lease(connection, lease_id, now=clock())

    database.write(unit)


def test_a_sound_archive_has_no_flaws(desk: Desk) -> None:
    desk.upload("a", b"new", REPLACE)
    desk.archive.files.delete(desk.viewer, at("NII", "b"), spellings=["b"])

    summary, found = check(desk, scrub())

    assert found == []
    assert (summary.names, summary.blobs, summary.in_flight, summary.scrubbed) == (4, 4, 0, 2)


def test_bytes_that_are_gone_are_missing(desk: Desk, database: Database, tmp_path: Path) -> None:
    blob_of(database, tmp_path, "sub/c").unlink()

    _, [found] = check(desk)

    assert found.flaw is Flaw.MISSING
    assert found.address == "/projects/DEMO/resources/1/files/sub/c"
    assert found.key == row_of(database, "sub/c").key
    assert found.told == "file: 50 bytes are gone"


def test_bytes_of_deleted_and_overwritten_files_are_missed_too(desk: Desk, database: Database, tmp_path: Path) -> None:
    old = blob_of(database, tmp_path, "a")
    desk.upload("a", b"new", REPLACE)
    desk.archive.files.delete(desk.viewer, at("NII", "b"), spellings=["b"])
    old.unlink()
    blob_of(database, tmp_path, "b").unlink()

    _, found = check(desk)

    assert {(one.flaw, one.told.split(":")[0], one.address[-1]) for one in found} == {
        (Flaw.MISSING, "overwritten file", "a"),
        (Flaw.MISSING, "deleted file", "b"),
    }


def test_too_few_bytes_are_told(desk: Desk, database: Database, tmp_path: Path) -> None:
    blob_of(database, tmp_path, "a").write_bytes(b"aaa")

    _, [found] = check(desk)

    assert (found.flaw, found.told) == (Flaw.WRONG_SIZE, "file: 3 bytes in place of 10")


def test_bytes_of_a_living_lease_are_in_flight_and_left_over_when_it_is_fenced(
    desk: Desk, database: Database, clock: Clock
) -> None:
    staged = desk.stage(b"on the way")

    summary, in_flight = check(desk)
    fence_all(database, clock)
    _, [left_over] = check(desk)

    assert (summary.in_flight, in_flight) == (1, [])
    assert (left_over.flaw, left_over.key, left_over.told) == (
        Flaw.ORPHAN,
        staged.key,
        "10 bytes that no row names",
    )


def test_bytes_of_a_lease_that_is_not_known_are_left_over_and_stay(desk: Desk, blobs: LocalStore) -> None:
    for number in range(3):
        writer = blobs.create(f"0gone-b0-{number}")
        writer.finish()

    _, found = check(desk, scrub())

    assert [(one.flaw, one.key) for one in found] == [(Flaw.ORPHAN, f"0gone-b0-{number}") for number in range(3)]
    assert blobs.size_bytes("0gone-b0-0") == 0


def test_a_scrub_marks_what_is_damaged_and_takes_the_mark_when_it_is_mended(
    desk: Desk, database: Database, tmp_path: Path, clock: Clock
) -> None:
    path = blob_of(database, tmp_path, "a")
    path.write_bytes(b"aaaaaaaaaX")

    assert check(desk) == (check(desk)[0], [])  # the size is right, so that only reading tells
    _, [damaged] = check(desk, scrub())
    marked = row_of(database, "a").damaged_at
    _, [still] = check(desk)
    path.write_bytes(b"a" * 10)
    _, mended = check(desk, scrub())

    assert damaged.flaw is Flaw.DAMAGED
    assert damaged.told == "file: other bytes than were stored, found 2026-11-21 12:00 UTC"
    assert (still, mended) == (damaged, [])
    assert (marked, row_of(database, "a").damaged_at) == (clock(), None)


def test_a_scrub_marks_what_is_missing_and_tells_it_once(desk: Desk, database: Database, tmp_path: Path) -> None:
    blob_of(database, tmp_path, "a").unlink()

    summary, found = check(desk, scrub())

    assert [one.flaw for one in found] == [Flaw.MISSING]
    assert row_of(database, "a").damaged_at is not None
    assert summary.scrubbed == 3


def test_a_scrub_goes_on_behind_a_blob_that_cannot_be_opened(desk: Desk, database: Database, tmp_path: Path) -> None:
    path = blob_of(database, tmp_path, "a")
    path.unlink()
    path.symlink_to(path)  # to root, unlike a file without permission, this is closed too
    blob_of(database, tmp_path, "b").write_bytes(b"bbbbbbbbbX")

    _, found = check(desk, scrub())

    assert {one.flaw for one in found if one.address.endswith("/a")} == {Flaw.UNREADABLE}
    assert [one.flaw for one in found if one.address.endswith("/b")] == [Flaw.DAMAGED]
    assert row_of(database, "a").damaged_at is None


def test_counters_that_are_wrong_are_told_and_set_when_asked(desk: Desk, database: Database) -> None:
    database.write(
        lambda connection: connection.execute(update(resource).values(file_count=7, size_bytes=None)).close()
    )

    _, [found] = check(desk)
    told_again = check(desk)[1]
    summary, _ = check(desk, Checks(repairs_counters=True))
    _, after = check(desk)

    assert found.flaw is Flaw.COUNTERS
    assert found.told == "resource 1 (NII) of project DEMO says 7 files of None bytes and has 3 of 70"
    assert (told_again, summary.repaired, after) == ([found], 1, [])
    assert desk.counters() == (3, 70)


def _delete_resource(desk: Desk) -> None:
    desk.archive.resources.delete(desk.viewer, at("NII"))


def _delete_project(desk: Desk) -> None:
    desk.archive.projects.delete(desk.viewer, at())


@pytest.mark.parametrize("remove", [_delete_resource, _delete_project])
def test_counters_of_what_upkeep_takes_apart_do_not_matter(
    desk: Desk, database: Database, remove: Callable[[Desk], None]
) -> None:
    remove(desk)
    database.write(lambda connection: connection.execute(delete(file).where(file.c.path == "a")).close())

    _, found = check(desk)

    assert {one.flaw for one in found} <= {Flaw.ORPHAN}


def _without_keys(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE file DROP CONSTRAINT fk_file_resource_pk"))


def test_rows_whose_parents_are_gone_are_told(desk: Desk, database: Database) -> None:
    """No database lets it come to that by itself; a disk, or a person in a hurry, may."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        _without_keys(connection)
        connection.execute(update(file).where(file.c.path == "a").values(resource_pk=999))
        connection.commit()

    _, found = check(desk)

    pk = row_of(database, "a").pk
    told = [one.told for one in found if one.flaw is Flaw.PARENT]
    assert told == [f"file (pk {pk}): resource_pk refers to resource 999, which is gone"]


class Meddling(LocalStore):
    """Something happens to the archive between the first and the second look."""

    act: Callable[[], None] = staticmethod(lambda: None)

    def iter_keys(self) -> Iterator[str]:
        keys = list(super().iter_keys())
        self.act()
        yield from keys


@pytest.fixture
def meddled(desk: Desk, tmp_path: Path) -> tuple[Fsck, Meddling]:
    store = Meddling(tmp_path / "blobs")
    stores = replace(desk.archive._stores, blobs=store)
    return Fsck(stores, Refresh(stores)), store


def test_what_is_uploaded_and_what_is_removed_meanwhile_is_no_flaw(
    desk: Desk, database: Database, meddled: tuple[Fsck, Meddling], clock: Clock
) -> None:
    fsck, store = meddled
    arrival = desk.arrival("late", b"late")
    gone = row_of(database, "a")
    writer = store.create("0swept-b0-0")
    writer.finish()

    def act() -> None:
        desk.put([arrival])
        database.write(lambda connection: connection.execute(delete(file).where(file.c.pk == gone.pk)).close())
        database.write(
            lambda connection: connection.execute(update(resource).values(file_count=3, size_bytes=64)).close()
        )
        store.delete([gone.key, "0swept-b0-0"])
        fence_all(database, clock)

    store.act = act
    found: list[Finding] = []
    summary = fsck.run(LOOK, found.append)

    assert found == []
    assert summary.in_flight == 0


def test_folders_that_cannot_be_read_are_no_empty_folders(meddled: tuple[Fsck, Meddling]) -> None:
    fsck, store = meddled

    def act() -> None:
        raise StorageFailed("blobs: Input/output error")

    store.act = act

    with pytest.raises(StorageFailed):
        fsck.run(LOOK, lambda _: None)


def test_a_pace_is_kept_and_rests_are_not_saved_up() -> None:
    time, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        time[0] += seconds

    pace = Pace(1000, now=lambda: time[0], sleep=sleep)
    for size_bytes in (500, 500):
        pace.spend(size_bytes)
    time[0] += 60
    pace.spend(1000)

    assert slept == [0.5, 0.5, 1.0]
