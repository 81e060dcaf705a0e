"""Rows removed for good, and the keys of their bytes: the only place where a file's row ceases to be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select

from filmroom.db.schema import AnyRow, file, file_history, node, resource
from filmroom.model.nodes import Kind

_IN_CACHES: Final = (
    select(file.c.pk, file.c.key, file.c.size_bytes, file.c.resource_pk, file.c.deleted_at.is_(None).label("is_live"))
    .join(resource, resource.c.pk == file.c.resource_pk)
    .join(node, node.c.pk == resource.c.node_pk)
    .where(node.c.kind == Kind.USER)
)


def list_old_cache_files(connection: Connection, *, before: datetime, limit: int) -> Sequence[AnyRow]:
    """``pk, key, size_bytes, resource_pk, is_live`` of files in users' caches, deleted ones included.

    Those that were last written before a moment; no more than ``limit`` of them, in no order.
    """
    return connection.execute(_IN_CACHES.where(file.c.modified_at < before).limit(limit)).all()


def remove_files(connection: Connection, pks: Sequence[int]) -> list[str]:
    """Remove files with all that they were before; the keys of the bytes that nothing names any more."""
    of_files = file_history.c.file_pk.in_(pks)
    keys = [*connection.execute(select(file.c.key).where(file.c.pk.in_(pks))).scalars()]
    keys += connection.execute(select(file_history.c.key).where(of_files)).scalars()
    connection.execute(delete(file_history).where(of_files))
    connection.execute(delete(file).where(file.c.pk.in_(pks)))
    return keys
