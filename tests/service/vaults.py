"""A small archive, a folder of backups, and what tests of backups do with them again and again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from filmroom.blobs.local import LocalStore
from filmroom.db import dump
from filmroom.db.engine import Database
from filmroom.db.schema import file
from filmroom.model.holdings import Finding
from filmroom.service.pacing import Pace
from filmroom.service.restore import Outcome, verify
from service.desk import Desk

FULL = Pace(None)
# What is about files of a backup only has nothing to do with the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONTENTS = {"a": b"aaa", "b/c": b"voxels" * 400_000, "empty": b""}

Restore = Callable[..., tuple[Desk, Outcome, list[Finding]]]


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
