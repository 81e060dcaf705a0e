"""Rows removed for good, a batch at a time: the only place where they cease to be.

Every step removes as much as one transaction may, and says what; None means that nothing was left. The keys of bytes
that no row names any more become rows of ``doomed_blob`` in the same transaction, so that they are never forgotten.
Children go before what they hang on, so that a removal that is broken off can be taken up anywhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, or_, select, update
from sqlalchemy.sql.dml import ReturningDelete

from filmroom.db import nodes
from filmroom.db.naming import list_named
from filmroom.db.schema import (
    AnyRow,
    configuration,
    doomed_blob,
    event,
    file,
    file_history,
    folder,
    membership,
    name,
    node,
    project_name,
    resource,
    user_group,
)
from filmroom.db.upsert import upsert
from filmroom.model.nodes import Kind
from filmroom.model.removal import SEALED, Removed

# Small enough that other writers wait for no longer than a blink.
_ROWS_AT_ONCE: Final = 250
# Of things that hold little: together they cost about as much.
_THINGS_AT_ONCE: Final = 25
# Each has an index of its own, which only such a condition lets the database use.
_LIVE_OR_DELETED: Final = (file.c.deleted_at.is_(None), file.c.deleted_at.is_not(None))
_CACHES: Final = select(resource.c.pk).join(node, node.c.pk == resource.c.node_pk).where(node.c.kind == Kind.USER)
# What a project has that hangs on nothing else.
_OF_PROJECT: Final = (name, project_name, membership, user_group, configuration)


def list_old_caches(connection: Connection, *, before: datetime, limit: int) -> Sequence[int]:
    """The pks of folders of caches in which files were last written before a moment, deleted ones included."""
    old = (
        select(file.c.pk).where(file.c.resource_pk == resource.c.pk, file.c.modified_at < before, half).exists()
        for half in _LIVE_OR_DELETED
    )
    query = _CACHES.where(or_(*old)).order_by(resource.c.pk).limit(limit)
    return connection.execute(query).scalars().all()


def remove_old_files(connection: Connection, resource_pks: Sequence[int], *, before: datetime) -> Removed:
    """Remove files of some resources that were last written before a moment, deleted ones included."""
    old = (file.c.resource_pk.in_(resource_pks), file.c.modified_at < before)
    return _remove_files(connection, select(file.c.pk).where(*old)) or Removed()


def remove_deleted_files(connection: Connection, *, before: datetime) -> Removed | None:
    return _remove_files(connection, select(file.c.pk).where(_is_past(file, before)))


def remove_versions(connection: Connection, *, before: datetime) -> Removed | None:
    """Remove what files were before they were overwritten."""
    return _remove_versions(connection, file_history.c.replaced_at <= before)


def remove_deleted_resource(connection: Connection, *, before: datetime) -> Removed | None:
    """Remove a deleted resource with its files, or some of them."""
    pk = connection.execute(select(resource.c.pk).where(_is_past(resource, before)).limit(1)).scalar()
    return None if pk is None else _remove_from(connection, pk)


def remove_names(connection: Connection, *, before: datetime) -> bool:
    """Remove some of the names that were given up, and the shares that were ended; whether there were any."""
    return _delete_some(connection, name, _is_past(name, before)) > 0


def list_deleted_nodes(connection: Connection, *, before: datetime, after: int) -> Sequence[int]:
    """The pks of some things that were deleted by then, above a pk and in their order."""
    query = select(node.c.pk).where(_is_past(node, before), node.c.pk > after)
    return connection.execute(query.order_by(node.c.pk).limit(_ROWS_AT_ONCE)).scalars().all()


def seal_node(connection: Connection, pk: int, *, before: datetime) -> bool:
    """Let nobody bring back a thing that was deleted by then; whether that was done.

    Not where it carries live experiments of other projects: they would go with it.
    """
    if nodes.list_foreign(connection, pk):
        return False
    sealed = update(node).where(node.c.pk == pk, _is_past(node, before)).values(deleted_at=SEALED)
    return connection.execute(sealed).rowcount == 1


def remove_node(connection: Connection, pk: int) -> Removed | None:
    """Remove a sealed thing with all below it, or some of that."""
    if connection.execute(select(node.c.pk).where(node.c.pk == pk, node.c.deleted_at == SEALED)).first() is None:
        return None
    removed = Removed()
    for _ in range(_THINGS_AT_ONCE):
        leaf = _find_leaf(connection, pk)
        more = _remove_from_leaf(connection, leaf)
        removed.add(more)
        if (leaf.pk == pk and more.things) or removed.files + removed.versions >= _ROWS_AT_ONCE:
            break
    return removed


def _find_leaf(connection: Connection, pk: int) -> AnyRow:
    """The thing itself, or one below it that has nothing below; of a project also what hangs in another's subject."""
    while True:
        below = [select(node.c.pk).where(column == pk).limit(1) for column in (node.c.parent_pk, node.c.project_pk)]
        child = next((found for query in below if (found := connection.execute(query).scalar())), None)
        if child is None:
            return connection.execute(select(node.c.pk, node.c.kind, node.c.parent_pk).where(node.c.pk == pk)).one()
        pk = child


def _remove_from_leaf(connection: Connection, leaf: AnyRow) -> Removed:
    """One of its resources or a part of it, else its events and names, else itself."""
    held = connection.execute(select(resource.c.pk).where(resource.c.node_pk == leaf.pk).limit(1)).scalar()
    if held is not None:
        return _remove_from(connection, held)
    is_project = leaf.kind == Kind.PROJECT
    if _hand_up_events(connection, leaf) or (is_project and _remove_of_project(connection, leaf.pk)):
        return Removed()
    connection.execute(delete(name).where(name.c.node_pk == leaf.pk))
    connection.execute(delete(node).where(node.c.pk == leaf.pk))
    return Removed(things=1)


def _hand_up_events(connection: Connection, leaf: AnyRow) -> int:
    """Let events tell of what the thing was in: SQLite gives numbers of removed rows to new ones. How many did."""
    moved = _update_some(connection, event, event.c.node_pk == leaf.pk, {"node_pk": leaf.parent_pk})
    if leaf.kind == Kind.PROJECT and not moved:
        moved = _update_some(connection, event, event.c.project_pk == leaf.pk, {"project_pk": None})
    return moved


def _remove_of_project(connection: Connection, pk: int) -> int:
    return sum(_delete_some(connection, table, table.c.project_pk == pk) for table in _OF_PROJECT)


def _remove_from(connection: Connection, resource_pk: int) -> Removed:
    """Some files of a resource; when there are none, the resource."""
    connection.execute(update(resource).where(resource.c.pk == resource_pk).values(deleted_at=SEALED))
    if removed := _remove_files(connection, select(file.c.pk).where(file.c.resource_pk == resource_pk)):
        return removed
    connection.execute(delete(folder).where(folder.c.resource_pk == resource_pk))
    return Removed(resources=connection.execute(delete(resource).where(resource.c.pk == resource_pk)).rowcount)


def _remove_files(connection: Connection, chosen: Select[Any]) -> Removed | None:
    """Files with all that they were before; what they were goes first."""
    pks = connection.execute(chosen.limit(_ROWS_AT_ONCE)).scalars().all()
    if not pks:
        return None
    if removed := _remove_versions(connection, file_history.c.file_pk.in_(pks)):
        return removed
    count, size_bytes = _doom(connection, delete(file).where(file.c.pk.in_(pks)).returning(*_bytes_of(file)))
    return Removed(files=count, size_bytes=size_bytes)


def _remove_versions(connection: Connection, which: ColumnElement[bool]) -> Removed | None:
    some = select(file_history.c.pk).where(which).limit(_ROWS_AT_ONCE)
    gone = delete(file_history).where(file_history.c.pk.in_(some)).returning(*_bytes_of(file_history))
    count, size_bytes = _doom(connection, gone)
    return Removed(versions=count, size_bytes=size_bytes) if count else None


def _bytes_of(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return table.c.key, table.c.size_bytes


def _doom(connection: Connection, removal: ReturningDelete[Any]) -> tuple[int, int]:
    """Remove rows, and note the bytes that nothing names any more; how many rows, and how many bytes."""
    rows = connection.execute(removal).all()
    keys = dict.fromkeys(row.key for row in rows)
    named = list_named(connection, keys)
    if doomed := [{"key": key} for key in keys if key not in named]:
        connection.execute(upsert(doomed_blob).on_conflict_do_nothing(), doomed)
    return len(rows), sum(row.size_bytes for row in rows)


def list_doomed(connection: Connection) -> Sequence[str]:
    """Some of the keys whose bytes are to be deleted."""
    return connection.execute(select(doomed_blob.c.key).limit(_ROWS_AT_ONCE)).scalars().all()


def forget_doomed(connection: Connection, keys: Sequence[str]) -> None:
    """The bytes of these are gone."""
    connection.execute(delete(doomed_blob).where(doomed_blob.c.key.in_(keys)))


def _is_past(table: Table, before: datetime) -> ColumnElement[bool]:
    # The second condition follows from the first, and lets the database use the index of what is deleted.
    return and_(table.c.deleted_at <= before, table.c.deleted_at.is_not(None))


def _delete_some(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(_some(table, which))).rowcount


def _update_some(connection: Connection, table: Table, which: ColumnElement[bool], values: dict[Any, Any]) -> int:
    return connection.execute(update(table).where(_some(table, which)).values(values)).rowcount


def _some(table: Table, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """At most so many of the rows that a condition chooses; all in the tables of people, where no project has many."""
    key, *others = table.primary_key.columns
    return which if others else key.in_(select(key).where(which).limit(_ROWS_AT_ONCE))
