"""PostgreSQL's own client library, below psycopg, for what is said to it all the time. Raises psycopg's errors.

What psycopg does around a statement (a cursor, a wait that can be interrupted) takes several times as long as sending
it and taking the answer. Values are turned into SQL and back by psycopg all the same.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from sqlalchemy import Connection

from filmroom.db.drivers import Answer

_KEPT_AS: Final = "filmroom.prepared"
_IN_NONE: Final = frozenset({TransactionStatus.IDLE, TransactionStatus.UNKNOWN})  # unknown where nobody is there
# What the server says of a statement that it has forgotten, or whose columns are other ones by now.
_OUTDATED: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
_DONE: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


class PostgreSQLDriver:
    paramstyle = "numeric_dollar"

    def run(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> Answer:
        kept = connection.connection
        if (prepared := kept.info.get(_KEPT_AS)) is None:
            prepared = kept.info[_KEPT_AS] = _Prepared(kept.dbapi_connection)
        answer: Answer = prepared.run(sql, parameters)
        return answer

    def run_all(self, connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        driver: Any = connection.connection.dbapi_connection
        with psycopg.RawCursor(driver) as cursor:
            cursor.executemany(sql, rows)


class _Prepared:
    """The statements that one connection knows, each prepared when it is run first."""

    def __init__(self, driver: Any) -> None:
        self._libpq = driver.pgconn
        self._adapter: Any = Transformer(driver)
        self._names: dict[str, bytes] = {}
        self._numbers = count()

    def run(self, sql: str, parameters: Sequence[Any]) -> Answer:
        name = self._names.get(sql) or self._prepare(sql)
        given = self._adapter.dump_sequence(parameters, [PyFormat.TEXT] * len(parameters))
        try:
            result = _checked(self._libpq, self._libpq.exec_prepared(name, given))
        except _OUTDATED:
            del self._names[sql]
            raise
        if not result.ntuples:
            return result.command_tuples or 0, ()
        self._adapter.set_pgresult(result)
        return result.command_tuples, self._adapter.load_rows(0, result.ntuples, tuple)

    def _prepare(self, sql: str) -> bytes:
        name = b"hot_%d" % next(self._numbers)
        _checked(self._libpq, self._libpq.prepare(name, sql.encode()))
        self._names[sql] = name
        return name


def command(driver: Any, sql: bytes) -> bytes:
    """Run a statement without parameters and rows on a connection of psycopg's; what the server says it has done."""
    result: Any = _checked(driver.pgconn, driver.pgconn.exec_(sql))
    done: bytes = result.command_status
    return done


def _checked(libpq: Any, result: Any) -> Any:
    if result.status in _DONE:
        return result
    if libpq.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)


def is_in_transaction(driver: Any) -> bool:
    return driver.pgconn.transaction_status not in _IN_NONE
