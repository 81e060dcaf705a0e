"""PostgreSQL's own client library, below psycopg, for what is said to it all the time. Raises psycopg's errors.

What psycopg does around a statement (a cursor, a wait that can be interrupted) takes several times as long as sending
it and taking the answer. Values are turned into SQL and back by psycopg all the same.

An exchange with the server costs more than most statements: two processes are woken for it. So what nobody waits for
(BEGIN, a lock, a row of the audit trail) waits itself, and goes with whatever is said next, by libpq's pipeline mode:
the server does one after the other, each as if it had come alone, and nothing after one that failed.
"""

import select
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection

from filmroom.db.drivers import Answer

_KEPT_AS: Final = "filmroom.dialogue"
_IN_NONE: Final = frozenset({TransactionStatus.IDLE, TransactionStatus.UNKNOWN})  # unknown where nobody is there
# What the server says of a statement that it has forgotten, or whose columns are other ones by now.
_OUTDATED: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
_DONE: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


class PostgreSQLDriver:
    paramstyle = "numeric_dollar"

    def run(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> Answer:
        return dialogue_of(connection).run(sql, parameters)

    def queue(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> None:
        dialogue_of(connection).queue(sql, parameters)

    def run_all(self, connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        dialogue_of(connection).flush()
        driver: Any = connection.connection.dbapi_connection
        with psycopg.RawCursor(driver) as cursor:
            cursor.executemany(sql, rows)


class _Said(NamedTuple):
    sql: str
    given: Sequence[Any]
    """Its parameters, as they are sent."""


class Dialogue:
    """What is said on one connection. Each statement is prepared when it is said first."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._libpq = driver.pgconn
        self._adapter: Any = Transformer(driver)
        self._names: dict[str, bytes] = {}
        self._numbers = count()
        self._queued: list[_Said] = []

    @property
    def is_in_transaction(self) -> bool:
        """Whether one has begun, or will with the next statement."""
        return bool(self._queued) or self._libpq.transaction_status not in _IN_NONE

    def queue(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Say it with what is said next; that raises what this raises, and is not done then."""
        self._queued.append(_Said(sql, self._dumped(parameters)))

    def run(self, sql: str, parameters: Sequence[Any]) -> Answer:
        result = self._say(_Said(sql, self._dumped(parameters)))
        if not result.ntuples:
            return result.command_tuples or 0, ()
        self._adapter.set_pgresult(result)
        return result.command_tuples, self._adapter.load_rows(0, result.ntuples, tuple)

    def flush(self) -> None:
        """Say what is queued, for somebody who goes on without this dialogue."""
        if self._queued:
            self._say(self._queued.pop())

    def commit(self) -> bytes:
        """What the server says it has done, which is ROLLBACK where something had failed before.

        Nothing where no transaction had begun, because its BEGIN had failed.
        """
        if self._queued:
            done: bytes = self._say(_Said("COMMIT", ())).command_status
            return done
        return self.command(b"COMMIT") if self.is_in_transaction else b"nothing"

    def roll_back(self) -> None:
        """End the transaction, if there is one; what is queued is not said any more."""
        self._queued.clear()
        if self._libpq.transaction_status not in _IN_NONE:
            self.command(b"ROLLBACK")

    def command(self, sql: bytes) -> bytes:
        """Run statements without parameters and rows; what the server says it has done."""
        result: Any = _checked(self._libpq, self._libpq.exec_(sql))
        done: bytes = result.command_status
        return done

    def _dumped(self, parameters: Sequence[Any]) -> Sequence[Any]:
        dumped: Sequence[Any] = self._adapter.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        return dumped

    def _say(self, last: _Said) -> Any:
        """What comes of a statement, after those that are queued."""
        name = self._names.get(last.sql)
        try:
            if name and not self._queued:
                return _checked(self._libpq, self._libpq.exec_prepared(name, last.given))
            said, self._queued = [*self._queued, last], []
            return self._say_together(said)
        except _OUTDATED:
            self._names.clear()
            raise

    def _say_together(self, said: Sequence[_Said]) -> Any:
        """What comes of the last of them. A connection on which this breaks off is closed: nobody knows what is due."""
        names = dict(self._names)
        try:
            self._libpq.enter_pipeline_mode()
            for sql, given in said:
                if sql not in names:  # only now: nothing may come before what begins a transaction
                    names[sql] = b"hot_%d" % next(self._numbers)
                    self._libpq.send_prepare(names[sql], sql.encode())
                self._libpq.send_query_prepared(names[sql], given)
            self._libpq.pipeline_sync()
            results = list(self._iter_results())
            self._libpq.exit_pipeline_mode()
        except BaseException:
            self._driver.close()
            raise
        last = _last_of(self._libpq, results)
        self._names = names
        return last

    def _iter_results(self) -> Iterator[Any]:
        """Of each statement one, up to the end of what was sent together."""
        while self._libpq.flush():
            self._wait(select.POLLIN | select.POLLOUT)
        while True:
            while self._libpq.is_busy():
                self._wait(select.POLLIN)
            result = self._libpq.get_result()
            if result is None and self._libpq.status == ConnStatus.BAD:
                raise psycopg.OperationalError(self._libpq.get_error_message())
            if result is None:  # the end of what one statement gives
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return
            yield result

    def _wait(self, events: int) -> None:
        """Without the interpreter's lock, which libpq keeps while it takes an answer."""
        ready = select.poll()
        ready.register(self._libpq.socket, events)
        ready.poll()
        self._libpq.consume_input()


def dialogue_of(connection: Connection) -> Dialogue:
    kept = connection.connection
    return dialogue_on(kept.dbapi_connection, kept.info)


def dialogue_on(driver: Any, info: Any) -> Dialogue:
    """The dialogue on a connection of psycopg's, which is kept in what the pool has noted of it."""
    known: Dialogue | None = info.get(_KEPT_AS)
    if known is None:
        known = info[_KEPT_AS] = Dialogue(driver)
    return known


def _last_of(libpq: Any, results: Iterable[Any]) -> Any:
    """Raises the error of the first that failed; those after it were not done."""
    result = None
    for result in results:
        _checked(libpq, result)
    return result


def _checked(libpq: Any, result: Any) -> Any:
    if result.status in _DONE:
        return result
    if libpq.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)
