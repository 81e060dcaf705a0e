"""What both databases promise alike: consistent reads, whole writes, and errors in our own words."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError

from db.rows import count_up, counted_up, read
from filmroom.db.counters import next_number
from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.postgresql import PostgreSQLDatabase
from filmroom.db.schema import counter
from filmroom.model.errors import Busy, NotFound, StorageFailed, StorageFull
from waiting import PATIENCE_SECONDS


@pytest.fixture
def postgresql_database(database: Database) -> PostgreSQLDatabase:
    assert isinstance(database, PostgreSQLDatabase)
    return database


ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _names(connection: Connection) -> set[str]:
    return set(connection.execute(select(counter.c.name)).scalars())


def test_a_reader_sees_one_state_while_a_writer_commits(database: Database) -> None:
    database.write(count_up("before"))
    with database.read() as connection:
        first = _names(connection)
        database.write(count_up("meanwhile"))
        second = _names(connection)

    assert first == second == {"before"}
    assert counted_up(database) == {"before", "meanwhile"}


def test_a_reader_keeps_its_state_over_several_tables(database: Database) -> None:
    with database.read() as connection:
        _names(connection)
        database.write(count_up("meanwhile"))
        connection.exec_driver_sql("SELECT count(*) FROM node").scalar()
        seen = _names(connection)

    assert seen == set()


def test_a_listing_that_was_begun_is_not_changed_by_later_writes(database: Database) -> None:
    database.write(lambda connection: [count_up(f"{number:04}")(connection) for number in range(3000)])
    with database.read() as connection:
        rows = connection.execute(
            select(counter.c.name).order_by(counter.c.name), execution_options={"yield_per": 1000}
        ).scalars()
        begun = next(rows)
        database.write(lambda writing: writing.execute(counter.delete()).close())
        rest = list(rows)

    assert (begun, len(rest)) == ("0000", 2999)
    assert counted_up(database) == set()


def test_a_written_row_is_there_for_the_next_reader(database: Database) -> None:
    database.write(count_up("a"))

    assert counted_up(database) == {"a"}


def test_a_failing_unit_changes_nothing(database: Database) -> None:
    error = NotFound("it")

    def unit(connection: Connection) -> None:
        count_up("half done")(connection)
        raise error

    with pytest.raises(NotFound) as raised:
        database.write(unit)

    assert raised.value is error
    assert counted_up(database) == set()


@pytest.mark.parametrize("run", [lambda database, unit: database.write(unit), read])
def test_a_failing_statement_is_a_failed_storage(
    database: Database, run: Callable[[Database, Callable[[Connection], object]], object]
) -> None:
    with pytest.raises(StorageFailed, match="nowhere") as raised:
        run(database, lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))

    assert "\n" not in str(raised.value)


def test_a_broken_index_is_a_failed_storage(database: Database) -> None:
    database.write(count_up("same"))

    with pytest.raises(StorageFailed):
        database.write(count_up("same"))

    assert counted_up(database) == {"same"}


def test_reading_goes_on_after_an_error(database: Database) -> None:
    with pytest.raises(StorageFailed):
        read(database, lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))

    assert counted_up(database) == set()


def test_many_threads_may_read_and_write(database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: database.write(count_up(str(number))), range(64)))
        seen = list(pool.map(lambda _: len(counted_up(database)), range(64)))

    assert seen == [64] * 64


def test_a_reader_does_not_keep_a_writer_waiting(database: Database) -> None:
    with database.read() as connection, ThreadPoolExecutor(1) as pool:
        _names(connection)

        pool.submit(database.write, count_up("meanwhile")).result(PATIENCE_SECONDS)


@pytest.mark.parametrize("url", ["postgresql://host/name", "postgresql+psycopg://host/name"])
def test_postgresql_is_spoken_through_psycopg(url: str) -> None:
    database = open_database(url)

    assert isinstance(database, PostgreSQLDatabase)
    assert database.engine.driver == "psycopg"
    database.close()


def test_an_sqlite_database_needs_a_file() -> None:
    with pytest.raises(StorageFailed):
        open_database("sqlite://")


def test_a_database_that_cannot_be_opened_is_a_failed_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        open_database(f"sqlite:///{tmp_path / 'no folder' / 'filmroom.db'}")


def test_a_server_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    database = open_database(f"postgresql://nobody@/nothing?host={tmp_path}")

    with pytest.raises(Busy):
        database.write(count_up("never"))

    database.close()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("run", [lambda database, unit: database.write(unit), read])
def test_sqlite_is_durable_and_strict_for_readers_and_writers(
    database: SQLiteDatabase,
    run: Callable[[Database, Callable[[Connection], object]], object],
    pragma: str,
    value: object,
) -> None:
    """design.md, section 4: WAL and FULL; with less, power cuts damage what was acknowledged."""
    assert run(database, lambda connection: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()) == value


@ON_POSTGRESQL
def test_postgresql_refuses_changes_by_readers(postgresql_database: PostgreSQLDatabase) -> None:
    with pytest.raises(StorageFailed, match="read-only"):
        read(postgresql_database, count_up("never"))


@ON_POSTGRESQL
def test_units_that_deadlock_are_run_again(postgresql_database: PostgreSQLDatabase) -> None:
    postgresql_database.write(lambda connection: [count_up(name)(connection) for name in "ab"])
    both_hold_one = threading.Barrier(2)

    def bump(connection: Connection, name: str) -> None:
        connection.execute(
            update(counter).where(counter.c.name == name).values(next_value=counter.c.next_value + 1)
        ).close()

    def crossing(first: str, second: str) -> Callable[[], None]:
        meet = [lambda: both_hold_one.wait(PATIENCE_SECONDS)]

        def unit(connection: Connection) -> None:
            bump(connection, first)
            while meet:
                meet.pop()()
            bump(connection, second)

        return lambda: postgresql_database.write(unit)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(crossing("a", "b")), pool.submit(crossing("b", "a"))]:
            done.result(PATIENCE_SECONDS)

    values = read(
        postgresql_database, lambda connection: connection.execute(select(counter.c.next_value)).scalars().all()
    )
    assert values == [3, 3]


def _failing_with(sqlstate: str, attempts: list[None]) -> Callable[[Connection], None]:
    def unit(connection: Connection) -> None:
        attempts.append(None)
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$")

    return unit


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("sqlstate", "runs", "told"),
    [
        ("40001", 5, StorageFailed),
        ("40P01", 5, StorageFailed),
        ("23505", 5, StorageFailed),
        ("22012", 1, StorageFailed),
        ("57014", 1, Busy),  # it was cancelled before COMMIT, so the client may try again
    ],
)
def test_only_conflicts_are_tried_again_and_not_for_ever(
    postgresql_database: PostgreSQLDatabase, sqlstate: str, runs: int, told: type[Exception]
) -> None:
    attempts: list[None] = []

    with pytest.raises(told):
        postgresql_database.write(_failing_with(sqlstate, attempts))

    assert len(attempts) == runs


@ON_POSTGRESQL
def test_a_full_disk_of_postgresql_is_a_full_storage(postgresql_database: PostgreSQLDatabase) -> None:
    with pytest.raises(StorageFull):
        postgresql_database.write(_failing_with("53100", []))


# Each is waited for (20 s at most): a server process that was only told to end may still take a statement.
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@ON_POSTGRESQL
@pytest.mark.parametrize("ask", [counted_up, lambda database: database.write(lambda _: {"b"})])
def test_what_the_server_has_ended_is_not_used_again(
    postgresql_database: PostgreSQLDatabase, database_url: str, ask: Callable[[Database], set[str]]
) -> None:
    postgresql_database.write(count_up("b"))
    other = open_database(database_url)
    read(other, lambda connection: connection.exec_driver_sql(_END_OTHERS).all())
    other.close()

    assert ask(postgresql_database) == {"b"}


@ON_POSTGRESQL
def test_a_connection_that_ends_in_the_middle_changes_nothing(postgresql_database: PostgreSQLDatabase) -> None:
    def unit(connection: Connection) -> None:
        next_number(connection, "never")
        with suppress(psycopg.Error):
            connection.connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
        next_number(connection, "never")

    with pytest.raises(Busy):
        postgresql_database.write(unit)

    assert counted_up(postgresql_database) == set()


def test_hot_statements_outlive_whatever_their_connection_does(database: Database) -> None:
    def unit(connection: Connection) -> int:
        connection.exec_driver_sql("CREATE TABLE passing (pk INTEGER)").close()
        connection.exec_driver_sql("ALTER TABLE passing ADD COLUMN name TEXT").close()
        connection.exec_driver_sql("DROP TABLE passing").close()
        return next_number(connection, "hot")

    numbers = []
    for _ in range(7):
        numbers.append(database.write(unit))
        with pytest.raises(StorageFailed):
            database.write(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere"))
        assert counted_up(database) == {"hot"}

    assert numbers == [1, 2, 3, 4, 5, 6, 7]


@ON_POSTGRESQL
def test_a_hot_statement_takes_no_text_for_one_that_ends_at_a_nul(postgresql_database: PostgreSQLDatabase) -> None:
    postgresql_database.write(lambda connection: next_number(connection, "a"))

    with pytest.raises(StorageFailed):
        postgresql_database.write(lambda connection: next_number(connection, "a\0b"))

    assert counted_up(postgresql_database) == {"a"}


@ON_POSTGRESQL
def test_a_hot_statement_that_the_server_has_forgotten_is_prepared_anew(
    postgresql_database: PostgreSQLDatabase,
) -> None:
    postgresql_database.write(lambda connection: next_number(connection, "hot"))
    postgresql_database.write(lambda connection: connection.exec_driver_sql("DEALLOCATE ALL").close())

    assert postgresql_database.write(lambda connection: next_number(connection, "hot")) == 2


@ON_POSTGRESQL
def test_a_unit_that_hides_a_failed_statement_is_not_told_that_it_was_kept(
    postgresql_database: PostgreSQLDatabase,
) -> None:
    def unit(connection: Connection) -> None:
        next_number(connection, "a")
        with suppress(DBAPIError):
            connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(StorageFailed):
        postgresql_database.write(unit)

    assert counted_up(postgresql_database) == set()
