"""What is queued for PostgreSQL is said before all that comes after it, and fails as if it had been said at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DBAPIError

from db.rows import count_up, counted_up, read
from filmroom.db.counters import next_number
from filmroom.db.engine import Database
from filmroom.db.hot import Hot
from filmroom.db.libpq import dialogue_of
from filmroom.db.nodes import lock_hierarchy
from filmroom.db.schema import counter, node, resource
from filmroom.model.errors import Busy, NotFound, StorageFailed
from waiting import PATIENCE_SECONDS, wait_until

_ADD = Hot(insert(counter), columns=("name", "next_value"))
_NAMES = Hot(select(counter.c.name))
_END = Hot(select(func.pg_terminate_backend(func.pg_backend_pid())))
_SLEEP = Hot(select(func.pg_sleep(3 * PATIENCE_SECONDS)))
_ADD_RESOURCE = Hot(insert(resource), columns=("node_pk",))

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def _add(connection: Connection, name: str) -> None:
    _ADD.queue(connection, {"name": name, "next_value": 1})


def _add_to_nowhere(connection: Connection) -> None:
    _ADD_RESOURCE.queue(connection, {"node_pk": 4711})


def test_what_is_queued_last_is_kept(database: Database) -> None:
    database.write(lambda connection: _add(connection, "a"))

    assert counted_up(database) == {"a"}


def test_what_is_queued_is_seen_by_a_statement_of_either_kind(database: Database) -> None:
    def unit(connection: Connection) -> tuple[int, set[str]]:
        _add(connection, "a")
        number = next_number(connection, "a")
        _add(connection, "b")
        return number, set(connection.execute(select(counter.c.name)).scalars())

    assert database.write(unit) == (1, {"a", "b"})


def test_rows_that_are_written_at_once_come_after_what_is_queued(database: Database) -> None:
    def unit(connection: Connection) -> None:
        _add(connection, "a")
        _ADD.run_all(connection, [{"name": "b"}, {"name": "c"}], shared={"next_value": 1})
        _add(connection, "d")

    database.write(unit)

    assert counted_up(database) == {"a", "b", "c", "d"}


def _then_nothing(_: Connection) -> None:
    pass


def _then_a_hot_statement(connection: Connection) -> None:
    next_number(connection, "later")


def _then_one_of_sqlalchemy(connection: Connection) -> None:
    count_up("later")(connection)


def _then_one_more(connection: Connection) -> None:
    _add(connection, "later")


@pytest.mark.parametrize("go_on", [_then_nothing, _then_a_hot_statement, _then_one_of_sqlalchemy, _then_one_more])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_fails_in_the_queue_takes_its_unit_back(
    database: Database, go_on: Callable[[Connection], None], *, is_known: bool
) -> None:
    if is_known:
        database.write(count_up("known"))
        database.write(lambda connection: _add(connection, "hot"))
    kept = counted_up(database)

    def unit(connection: Connection) -> None:
        next_number(connection, "before")
        _ADD.queue(connection, {"name": "a", "next_value": None})
        go_on(connection)

    with pytest.raises(StorageFailed, match="next_value"):
        database.write(unit)

    assert counted_up(database) == kept
    assert database.write(lambda connection: next_number(connection, "after")) == 1


def test_who_hides_what_failed_in_the_queue_is_not_told_that_it_was_kept(database: Database) -> None:
    def unit(connection: Connection) -> None:
        _ADD.queue(connection, {"name": "a", "next_value": None})
        with suppress(DBAPIError):
            next_number(connection, "b")

    with pytest.raises(StorageFailed):
        database.write(unit)

    assert counted_up(database) == set()


def test_a_transaction_begins_whatever_the_server_has_forgotten(database: Database) -> None:
    database.write(lambda connection: _add(connection, "a"))

    def unit(connection: Connection) -> None:
        dialogue_of(connection).command(b"DEALLOCATE ALL")
        with suppress(DBAPIError):
            _add(connection, "b")
            next_number(connection, "c")
        _add(connection, "d")

    with pytest.raises(StorageFailed):
        database.write(unit)

    assert counted_up(database) == {"a"}


def test_a_commit_without_a_transaction_is_not_told_as_one(database: Database) -> None:
    def unit(connection: Connection) -> None:
        dialogue_of(connection).roll_back()

    with pytest.raises(StorageFailed):
        database.write(unit)


def test_a_unit_that_fails_says_nothing_of_what_is_queued(database: Database) -> None:
    def unit(connection: Connection) -> None:
        _add(connection, "never")
        raise NotFound("thing")

    with pytest.raises(NotFound):
        database.write(unit)

    assert counted_up(database) == set()


def test_a_race_that_is_lost_in_the_queue_is_run_again(database: Database) -> None:
    runs: list[int] = []

    def unit(connection: Connection) -> None:
        runs.append(len(runs))
        _add(connection, "taken" if len(runs) == 1 else "free")

    database.write(lambda connection: _add(connection, "taken"))
    database.write(unit)

    assert runs == [0, 1]
    assert counted_up(database) == {"taken", "free"}


def test_a_reference_to_nothing_is_found_out_before_it_is_told_as_kept(database: Database) -> None:
    with pytest.raises(StorageFailed):
        database.write(_add_to_nowhere)


def test_what_failed_in_the_queue_is_named_in_the_log(database: Database) -> None:
    def unit(connection: Connection) -> None:
        _ADD.queue(connection, {"name": "a", "next_value": None})
        next_number(connection, "b")

    with pytest.raises(StorageFailed) as failed:
        database.write(unit)

    told = failed.value.__cause__
    assert isinstance(told, DBAPIError)
    assert told.orig is not None
    assert "INSERT INTO counter" in told.orig.__notes__[0]


def test_statements_that_fail_leave_nothing_behind_on_the_server(database: Database) -> None:
    def prepared(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one())

    before = database.write(prepared)
    for _ in range(5):
        with pytest.raises(StorageFailed):
            database.write(_add_to_nowhere)

    assert database.write(prepared) <= before + 1


def test_a_queued_statement_that_the_server_has_forgotten_is_prepared_anew(database: Database) -> None:
    database.write(lambda connection: _add(connection, "a"))
    database.write(lambda connection: connection.exec_driver_sql("DEALLOCATE ALL").close())

    database.write(lambda connection: _add(connection, "b"))

    assert counted_up(database) == {"a", "b"}


def test_many_statements_with_long_values_are_said_together(database: Database) -> None:
    """More than the buffers of a connection hold, in both directions."""
    long = "x" * 200_000
    spoken = Hot(select(node.c.pk).where(node.c.id == long))
    answered = Hot(insert(counter).returning(counter.c.name), columns=("name", "next_value"))

    def unit(connection: Connection) -> None:
        for number in range(30):
            spoken.queue(connection, {})
            answered.queue(connection, {"name": f"{number}{'y' * 2000}", "next_value": 1})
        _add(connection, "last")

    database.write(unit)

    assert len(counted_up(database)) == 31


def test_the_lock_of_a_queue_is_held_before_the_next_statement_looks(database: Database) -> None:
    is_locked, may_end = threading.Event(), threading.Event()

    def first(connection: Connection) -> None:
        lock_hierarchy(connection, is_exclusive=True)
        count_up("first")(connection)
        is_locked.set()
        assert may_end.wait(PATIENCE_SECONDS)

    def second(connection: Connection) -> set[str]:
        lock_hierarchy(connection, is_exclusive=False)
        return {row.name for row in _NAMES.all(connection, {})}

    with ThreadPoolExecutor() as threads:
        one = threads.submit(database.write, first)
        assert is_locked.wait(PATIENCE_SECONDS)
        two = threads.submit(database.write, second)
        assert counted_up(database) == set()  # this thread goes on while the other one waits in the pipeline
        assert not two.done()
        may_end.set()
        one.result(PATIENCE_SECONDS)
        assert two.result(PATIENCE_SECONDS) == {"first"}


def test_a_connection_that_ends_before_commit_has_changed_nothing(database: Database) -> None:
    def unit(connection: Connection) -> None:
        next_number(connection, "never")
        _add(connection, "a")
        _END.queue(connection, {})
        next_number(connection, "never")

    with pytest.raises(Busy):
        database.write(unit)

    assert counted_up(database) == set()


def test_of_a_connection_that_ends_with_commit_it_is_not_known(database: Database) -> None:
    def unit(connection: Connection) -> None:
        _add(connection, "a")
        _END.queue(connection, {})

    with pytest.raises(StorageFailed):
        database.write(unit)

    assert counted_up(database) == set()


@pytest.fixture
def _control_c() -> Iterator[None]:
    """It raises KeyboardInterrupt, which it does not where tests are run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_control_c")
def test_who_interrupts_what_is_said_together_is_told_so_and_keeps_no_lock(database: Database) -> None:
    """Control-C, which reaches the main thread alone."""

    def unit(connection: Connection) -> None:
        lock_hierarchy(connection, is_exclusive=True)
        _SLEEP.queue(connection, {})
        next_number(connection, "never")

    def is_asleep() -> bool:
        asleep = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        return bool(read(database, lambda connection: connection.exec_driver_sql(asleep).all()))

    def interrupt() -> None:
        wait_until(is_asleep)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor() as threads:
        interrupting = threads.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            database.write(unit)
        interrupting.result()
        threads.submit(database.write, _locked_and_added).result(PATIENCE_SECONDS)  # it need not wait for the lock
    assert counted_up(database) == {"a"}


def _locked_and_added(connection: Connection) -> None:
    lock_hierarchy(connection, is_exclusive=True)
    _add(connection, "a")
