"""Group commit for SQLite: many waiting units become few transactions.

There is no thread that writes: one of those who wait runs all that waits, his own unit and those of the others, and
then lets the next one begin. To hand each unit to another thread and to be woken by it cost more than to run it
(decision 0015).

Where nobody runs a group, one begins as soon as nobody is worth waiting for (``announced.py``): a transaction costs as
much as two units or more, and beside those who still compute it takes longer (decision 0019). Who completes a group
runs it. What came while another group ran is begun when that ends, by the first who came.
"""

import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from filmroom.db.announced import Announced
from filmroom.db.hot import DriverErrors
from filmroom.db.memory import Memory
from filmroom.model.errors import ArchiveError, StorageFailed

T = TypeVar("T")

_LONGEST_GROUP: Final = 64
_BEGIN: Final = "BEGIN IMMEDIATE"
_MOST_MARKS: Final = 2**31


def do_nothing() -> None:
    """What is prepared where there is nothing to prepare."""


def prepare_all(steps: Iterable[Callable[[], None]]) -> None:
    """Whatever fails is left to the units, which find out when they need it."""
    for step in steps:
        with suppress(Exception):
            step()


def _new_bell() -> threading.Lock:
    bell = threading.Lock()
    bell.acquire()
    return bell


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a unit."""

    result: Any = None
    error: BaseException | None = None

    def get(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(slots=True, eq=False)
class _Job:
    """A unit, what to do before it, whether all that is remembered still holds when it has run, and what came of it.

    Its caller waits for the bell: it rings when the job is done, or when its caller is to lead.
    """

    unit: Callable[[Connection], Any]
    prepare: Callable[[], None]
    keeps_memory: bool
    bell: threading.Lock = field(default_factory=_new_bell)
    outcome: _Outcome | None = None

    def tell(self, outcome: _Outcome) -> None:
        self.outcome = outcome
        self.bell.release()


_Run = Callable[[Connection, list[_Job]], list[_Outcome]]


class GroupWriter:
    """Runs units in the order in which they came, in the threads that ask for it, one transaction at a time.

    A result or error is given out only after COMMIT.
    ``find_fault`` is asked before COMMIT; a fault that it finds takes the whole transaction back.
    Processes that share the database queue on ``lock_path`` and hold it for one transaction at a time.
    ``memory`` is what units have found, and forgets it as soon as it may hold no more.
    """

    def __init__(self, engine: Engine, *, lock_path: str, find_fault: Callable[[], ArchiveError | None]) -> None:
        self._engine = engine
        self._find_fault = find_fault
        self._lock_path = lock_path
        self._waiting: deque[_Job] = deque()
        self._leader: _Job | None = None  # whose caller runs what waits, or was told to
        self._announced = Announced()
        self._connection: Connection | None = None
        self.memory = Memory()
        self._version: int | None = None  # SQLite's number for what others have committed, on this connection
        self._mark = 0  # the number in the database that is raised when more than uploads is committed, as it was then
        self._is_closed = False
        # Held to change who waits, who is to come, who leads and whether it is closed.
        self._queue = threading.Lock()
        self._is_idle = threading.Condition(self._queue)

    def run(
        self, unit: Callable[[Connection], T], *, prepare: Callable[[], None] = do_nothing, keeps_memory: bool = False
    ) -> T:
        job = _Job(unit, prepare, keeps_memory)
        try:
            if not self._join(job):
                self._wait(job)
            if job.outcome is None:
                self._lead()
        except BaseException:
            self._withdraw(job)
            raise
        return cast("T", cast("_Outcome", job.outcome).get())

    def announce(self) -> AbstractContextManager[None]:
        """While it is open its thread is about to run a unit: those of others wait for that one, but only a little."""
        return _Announcement(self)

    def expect(self, thread: int) -> None:
        """For announcements alone, as ``expect_no_more`` is."""
        with self._queue:
            self._announced.add(thread)

    def expect_no_more(self, thread: int) -> None:
        if thread in self._announced:  # only the thread itself has it come or go, so no lock is needed to see that
            with self._queue:
                self._announced.remove(thread)
                if self._is_complete():
                    self._begin()

    def close(self) -> None:
        """Wait for the units that came before, then let the database go."""
        with self._queue:
            self._is_closed = True
            self._begin()
            self._is_idle.wait_for(lambda: self._leader is None)
        self._let_go()

    def _join(self, job: _Job) -> bool:
        """Queue a job; whether its caller must lead, because nobody does and the group is complete."""
        with self._queue:
            if self._is_closed:
                raise StorageFailed("the database is closed")
            self._announced.remove(threading.get_ident())
            self._waiting.append(job)
            if self._leader is None and self._is_complete():
                self._leader = job
                self._announced.end_wait(have_come=True)
            elif self._leader is None and len(self._waiting) == 1:
                self._announced.begin_wait()
            return self._leader is job

    def _wait(self, job: _Job) -> None:
        """Until the bell rings; for those who are to come no longer than they were worth it when the job came."""
        with self._queue:
            seconds = self._announced.wait_seconds()
        if not job.bell.acquire(timeout=seconds):
            with self._queue:
                self._begin()
            job.bell.acquire()

    def _is_complete(self) -> bool:
        return len(self._waiting) >= _LONGEST_GROUP or self._announced.wait_seconds() == 0

    def _begin(self) -> None:
        """Have the first of those who wait lead, unless somebody does; tell whoever closes when there is nobody."""
        if self._leader is None and self._waiting:
            self._leader = self._waiting[0]
            self._leader.bell.release()
            self._announced.end_wait(have_come=False)
        if self._leader is None and self._is_closed:
            self._is_idle.notify_all()

    def _withdraw(self, job: _Job) -> None:
        """Its caller was interrupted: what nobody has begun to run does not wait for ever, nor have others wait."""
        with self._queue:
            if job in self._waiting:
                self._waiting.remove(job)
                if self._leader is job:
                    self._leader = None
                self._begin()

    def _lead(self) -> None:
        """Run the jobs that wait, once; the caller's own is one, as nobody leads only while fewer wait than a group."""
        with self._queue:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LONGEST_GROUP))]
        outcomes = [_Outcome(error=StorageFailed("database: a transaction broke off"))] * len(group)
        try:
            outcomes = self._run_group(group)
        finally:
            with self._queue:
                self._leader = None
                self._begin()  # who was served must not wait behind others
            for job, outcome in zip(group, outcomes, strict=True):
                job.tell(outcome)

    def _run_group(self, group: list[_Job]) -> list[_Outcome]:
        try:
            prepare_all(job.prepare for job in group)
            with locked(self._lock_path):
                return self._commit_together(group) or self._commit(group, self._run_apart)
        except BaseException as error:  # noqa: BLE001 - others must be told, whatever a transaction ends with
            failure = self._failure(error)
            own = error if isinstance(error, KeyboardInterrupt) else failure
            return [_Outcome(error=own if job is self._leader else failure) for job in group]

    def _commit_together(self, group: list[_Job]) -> list[_Outcome] | None:
        """Hardly ever does a unit fail, so they run without savepoints, which cost as much as what an upload writes.

        None when one did: then nothing is changed, and each can run once more, apart from the others.
        """
        try:
            return self._commit(group, self._run_together)
        except _UnitError:
            return None

    def _commit(self, group: list[_Job], run: _Run) -> list[_Outcome]:
        """A transaction, on the driver itself and on a connection that is kept.

        To take one from the pool costs as much as an upload's rows, and so does a transaction of SQLAlchemy's, which
        begins only where a unit has a statement run by it.
        """
        connection = self._connection = self._connection or self._connect()
        driver = _driver(connection)
        try:
            with DriverErrors(_BEGIN, connection.dialect):
                driver.execute(_BEGIN).close()
            self._hear_of_others(driver)
            changes = driver.total_changes
            outcomes = run(connection, group)
            self._check_fault()
            has_changed = driver.total_changes != changes
            mark = self._tell_others(driver) if has_changed and not self.memory.holds else self._mark
            _end(connection, driver)
        except BaseException:
            self.memory.forget()
            connection.rollback()
            driver.rollback()
            raise
        self._mark = mark
        return outcomes

    def _check_fault(self) -> None:
        """Raises what takes the transaction back."""
        if (fault := self._find_fault()) is not None:
            raise _FaultError from fault

    def _hear_of_others(self, driver: Any) -> None:
        """Remember nothing of what others have changed (decision 0013)."""
        version, *_ = driver.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            mark, *_ = driver.execute("PRAGMA user_version").fetchone()
            # What an earlier connection had heard of counts for nothing.
            if self._version is None or mark != self._mark:
                self.memory.forget()
            self._version, self._mark = version, mark
        self.memory.confirm()

    def _tell_others(self, driver: Any) -> int:
        """Have others forget what this transaction has changed, by another mark in the database; the mark."""
        mark = (self._mark + 1) % _MOST_MARKS
        driver.execute(f"PRAGMA user_version = {mark}").close()
        return mark

    def _run_together(self, connection: Connection, group: list[_Job]) -> list[_Outcome]:
        outcomes = []
        for job in group:
            try:
                outcomes.append(_Outcome(job.unit(connection)))
            except Exception as error:
                raise _UnitError from error
            if not job.keeps_memory:
                self.memory.forget()
        return outcomes

    def _run_apart(self, connection: Connection, group: list[_Job]) -> list[_Outcome]:
        outcomes = []
        for job in group:
            outcomes.append(_run_in_savepoint(connection, job))
            self.memory.forget()
        return outcomes

    def _failure(self, error: BaseException) -> BaseException:
        """What the callers of a group are told of the end of their transaction."""
        if isinstance(error, _FaultError):
            return cast("BaseException", error.__cause__)
        self._let_go()  # it may be the connection's, and the next group must have one that works
        return error if isinstance(error, SQLAlchemyError) else StorageFailed(f"database: {error}")

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        self.memory.serve(connection)
        return connection

    def _let_go(self) -> None:
        self.memory.forget()  # what others commit is heard of through one connection: the next begins to count anew
        self._version = None
        connection, self._connection = self._connection, None
        if connection is not None and not connection.closed:
            connection.invalidate()
            connection.close()


class _Announcement:
    """That the thread which opens it is about to come."""

    __slots__ = ("_thread", "_writer")

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self._thread = threading.get_ident()

    def __enter__(self) -> None:
        self._writer.expect(self._thread)

    def __exit__(self, *_: object) -> None:
        self._writer.expect_no_more(self._thread)


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep out every other process that asks for the lock on this file, which is made if need be."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _end(connection: Connection, driver: Any) -> None:
    if connection.in_transaction():
        connection.commit()
    else:
        with DriverErrors("COMMIT", connection.dialect):
            driver.commit()


class _UnitError(Exception):
    """A unit raised something."""


class _FaultError(Exception):
    """What was found before COMMIT, its cause, took the transaction back."""


def _run_in_savepoint(connection: Connection, job: _Job) -> _Outcome:
    """In a savepoint of its own, on the driver itself: SQLAlchemy's cost as much as all the statements of an upload."""
    driver = _driver(connection)
    driver.execute("SAVEPOINT unit").close()
    try:
        result = job.unit(connection)
    except Exception as error:
        # It belongs to whoever waits for this unit, not to the group; unless it took the group's transaction along, or
        # SQLite could open the file only for reading, which it does without a word.
        if not driver.in_transaction or _is_read_only(error):
            raise
        driver.execute("ROLLBACK TO unit").close()
        driver.execute("RELEASE unit").close()
        return _Outcome(error=error)
    driver.execute("RELEASE unit").close()
    return _Outcome(result)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _is_read_only(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorname", "").startswith("SQLITE_READONLY")
