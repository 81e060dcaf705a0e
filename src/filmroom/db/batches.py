"""The rows of a long list as the driver gives them, many at once: SQLAlchemy's own cost more than reading them."""

from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Select

from filmroom.db.hot import driver_errors

_ROWS_AT_ONCE: Final = 500


def iter_batches(
    connection: Connection, query: Select[Any], values: Mapping[str, Any] = MappingProxyType({})
) -> Generator[Sequence[Sequence[Any]], None, None]:
    """For queries of texts, whole numbers and moments, which come in microseconds since 1970.

    Whoever does not take all of them closes it: PostgreSQL keeps them ready as long.
    """
    options = {"stream_results": True}
    with (
        connection.execute(query, values, execution_options=options) as rows,
        driver_errors("list", connection.dialect),
    ):
        while batch := rows.cursor.fetchmany(_ROWS_AT_ONCE):
            yield batch
