"""The rows of a long list, many at once."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select

from filmroom.db.hot import DriverErrors

_ROWS_AT_ONCE: Final = 500


def iter_batches(
    connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None
) -> Generator[Sequence[Sequence[Any]], None, None]:
    """For columns whose values SQLAlchemy would leave as the driver has them: of moments, coerce the type to a number.

    Whoever does not take all of them closes it: PostgreSQL keeps them ready as long.
    """
    if connection.dialect.name != "sqlite":
        with connection.execute(query, values, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
            yield from rows.partitions()
        return
    # The driver's own rows: to make SQLAlchemy's of them costs more than reading them.
    with connection.execute(query, values) as rows, DriverErrors("list", connection.dialect):
        while batch := rows.cursor.fetchmany(_ROWS_AT_ONCE):
            yield batch
