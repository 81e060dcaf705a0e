"""Backups on both databases: what comes back is what was there, and whatever is not there is told."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pytest
from sqlalchemy import Connection, delete, func, select

from conftest import RULES, Clock
from db.rows import add_node, read
from filmroom.blobs.local import LocalStore
from filmroom.blobs.vault import Draft, opened_vault
from filmroom.db import dump
from filmroom.db.engine import Database, open_database
from filmroom.db.leases import insert_lease
from filmroom.db.schema import file, file_history, lease, node, session
from filmroom.model.errors import BackupRefused, Busy, DatabaseTooNew
from filmroom.model.holdings import Finding, Flaw
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.backup import Backups, Made, Wishes
from filmroom.service.fsck import Checks
from filmroom.service.pacing import Pace
from filmroom.service.restore import Outcome, find_snapshot, restore, verify
from filmroom.service.stores import Stores
from service.desk import REPLACE, Desk, at, blob_path, open_desk

FULL = Pace(None)
# What is about files of a backup only has nothing to do with the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONTENTS = {"a": b"aaa", "b/c": b"voxels" * 400_000, "empty": b""}


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    desk = open_desk(archive, people["alice"])
    for path, content in CONTENTS.items():
        desk.upload(path, content)
    return desk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def back_up(desk: Desk, root: Path, clock: Clock) -> Callable[..., tuple[Made, list[Finding]]]:
    def make(**wishes: Any) -> tuple[Made, list[Finding]]:
        clock.move(seconds=1)
        found: list[Finding] = []
        made = desk.archive.backups.make(root, Wishes(**wishes), found.append)
        assert made.findings.total() == len(found)
        return made, found

    return make


Restore = Callable[..., tuple[Desk, Outcome, list[Finding]]]


@pytest.fixture
def bring_back(
    empty_database_url: str, root: Path, tmp_path: Path, clock: Clock, people: dict[str, Viewer]
) -> Iterator[Restore]:
    with ExitStack() as stack:

        def bring(wanted: str | None = None) -> tuple[Desk, Outcome, list[Finding]]:
            database = open_database(empty_database_url)
            stack.callback(database.close)
            blobs = LocalStore(tmp_path / "restored")
            found: list[Finding] = []
            name = find_snapshot(root, wanted)
            outcome = restore(root, name, database, blobs, now=clock(), tell=found.append)
            archive = Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)
            stack.callback(archive.close)
            return Desk(archive, people["alice"]), outcome, found

        yield bring


def verified(root: Path) -> tuple[Outcome, list[Finding]]:
    found: list[Finding] = []
    return verify(root, FULL, found.append), found


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as connection:
        tables = dump.list_tables(connection)
        return {table.name: [tuple(row) for row in table.open_rows()] for table in tables}


def key_of(database: Database, path: str) -> str:
    query = select(file.c.key).where(file.c.path == path)
    with database.read() as connection:
        return str(connection.execute(query).scalar_one())


def pooled(root: Path) -> list[str]:
    return list(LocalStore(root / "blobs").iter_keys())


def test_what_comes_back_is_what_was_there_on_whichever_database(
    desk: Desk, database: Database, back_up: Callable[..., Any], bring_back: Restore
) -> None:
    """Every row of every table, and every byte; of deleted and overwritten files too."""
    desk.upload("a", b"new", REPLACE)
    desk.archive.files.delete(desk.viewer, at("NII", "empty"), spellings=["empty"])
    before = rows(database)
    made, flaws = back_up()

    restored, outcome, found = bring_back()

    after = rows(restored.archive._database)
    assert after["event"].pop()[5] == "restored the archive"
    assert after == before
    assert (flaws, found) == ([], [])
    assert (made.blobs, outcome.blobs, made.size_bytes) == (4, 4, outcome.size_bytes)
    assert restored.read("a") == b"new"
    assert restored.read("b/c") == CONTENTS["b/c"]
    told: list[Finding] = []
    summary = restored.archive.fsck.run(Checks(scrub=FULL), told.append)
    assert (told, summary.names, summary.blobs, summary.in_flight) == ([], 4, 4, 0)


def test_what_was_restored_goes_on(back_up: Callable[..., Any], bring_back: Restore) -> None:
    """New rows get numbers of their own, and the restored archive can be backed up and changed."""
    back_up()
    restored, _, _ = bring_back()

    restored.upload("new", b"new")
    restored.upload("a", b"other", REPLACE)
    restored.make_resource("OTHER")

    assert restored.paths() == ["a", "b/c", "empty", "new"]
    assert restored.read("a") == b"other"
    assert restored.resource("OTHER").rid == 2


def test_nodes_that_refer_to_each_other_in_any_order_come_back(
    database: Database, back_up: Callable[..., Any], bring_back: Restore
) -> None:
    """An experiment moves below a younger subject; two administrators make changes to each other."""
    first, second = add_node(database, "ONE"), add_node(database, "TWO")

    def unit(connection: Connection) -> None:
        for pk, other in ((first, second), (second, first)):
            connection.execute(node.update().where(node.c.pk == pk).values(parent_pk=other, modified_by=other))

    database.write(unit)
    back_up()

    restored, _, _ = bring_back()

    assert rows(restored.archive._database)["node"] == rows(database)["node"]


def test_nobody_is_signed_in_and_no_upload_goes_on_after_a_restore(
    desk: Desk, database: Database, clock: Clock, back_up: Callable[..., Any], bring_back: Restore
) -> None:
    desk.archive.sessions.open(desk.viewer)
    database.write(lambda connection: insert_lease(connection, "another", owner="host:1", now=clock()))
    desk.stage(b"on the way")
    back_up()

    restored, outcome, _ = bring_back()

    left = select(session.c.id_sha256).union_all(select(lease.c.id))
    assert read(restored.archive._database, lambda connection: connection.execute(left).all()) == []
    assert outcome.blobs == 3


@ON_SQLITE
def test_only_what_is_new_is_copied(desk: Desk, back_up: Callable[..., Any], root: Path) -> None:
    first, _ = back_up()
    inodes = {path.name: path.stat().st_ino for path in (root / "blobs").rglob("*-*-*")}
    desk.upload("late", b"late")

    second, _ = back_up()

    after = {path.name: path.stat().st_ino for path in (root / "blobs").rglob("*-*-*")}
    assert (first.new_blobs, second.new_blobs, second.new_bytes, second.blobs) == (3, 1, 4, 4)
    assert inodes.items() <= after.items()


def test_each_snapshot_can_be_restored(
    desk: Desk, back_up: Callable[..., Any], bring_back: Restore, root: Path
) -> None:
    first, _ = back_up()
    desk.upload("a", b"changed", REPLACE)
    back_up()

    restored, outcome, _ = bring_back(first.snapshot)

    assert outcome.snapshots == [first.snapshot]
    assert restored.read("a") == b"aaa"
    with pytest.raises(BackupRefused, match="there is no snapshot 'none'"):
        find_snapshot(root, "none")


@ON_SQLITE
def test_a_backup_does_not_share_bytes_with_the_archive_unless_asked(
    desk: Desk, database: Database, back_up: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    back_up()
    desk.upload("late", b"late")
    made, flaws = back_up(links=True)

    links = {path: blob_path(tmp_path / "blobs", key_of(database, path)).stat().st_nlink for path in ("a", "late")}

    assert links == {"a": 1, "late": 2}
    assert (made.new_blobs, flaws) == (1, [])
    assert verified(root)[1] == []


@pytest.mark.parametrize("links", [False, True])
def test_bytes_that_are_gone_or_damaged_are_told_and_the_rest_is_kept(
    database: Database,
    back_up: Callable[..., Any],
    bring_back: Restore,
    tmp_path: Path,
    *,
    links: bool,
) -> None:
    blob_path(tmp_path / "blobs", key_of(database, "a")).unlink()
    damaged = blob_path(tmp_path / "blobs", key_of(database, "b/c"))
    damaged.write_bytes(CONTENTS["b/c"][:-1] + b"X")

    made, flaws = back_up(links=links)
    restored, _, missed = bring_back()

    assert made.has_flaws
    told = {(one.flaw, one.address) for one in flaws}
    assert told == {
        (Flaw.MISSING, "/projects/DEMO/resources/1/files/a"),
        (Flaw.DAMAGED, "/projects/DEMO/resources/1/files/b/c"),
    }
    assert {(one.flaw, one.address) for one in missed} == {(Flaw.MISSING, address) for _, address in told}
    assert restored.read("empty") == b""
    assert restored.paths() == ["a", "b/c", "empty"]


@ON_SQLITE
def test_what_is_bad_in_the_archive_stays_good_in_the_backup(
    database: Database, back_up: Callable[..., Any], bring_back: Restore, tmp_path: Path
) -> None:
    back_up()
    for path in ("a", "b/c"):
        blob_path(tmp_path / "blobs", key_of(database, path)).unlink()
    made, _ = back_up(keep=1)

    restored, _, found = bring_back()

    assert (made.new_blobs, made.forgotten_blobs, found) == (0, 0, [])
    assert restored.read("b/c") == CONTENTS["b/c"]


@ON_SQLITE
def test_a_backup_with_flaws_takes_the_place_of_no_other(
    desk: Desk, database: Database, back_up: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    back_up()
    desk.upload("late", b"late")
    blob_path(tmp_path / "blobs", key_of(database, "late")).unlink()

    flawed, _ = back_up(keep=1)

    assert (flawed.has_flaws, flawed.forgotten_snapshots) == (True, 0)
    assert len(list((root / "snapshots").iterdir())) == 2


class Purging(LocalStore):
    """Upkeep or a purge removes a file, its row and then its bytes, while a backup is at work."""

    act: Callable[[], None] = staticmethod(lambda: None)

    def open(self, key: str) -> BinaryIO:
        act, self.act = self.act, lambda: None
        act()
        return super().open(key)


def test_what_is_purged_meanwhile_is_told_and_no_flaw(
    desk: Desk, database: Database, root: Path, tmp_path: Path, clock: Clock, bring_back: Restore
) -> None:
    store = Purging(tmp_path / "blobs")
    gone = [key_of(database, "a"), key_of(database, "b/c")]

    def purge() -> None:
        database.write(lambda connection: connection.execute(delete(file).where(file.c.key.in_(gone))).close())
        store.delete(gone)

    store.act = purge
    stores = Stores(database=database, blobs=store, leases=desk.archive._leases, clock=clock)
    found: list[Finding] = []
    made = Backups(stores).make(root, Wishes(), found.append)
    _, outcome, missed = bring_back()

    assert {(one.flaw, one.key) for one in found} == {(Flaw.REMOVED, key) for key in gone}
    assert not made.has_flaws
    assert verified(root) == (Outcome(snapshots=[made.snapshot], blobs=1), [])
    assert {(one.flaw, one.address[-1]) for one in missed} == {(Flaw.REMOVED, "a"), (Flaw.REMOVED, "c")}
    assert outcome.blobs == 1


def test_old_snapshots_go_with_the_blobs_that_only_they_name(
    desk: Desk, database: Database, back_up: Callable[..., Any], root: Path
) -> None:
    old = key_of(database, "a")
    back_up()
    desk.upload("a", b"new", REPLACE)
    back_up()
    database.write(lambda connection: connection.execute(delete(file_history)).close())
    stray = LocalStore(root / "blobs").create("0stray-b0-0")
    stray.finish()

    made, _ = back_up(keep=2)
    still = old in pooled(root)
    last, _ = back_up(keep=1)

    assert (made.forgotten_snapshots, made.forgotten_blobs, still) == (1, 1, True)
    assert (last.forgotten_snapshots, last.forgotten_blobs) == (2, 1)
    assert old not in pooled(root)
    assert len(pooled(root)) == 3
    assert verified(root)[1] == []


@ON_SQLITE
def test_a_damaged_snapshot_keeps_all_blobs(back_up: Callable[..., Any], root: Path) -> None:
    first, _ = back_up()
    before = pooled(root)
    damage_rows(root, first.snapshot, "file")

    with pytest.raises(BackupRefused, match="rows of file"):
        back_up(keep=2)

    assert pooled(root) == before


def damage_rows(root: Path, snapshot: str, table: str) -> None:
    """One row is missing, though what is left is sound in itself."""
    path = root / "snapshots" / snapshot / f"{table}.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _drop(path: Path) -> None:
    path.unlink()


@ON_SQLITE
@pytest.mark.parametrize("damage", [_cut, _flip, _drop])
@pytest.mark.parametrize("table", ["file", "node"])
def test_damaged_rows_are_found_and_are_not_restored(
    back_up: Callable[..., Any], root: Path, damage: Callable[[Path], None], table: str
) -> None:
    made, _ = back_up()
    damage(root / "snapshots" / made.snapshot / f"{table}.jsonl.gz")

    _, [found] = verified(root)

    assert (found.flaw, f"rows of {table} are damaged" in found.told) == (Flaw.DATABASE, True)
    with pytest.raises(BackupRefused, match=f"rows of {table}"):
        find_snapshot(root, None)


@ON_SQLITE
def test_damaged_blobs_are_set_aside_and_copied_anew(
    database: Database, back_up: Callable[..., Any], root: Path
) -> None:
    back_up()
    damaged, gone = key_of(database, "b/c"), key_of(database, "a")
    _flip(blob_path(root / "blobs", damaged))
    blob_path(root / "blobs", gone).unlink()

    _, found = verified(root)
    made, _ = back_up()
    _, after = verified(root)

    assert {(one.flaw, one.key) for one in found} == {(Flaw.DAMAGED, damaged), (Flaw.MISSING, gone)}
    assert (made.new_blobs, after) == (2, [])
    assert [path.name for path in (root / "damaged").iterdir()] == [damaged]


@ON_SQLITE
def test_a_blob_of_the_wrong_size_is_copied_anew(database: Database, back_up: Callable[..., Any], root: Path) -> None:
    back_up()
    blob_path(root / "blobs", key_of(database, "a")).write_bytes(b"a")

    made, _ = back_up()

    assert (made.new_blobs, verified(root)[1]) == (1, [])


class BrokenOffError(Exception):
    """The process ends here, or the disk does."""


def _break_in(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenOffError

    monkeypatch.setattr(owner, name, fail)


@ON_SQLITE
@pytest.mark.parametrize("step", ["keep", "commit"])
def test_what_was_broken_off_is_no_snapshot_and_is_removed_by_the_next(
    back_up: Callable[..., Any], root: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        _break_in(patched, Draft, step)
        with pytest.raises(BrokenOffError):
            back_up()
    left = len(list((root / "snapshots").iterdir()))
    with pytest.raises(BackupRefused, match="no snapshot that was finished"):
        verified(root)

    made, flaws = back_up()

    assert (left, flaws) == (1, [])
    assert [path.name for path in (root / "snapshots").iterdir()] == [made.snapshot]
    assert not (root / "incoming").exists()
    assert verified(root)[1] == []


@ON_SQLITE
def test_nothing_but_a_folder_of_backups_is_written_to(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.tex").touch()

    for folder in ("other", "other/thesis.tex"):
        with pytest.raises((BackupRefused, OSError)):
            desk.archive.backups.make(tmp_path / folder, Wishes(), lambda _: None)

    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.tex"]
    with pytest.raises(BackupRefused, match="no folder of backups"):
        find_snapshot(tmp_path / "other", None)


@ON_SQLITE
def test_a_new_file_system_is_as_good_as_an_empty_folder(desk: Desk, root: Path) -> None:
    (root / "lost+found").mkdir(parents=True)

    assert desk.archive.backups.make(root, Wishes(), lambda _: None).blobs == 3


@ON_SQLITE
def test_two_backups_into_one_folder_take_turns(back_up: Callable[..., Any], root: Path) -> None:
    back_up()

    with opened_vault(root, writes=False), opened_vault(root, writes=False), pytest.raises(Busy):
        back_up()
    with opened_vault(root, writes=True), pytest.raises(Busy, match="another backup"):
        find_snapshot(root, None)


@ON_SQLITE
def test_a_clock_that_was_set_back_makes_no_snapshot_that_looks_old(
    back_up: Callable[..., Any], clock: Clock, root: Path
) -> None:
    back_up()
    clock.move(hours=-1)

    with pytest.raises(BackupRefused, match="look at the clock"):
        back_up()

    assert len(list((root / "snapshots").iterdir())) == 1


def _set(root: Path, snapshot: str, **values: Any) -> None:
    path = root / "snapshots" / snapshot / "manifest.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **values}))


def test_a_backup_of_a_newer_program_is_not_restored(
    back_up: Callable[..., Any], root: Path, empty_database_url: str, tmp_path: Path, clock: Clock
) -> None:
    made, _ = back_up()
    _set(root, made.snapshot, revision="9999")
    database = open_database(empty_database_url)

    with pytest.raises(DatabaseTooNew):
        restore(root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None)

    with database.read():
        dump.check_empty(database)
    database.close()


def test_a_backup_of_an_older_schema_is_brought_to_this_one(
    root: Path, empty_database_url: str, tmp_path: Path, clock: Clock, back_up: Callable[..., Any]
) -> None:
    """As it would have been made by a program that knew no more than the first revision."""
    made, _ = back_up()
    folder = root / "snapshots" / made.snapshot
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    first = ("node", "name", "project_name", "resource", "file", "file_history", "folder", "account", "counter")
    tables = [_to_first(folder, table) for table in manifest["tables"] if table["name"] in first]
    _set(root, made.snapshot, revision="0001", tables=tables)
    database = open_database(empty_database_url)

    outcome = restore(root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None)

    count = select(func.count()).select_from(file)
    assert read(database, lambda connection: connection.execute(count).scalar()) == outcome.blobs == 3
    assert [row[5] for row in rows(database)["event"]] == ["restored the archive"]
    database.close()


NEWER = {"damaged_at", "is_verified", "data_role", "email", "first_name", "last_name", "last_success_at"}


def _to_first(folder: Path, table: dict[str, Any]) -> dict[str, Any]:
    places = [place for place, column in enumerate(table["columns"]) if column not in NEWER]
    path = folder / f"{table['name']}.jsonl.gz"
    lines = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(_pick(line, places)) + b"\n" for line in lines)))
    return {**table, "columns": _pick(table["columns"], places)}


def _pick(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [values[place] for place in places]


def test_a_database_that_holds_something_is_not_restored_into(
    database: Database, back_up: Callable[..., Any], root: Path, tmp_path: Path, clock: Clock
) -> None:
    made, _ = back_up()
    before = rows(database)

    with pytest.raises(BackupRefused, match="not empty"):
        restore(root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None)

    assert rows(database) == before


def test_every_table_is_in_a_backup_or_known_not_to_be(database: Database) -> None:
    assert set(node.metadata.tables) - set(rows(database)) == {"lease", "login_failure", "session"}
