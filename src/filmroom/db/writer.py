"""Group commit for SQLite: one thread per process turns many waiting units into few transactions."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from filmroom.model.errors import ArchiveError, StorageFailed

T = TypeVar("T")
_Job = tuple[Callable[[Connection], Any], "Future[Any]"]

_LONGEST_GROUP: Final = 64


class GroupWriter:
    """Runs units in the order in which they came. A result or error is given out only after COMMIT.

    ``find_fault`` is asked before COMMIT; a fault that it finds takes the whole transaction back.
    Processes that share the database queue on ``lock_path`` and hold it for one transaction at a time.
    """

    def __init__(self, engine: Engine, *, lock_path: str, find_fault: Callable[[], ArchiveError | None]) -> None:
        self._engine = engine
        self._find_fault = find_fault
        self._lock_path = lock_path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._is_closed = False
        # Held to queue a job and to close, so that no job comes after the end of the queue and waits for ever.
        self._queueing = threading.Lock()

    def run(self, unit: Callable[[Connection], T]) -> T:
        future: Future[Any] = Future()
        with self._queueing:
            if self._is_closed:
                raise StorageFailed("the database is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="filmroom-writer", daemon=True)
                self._thread.start()
            self._jobs.put((unit, future))
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
        outcomes: list[Callable[[], None]] = []
        fault: ArchiveError | None = None
        try:
            with locked(self._lock_path), self._begin() as connection:
                outcomes = [_run_unit(connection, unit, future) for unit, future in group]
                if (fault := self._find_fault()) is not None:
                    raise fault  # noqa: TRY301 - which takes the transaction back
        except BaseException as error:  # noqa: BLE001 - the writer must outlive whatever a transaction ends with
            if error is not fault:
                self._let_go()  # it may be the connection's, and the next group must have one that works
            is_known = error is fault or isinstance(error, SQLAlchemyError)
            failure = error if is_known else StorageFailed(f"database: {error}")
            outcomes = [_failed(future, failure) for _, future in group]
        for tell in outcomes:
            tell()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction on the connection that is kept: to take one from the pool costs as much as an upload's rows."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            yield self._connection

    def _let_go(self) -> None:
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


def _run_unit(connection: Connection, unit: Callable[[Connection], Any], future: "Future[Any]") -> Callable[[], None]:
    # On the driver itself: SQLAlchemy's own savepoints cost as much as all the statements of an upload.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("SAVEPOINT unit").close()
    try:
        result = unit(connection)
    except Exception as error:
        # It belongs to whoever waits for this unit, not to the group; unless it took the group's transaction along, or
        # SQLite could open the file only for reading, which it does without a word.
        if not driver.in_transaction or _is_read_only(error):
            raise
        driver.execute("ROLLBACK TO unit").close()
        driver.execute("RELEASE unit").close()
        return _failed(future, error)
    driver.execute("RELEASE unit").close()
    return lambda: future.set_result(result)


def _is_read_only(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorname", "").startswith("SQLITE_READONLY")


def _failed(future: "Future[Any]", error: BaseException) -> Callable[[], None]:
    return lambda: future.set_exception(error)
