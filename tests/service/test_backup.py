"""Backups on both databases: what is there is kept, and whatever is not there is told."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import delete

from conftest import Clock
from filmroom.blobs.local import LocalStore
from filmroom.blobs.vault import Draft, opened_vault
from filmroom.db.engine import Database
from filmroom.db.schema import file, file_history
from filmroom.model.errors import BackupRefused, Busy
from filmroom.model.holdings import Finding, Flaw
from filmroom.service.backup import Backups, Wishes
from filmroom.service.restore import Outcome, find_snapshot
from service.desk import REPLACE, Desk, blob_path
from service.vaults import CONTENTS, ON_SQLITE, Restore, key_of, pooled, verified


@pytest.fixture
def desk(filled_desk: Desk) -> Desk:
    return filled_desk


@ON_SQLITE
def test_only_what_is_new_is_copied(desk: Desk, back_up: Callable[..., Any], vault_root: Path) -> None:
    first, _ = back_up()
    inodes = {path.name: path.stat().st_ino for path in (vault_root / "blobs").rglob("*-*-*")}
    desk.upload("late", b"late")

    second, _ = back_up()

    after = {path.name: path.stat().st_ino for path in (vault_root / "blobs").rglob("*-*-*")}
    assert (first.new_blobs, second.new_blobs, second.new_bytes, second.blobs) == (3, 1, 4, 4)
    assert inodes.items() <= after.items()


@ON_SQLITE
def test_a_backup_does_not_share_bytes_with_the_archive_unless_asked(
    desk: Desk, database: Database, back_up: Callable[..., Any], vault_root: Path, tmp_path: Path
) -> None:
    back_up()
    desk.upload("late", b"late")
    made, flaws = back_up(links=True)

    links = {path: blob_path(tmp_path / "blobs", key_of(database, path)).stat().st_nlink for path in ("a", "late")}

    assert links == {"a": 1, "late": 2}
    assert (made.new_blobs, flaws) == (1, [])
    assert verified(vault_root)[1] == []


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
    desk: Desk, database: Database, back_up: Callable[..., Any], vault_root: Path, tmp_path: Path
) -> None:
    back_up()
    desk.upload("late", b"late")
    blob_path(tmp_path / "blobs", key_of(database, "late")).unlink()

    flawed, _ = back_up(keep=1)

    assert (flawed.has_flaws, flawed.forgotten_snapshots) == (True, 0)
    assert len(list((vault_root / "snapshots").iterdir())) == 2


class Purging(LocalStore):
    """Upkeep or a purge removes a file, its row and then its bytes, while a backup is at work."""

    act: Callable[[], None] = staticmethod(lambda: None)

    def open(self, key: str) -> BinaryIO:
        act, self.act = self.act, lambda: None
        act()
        return super().open(key)


def test_what_is_purged_meanwhile_is_told_and_no_flaw(
    desk: Desk, database: Database, vault_root: Path, tmp_path: Path, bring_back: Restore
) -> None:
    store = Purging(tmp_path / "blobs")
    gone = [key_of(database, "a"), key_of(database, "b/c")]

    def purge() -> None:
        database.write(lambda connection: connection.execute(delete(file).where(file.c.key.in_(gone))).close())
        store.delete(gone)

    store.act = purge
    stores = replace(desk.archive._stores, blobs=store)
    found: list[Finding] = []
    made = Backups(stores).make(vault_root, Wishes(), found.append)
    _, outcome, missed = bring_back()

    assert {(one.flaw, one.key) for one in found} == {(Flaw.REMOVED, key) for key in gone}
    assert not made.has_flaws
    assert verified(vault_root) == (Outcome(snapshots=[made.snapshot], blobs=1), [])
    assert {(one.flaw, one.address[-1]) for one in missed} == {(Flaw.REMOVED, "a"), (Flaw.REMOVED, "c")}
    assert outcome.blobs == 1


def test_old_snapshots_go_with_the_blobs_that_only_they_name(
    desk: Desk, database: Database, back_up: Callable[..., Any], vault_root: Path
) -> None:
    old = key_of(database, "a")
    back_up()
    desk.upload("a", b"new", REPLACE)
    back_up()
    database.write(lambda connection: connection.execute(delete(file_history)).close())
    stray = LocalStore(vault_root / "blobs").create("0stray-b0-0")
    stray.finish()

    made, _ = back_up(keep=2)
    still = old in pooled(vault_root)
    last, _ = back_up(keep=1)

    assert (made.forgotten_snapshots, made.forgotten_blobs, still) == (1, 1, True)
    assert (last.forgotten_snapshots, last.forgotten_blobs) == (2, 1)
    assert old not in pooled(vault_root)
    assert len(pooled(vault_root)) == 3
    assert verified(vault_root)[1] == []


@ON_SQLITE
def test_a_damaged_snapshot_keeps_all_blobs(back_up: Callable[..., Any], vault_root: Path) -> None:
    first, _ = back_up()
    before = pooled(vault_root)
    damage_rows(vault_root, first.snapshot, "file")

    with pytest.raises(BackupRefused, match="rows of file"):
        back_up(keep=2)

    assert pooled(vault_root) == before


def damage_rows(vault_root: Path, snapshot: str, table: str) -> None:
    """One row is missing, though what is left is sound in itself."""
    path = vault_root / "snapshots" / snapshot / f"{table}.jsonl.gz"
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
    back_up: Callable[..., Any], vault_root: Path, damage: Callable[[Path], None], table: str
) -> None:
    made, _ = back_up()
    damage(vault_root / "snapshots" / made.snapshot / f"{table}.jsonl.gz")

    _, [found] = verified(vault_root)

    assert (found.flaw, f"rows of {table} are damaged" in found.told) == (Flaw.DATABASE, True)
    with pytest.raises(BackupRefused, match=f"rows of {table}"):
        find_snapshot(vault_root, None)


@ON_SQLITE
def test_damaged_blobs_are_set_aside_and_copied_anew(
    database: Database, back_up: Callable[..., Any], vault_root: Path
) -> None:
    back_up()
    damaged, gone = key_of(database, "b/c"), key_of(database, "a")
    _flip(blob_path(vault_root / "blobs", damaged))
    blob_path(vault_root / "blobs", gone).unlink()

    _, found = verified(vault_root)
    made, _ = back_up()
    _, after = verified(vault_root)

    assert {(one.flaw, one.key) for one in found} == {(Flaw.DAMAGED, damaged), (Flaw.MISSING, gone)}
    assert (made.new_blobs, after) == (2, [])
    assert [path.name for path in (vault_root / "damaged").iterdir()] == [damaged]


@ON_SQLITE
def test_a_blob_of_the_wrong_size_is_copied_anew(
    database: Database, back_up: Callable[..., Any], vault_root: Path
) -> None:
    back_up()
    blob_path(vault_root / "blobs", key_of(database, "a")).write_bytes(b"a")

    made, _ = back_up()

    assert (made.new_blobs, verified(vault_root)[1]) == (1, [])


class BrokenOffError(Exception):
    """The process ends here, or the disk does."""


def _break_in(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenOffError

    monkeypatch.setattr(owner, name, fail)


@ON_SQLITE
@pytest.mark.parametrize("step", ["keep", "finish"])
def test_what_was_broken_off_is_no_snapshot_and_is_removed_by_the_next(
    back_up: Callable[..., Any], vault_root: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        _break_in(patched, Draft, step)
        with pytest.raises(BrokenOffError):
            back_up()
    left = len(list((vault_root / "snapshots").iterdir()))
    with pytest.raises(BackupRefused, match="no snapshot that was finished"):
        verified(vault_root)

    made, flaws = back_up()

    assert (left, flaws) == (1, [])
    assert [path.name for path in (vault_root / "snapshots").iterdir()] == [made.snapshot]
    assert not (vault_root / "incoming").exists()
    assert verified(vault_root)[1] == []


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
def test_a_new_file_system_is_as_good_as_an_empty_folder(desk: Desk, vault_root: Path) -> None:
    (vault_root / "lost+found").mkdir(parents=True)

    assert desk.archive.backups.make(vault_root, Wishes(), lambda _: None).blobs == 3


@ON_SQLITE
def test_two_backups_into_one_folder_take_turns(back_up: Callable[..., Any], vault_root: Path) -> None:
    back_up()

    with opened_vault(vault_root, writes=False), opened_vault(vault_root, writes=False), pytest.raises(Busy):
        back_up()
    with opened_vault(vault_root, writes=True), pytest.raises(Busy, match="another backup"):
        find_snapshot(vault_root, None)


@ON_SQLITE
def test_a_clock_that_was_set_back_makes_no_snapshot_that_looks_old(
    back_up: Callable[..., Any], clock: Clock, vault_root: Path
) -> None:
    back_up()
    clock.move(hours=-1)

    with pytest.raises(BackupRefused, match="look at the clock"):
        back_up()

    assert len(list((vault_root / "snapshots").iterdir())) == 1
