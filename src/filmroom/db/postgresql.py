"""PostgreSQL behind the face of ``db/engine.py``: each unit is a READ COMMITTED transaction of its own.

Connections are kept in a pool, none of them in a transaction. They begin and end those by libpq itself, which takes a
fifth of the time that psycopg takes.
"""

import select
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from filmroom.db.engine import T, Unit
from filmroom.db.failures import StorageErrors
from filmroom.db.hot import DriverErrors
from filmroom.db.libpq import dialogue_of, dialogue_on
from filmroom.db.memory import Memory
from filmroom.db.writer import do_nothing, prepare_all
from filmroom.model.errors import StorageFailed

_CONNECTIONS: Final = 24
# Serialization failure, deadlock, a unique index that another transaction filled meanwhile, and a reference to a row
# that it removed or added: a unit does nothing but SQL, so it can simply be run again, and sees then what it could not
# see before. So can one that met a prepared statement which the server no longer has, or not like that.
_RETRY_STATES: Final = frozenset({"40001", "40P01", "23505", "23503", "26000", "0A000"})
_RETRIES: Final = 5


class PostgreSQLDatabase:
    def __init__(self, url: URL) -> None:
        self.folder: Path | None = None
        self.memory = Memory()
        self.engine = _postgresql_engine(url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with StorageErrors(is_read=True), self.engine.connect() as connection:
            dialogue_of(connection).begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        with StorageErrors(is_read=True), self.engine.connect() as connection:
            yield connection

    def write(
        self,
        unit: Unit[T],
        *,
        prepare: Callable[[], None] = do_nothing,
        keeps_memory: bool = False,  # noqa: ARG002 - there is none to keep
    ) -> T:
        prepare_all([prepare])
        errors = StorageErrors()
        with errors:
            for attempt in range(1, _RETRIES + 1):
                errors.is_read = True  # so far
                try:
                    with self.engine.connect() as connection, connection.begin():
                        result = unit(connection)
                        errors.is_read = False
                except DBAPIError as error:
                    if attempt == _RETRIES or getattr(error.orig, "sqlstate", None) not in _RETRY_STATES:
                        raise
                else:
                    return result
            raise AssertionError  # the last attempt returned or raised

    def announce(self) -> AbstractContextManager[None]:
        """Nobody waits for anybody: each unit is a transaction of its own."""
        return nullcontext()

    def wipe(self) -> bool:
        """PostgreSQL's own log, and what its tables leave behind, are its administrator's (``VACUUM FULL``)."""
        return False

    def close(self) -> None:
        self.engine.dispose()


def _postgresql_engine(url: URL) -> Engine:
    # The driver must not begin transactions of its own, nor prepare statements: it would deallocate all there are.
    own = {"autocommit": True, "prepare_threshold": None}
    engine = create_engine(url, pool_size=_CONNECTIONS, max_overflow=8, hide_parameters=True, connect_args=own)
    event.listen(engine, "connect", _plan_for_whole_answers)
    event.listen(engine, "checkout", _check_alive)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "commit", _commit)
    event.listen(engine, "rollback", _roll_back)
    event.listen(engine, "reset", _reset)
    event.listen(engine, "before_cursor_execute", _say_what_is_queued)
    return engine


def _plan_for_whole_answers(connection: Any, record: Any) -> None:
    """Lists are read to their ends; and most of what they read is in memory or on a fast disk.

    Else PostgreSQL takes plans that give a first row soon, and reads whole tables for a few thousand rows. To have a
    second process find some of them costs it 6 ms, which is two and a half times what it reckons.
    """
    dialogue_on(connection, record.info).command(
        b"SET cursor_tuple_fraction = 1.0; SET random_page_cost = 1.1; SET parallel_setup_cost = 2500",
    )


def _check_alive(connection: Any, *_: object) -> None:
    """An idle connection on which something has come in was ended by its server; to ask it would take longer."""
    idle = select.poll()
    if not connection.closed:
        idle.register(connection.fileno(), select.POLLIN)
    if connection.closed or idle.poll(0):
        raise DisconnectionError


def _begin(connection: Connection) -> None:
    dialogue = dialogue_of(connection)
    if not dialogue.is_in_transaction:  # a reader has begun one already
        dialogue.begin("BEGIN")


def _commit(connection: Connection) -> None:
    """Raises StorageFailed where the server took the transaction back, because something in it had failed."""
    with DriverErrors("COMMIT", connection.dialect):
        done = dialogue_of(connection).commit()
    if done != b"COMMIT":
        raise StorageFailed(f"database: asked for COMMIT, it did {done.decode()}")


def _roll_back(connection: Connection) -> None:
    """As ``_commit``, before psycopg does so, which finds nothing left to do."""
    if connection.invalidated:
        return
    driver: Any = connection.connection.dbapi_connection
    if driver.closed:
        connection.invalidate()  # else it would be told that it is closed, and not what has closed it
    else:
        with DriverErrors("ROLLBACK", connection.dialect):
            dialogue_of(connection).roll_back()


def _reset(connection: Any, record: Any, _state: object) -> None:
    """Before a connection goes back to the pool."""
    dialogue_on(connection, record.info).roll_back()


def _say_what_is_queued(connection: Connection, *_: object) -> None:
    """Before SQLAlchemy has psycopg run a statement; no more rows of one are asked for in this way."""
    dialogue_of(connection).hand_over()
