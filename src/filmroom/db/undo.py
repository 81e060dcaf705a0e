"""Rows that were deleted and are still there: found and brought back.

``since`` is when what is gone by now was deleted.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from filmroom.db.files import EVERYTHING, select_clauses
from filmroom.db.nodes import select_nodes, to_node
from filmroom.db.resources import to_description
from filmroom.db.schema import AnyRow, file, file_history, name, node, resource
from filmroom.model.nodes import Kind, Node
from filmroom.model.people import Stamp
from filmroom.model.resources import Digest, FileEntry, Owner, Selection

_old_name = name.alias("old_name")


class DeletedNode(NamedTuple):
    """A deleted thing with the label that it had."""

    node: Node
    deleted_at: datetime


class Spot(NamedTuple):
    """Where things are: of a project, in a subject or a session; None for anywhere."""

    project_pk: int | None = None
    parent_pk: int | None = None


def find_deleted_node(
    connection: Connection, kind: Kind, called: str, spot: Spot, *, since: datetime
) -> DeletedNode | None:
    """What was deleted last among the things of an ID, or of a label where it is said in which project they are."""
    stored_kind = Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind
    is_anywhere = spot.project_pk is None and spot.parent_pk is None
    is_called = node.c.id == called if is_anywhere else or_(node.c.id == called, _old_name.c.label == called)
    in_spot = [
        column == pk
        for column, pk in ((node.c.project_pk, spot.project_pk), (node.c.parent_pk, spot.parent_pk))
        if pk is not None
    ]
    had_name = and_(
        _old_name.c.node_pk == node.c.pk,
        _old_name.c.project_pk == node.c.project_pk,
        _old_name.c.is_primary,
        _old_name.c.deleted_at == node.c.deleted_at,
    )
    query = (
        select_nodes()
        .add_columns(node.c.deleted_at, _old_name.c.label.label("old_label"))
        .outerjoin(_old_name, had_name)
        .where(node.c.kind == stored_kind, is_called, *in_spot, node.c.deleted_at.is_not(None))
        .where(node.c.deleted_at > since)
        .order_by(node.c.deleted_at.desc(), node.c.pk.desc())
    )
    row = connection.execute(query.limit(1)).first()
    return None if row is None else DeletedNode(replace(to_node(row), label=row.old_label), row.deleted_at)


def restore_node(connection: Connection, pk: int, *, node_id: str) -> None:
    connection.execute(update(node).where(node.c.pk == pk).values(deleted_at=None, id=node_id))


class LostName(NamedTuple):
    pk: int
    project_pk: int
    label: str | None
    is_primary: bool


def list_lost_names(connection: Connection, node_pk: int, *, at: datetime) -> Sequence[LostName]:
    """The names, its own first, that a thing lost at a moment."""
    columns = (name.c.pk, name.c.project_pk, name.c.label, name.c.is_primary)
    query = select(*columns).where(name.c.node_pk == node_pk, name.c.deleted_at == at)
    return [LostName(*row) for row in connection.execute(query.order_by(name.c.is_primary.desc(), name.c.pk))]


def restore_name(connection: Connection, pk: int, label: str | None) -> None:
    connection.execute(update(name).where(name.c.pk == pk).values(deleted_at=None, label=label))


def list_nameless(connection: Connection, root_pk: int) -> list[tuple[Node, datetime]]:
    """The live things at or below a live one whose own label was given to others, and when.

    Those are the only ones below something deleted that lose anything while it is.
    """
    within = select(node.c.pk).where(node.c.pk == root_pk).cte("within", recursive=True)
    below = or_(node.c.parent_pk == within.c.pk, node.c.project_pk == within.c.pk)
    within = within.union(select(node.c.pk).where(below, node.c.deleted_at.is_(None)))
    own = (name.c.node_pk == node.c.pk, name.c.project_pk == node.c.project_pk, name.c.is_primary)
    lost_at = select(func.max(name.c.deleted_at)).where(*own).scalar_subquery()
    query = (
        select_nodes()
        .add_columns(lost_at.label("lost_at"))
        .where(node.c.pk.in_(select(within.c.pk)), node.c.kind.in_((Kind.SUBJECT, Kind.EXPERIMENT)))
        .where(~select(name.c.pk).where(*own, name.c.deleted_at.is_(None)).exists())
        .order_by(node.c.pk)
    )
    return [(to_node(row), row.lost_at) for row in connection.execute(query) if row.lost_at is not None]


def find_deleted_resource(
    connection: Connection, owner: Owner, *, label: str | None, rid: int | None, since: datetime
) -> AnyRow | None:
    """``pk, rid, label, file_count, size_bytes, deleted_at`` of what was deleted last under a label or a number."""
    is_called = resource.c.label.is_not_distinct_from(label) if rid is None else resource.c.rid == rid
    query = select(
        *(resource.c[column] for column in ("pk", "rid", "label", "file_count", "size_bytes", "deleted_at"))
    ).where(resource.c.node_pk == owner.node_pk, resource.c.side == owner.side, is_called)
    latest = query.where(resource.c.deleted_at > since).order_by(resource.c.deleted_at.desc(), resource.c.pk.desc())
    return connection.execute(latest.limit(1)).first()


def restore_resource(connection: Connection, pk: int, label: str | None, *, stamp: Stamp) -> None:
    values = {"deleted_at": None, "label": label, "modified_at": stamp.at, "modified_by": stamp.by}
    connection.execute(update(resource).where(resource.c.pk == pk).values(values))


def find_last_deletion(
    connection: Connection, resource_pk: int, selection: Selection, *, since: datetime
) -> datetime | None:
    """When the last of the selected files that are deleted were."""
    query = select(func.max(file.c.deleted_at)).where(*_deleted(resource_pk, selection, file.c.deleted_at > since))
    return connection.execute(query).scalar()


class DeletedFile(NamedTuple):
    pk: int
    path: str
    size_bytes: int


def list_deleted_files(
    connection: Connection, resource_pk: int, selection: Selection, *, at: datetime
) -> list[DeletedFile]:
    """The selected files that were deleted at a moment; of several of one path, which one deletion never has, all."""
    query = select(file.c.pk, file.c.path, file.c.size_bytes)
    query = query.where(*_deleted(resource_pk, selection, file.c.deleted_at == at)).order_by(file.c.path)
    return [DeletedFile(*row) for row in connection.execute(query)]


def has_live_files(connection: Connection, resource_pk: int, selection: Selection = EVERYTHING) -> bool:
    live = (file.c.resource_pk == resource_pk, file.c.deleted_at.is_(None), *select_clauses(selection))
    return connection.execute(select(file.c.pk).where(*live).limit(1)).first() is not None


def restore_files(connection: Connection, resource_pk: int, selection: Selection, *, at: datetime) -> None:
    """Bring back what ``list_deleted_files`` lists."""
    which = _deleted(resource_pk, selection, file.c.deleted_at == at)
    connection.execute(update(file).where(*which).values(deleted_at=None))


def restore_file(connection: Connection, pk: int, path: str) -> None:
    connection.execute(update(file).where(file.c.pk == pk).values(deleted_at=None, path=path))


def take_version(
    connection: Connection, file_pk: int, path: str, number: int, *, since: datetime, at: datetime
) -> FileEntry | None:
    """What a file was once, to be named by the file again in the same transaction: its row among the old ones goes."""
    chosen = (file_history.c.pk == number, file_history.c.file_pk == file_pk, file_history.c.replaced_at > since)
    row = connection.execute(select(file_history).where(*chosen)).first()
    if row is None:
        return None
    connection.execute(delete(file_history).where(file_history.c.pk == number))
    return FileEntry(
        path=path,
        key=row.key,
        digest=Digest(size_bytes=row.size_bytes, md5=row.md5, crc32=row.crc32),
        said=to_description(row),
        created_at=at,
        created_by="",
        modified_at=at,
        modified_by="",
    )


def _deleted(resource_pk: int, selection: Selection, when: ColumnElement[bool]) -> tuple[Any, ...]:
    return (file.c.resource_pk == resource_pk, file.c.deleted_at.is_not(None), when, *select_clauses(selection))
