"""Restoring on both databases, whichever was backed up: what comes back is what was there."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, func, select

from conftest import Clock
from db.rows import add_node, read
from filmroom.blobs.local import LocalStore
from filmroom.db import dump
from filmroom.db.engine import Database, open_database
from filmroom.db.leases import insert_lease
from filmroom.db.schema import file, lease, node, session
from filmroom.model.errors import BackupRefused, DatabaseTooNew
from filmroom.model.holdings import Finding
from filmroom.service.fsck import Checks
from filmroom.service.restore import find_snapshot, restore
from service.desk import REPLACE, Desk, at
from service.vaults import CONTENTS, FULL, Restore, rows


@pytest.fixture
def desk(filled_desk: Desk) -> Desk:
    return filled_desk


def test_what_comes_back_is_what_was_there_on_whichever_database(
    desk: Desk, database: Database, back_up: Callable[..., Any], bring_back: Restore
) -> None:
    """Every row of every table, and every byte; of deleted and overwritten files too."""
    desk.upload("a", b"new", REPLACE)
    desk.archive.files.delete(desk.viewer, at("NII", "empty"), spellings=["empty"])
    before = rows(database)
    made, flaws = back_up()

    restored, outcome, found = bring_back()

    after = rows(restored.archive._stores.database)
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

    assert rows(restored.archive._stores.database)["node"] == rows(database)["node"]


def test_nobody_is_signed_in_and_no_upload_goes_on_after_a_restore(
    desk: Desk, database: Database, clock: Clock, back_up: Callable[..., Any], bring_back: Restore
) -> None:
    desk.archive.sessions.open(desk.viewer)
    database.write(lambda connection: insert_lease(connection, "another", owner="host:1", now=clock()))
    desk.stage(b"on the way")
    back_up()

    restored, outcome, _ = bring_back()

    left = select(session.c.id_sha256).union_all(select(lease.c.id))
    assert read(restored.archive._stores.database, lambda connection: connection.execute(left).all()) == []
    assert outcome.blobs == 3


def test_each_snapshot_can_be_restored(
    desk: Desk, back_up: Callable[..., Any], bring_back: Restore, vault_root: Path
) -> None:
    first, _ = back_up()
    desk.upload("a", b"changed", REPLACE)
    back_up()

    restored, outcome, _ = bring_back(first.snapshot)

    assert outcome.snapshots == [first.snapshot]
    assert restored.read("a") == b"aaa"
    with pytest.raises(BackupRefused, match="there is no snapshot 'none'"):
        find_snapshot(vault_root, "none")


def _set(vault_root: Path, snapshot: str, **values: Any) -> None:
    path = vault_root / "snapshots" / snapshot / "manifest.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **values}))


def test_a_backup_of_a_newer_program_is_not_restored(
    back_up: Callable[..., Any], vault_root: Path, empty_database_url: str, tmp_path: Path, clock: Clock
) -> None:
    made, _ = back_up()
    _set(vault_root, made.snapshot, revision="9999")
    database = open_database(empty_database_url)

    with pytest.raises(DatabaseTooNew):
        restore(vault_root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None)

    with database.read():
        dump.check_empty(database)
    database.close()


def test_a_backup_of_an_older_schema_is_brought_to_this_one(
    vault_root: Path, empty_database_url: str, tmp_path: Path, clock: Clock, back_up: Callable[..., Any]
) -> None:
    """As it would have been made by a program that knew no more than the first revision."""
    made, _ = back_up()
    folder = vault_root / "snapshots" / made.snapshot
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    first = ("node", "name", "project_name", "resource", "file", "file_history", "folder", "account", "counter")
    tables = [_to_first(folder, table) for table in manifest["tables"] if table["name"] in first]
    _set(vault_root, made.snapshot, revision="0001", tables=tables)
    database = open_database(empty_database_url)

    outcome = restore(
        vault_root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None
    )

    count = select(func.count()).select_from(file)
    assert read(database, lambda connection: connection.execute(count).scalar()) == outcome.blobs == 3
    assert [row[5] for row in rows(database)["event"]] == ["restored the archive"]
    database.close()


NEWER = {"date", "damaged_at", "is_verified", "data_role", "email", "first_name", "last_name", "last_success_at"}


def _to_first(folder: Path, table: dict[str, Any]) -> dict[str, Any]:
    places = [place for place, column in enumerate(table["columns"]) if column not in NEWER]
    path = folder / f"{table['name']}.jsonl.gz"
    lines = [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(_pick(line, places)) + b"\n" for line in lines)))
    return {**table, "columns": _pick(table["columns"], places)}


def _pick(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [values[place] for place in places]


def test_a_database_that_holds_something_is_not_restored_into(
    database: Database, back_up: Callable[..., Any], vault_root: Path, tmp_path: Path, clock: Clock
) -> None:
    made, _ = back_up()
    before = rows(database)

    with pytest.raises(BackupRefused, match="not empty"):
        restore(vault_root, made.snapshot, database, LocalStore(tmp_path / "new"), now=clock(), tell=lambda _: None)

    assert rows(database) == before


def test_every_table_is_in_a_backup_or_known_not_to_be(database: Database) -> None:
    assert set(node.metadata.tables) - set(rows(database)) == {
        *("chore", "doomed_blob"),
        *("lease", "login_failure", "session", "upload"),
    }
