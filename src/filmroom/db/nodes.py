"""Rows of the hierarchy. Nobody is asked for permission here: ``service/resolve.py`` is the gate."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, node, project_name
from filmroom.model.nodes import Accessibility, Kind, Node
from filmroom.model.people import Stamp

_COLUMNS: Final = (
    node.c.pk,
    node.c.kind,
    node.c.id,
    node.c.xsi_type,
    node.c.accessibility,
    node.c.fields,
    node.c.created_at,
    node.c.created_by.label("creator_pk"),
    account.c.login.label("created_by"),
)


def _nodes() -> Select[Any]:
    return select(*_COLUMNS).select_from(node.outerjoin(account, account.c.node_pk == node.c.created_by))


_PROJECT_BY_NAME: Final = (
    _nodes()
    .join(project_name, project_name.c.project_pk == node.c.pk)
    .where(project_name.c.folded == bindparam("folded"))
)
_LIVE_PROJECT_BY_NAME: Final = Hot(_PROJECT_BY_NAME.where(node.c.deleted_at.is_(None)))


def _to_node(row: AnyRow) -> Node:
    return Node(
        pk=row.pk,
        kind=Kind(row.kind),
        id=row.id,
        xsi_type=row.xsi_type,
        accessibility=Accessibility(row.accessibility) if row.accessibility else None,
        fields=orjson.loads(row.fields),
        created_at=row.created_at,
        created_by=row.created_by or "",
        creator_pk=row.creator_pk,
    )


def find_project(connection: Connection, name: str) -> Node | None:
    """The live project that has this text as its ID or as one of its aliases, exactly (C-68)."""
    row = _LIVE_PROJECT_BY_NAME.first(connection, {"folded": name.casefold()})
    if row is None:
        return None
    project = _to_node(row)
    return project if name in (project.id, *project.aliases) else None


def iter_projects(connection: Connection, *, creator_pk: int | None) -> Iterator[Node]:
    """Live projects by ID; only those that one user made, unless ``creator_pk`` is None."""
    query = _nodes().where(node.c.kind == Kind.PROJECT, node.c.deleted_at.is_(None)).order_by(node.c.id)
    if creator_pk is not None:
        query = query.where(node.c.created_by == creator_pk)
    return map(_to_node, connection.execute(query))


def lock_node(connection: Connection, pk: int) -> None:
    """Let nobody else change a node until the transaction ends; read it after this, not before."""
    connection.execute(select(node.c.pk).where(node.c.pk == pk).with_for_update())


def insert_node(connection: Connection, new: Node, *, stamp: Stamp) -> int:
    """The pk of the new row; the ``pk`` and the times of ``new`` are not read."""
    values = {
        "kind": new.kind,
        "id": new.id,
        "xsi_type": new.xsi_type,
        "accessibility": new.accessibility,
        "fields": orjson.dumps(dict(new.fields)).decode(),
        "created_at": stamp.at,
        "created_by": stamp.by,
        "modified_at": stamp.at,
        "modified_by": stamp.by,
    }
    return int(connection.execute(insert(node).values(values).returning(node.c.pk)).scalar_one())


def update_node(connection: Connection, changed: Node, *, stamp: Stamp) -> None:
    """Store the fields and the accessibility of a node."""
    values = {
        "accessibility": changed.accessibility,
        "fields": orjson.dumps(dict(changed.fields)).decode(),
        "modified_at": stamp.at,
        "modified_by": stamp.by,
    }
    connection.execute(update(node).where(node.c.pk == changed.pk).values(values))


def mark_node_deleted(connection: Connection, pk: int, *, stamp: Stamp) -> None:
    connection.execute(update(node).where(node.c.pk == pk).values(deleted_at=stamp.at))


def claim_project_name(connection: Connection, name: str, *, project_pk: int) -> bool:
    """Whether the project now holds this name, or held it before; False when another one holds it."""
    folded = name.casefold()
    claim = upsert(project_name).values(folded=folded, project_pk=project_pk).on_conflict_do_nothing()
    connection.execute(claim)
    holder = connection.execute(select(project_name.c.project_pk).where(project_name.c.folded == folded)).scalar()
    return holder == project_pk


class NameHolder(NamedTuple):
    pk: int
    deleted_at: datetime | None


def find_name_holder(connection: Connection, name: str) -> NameHolder | None:
    """The project, live or deleted, that holds a name, in any case; None when nobody does."""
    query = (
        select(node.c.pk, node.c.deleted_at)
        .join(project_name, project_name.c.project_pk == node.c.pk)
        .where(project_name.c.folded == name.casefold())
    )
    row = connection.execute(query).first()
    return None if row is None else NameHolder(row.pk, row.deleted_at)


def release_project_names(connection: Connection, project_pk: int, *, keep: Iterable[str] = ()) -> None:
    """Give up the project's names, except those to keep."""
    kept = [name.casefold() for name in keep]
    connection.execute(
        delete(project_name).where(project_name.c.project_pk == project_pk, project_name.c.folded.not_in(kept))
    )
