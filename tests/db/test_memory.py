"""What units remember for each other is true whenever one asks, whoever changed the database meanwhile."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from db.rows import busy_writer, count_up, enqueue
from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.memory import forget, recall
from filmroom.db.schema import counter
from filmroom.model.errors import ArchiveError, NotFound, StorageFailed
from waiting import PATIENCE_SECONDS


@pytest.fixture
def other(sqlite: SQLiteDatabase) -> Iterator[Database]:
    """As another process has it."""
    database = open_database(f"sqlite:///{sqlite.path}")
    yield database
    database.close()


def _names(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(select(counter.c.name)).scalars())


def _recalled(connection: Connection) -> frozenset[str]:
    return recall(connection, "names", lambda: _names(connection) or None) or frozenset()


def _look(database: Database) -> frozenset[str]:
    return database.write(_recalled, keeps_memory=True)


def test_what_was_found_is_not_looked_for_again(sqlite: SQLiteDatabase) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)

    sqlite.write(count_up("second"), keeps_memory=True)

    assert _look(sqlite) == {"first"}


def test_what_was_not_found_is_looked_for_again(sqlite: SQLiteDatabase) -> None:
    assert _look(sqlite) == frozenset()

    sqlite.write(count_up("first"), keeps_memory=True)

    assert _look(sqlite) == {"first"}


def test_after_a_change_everything_is_looked_for_again(sqlite: SQLiteDatabase) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)

    sqlite.write(count_up("second"))

    assert _look(sqlite) == {"first", "second"}


def _count_second_up_and_forget(connection: Connection) -> None:
    count_up("second")(connection)
    forget(connection)


def test_a_unit_that_changes_what_others_recall_can_say_so(sqlite: SQLiteDatabase) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)
    sqlite.write(_count_second_up_and_forget, keeps_memory=True)

    assert _look(sqlite) == {"first", "second"}


def test_after_a_change_in_the_same_transaction_everything_is_looked_for_again(
    sqlite: SQLiteDatabase,
) -> None:
    sqlite.write(count_up("first"))
    with ThreadPoolExecutor(3) as pool:
        with busy_writer(sqlite):
            before = enqueue(pool, sqlite, _recalled)
            enqueue(pool, sqlite, count_up("second"))
            after = enqueue(pool, sqlite, _recalled)

        assert before.result(PATIENCE_SECONDS) == {"first"}
        assert after.result(PATIENCE_SECONDS) == {"first", "second"}


def test_what_another_process_changes_is_seen(sqlite: SQLiteDatabase, other: Database) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)

    other.write(count_up("second"))

    assert _look(sqlite) == _look(other) == {"first", "second"}


def test_what_another_process_keeps_need_not_be_looked_for_again(sqlite: SQLiteDatabase, other: Database) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)

    other.write(count_up("second"), keeps_memory=True)

    assert _look(sqlite) == {"first"}


def test_what_another_process_forgets_is_forgotten_here(sqlite: SQLiteDatabase, other: Database) -> None:
    """Also where it did so several transactions ago, and some of them changed nothing that anybody remembers."""
    sqlite.write(count_up("first"))
    _look(sqlite)
    other.write(_count_second_up_and_forget, keeps_memory=True)
    other.write(count_up("third"), keeps_memory=True)

    assert _look(sqlite) == {"first", "second", "third"}


def test_a_transaction_that_changes_nothing_tells_nobody(sqlite: SQLiteDatabase, other: Database) -> None:
    sqlite.write(count_up("first"))
    _look(sqlite)
    sqlite.write(count_up("second"), keeps_memory=True)

    other.write(_names)

    assert _look(sqlite) == {"first"}


def test_the_mark_of_what_is_remembered_begins_anew_at_its_end(sqlite: SQLiteDatabase, other: Database) -> None:
    def set_mark(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA user_version = {2**31 - 2}").close()

    other.write(set_mark, keeps_memory=True)
    sqlite.write(count_up("first"))
    seen = _look(sqlite)

    for name in ("second", "third"):
        other.write(count_up(name))
        seen = _look(sqlite)

    assert seen == {"first", "second", "third"}


def test_nothing_stays_of_a_unit_that_was_taken_back(sqlite: SQLiteDatabase) -> None:
    def unit(connection: Connection) -> None:
        count_up("never")(connection)
        assert _recalled(connection) == {"never"}
        raise NotFound("what it needs")

    with pytest.raises(NotFound):
        sqlite.write(unit, keeps_memory=True)

    assert _look(sqlite) == frozenset()
    assert sqlite.memory.peek("names") is None


def test_nothing_stays_of_a_unit_that_was_taken_back_amid_others(sqlite: SQLiteDatabase) -> None:
    def unit(connection: Connection) -> None:
        count_up("never")(connection)
        _recalled(connection)
        raise NotFound("what it needs")

    with ThreadPoolExecutor(3) as pool:
        with busy_writer(sqlite):
            enqueue(pool, sqlite, count_up("first"))
            failed = enqueue(pool, sqlite, unit)
            after = enqueue(pool, sqlite, _recalled)

        assert isinstance(failed.exception(PATIENCE_SECONDS), NotFound)
        assert after.result(PATIENCE_SECONDS) == {"first"}


def test_nothing_stays_of_a_transaction_that_was_taken_back(sqlite: SQLiteDatabase, tmp_path: Path) -> None:
    def unit(connection: Connection) -> None:
        count_up("never")(connection)
        _recalled(connection)
        Path(sqlite.path).rename(tmp_path / "elsewhere")  # which is found before COMMIT

    with pytest.raises(ArchiveError):
        sqlite.write(unit, keeps_memory=True)
    (tmp_path / "elsewhere").rename(sqlite.path)

    assert _look(sqlite) == frozenset()


def test_nothing_stays_when_the_connection_is_made_anew(sqlite: SQLiteDatabase, other: Database) -> None:
    """SQLite counts what others commit for each connection from the same number on."""
    sqlite.write(count_up("first"))
    _look(sqlite)
    lock = Path(sqlite.lock_path)
    lock.unlink()
    lock.mkdir()
    with pytest.raises(StorageFailed):
        _look(sqlite)
    lock.rmdir()

    other.write(count_up("second"))

    assert _look(sqlite) == {"first", "second"}


def test_advice_is_what_a_unit_found_within_the_last_second(
    sqlite: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("filmroom.db.memory.time.monotonic", lambda: now)
    sqlite.write(count_up("first"))
    _look(sqlite)

    assert sqlite.memory.peek("names") == {"first"}
    now += 1.5
    assert sqlite.memory.peek("names") is None
    _look(sqlite)
    assert sqlite.memory.peek("names") == {"first"}


def test_it_does_not_grow_without_end(sqlite: SQLiteDatabase) -> None:
    def unit(connection: Connection) -> None:
        for number in range(1500):
            recall(connection, number, lambda: "found")

    sqlite.write(unit, keeps_memory=True)

    assert sqlite.memory.peek(0) is None
    assert sqlite.memory.peek(1499) == "found"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_where_others_cannot_be_heard_of_nothing_is_remembered(database: Database) -> None:
    before = _look(database)

    database.write(count_up("sly"), keeps_memory=True)

    assert _look(database) == before | {"sly"}
    assert database.memory.peek("names") is None
