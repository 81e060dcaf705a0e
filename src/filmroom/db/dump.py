"""The whole database as rows that either database takes, and such rows put into an empty database.

Rows hold what JSON can say: texts, whole numbers, truth values and NULL; moments are microseconds, as they are stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, column, func, inspect, select, text, type_coerce
from sqlalchemy import table as sql_table

from filmroom.db.columns import Instant, metadata
from filmroom.db.drivers import driver_of
from filmroom.db.engine import Database
from filmroom.db.hot import DriverErrors
from filmroom.db.migrate import REVISIONS, make_schema, migrate
from filmroom.model.errors import BackupRefused, DatabaseTooNew

# What must not outlive the server that wrote it: who is signed in, who may commit uploads.
_NOT_DUMPED: Final = frozenset({"chore", "doomed_blob", "lease", "login_failure", "session", "upload"})
_ROWS_AT_ONCE: Final = 1000

Values = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpedTable:
    """A table of a dump. ``open_rows`` begins with the first row each time."""

    name: str
    columns: tuple[str, ...]
    open_rows: Callable[[], Iterable[Values]]


def list_tables(connection: Connection) -> list[DumpedTable]:
    """All that belongs into a dump, in an order in which it can be loaded; good as long as the transaction lasts.

    Rows that name blobs come sorted by their keys.
    """
    tables = [table for table in metadata.sorted_tables if table.name not in _NOT_DUMPED]
    return [_to_dumped(connection, table) for table in tables]


def _to_dumped(connection: Connection, table: Table) -> DumpedTable:
    def rows() -> Iterator[Values]:
        columns = [type_coerce(one, BigInteger()) if isinstance(one.type, Instant) else one for one in table.columns]
        order = [table.c.key] if "key" in table.c else list(table.primary_key)
        query = select(*columns).order_by(*order)
        with connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}) as found:
            yield from found

    return DumpedTable(name=table.name, columns=tuple(one.name for one in table.columns), open_rows=rows)


def check_empty(database: Database) -> None:
    """Raises BackupRefused for a database that holds anything."""
    with database.read() as connection:
        if inspect(connection).get_table_names():
            raise BackupRefused("the database to restore into is not empty")


def load(database: Database, revision: str, tables: Sequence[DumpedTable]) -> None:
    """Fill an empty database with rows of some revision of the schema, all or none, then bring it to this program's.

    Raises DatabaseTooNew, having changed nothing, when the revision is not known, BackupRefused for rows that are too
    long or too short, and StorageFailed for those that the database does not take.
    """
    if revision not in REVISIONS:
        raise DatabaseTooNew(revision)
    make_schema(database, revision)

    def unit(connection: Connection) -> None:
        fill = _fill_postgresql if connection.dialect.name == "postgresql" else _fill_sqlite
        fill(connection, tables)

    database.write(unit)
    migrate(database)


def _iter_whole(table: DumpedTable) -> Iterator[Values]:
    for row in table.open_rows():
        if len(row) != len(table.columns):
            raise BackupRefused(f"a row of table {table.name!r} has {len(row)} values for {len(table.columns)} columns")
        yield row


def _fill_sqlite(connection: Connection, tables: Sequence[DumpedTable]) -> None:
    # Nodes refer to each other in any order; all that matters is how they stand at COMMIT.
    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    driver = driver_of(connection.dialect).hand_over(connection)
    for table in tables:
        name, columns = _quoted(connection, table)
        marks = ", ".join("?" for _ in table.columns)
        statement = f"INSERT INTO {name} ({columns}) VALUES ({marks})"  # noqa: S608 - names are quoted
        with DriverErrors(statement, connection.dialect):
            driver.executemany(statement, _iter_whole(table)).close()


def _fill_postgresql(connection: Connection, tables: Sequence[DumpedTable]) -> None:
    """By COPY: one statement for each table, at whose end it does not matter in which order nodes refer to others."""
    for table in tables:
        name, columns = _quoted(connection, table)
        statement = f"COPY {name} ({columns}) FROM STDIN"
        with (
            DriverErrors(statement, connection.dialect),
            driver_of(connection.dialect).hand_over(connection).cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for row in _iter_whole(table):
                copy.write_row(row)
        if "pk" in table.columns:
            pk: ColumnElement[int] = func.max(column("pk"))
            sequence = func.pg_get_serial_sequence(table.name, "pk")
            connection.execute(select(func.setval(sequence, pk)).select_from(sql_table(table.name)))


def _quoted(connection: Connection, table: DumpedTable) -> tuple[str, str]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return quote(table.name), ", ".join(map(quote, table.columns))
