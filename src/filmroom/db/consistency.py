"""What a sound database cannot hold: counters that are wrong, rows whose parents are gone, pages that are torn."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, and_, func, select, text

from filmroom.db.columns import metadata
from filmroom.db.schema import file, node, resource

_ROWS_AT_ONCE: Final = 1000
_MOST_TOLD: Final = 100
_live_files: Final = and_(file.c.resource_pk == resource.c.pk, file.c.deleted_at.is_(None))
_count: Final = func.count(file.c.pk)
_size_bytes: Final = func.coalesce(func.sum(file.c.size_bytes), 0)
# Counters that are NULL are right as long as there is nothing to count.
_COUNTED: Final = (
    select(
        resource.c.pk,
        resource.c.rid,
        resource.c.label,
        resource.c.node_pk,
        node.c.kind,
        node.c.id,
        resource.c.file_count,
        resource.c.size_bytes,
        _count.label("real_count"),
        _size_bytes.label("real_bytes"),
    )
    .join(node, node.c.pk == resource.c.node_pk)
    .outerjoin(file, _live_files)
    .where(resource.c.deleted_at.is_(None))
    .group_by(resource.c.pk, node.c.pk)
    .having(
        (func.coalesce(resource.c.file_count, 0) != _count) | (func.coalesce(resource.c.size_bytes, 0) != _size_bytes)
    )
    .order_by(resource.c.pk)
)


class Miscounted(NamedTuple):
    """A resource whose counters (None before its first upload) are not those of its live files."""

    pk: int
    rid: int | None
    label: str | None
    owner: str
    file_count: int | None
    size_bytes: int | None
    real_count: int
    real_bytes: int


class Parentless(NamedTuple):
    """A row of a table that refers to a row that is not there."""

    table: str
    row: str
    column: str
    parent: str


def iter_miscounted(connection: Connection) -> Iterator[Miscounted]:
    """Live resources with wrong counters, but for those below something deleted, which upkeep removes bit by bit."""
    with connection.execute(_COUNTED, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        for row in rows:
            if _is_live(connection, row.node_pk):
                counters = (row.file_count, row.size_bytes, row.real_count, int(row.real_bytes))
                yield Miscounted(row.pk, row.rid, row.label, f"{row.kind} {row.id}", *counters)


def _is_live(connection: Connection, node_pk: int | None) -> bool:
    while node_pk is not None:
        row = connection.execute(
            select(node.c.parent_pk, node.c.project_pk, node.c.deleted_at).where(node.c.pk == node_pk)
        ).first()
        if row is None or row.deleted_at is not None:
            return False
        node_pk = row.parent_pk or row.project_pk
    return True


def iter_parentless(connection: Connection) -> Iterator[Parentless]:
    """Rows of whichever table that refer to what is not there, at most a hundred for each reference."""
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            column: Column[int] = key.parent
            parents = key.column.table.alias("parents")
            is_there = select(1).where(parents.c[key.column.name] == column).exists()
            names = [str(one.name) for one in table.primary_key]
            query = select(*table.primary_key, column.label("refers_to")).where(column.is_not(None), ~is_there)
            for row in connection.execute(query.limit(_MOST_TOLD)):
                which = ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=False))
                yield Parentless(table.name, which, str(column.name), f"{key.column.table.name} {row.refers_to}")


def iter_damage(connection: Connection) -> Iterator[str]:
    """What an SQLite database says of its own pages, if they are not as they should be; PostgreSQL has no such word."""
    if connection.dialect.name == "sqlite":
        told = connection.execute(text(f"PRAGMA quick_check({_MOST_TOLD})")).scalars()
        yield from (line for line in told if line != "ok")
