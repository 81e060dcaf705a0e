"""Group commit for SQLite: one thread per process turns many waiting units into few transactions."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from filmroom.db.memory import Memory
from filmroom.model.errors import ArchiveError, StorageFailed

T = TypeVar("T")

_Outcome = Callable[[], None]
_Run = Callable[[Connection, "list[_Job]"], list[_Outcome]]

_LONGEST_GROUP: Final = 64


@dataclass(frozen=True, slots=True)
class _Job:
    """A unit, where its result goes, and whether all that is remembered still holds when it has run."""

    unit: Callable[[Connection], Any]
    future: "Future[Any]"
    keeps_memory: bool


class GroupWriter:
    """Runs units in the order in which they came. A result or error is given out only after COMMIT.

    ``find_fault`` is asked before COMMIT; a fault that it finds takes the whole transaction back.
    Processes that share the database queue on ``lock_path`` and hold it for one transaction at a time.
    ``memory`` is what units have found, and forgets it as soon as it may hold no more.
    """

    def __init__(self, engine: Engine, *, lock_path: str, find_fault: Callable[[], ArchiveError | None]) -> None:
        self._engine = engine
        self._find_fault = find_fault
        self._lock_path = lock_path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self.memory = Memory()
        self._version = 0  # SQLite's number for what others have committed
        self._is_closed = False
        # Held to queue a job and to close, so that no job comes after the end of the queue and waits for ever.
        self._queueing = threading.Lock()

    def run(self, unit: Callable[[Connection], T], *, keeps_memory: bool = False) -> T:
        future: Future[Any] = Future()
        with self._queueing:
            if self._is_closed:
                raise StorageFailed("the database is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="filmroom-writer", daemon=True)
                self._thread.start()
            self._jobs.put(_Job(unit, future, keeps_memory))
        return cast("T", future.result())

    def close(self) -> None:
        """Finish the units that wait, then stop."""
        with self._queueing:
            self._is_closed = True
            self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            group, is_last = self._gather(job)
            self._run_group(group)
            if is_last:
                break
        self._let_go()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """The first job and those that wait behind it, and whether the queue was closed behind them."""
        group = [first]
        with suppress(Empty):
            while len(group) < _LONGEST_GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    return group, True
                group.append(job)
        return group, False

    def _run_group(self, group: list[_Job]) -> None:
        try:
            with locked(self._lock_path):
                outcomes = self._commit_together(group) or self._commit(group, self._run_apart)
        except BaseException as error:  # noqa: BLE001 - the writer must outlive whatever a transaction ends with
            failure = self._failure(error)
            outcomes = [_failed(job, failure) for job in group]
        for tell in outcomes:
            tell()

    def _commit_together(self, group: list[_Job]) -> list[_Outcome] | None:
        """Hardly ever does a unit fail, so they run without savepoints, which cost as much as what an upload writes.

        None when one did: then nothing is changed, and each can run once more, apart from the others.
        """
        try:
            return self._commit(group, self._run_together)
        except _UnitError:
            return None

    def _commit(self, group: list[_Job], run: _Run) -> list[_Outcome]:
        try:
            with self._begin() as connection:
                self._forget_if_others_wrote(connection)
                outcomes = run(connection, group)
                if (fault := self._find_fault()) is not None:
                    raise _FaultError from fault  # noqa: TRY301 - which takes the transaction back
        except BaseException:
            self.memory.forget()
            raise
        return outcomes

    def _forget_if_others_wrote(self, connection: Connection) -> None:
        version, *_ = _driver(connection).execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self.memory.forget()
            self._version = version

    def _run_together(self, connection: Connection, group: list[_Job]) -> list[_Outcome]:
        outcomes = []
        for job in group:
            try:
                outcomes.append(_succeeded(job, job.unit(connection)))
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

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction on the connection that is kept: to take one from the pool costs as much as an upload's rows."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self.memory.serve(self._connection)
        with self._connection.begin():
            yield self._connection

    def _let_go(self) -> None:
        self.memory.forget()  # what others commit is heard of through one connection: the next begins to count anew
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep out every other process that asks for the lock on this file, which is made if need be."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


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
        return _failed(job, error)
    driver.execute("RELEASE unit").close()
    return _succeeded(job, result)


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _is_read_only(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorname", "").startswith("SQLITE_READONLY")


def _succeeded(job: _Job, result: object) -> _Outcome:
    return lambda: job.future.set_result(result)


def _failed(job: _Job, error: BaseException) -> _Outcome:
    return lambda: job.future.set_exception(error)
