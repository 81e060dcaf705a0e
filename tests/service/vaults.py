"""A small archive, a folder of backups, and what tests of backups do with them again and again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db import dump
from filmroom.db.engine import Database, open_database
from filmroom.db.schema import file
from filmroom.model.holdings import Finding
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.backup import Made, Wishes
from filmroom.service.pacing import Pace
from filmroom.service.restore import Outcome, find_snapshot, restore, verify
from service.desk import Desk, open_desk

FULL = Pace(None)
# What is about files of a backup only has nothing to do with the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONTENTS = {"a": b"aaa", "b/c": b"voxels" * 400_000, "empty": b""}

Restore = Callable[..., tuple[Desk, Outcome, list[Finding]]]


@pytest.fixture
def filled_desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    desk = open_desk(archive, people["alice"])
    for path, content in CONTENTS.items():
        desk.upload(path, content)
    return desk


@pytest.fixture
def vault_root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def back_up(filled_desk: Desk, vault_root: Path, clock: Clock) -> Callable[..., tuple[Made, list[Finding]]]:
    def make(**wishes: Any) -> tuple[Made, list[Finding]]:
        clock.move(seconds=1)
        found: list[Finding] = []
        made = filled_desk.archive.backups.make(vault_root, Wishes(**wishes), found.append)
        assert made.findings.total() == len(found)
        return made, found

    return make


@pytest.fixture
def bring_back(
    empty_database_url: str, vault_root: Path, tmp_path: Path, clock: Clock, people: dict[str, Viewer]
) -> Iterator[Restore]:
    with ExitStack() as stack:

        def bring(wanted: str | None = None) -> tuple[Desk, Outcome, list[Finding]]:
            database = open_database(empty_database_url)
            stack.callback(database.close)
            blobs = LocalStore(tmp_path / "restored")
            found: list[Finding] = []
            name = find_snapshot(vault_root, wanted)
            outcome = restore(vault_root, name, database, blobs, now=clock(), tell=found.append)
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
