"""Rows of the hierarchy. Nobody is asked for permission here: ``service/resolve.py`` is the gate."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, update

from filmroom.db.fieldsql import OWN_COLUMNS
from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, has_id_in_session, has_sitewide_id, name, node
from filmroom.model.nodes import Accessibility, Kind, Node
from filmroom.model.people import Stamp

# Any number of our own, but for that of migrations: PostgreSQL's advisory locks are told apart by number only.
_HIERARCHY_LOCK: Final = 6_645_172_002
_primary = name.alias("primary_name")
_COLUMNS: Final = (
    node.c.pk,
    node.c.kind,
    node.c.parent_pk,
    node.c.project_pk,
    _primary.c.label,
    node.c.id,
    node.c.xsi_type,
    node.c.accessibility,
    node.c.fields,
    node.c.created_at,
    node.c.created_by.label("creator_pk"),
    account.c.login.label("created_by"),
)


def select_nodes() -> Select[Any]:
    """A query for whole nodes, for ``to_node``."""
    creators = account.c.node_pk == node.c.created_by
    primary = and_(_primary.c.node_pk == node.c.pk, _primary.c.is_primary, _primary.c.deleted_at.is_(None))
    return select(*_COLUMNS).select_from(node.outerjoin(account, creators).outerjoin(_primary, primary))


_LIVE: Final = node.c.deleted_at.is_(None)
_BY_PK: Final = Hot(select_nodes().where(node.c.pk == bindparam("pk"), _LIVE))
_BY_ID: Final = Hot(
    select_nodes().where(has_sitewide_id("node"), node.c.kind == bindparam("kind"), node.c.id == bindparam("id"), _LIVE)
)
_CHILDREN: Final = select_nodes().where(
    node.c.parent_pk == bindparam("parent_pk"), node.c.kind == bindparam("kind"), _LIVE
)
_CHILD: Final = Hot(_CHILDREN.where(has_id_in_session("node"), node.c.id == bindparam("id")))


_WRITTEN: Final = (
    *("kind", "id", "parent_pk", "project_pk", "xsi_type", "accessibility", "fields", *OWN_COLUMNS),
    *("created_at", "created_by", "modified_at", "modified_by"),
)
_INSERT: Final = Hot(insert(node).returning(node.c.pk), columns=_WRITTEN)


_CHANGED: Final = ("accessibility", "fields", *OWN_COLUMNS, "modified_at", "modified_by")
_UPDATE: Final = Hot(update(node).where(node.c.pk == bindparam("changed_pk")), columns=_CHANGED)


def to_node(row: AnyRow) -> Node:
    return Node(
        pk=row.pk,
        kind=Kind(row.kind),
        parent_pk=row.parent_pk,
        project_pk=row.project_pk,
        label=row.label,
        id=row.id,
        xsi_type=row.xsi_type,
        accessibility=Accessibility(row.accessibility) if row.accessibility else None,
        fields=orjson.loads(row.fields),
        created_at=row.created_at,
        created_by=row.created_by or "",
        creator_pk=row.creator_pk,
    )


def find_node(connection: Connection, pk: int) -> Node | None:
    return _first(connection, _BY_PK, {"pk": pk})


def find_node_by_id(connection: Connection, kind: Kind, node_id: str) -> Node | None:
    """The live node of this id; for the kinds whose ids are unique in the archive."""
    return _first(connection, _BY_ID, {"kind": kind, "id": node_id})


def find_child(connection: Connection, parent_pk: int, kind: Kind, node_id: str) -> Node | None:
    """The live scan or reconstruction of this id in a session."""
    return _first(connection, _CHILD, {"parent_pk": parent_pk, "kind": kind, "id": node_id})


def iter_children(connection: Connection, parent_pk: int, kind: Kind) -> Iterator[Node]:
    """The live children of one kind, in the order in which they were made."""
    rows = connection.execute(_CHILDREN.order_by(node.c.pk), {"parent_pk": parent_pk, "kind": kind})
    return map(to_node, rows)


def _first(connection: Connection, query: Hot, values: dict[str, Any]) -> Node | None:
    row = query.first(connection, values)
    return None if row is None else to_node(row)


def is_alone(connection: Connection) -> bool:
    """Whether nobody else can have changed anything since this transaction began: SQLite has one writer at a time."""
    return connection.dialect.name == "sqlite"


_LOCK: Final = Hot(select(node.c.pk).where(node.c.pk == bindparam("pk")).with_for_update(key_share=True))
_LOCK_HIERARCHY: Final = {
    is_exclusive: Hot(select(lock(_HIERARCHY_LOCK)))
    for is_exclusive, lock in {True: func.pg_advisory_xact_lock, False: func.pg_advisory_xact_lock_shared}.items()
}


def lock_node(connection: Connection, pk: int) -> None:
    """Let nobody else change a node until the transaction ends; read it after this, not before.

    Rows that name it can still be added.
    """
    if not is_alone(connection):
        _LOCK.queue(connection, {"pk": pk})


def lock_hierarchy(connection: Connection, *, is_exclusive: bool) -> None:
    """Let nothing be made, given away or deleted beside this transaction, or (not exclusive) only be made.

    To be taken before anything is read: whoever gives away or deletes what holds other things must see all that is
    below it, and whoever adds to it must see where it belongs.
    """
    if not is_alone(connection):
        _LOCK_HIERARCHY[is_exclusive].queue(connection, {})


def insert_node(connection: Connection, new: Node, *, stamp: Stamp) -> int:
    """The pk of the new row; the ``pk`` and the times of ``new`` are not read."""
    values = {
        "kind": new.kind,
        "id": new.id,
        "parent_pk": new.parent_pk,
        "project_pk": new.project_pk,
        "xsi_type": new.xsi_type,
        "accessibility": new.accessibility,
        **_of_fields(new),
        "created_at": stamp.at,
        "created_by": stamp.by,
        "modified_at": stamp.at,
        "modified_by": stamp.by,
    }
    return int(_INSERT.first(connection, values).pk)


def update_node(connection: Connection, changed: Node, *, stamp: Stamp) -> None:
    """Store the fields and the accessibility of a node."""
    values = {
        "changed_pk": changed.pk,
        "accessibility": changed.accessibility,
        **_of_fields(changed),
        "modified_at": stamp.at,
        "modified_by": stamp.by,
    }
    _UPDATE.queue(connection, values)


def _of_fields(stored: Node) -> dict[str, str | None]:
    """The columns that hold its fields."""
    own = {path: stored.fields.get(path) for path in OWN_COLUMNS}
    return {
        "fields": orjson.dumps(dict(stored.fields)).decode(),
        **{path: value if isinstance(value, str) else None for path, value in own.items()},
    }


def move_node(connection: Connection, pk: int, *, parent_pk: int) -> None:
    connection.execute(update(node).where(node.c.pk == pk).values(parent_pk=parent_pk))


def move_to_project(connection: Connection, moved: Node, project_pk: int, *, stamp: Stamp) -> None:
    """Let a node belong to another project; a subject hangs there too."""
    values = {"project_pk": project_pk, "modified_at": stamp.at, "modified_by": stamp.by}
    if moved.kind is Kind.SUBJECT:
        values["parent_pk"] = project_pk
    connection.execute(update(node).where(node.c.pk == moved.pk).values(values))


def list_inside(connection: Connection, parent_pk: int) -> tuple[Node, ...]:
    """The live children of every kind."""
    return tuple(map(to_node, connection.execute(select_nodes().where(node.c.parent_pk == parent_pk, _LIVE))))


def list_children_of_project(connection: Connection, parent_pk: int, project_pk: int) -> tuple[Node, ...]:
    """The live children that belong to a project, which need not be their parent's."""
    query = select_nodes().where(node.c.parent_pk == parent_pk, node.c.project_pk == project_pk, _LIVE)
    return tuple(map(to_node, connection.execute(query.order_by(node.c.pk))))


def list_foreign(connection: Connection, pk: int) -> tuple[Node, ...]:
    """The live experiments of other live projects that hang below a subject, or below the subjects of a project.

    Also below a deleted one: its project may have come back after it went.
    """
    subject, project = node.alias("subject"), node.alias("project")
    query = (
        select_nodes()
        .join(subject, subject.c.pk == node.c.parent_pk)
        .join(project, project.c.pk == node.c.project_pk)
        .where(or_(subject.c.pk == pk, subject.c.project_pk == pk), subject.c.kind == Kind.SUBJECT)
        .where(node.c.kind == Kind.EXPERIMENT, node.c.project_pk != subject.c.project_pk, _LIVE)
        .where(project.c.deleted_at.is_(None))
    )
    return tuple(map(to_node, connection.execute(query.order_by(node.c.pk))))


def mark_node_deleted(connection: Connection, pk: int, *, stamp: Stamp) -> bool:
    """Whether it was live: of several who delete a node at once, one did."""
    return connection.execute(update(node).where(node.c.pk == pk, _LIVE).values(deleted_at=stamp.at)).rowcount == 1
