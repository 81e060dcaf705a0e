"""The rows of a long list, many at once."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select

from filmroom.db.hot import DriverErrors

_ROWS_AT_ONCE: Final = 500


def iter_batches(
    connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None, *, are_kept: bool = False
) -> Generator[Sequence[Sequence[Any]], None, None]:
    """For columns whose values SQLAlchemy would leave as the driver has them: of moments, coerce the type to a number.

    Whoever does not take all of them closes it: PostgreSQL keeps them ready as long. ``are_kept`` says that whoever
    takes them keeps all of them anyway: then PostgreSQL may send all at once, and have several of its processes find
    them, which it never does for a cursor.
    """
    options = {"stream_results": not are_kept}
    with connection.execute(query, values, execution_options=options) as rows, DriverErrors("list", connection.dialect):
        batch: Sequence[Sequence[Any]] = rows.fetchmany(1)  # through a cursor SQLAlchemy reads ahead as far as that
        while batch:
            yield batch
            # The driver's own rows: to make SQLAlchemy's of them costs more than reading them.
            batch = rows.cursor.fetchmany(_ROWS_AT_ONCE)
