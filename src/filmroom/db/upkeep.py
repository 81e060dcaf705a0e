"""Rows removed for good, and the keys of their bytes: the only place where a file's row ceases to be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, or_, select, union_all

from filmroom.db.schema import AnyRow, file, file_history, node, resource
from filmroom.model.nodes import Kind

# Each has an index of its own, which only such a condition lets the database use.
_LIVE_OR_DELETED: Final = (file.c.deleted_at.is_(None), file.c.deleted_at.is_not(None))
_CACHES: Final = select(resource.c.pk).join(node, node.c.pk == resource.c.node_pk).where(node.c.kind == Kind.USER)


def list_old_caches(connection: Connection, *, before: datetime, limit: int) -> Sequence[int]:
    """The pks of folders of caches in which files were last written before a moment, deleted ones included."""
    old = (
        select(file.c.pk).where(file.c.resource_pk == resource.c.pk, file.c.modified_at < before, half).exists()
        for half in _LIVE_OR_DELETED
    )
    query = _CACHES.where(or_(*old)).order_by(resource.c.pk).limit(limit)
    return connection.execute(query).scalars().all()


def list_old_files(
    connection: Connection, resource_pks: Sequence[int], *, before: datetime, limit: int
) -> Sequence[AnyRow]:
    """``pk, size_bytes`` of files of some resources that were last written before a moment, deleted ones included."""
    of_resources = file.c.resource_pk.in_(resource_pks)
    halves = (
        select(file.c.pk, file.c.size_bytes).where(of_resources, file.c.modified_at < before, half)
        for half in _LIVE_OR_DELETED
    )
    return connection.execute(union_all(*halves).limit(limit)).all()


def remove_files(connection: Connection, pks: Sequence[int]) -> list[str]:
    """Remove files with all that they were before; the keys of the bytes that nothing names any more."""
    of_files = file_history.c.file_pk.in_(pks)
    keys = [*connection.execute(select(file.c.key).where(file.c.pk.in_(pks))).scalars()]
    keys += connection.execute(select(file_history.c.key).where(of_files)).scalars()
    connection.execute(delete(file_history).where(of_files))
    connection.execute(delete(file).where(file.c.pk.in_(pks)))
    return keys
