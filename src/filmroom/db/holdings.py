"""What things hold, all told: they and everything below, in whatever state, with all that files were before.

``Scope`` says which rows are meant by themselves; what hangs on them is meant too.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    false,
    func,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from filmroom.db.schema import file, file_history, node, resource
from filmroom.model.nodes import Kind
from filmroom.model.removal import SEALED, Removed

_NONE: Final = false()


@dataclass(frozen=True, slots=True)
class Scope:
    """Conditions on rows of each table."""

    nodes: ColumnElement[bool] = _NONE
    resources: ColumnElement[bool] = _NONE
    files: ColumnElement[bool] = _NONE
    versions: ColumnElement[bool] = _NONE

    def with_all_below(self) -> "Scope":
        """Every row, table by table."""
        within = select(node.c.pk).where(self.nodes).cte("within", recursive=True)
        below = (or_(node.c.parent_pk == within.c.pk, node.c.project_pk == within.c.pk),)
        within = within.union(select(node.c.pk).where(*below))
        nodes = node.c.pk.in_(select(within.c.pk))
        resources = or_(resource.c.node_pk.in_(select(within.c.pk)), self.resources)
        # Not correlated: in a change of files these must not mean the row that is changed.
        of_resources = select(resource.c.pk).where(resources).correlate(None)
        files = or_(file.c.resource_pk.in_(of_resources), self.files)
        versions = or_(file_history.c.file_pk.in_(select(file.c.pk).where(files).correlate(None)), self.versions)
        return replace(self, nodes=nodes, resources=resources, files=files, versions=versions)


def count_deleted(connection: Connection, *, before: datetime) -> Removed:
    """What was deleted or overwritten by then."""
    return count_all(
        connection,
        Scope(
            nodes=node.c.deleted_at <= before,
            resources=resource.c.deleted_at <= before,
            files=file.c.deleted_at <= before,
            versions=file_history.c.replaced_at <= before,
        ),
    )


def count_all(connection: Connection, scope: Scope) -> Removed:
    every = scope.with_all_below()
    files, file_bytes = _count(connection, file, every.files)
    versions, version_bytes = _count(connection, file_history, every.versions)
    return Removed(
        things=connection.execute(select(func.count()).select_from(node).where(every.nodes)).scalar_one(),
        resources=connection.execute(select(func.count()).select_from(resource).where(every.resources)).scalar_one(),
        files=files,
        versions=versions,
        size_bytes=file_bytes + version_bytes,
    )


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.sum(table.c.size_bytes), 0)).select_from(table).where(which)
    count, size_bytes = connection.execute(query).one()
    return count, int(size_bytes)


def seal_copies_in_caches(connection: Connection, scope: Scope) -> None:
    """Let what users' caches still hold of the same bytes, deleted or overwritten there, go with the next removal.

    What is moved from a cache into the archive is deleted in the cache, and shares its bytes.
    """
    every = scope.with_all_below()
    digests = union_all(
        select(file.c.md5, file.c.size_bytes).where(every.files).correlate(None),
        select(file_history.c.md5, file_history.c.size_bytes).where(every.versions).correlate(None),
    )
    caches = select(resource.c.pk).join(node, node.c.pk == resource.c.node_pk).where(node.c.kind == Kind.USER)
    in_cache = file.c.resource_pk.in_(caches)
    deleted = (in_cache, file.c.deleted_at.is_not(None), tuple_(file.c.md5, file.c.size_bytes).in_(digests))
    connection.execute(update(file).where(*deleted).values(deleted_at=SEALED))
    of_caches = file_history.c.file_pk.in_(select(file.c.pk).where(in_cache))
    overwritten = (of_caches, tuple_(file_history.c.md5, file_history.c.size_bytes).in_(digests))
    connection.execute(update(file_history).where(*overwritten).values(replaced_at=SEALED))
