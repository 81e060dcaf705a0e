"""Group commit on SQLite: answers follow COMMIT, a failing unit takes back only itself, nothing is lost."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update
from sqlalchemy.exc import SQLAlchemyError

from db.rows import busy_writer, count_up, counted_up, enqueue, open_migrated, read
from filmroom.db.engine import SQLiteDatabase, open_database
from filmroom.db.schema import counter, file
from filmroom.model.errors import ArchiveError, NotFound, StorageFailed
from waiting import PATIENCE_SECONDS


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(200) as pool:
        yield pool


@pytest.fixture
def commits(sqlite: SQLiteDatabase) -> list[None]:
    """Grows by one with each COMMIT of the writer."""
    seen: list[None] = []

    def trace(connection: Any, _record: object) -> None:
        connection.set_trace_callback(lambda sql: seen.append(None) if sql == "COMMIT" else None)

    event.listen(sqlite._writer_engine, "connect", trace)
    return seen


def test_a_unit_gives_back_its_result(sqlite: SQLiteDatabase) -> None:
    assert sqlite.write(lambda connection: connection.exec_driver_sql("SELECT 6 * 7").scalar()) == 42


def test_a_result_is_given_out_only_after_commit(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    running, may_end = threading.Event(), threading.Event()

    def slow(_connection: Connection) -> None:
        running.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with busy_writer(sqlite):
        first = enqueue(pool, sqlite, count_up("first"))
        second = enqueue(pool, sqlite, slow)
    running.wait(PATIENCE_SECONDS)  # "first" has run by now, in the same transaction
    seen_before_commit = (first.done(), counted_up(sqlite))
    may_end.set()
    first.result(PATIENCE_SECONDS)

    assert seen_before_commit == (False, set())
    assert counted_up(sqlite) == {"first"}
    second.result(PATIENCE_SECONDS)


def test_units_that_wait_share_one_commit(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor, commits: list[None]
) -> None:
    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, count_up(str(number))) for number in range(20)]
    for future in futures:
        future.result(PATIENCE_SECONDS)

    assert len(counted_up(sqlite)) == 20
    assert len(commits) == 2  # of whoever kept the writer busy, and of all the others


def test_a_group_is_at_most_sixty_four_units(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor, commits: list[None]
) -> None:
    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, count_up(str(number))) for number in range(130)]
    for future in futures:
        future.result(PATIENCE_SECONDS)

    assert len(counted_up(sqlite)) == 130
    assert len(commits) == 1 + 3


def test_units_run_in_the_order_in_which_they_came(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    ran: list[int] = []
    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, lambda _, number=number: ran.append(number)) for number in range(100)]  # type: ignore[misc]
    for future in futures:
        future.result(PATIENCE_SECONDS)

    assert ran == list(range(100))


def test_a_failing_unit_takes_back_only_itself(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    def failing(connection: Connection) -> None:
        count_up("half done")(connection)
        raise NotFound("what it needs")

    with busy_writer(sqlite):
        before = enqueue(pool, sqlite, count_up("before"))
        failed = enqueue(pool, sqlite, failing)
        after = enqueue(pool, sqlite, count_up("after"))

    assert before.exception(PATIENCE_SECONDS) is None
    assert after.exception(PATIENCE_SECONDS) is None
    assert isinstance(failed.exception(PATIENCE_SECONDS), NotFound)
    assert counted_up(sqlite) == {"before", "after"}


def test_a_unit_that_breaks_an_index_takes_back_only_itself(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with busy_writer(sqlite):
        first = enqueue(pool, sqlite, count_up("same"))
        second = enqueue(pool, sqlite, count_up("same"))
        third = enqueue(pool, sqlite, count_up("other"))

    assert first.exception(PATIENCE_SECONDS) is None
    assert isinstance(second.exception(PATIENCE_SECONDS), StorageFailed)
    assert third.exception(PATIENCE_SECONDS) is None
    assert counted_up(sqlite) == {"same", "other"}


@pytest.mark.parametrize("error", [NotFound("it"), ValueError("a mistake of ours")])
def test_what_a_unit_raises_reaches_its_caller_unchanged(sqlite: SQLiteDatabase, error: Exception) -> None:
    def failing(_connection: Connection) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        sqlite.write(failing)

    assert raised.value is error


def test_writing_goes_on_after_an_error(sqlite: SQLiteDatabase) -> None:
    def failing(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(StorageFailed):
        sqlite.write(failing)
    sqlite.write(count_up("afterwards"))

    assert counted_up(sqlite) == {"afterwards"}


def _breaks_at_commit(connection: Connection) -> None:
    """A file of no resource, of which SQLite learns only when it commits."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON").close()
    connection.exec_driver_sql(
        "INSERT INTO file (resource_pk, path, key, size_bytes, md5, crc32, created_at, modified_at)"
        " VALUES (12345, 'a', 'k', 0, '', 0, 0, 0)"
    ).close()


def test_a_failed_commit_fails_the_whole_group(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with busy_writer(sqlite):
        innocent = enqueue(pool, sqlite, count_up("innocent"))
        guilty = enqueue(pool, sqlite, _breaks_at_commit)

    assert isinstance(innocent.exception(PATIENCE_SECONDS), StorageFailed)
    assert isinstance(guilty.exception(PATIENCE_SECONDS), StorageFailed)
    assert counted_up(sqlite) == set()


def test_writing_goes_on_after_a_failed_commit(sqlite: SQLiteDatabase) -> None:
    with pytest.raises(StorageFailed):
        sqlite.write(_breaks_at_commit)
    sqlite.write(count_up("afterwards"))

    assert counted_up(sqlite) == {"afterwards"}
    assert not read(sqlite, lambda connection: connection.execute(file.select()).all())


def test_a_connection_that_can_only_read_is_replaced(sqlite: SQLiteDatabase) -> None:
    """SQLite opens a file that it cannot open for writing just then for reading, and says nothing of it."""
    sqlite.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only=ON").close())
    with pytest.raises(StorageFailed, match="readonly database"):
        sqlite.write(count_up("first"))

    sqlite.write(count_up("second"))

    assert counted_up(sqlite) == {"second"}


def test_a_unit_that_ends_the_transaction_fails_its_group(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    """What runs afterwards would be committed by itself, so nothing of it may be told as kept."""

    def rolling_back(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK").close()
        raise NotFound("its transaction")

    with busy_writer(sqlite):
        before = enqueue(pool, sqlite, count_up("before"))
        failed = enqueue(pool, sqlite, rolling_back)

    assert isinstance(before.exception(PATIENCE_SECONDS), StorageFailed)
    assert isinstance(failed.exception(PATIENCE_SECONDS), ArchiveError)
    assert counted_up(sqlite) == set()


def _limit_pages(sqlite: SQLiteDatabase, more: int) -> None:
    """Let the database grow by so many pages, as a disk that is nearly full would."""

    def unit(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + more}").close()

    sqlite.write(unit)


def test_a_full_disk_takes_back_the_whole_unit(sqlite: SQLiteDatabase) -> None:
    def unit(connection: Connection) -> None:
        count_up("small")(connection)
        count_up("x" * 100_000)(connection)

    _limit_pages(sqlite, 2)
    with pytest.raises(ArchiveError):
        sqlite.write(unit)

    assert counted_up(sqlite) == set()


def test_writing_goes_on_when_there_is_room_again(sqlite: SQLiteDatabase) -> None:
    _limit_pages(sqlite, 2)
    with pytest.raises(ArchiveError):
        sqlite.write(count_up("x" * 100_000))
    _limit_pages(sqlite, 1000)
    sqlite.write(count_up("y" * 100_000))

    assert counted_up(sqlite) == {"y" * 100_000}


def test_closing_finishes_the_units_that_wait(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    sqlite = open_migrated(tmp_path / "closing.db")
    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, count_up(str(number))) for number in range(10)]
        closing = pool.submit(sqlite.close)
    closing.result(PATIENCE_SECONDS)

    assert not any(future.exception(PATIENCE_SECONDS) for future in futures)
    assert len(counted_up(sqlite)) == 10
    sqlite.close()


def test_closing_finishes_what_came_while_it_was_busy_and_more_than_a_group(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    sqlite = open_migrated(tmp_path / "closing.db")
    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, count_up(str(number))) for number in range(64)]
        closing = pool.submit(sqlite.close)
    closing.result(PATIENCE_SECONDS)

    # What they wait for is done by now; the threads that wait may need a moment to see it.
    assert [future.exception(PATIENCE_SECONDS) for future in futures] == [None] * 64
    sqlite.close()


def test_closing_twice_is_no_error(tmp_path: Path) -> None:
    sqlite = open_migrated(tmp_path / "closing.db")
    sqlite.close()

    sqlite.close()


def test_two_processes_writing_at_once_lose_nothing(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Each database object stands for a process: it has a writer, connections and a lock of its own."""
    databases = [open_migrated(tmp_path / "shared.db") for _ in range(2)]
    databases[0].write(count_up("hits"))

    def hit(number: int) -> None:
        databases[number % 2].write(
            lambda connection: connection.execute(update(counter).values(next_value=counter.c.next_value + 1)).close()
        )

    list(pool.map(hit, range(400)))

    hits = read(databases[0], lambda connection: connection.execute(counter.select()).one())
    assert hits.next_value == 401
    for database in databases:
        database.close()


def test_units_of_two_processes_do_not_run_at_the_same_time(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    databases = [open_migrated(tmp_path / "shared.db") for _ in range(2)]
    inside: list[int] = []
    most: list[int] = []

    def unit(_connection: Connection) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.001)
        inside.pop()

    list(pool.map(lambda number: databases[number % 2].write(unit), range(200)))

    assert max(most) == 1
    for database in databases:
        database.close()


def test_a_database_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()

    with pytest.raises(StorageFailed) as raised:
        open_database(f"sqlite:///{tmp_path / 'folder.db'}")

    assert isinstance(raised.value.__cause__, OSError)


def test_a_writer_that_finds_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "filmroom.db"
    path.write_bytes(b"this is no database" * 1000)
    database = open_database(f"sqlite:///{path}")

    with pytest.raises(StorageFailed) as raised:
        database.write(count_up("never"))

    assert isinstance(raised.value.__cause__, SQLAlchemyError)
    database.close()
