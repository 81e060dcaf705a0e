"""The two databases behind one face: consistent reads, and one door for writes.

A *unit* is a function of a connection that does nothing but SQL, so that it can be run once more. ``write`` runs it
in a transaction and returns what it returned only after COMMIT is durable. On SQLite up to 64 units that wait share a
transaction, and so one fsync; if one of them fails, all run once more, each in a savepoint of its own, so that it takes
back only itself. Several processes queue on a lock file beside the database. On PostgreSQL each unit is a READ
COMMITTED transaction of its own.

Errors: what a unit raises reaches its caller unchanged; a full disk is ``StorageFull``; a PostgreSQL that is lost
before COMMIT was sent is ``Busy``, and nothing was changed; any other failure of the database is ``StorageFailed``,
after which it is not known whether the change was kept.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, Pool, StaticPool

from filmroom.db.failures import StorageErrors
from filmroom.db.memory import Memory
from filmroom.db.writer import GroupWriter, do_nothing
from filmroom.model.errors import Busy, StorageFailed

T = TypeVar("T")
Unit = Callable[[Connection], T]

_SQLITE_BUSY_TIMEOUT_MS: Final = 10_000
# Every thread that reads has a connection of its own, and forgets its pages whenever somebody has written.
_READER_CACHE_KIB: Final = 2000
_WRITER_CACHE_KIB: Final = 8000


class Database(Protocol):
    """What the layers above may do with either database."""

    engine: Engine
    folder: Path | None
    """Where it keeps its files, if that is on this machine."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout and changes nothing."""

    def glance(self) -> AbstractContextManager[Connection]:
        """For one statement that reads, run on the driver (``Hot``): as ``read``, without a transaction around it."""

    memory: Memory
    """What units have found that holds until something else is written."""

    def write(self, unit: Unit[T], *, prepare: Callable[[], None] = do_nothing, keeps_memory: bool = False) -> T:
        """Run the unit in a transaction and return its result once COMMIT is durable.

        ``prepare`` is done before the transaction, with those of all units that share it, by whichever thread runs it;
        it only spares the unit time, and what it raises is dropped.
        ``keeps_memory`` promises that the unit changes nothing that ``memory`` is used for.
        """

    def announce(self) -> AbstractContextManager[None]:
        """While it is open its thread is about to write; others who write may wait for that, but only a little."""

    def wipe(self) -> bool:
        """Leave nothing of what was removed in the log of changes either; whether this database could do so now."""

    def close(self) -> None: ...


def open_sqlite(path: Path) -> Database:
    """The database in a file, which is made if need be; not yet migrated."""
    return SQLiteDatabase(path)


def open_database(url: str) -> Database:
    """The database at a URL (``sqlite:////dir/filmroom.db`` or ``postgresql://...``), not yet migrated."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database:
            raise StorageFailed("an SQLite database needs a file")
        return SQLiteDatabase(Path(parsed.database))
    from filmroom.db.postgresql import PostgreSQLDatabase  # noqa: PLC0415 - psycopg, which only some servers need

    return PostgreSQLDatabase(parsed.set(drivername="postgresql+psycopg"))


class SQLiteDatabase:
    """Nothing is read or written while its file is not where it was: whoever moved it away must not lose a change."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.folder: Path | None = path.parent
        self._file = _File(path)
        self.lock_path = f"{path}.lock"
        url = URL.create("sqlite", database=self.path)  # made, not read: a path may hold what means something in a URL
        self.engine = _sqlite_engine(url, pool=NullPool, cache_kib=_READER_CACHE_KIB)
        self._readers = _Readers(self.engine)
        self._writer_engine = _sqlite_engine(url, pool=StaticPool, cache_kib=_WRITER_CACHE_KIB)
        self._writer = GroupWriter(self._writer_engine, lock_path=self.lock_path, find_fault=self._file.find_fault)
        self.memory = self._writer.memory

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.glance() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("BEGIN").close()
            try:
                yield connection
            finally:
                connection.rollback()
                driver.rollback()

    def glance(self) -> AbstractContextManager[Connection]:
        self._file.check()
        return _Reading(self._readers)

    def write(self, unit: Unit[T], *, prepare: Callable[[], None] = do_nothing, keeps_memory: bool = False) -> T:
        with StorageErrors():
            return self._writer.run(unit, prepare=prepare, keeps_memory=keeps_memory)

    def announce(self) -> AbstractContextManager[None]:
        return self._writer.announce()

    def wipe(self) -> bool:
        """Carry the log over into the database and empty it; not while somebody reads for long."""
        with StorageErrors(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            is_busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy

    def close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._writer_engine.dispose()
        self.engine.dispose()


class _File:
    """The file of a database, which is made if need be. Raises StorageFailed when it cannot be."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StorageFailed(f"database: {error.strerror}") from error
        self._identity = self._look()

    def check(self) -> None:
        """Raises Busy unless the file that was found first is still there."""
        if (fault := self.find_fault()) is not None:
            raise fault

    def find_fault(self) -> Busy | None:
        return None if self._look() == self._identity else Busy("the file of the database is not where it was")

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - three times for each upload; pathlib costs as much again
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _sqlite_engine(url: URL, *, pool: type[Pool], cache_kib: int) -> Engine:
    def connect() -> sqlite3.Connection:
        """Never makes a file, which would be an empty archive in place of one that was moved away."""
        file = f"file:{quote(os.fsencode(url.database or ''))}?mode=rw"
        return sqlite3.connect(file, uri=True, check_same_thread=False)

    engine = create_engine(url, poolclass=pool, creator=connect, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (
            f"busy_timeout={_SQLITE_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is removed is overwritten where it stood
            f"cache_size={-cache_kib}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:  # readers and the writer have begun one on the driver itself
            driver.execute("BEGIN").close()

    return engine


class _Readers:
    """A connection for each thread that reads, kept for as long as the database is open.

    Taking one from a pool and giving it back costs more than what is read for most requests.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()
        self._made: list[Connection] = []

    def take(self) -> Connection:
        """The connection of the calling thread; another one while that is in use already."""
        own = self._own
        if getattr(own, "is_used", False):
            return self._engine.connect()
        kept: Connection | None = getattr(own, "connection", None)
        connection = kept if kept is not None and not kept.closed else self._make()
        own.is_used = True
        return connection

    def give_back(self, connection: Connection) -> None:
        if connection is getattr(self._own, "connection", None):
            self._own.is_used = False
        else:
            connection.close()

    def _make(self) -> Connection:
        connection = self._engine.connect()
        self._own.connection = connection
        self._made.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._made:
            connection.close()


class _Reading:
    """The use of a connection that reads. A generator in its place would cost as much as a quick statement."""

    __slots__ = ("_connection", "_errors", "_readers")

    def __init__(self, readers: _Readers) -> None:
        self._readers = readers
        self._errors = StorageErrors(is_read=True)

    def __enter__(self) -> Connection:
        with self._errors:
            self._connection = self._readers.take()
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with self._errors:
            self._readers.give_back(self._connection)
        if error is not None:
            self._errors.__exit__(kind, error, trace)
