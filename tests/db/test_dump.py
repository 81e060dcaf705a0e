"""Rows that are loaded into a database are all there, or none of them is."""

from collections.abc import Iterator
from typing import Any

import pytest

from db.rows import counted_up
from filmroom.db.dump import DumpedTable, Values, load
from filmroom.db.engine import Database
from filmroom.db.migrate import REVISIONS
from filmroom.model.errors import BackupRefused, StorageFailed


def _counters(*rows: Values) -> DumpedTable:
    return DumpedTable(name="counter", columns=("name", "next_value"), open_rows=lambda: iter(rows))


def _damaged() -> Iterator[Values]:
    yield "c", 1
    raise BackupRefused("it is damaged")


def test_rows_of_several_tables_are_loaded(database: Database) -> None:
    load(database, REVISIONS[-1], [_counters(["a", 1]), _counters(["b", 1])])

    assert counted_up(database) == {"a", "b"}


@pytest.mark.parametrize("is_first", [True, False])
def test_nothing_is_loaded_when_a_later_row_cannot_be_read(database: Database, *, is_first: bool) -> None:
    damaged = DumpedTable(name="counter", columns=("name", "next_value"), open_rows=_damaged)
    tables = [damaged] if is_first else [_counters(["a", 1]), _counters(["b", 1]), damaged]

    with pytest.raises(BackupRefused):
        load(database, REVISIONS[-1], tables)

    assert counted_up(database) == set()


@pytest.mark.parametrize("row", [[], ["a"], ["a", 1, 1]])
def test_rows_of_another_length_are_no_backup(database: Database, row: list[Any]) -> None:
    with pytest.raises(BackupRefused):
        load(database, REVISIONS[-1], [_counters(["b", 1], row)])

    assert counted_up(database) == set()


@pytest.mark.parametrize("wrong", [["c", None], ["a", 1]])
def test_nothing_is_loaded_when_the_database_takes_a_row_not(database: Database, wrong: list[Any]) -> None:
    with pytest.raises(StorageFailed):
        load(database, REVISIONS[-1], [_counters(["a", 1]), _counters(wrong)])

    assert counted_up(database) == set()
