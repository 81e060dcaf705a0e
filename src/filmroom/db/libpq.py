"""PostgreSQL's own client library, below psycopg, for what is said to it all the time. Raises psycopg's errors.

What psycopg does around a statement (a cursor, a wait that can be interrupted) takes several times as long as sending
it and taking the answer. Values are turned into SQL and back by psycopg all the same.

An exchange with the server costs more than most statements: two processes are woken for it. So what nobody waits for
(BEGIN, a lock, a row of the audit trail) waits itself, and goes with whatever is said next, by libpq's pipeline mode:
the server does one after the other, each as if it had come alone, and nothing after one that failed.
"""

import select
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
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
        with psycopg.RawCursor(self.hand_over(connection)) as cursor:
            cursor.executemany(sql, rows)

    def hand_over(self, connection: Connection) -> Any:
        return dialogue_of(connection).hand_over()


class _Said(NamedTuple):
    sql: str
    given: Sequence[Any] | None
    """Its parameters, as they are sent; None for a command, which is said once and not prepared."""


class Dialogue:
    """What is said on one connection. Each statement is prepared when it is said first.

    Whoever uses the connection otherwise must ask for it (``hand_over``), so that what is queued comes before.
    """

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

    def begin(self, command: str) -> None:
        """Begin a transaction with what is said next."""
        self._queued.append(_Said(command, None))

    def queue(self, sql: str, parameters: Sequence[Any]) -> None:
        """Say it with what is said next, if anything is; that raises what this raises, and is not done then."""
        self._queued.append(_Said(sql, self._dumped(parameters)))

    def run(self, sql: str, parameters: Sequence[Any]) -> Answer:
        result = self._say(_Said(sql, self._dumped(parameters)))
        if not result.ntuples:
            return result.command_tuples or 0, ()
        self._adapter.set_pgresult(result)
        return result.command_tuples, self._adapter.load_rows(0, result.ntuples, tuple)

    def hand_over(self) -> Any:
        """The connection, when what is queued has been said."""
        if self._queued:
            self._say(self._queued.pop())
        return self._driver

    def commit(self) -> bytes:
        """What the server says it has done, which is ROLLBACK where something had failed before.

        Nothing where no transaction had begun, because its BEGIN had failed.
        """
        if self._queued:
            done: bytes = self._say(_Said("COMMIT", None)).command_status
            return done
        return self.command(b"COMMIT") if self.is_in_transaction else b"nothing"

    def roll_back(self) -> None:
        """End the transaction, if there is one; what is queued is not said any more."""
        self._queued.clear()
        if self.is_in_transaction:
            self.command(b"ROLLBACK")

    def command(self, sql: bytes) -> bytes:
        """Run statements without parameters and rows; what the server says it has done."""
        result: Any = self._checked(self._libpq.exec_(sql))
        done: bytes = result.command_status
        return done

    def _dumped(self, parameters: Sequence[Any]) -> Sequence[Any]:
        dumped: Sequence[Any] = self._adapter.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        return dumped

    def _say(self, last: _Said) -> Any:
        """What comes of a statement, after those that are queued."""
        name = self._names.get(last.sql)
        if name and not self._queued:
            return self._checked(self._libpq.exec_prepared(name, last.given))
        said, self._queued = [*self._queued, last], []
        return self._say_together(said)

    def _say_together(self, said: Sequence[_Said]) -> Any:
        """What comes of the last of them. A connection on which this breaks off is closed: nobody knows what is due."""
        try:
            self._libpq.enter_pipeline_mode()
            sent = list(self._iter_sent(said))
            self._libpq.pipeline_sync()
            results = list(self._iter_results())
            self._libpq.exit_pipeline_mode()
        except psycopg.Error:
            self._driver.close()
            raise
        except BaseException:
            with suppress(psycopg.Error):
                self._driver.cancel()  # else the server goes on with what was sent, and holds locks for it
            self._driver.close()
            raise
        return self._take_results(sent, results)

    def _iter_sent(self, said: Iterable[_Said]) -> Iterator[tuple[str, bytes | None]]:
        """Send them; of all that a result is due for its SQL, and the name under which that is prepared, if it is."""
        new: dict[str, bytes] = {}
        for sql, given in said:
            if given is None:
                self._libpq.send_query_params(sql.encode(), None)
            else:
                name = self._names.get(sql) or new.get(sql)
                if name is None:  # not before it is said: nothing may come before what begins a transaction
                    name = new[sql] = b"hot_%d" % next(self._numbers)
                    self._libpq.send_prepare(name, sql.encode())
                    yield sql, name
                self._libpq.send_query_prepared(name, given)
            yield sql, None

    def _iter_results(self) -> Iterator[Any]:
        """What comes of each, up to the end of what was sent together."""
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

    def _take_results(self, sent: Iterable[tuple[str, bytes | None]], results: Iterable[Any]) -> Any:
        """The last of them. Raises the error of the first that failed; none after it was done."""
        result = None
        for (sql, name), result in zip(sent, results, strict=True):
            try:
                self._checked(result)
            except psycopg.Error as error:
                error.add_note(f"It was said together with others: {sql}")
                raise
            if name is not None:
                self._names[sql] = name
        return result

    def _checked(self, result: Any) -> Any:
        if result.status in _DONE:
            return result
        if self._libpq.status == ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message())
        error = error_from_result(result)
        if isinstance(error, _OUTDATED):
            self._names.clear()  # as this one, so others
        raise error


def dialogue_of(connection: Connection) -> Dialogue:
    kept = connection.connection
    return dialogue_on(kept.dbapi_connection, kept.info)


def dialogue_on(driver: Any, info: Any) -> Dialogue:
    """The dialogue on a connection of psycopg's, which is kept in what the pool has noted of it."""
    known: Dialogue | None = info.get(_KEPT_AS)
    if known is None:
        known = info[_KEPT_AS] = Dialogue(driver)
    return known
