"""What the tables are made of: the types of columns, and columns that several tables have."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TextClause,
    TypeDecorator,
    event,
    text,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _to_microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def to_instant(microseconds: int) -> datetime:
    """What ``Instant`` makes of what the database holds."""
    return _EPOCH + _MICROSECOND * microseconds


class Instant(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970 in UTC: the same in both databases, exact, and sortable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return _to_microseconds(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Not the general one, which asks this type about each value: a whole number needs nothing more."""
        return _to_microseconds

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else to_instant(int(value))


# Text sorts and compares by code point in both databases, whatever the locale of a PostgreSQL cluster is.
Text: Final = String().with_variant(String(collation="C"), "postgresql")
# SQLite gives out row numbers only for a column of exactly this type.
Pk: Final = BigInteger().with_variant(Integer(), "sqlite")
LIVE: Final = text("deleted_at IS NULL")
DELETED: Final = text("deleted_at IS NOT NULL")

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@event.listens_for(Index, "after_parent_attach")
def _remember(index: Index, table: Table) -> None:
    table.info.setdefault("indexes", []).append(index)


def indexes_of(table: Table, dialect: Dialect) -> Iterator[Index]:
    """In the order in which the schema names them: SQLAlchemy knows none, and SQLite chooses by it between equals."""
    for index in table.info.get("indexes", ()):
        if dialect.name == "postgresql" and _POSTGRESQL_WHERE in index.info:
            index.dialect_kwargs[_POSTGRESQL_WHERE] = index.info[_POSTGRESQL_WHERE]
        yield index


def partial_index(
    name: str,
    *columns: str | ColumnElement[Any],
    where: ColumnElement[bool] | TextClause,
    postgresql_where: TextClause | None = None,
    unique: bool = False,
) -> Index:
    """An index of the rows that meet a condition, which PostgreSQL may be told in other words.

    Those wait until a schema is made there: to name its option loads all of its dialect, a twentieth of a start.
    """
    on_postgresql = where if postgresql_where is None else postgresql_where
    return Index(name, *columns, unique=unique, sqlite_where=where, info={_POSTGRESQL_WHERE: on_postgresql})


_POSTGRESQL_WHERE: Final = "postgresql_where"


def live_index(name: str, *columns: str) -> Index:
    return partial_index(name, *columns, unique=True, where=LIVE)


def made_by() -> tuple[Column[Any], ...]:
    """When and by which accounts; those are never removed, so no foreign key says it.

    With one, each removed node would be looked for in every row of these tables: no index begins with them.
    """
    return (
        Column("created_at", Instant, nullable=False),
        Column("created_by", Pk),
        Column("modified_at", Instant, nullable=False),
        Column("modified_by", Pk),
    )


def said() -> tuple[Column[Any], ...]:
    """What people say of a resource or file; ``tags`` is a JSON list of texts."""
    return (
        Column("format", Text, nullable=False, server_default=""),
        Column("content", Text, nullable=False, server_default=""),
        Column("description", Text, nullable=False, server_default=""),
        Column("tags", Text, nullable=False, server_default="[]"),
    )


def of_bytes() -> tuple[Column[Any], ...]:
    """Where a file's bytes are and what they are."""
    return (
        Column("key", Text, nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("md5", Text, nullable=False),
        Column("crc32", BigInteger, nullable=False),
    )
