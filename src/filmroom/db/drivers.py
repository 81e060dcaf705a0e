"""How the driver of either database runs a statement that is compiled already. Raises the driver's errors."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect

Answer = tuple[int, Sequence[tuple[Any, ...]]]
"""How many rows were changed, and those that it gives."""


class Driver(Protocol):
    paramstyle: str

    def run(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> Answer: ...

    def queue(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> object:
        """Run it before what is run next; that may raise what this raises. What it gives is not to be read."""

    def run_all(self, connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement that gives no rows once for each of many sets of values."""

    def hand_over(self, connection: Connection) -> Any:
        """The driver's own connection, for somebody who goes on with that, when what is queued has been run."""


class SQLiteDriver:
    paramstyle = "qmark"

    def run(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> Answer:
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.execute(sql, parameters)
        answer = cursor.rowcount, cursor.fetchall()
        cursor.close()
        return answer

    queue = run

    def run_all(self, connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        cursor = connection.connection.cursor()
        cursor.executemany(sql, rows)
        cursor.close()

    def hand_over(self, connection: Connection) -> Any:
        return connection.connection.dbapi_connection


def driver_of(dialect: Dialect) -> Driver:
    if dialect.name == "sqlite":
        return SQLiteDriver()
    from filmroom.db.libpq import PostgreSQLDriver  # noqa: PLC0415 - psycopg, which only some servers need

    return PostgreSQLDriver()
