"""Who runs the units that wait on SQLite, and whom they wait for: somebody always does (``db/writer.py``)."""

import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from sqlalchemy import Connection

from db.rows import busy_writer, count_up, counted_up, enqueue
from filmroom.db import announced, writer
from filmroom.db.engine import SQLiteDatabase
from filmroom.db.writer import _Job, do_nothing
from filmroom.model.errors import NotFound, StorageFailed
from waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def interruptible() -> Iterator[None]:
    """An interrupt from the keyboard reaches the test, whoever runs it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_whoever_waited_longest_runs_the_units_of_all_who_wait(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    order: list[int] = []

    def unit(number: int) -> Callable[[Connection], int]:
        def run(_connection: Connection) -> int:
            order.append(number)
            return threading.get_ident()

        return run

    with busy_writer(sqlite):
        futures = [enqueue(pool, sqlite, unit(number)) for number in range(4)]
    runners = {future.result(PATIENCE_SECONDS) for future in futures}

    assert order == [0, 1, 2, 3]
    assert len(runners) == 1


def test_all_is_prepared_before_the_transaction_of_all(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    order: list[str] = []

    def write(name: str) -> None:
        sqlite.write(lambda _connection: order.append(f"{name} written"), prepare=lambda: order.append(name))

    with busy_writer(sqlite):
        futures = [pool.submit(write, name) for name in ("one", "other")]
        wait_until(lambda: len(sqlite._writer._waiting) == 2)
    for future in futures:
        future.result(PATIENCE_SECONDS)

    assert sorted(order[:2]) == ["one", "other"]
    assert order[2:] == [f"{name} written" for name in order[:2]]


def test_what_cannot_be_prepared_is_left_to_the_unit(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    def fail() -> None:
        raise MemoryError

    with busy_writer(sqlite):
        futures = [
            pool.submit(sqlite.write, count_up("one")),
            pool.submit(sqlite.write, count_up("other"), prepare=fail),
        ]
        wait_until(lambda: len(sqlite._writer._waiting) == 2)
    for future in futures:
        future.result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"one", "other"}


def test_closing_waits_for_those_who_came_before(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with busy_writer(sqlite):
        before = [enqueue(pool, sqlite, lambda _connection: "kept") for _ in range(3)]
        closing = pool.submit(sqlite.close)
        wait_until(lambda: sqlite._writer._is_closed)
        assert not closing.done()
    closing.result(PATIENCE_SECONDS)

    assert [future.result(PATIENCE_SECONDS) for future in before] == ["kept"] * 3
    with pytest.raises(StorageFailed):
        sqlite.write(lambda _connection: "late")


@pytest.mark.usefixtures("interruptible")
def test_whoever_is_interrupted_while_he_waits_has_nobody_wait_for_him(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    def interrupt_when_waiting() -> None:
        wait_until(lambda: bool(sqlite._writer._waiting))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with busy_writer(sqlite):
        interrupting = pool.submit(interrupt_when_waiting)
        with pytest.raises(KeyboardInterrupt):
            sqlite.write(count_up("interrupted"))
        interrupting.result(PATIENCE_SECONDS)

    pool.submit(sqlite.write, count_up("after")).result(PATIENCE_SECONDS)
    assert counted_up(sqlite) == {"after"}


def test_whoever_is_to_lead_and_is_gone_leaves_it_to_the_next(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    writer = sqlite._writer
    with busy_writer(sqlite):
        following = enqueue(pool, sqlite, lambda _connection: "kept")
        gone = _Job(lambda _connection: None, do_nothing, keeps_memory=False)
        writer._waiting.appendleft(gone)
    wait_until(lambda: writer._leader is gone)

    writer._withdraw(gone)

    assert following.result(PATIENCE_SECONDS) == "kept"


def test_a_connection_that_a_unit_has_closed_is_made_anew(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    def close(connection: Connection) -> None:
        connection.close()
        raise NotFound("anything")

    with busy_writer(sqlite):
        told = [enqueue(pool, sqlite, unit) for unit in (close, lambda _connection: "kept")]

    for future in told:
        assert future.exception(PATIENCE_SECONDS)
    sqlite.write(count_up("after"))
    assert counted_up(sqlite) == {"after"}


def _hold(_held: object, _connection: Connection) -> None:
    """A unit that has something and does nothing."""


def test_what_a_unit_holds_is_let_go_when_it_is_done(sqlite: SQLiteDatabase) -> None:
    class _Held:
        pass

    held = _Held()
    gone = weakref.ref(held)

    sqlite.write(partial(_hold, held))
    del held

    assert gone() is None


def test_an_interrupt_reaches_whom_it_interrupts_and_others_are_told(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    def interrupted(_connection: Connection) -> None:
        raise KeyboardInterrupt

    with busy_writer(sqlite):
        leading = enqueue(pool, sqlite, interrupted)
        following = enqueue(pool, sqlite, lambda _connection: "kept")

    with pytest.raises(KeyboardInterrupt):
        leading.result(PATIENCE_SECONDS)
    with pytest.raises(StorageFailed):
        following.result(PATIENCE_SECONDS)
    assert sqlite.write(lambda _connection: "kept") == "kept"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units wait for those who are about to come, and these are waited for, longer than any test takes."""
    monkeypatch.setattr(announced, "_LONGEST_WAIT_SECONDS", 10 * PATIENCE_SECONDS)


def _runner(_connection: Connection) -> int:
    return threading.get_ident()


@pytest.mark.usefixtures("patient")
def test_units_wait_for_one_that_is_about_to_come(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with sqlite.announce():
        before = [enqueue(pool, sqlite, _runner) for _ in range(3)]
        last = sqlite.write(_runner)

    assert [future.result(PATIENCE_SECONDS) for future in before] == [last] * 3


@pytest.mark.usefixtures("patient")
def test_units_wait_no_longer_for_one_that_does_not_come_after_all(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    with sqlite.announce():
        before = enqueue(pool, sqlite, count_up("kept"))
        assert counted_up(sqlite) == set()
    before.result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"kept"}


@pytest.mark.usefixtures("patient")
def test_who_has_come_once_is_not_waited_for_any_more(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with sqlite.announce():
        sqlite.write(count_up("announced"))
        pool.submit(sqlite.write, count_up("other")).result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"announced", "other"}


@pytest.mark.usefixtures("patient")
def test_units_that_came_while_others_ran_wait_for_nobody_else(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    with ExitStack() as announcing:
        with busy_writer(sqlite):
            before = enqueue(pool, sqlite, count_up("kept"))
            announcing.enter_context(sqlite.announce())
        before.result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"kept"}


@pytest.mark.usefixtures("patient")
def test_a_whole_group_waits_for_nobody(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LONGEST_GROUP", 3)

    with sqlite.announce():
        before = [pool.submit(sqlite.write, count_up(str(number))) for number in range(3)]
        for future in before:
            future.result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"0", "1", "2"}


def test_after_waits_in_vain_nobody_is_waited_for(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "_WARY_SECONDS", 1000.0)

    def is_wary_after_a_write() -> bool:
        with sqlite.announce():
            pool.submit(sqlite.write, lambda _connection: None).result(PATIENCE_SECONDS)
            return sqlite._writer._announced._wary_until > 0

    wait_until(is_wary_after_a_write)
    with sqlite.announce():
        assert sqlite._writer._announced.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_an_interrupt_reaches_whoever_leads_a_group_of_others_who_came_before(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    def interrupted(_connection: Connection) -> None:
        raise KeyboardInterrupt

    with sqlite.announce():
        before = [enqueue(pool, sqlite, lambda _connection: "kept") for _ in range(2)]
        with pytest.raises(KeyboardInterrupt):
            sqlite.write(interrupted)

    for future in before:
        with pytest.raises(StorageFailed):
            future.result(PATIENCE_SECONDS)


def test_a_unit_waits_only_for_a_moment(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with sqlite.announce():
        for number in range(3):
            pool.submit(sqlite.write, count_up(str(number))).result(PATIENCE_SECONDS)

    assert counted_up(sqlite) == {"0", "1", "2"}


@pytest.mark.usefixtures("patient")
def test_closing_has_units_wait_for_nobody(sqlite: SQLiteDatabase, pool: ThreadPoolExecutor) -> None:
    with sqlite.announce():
        before = enqueue(pool, sqlite, lambda _connection: "kept")
        pool.submit(sqlite.close).result(PATIENCE_SECONDS)

    assert before.result(PATIENCE_SECONDS) == "kept"


@pytest.mark.usefixtures("interruptible", "patient")
def test_whoever_is_interrupted_while_he_waits_for_another_lets_the_archive_close(
    sqlite: SQLiteDatabase, pool: ThreadPoolExecutor
) -> None:
    announced, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with sqlite.announce():
            announced.set()
            assert leave.wait(PATIENCE_SECONDS)

    def interrupt_when_waiting() -> None:
        wait_until(lambda: bool(sqlite._writer._waiting))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        sqlite.close()

    holding = pool.submit(hold)
    assert announced.wait(PATIENCE_SECONDS)
    interrupting = pool.submit(interrupt_when_waiting)
    with pytest.raises(KeyboardInterrupt):
        sqlite.write(count_up("interrupted"))
    interrupting.result(PATIENCE_SECONDS)
    leave.set()
    holding.result(PATIENCE_SECONDS)
