"""Labels of subjects and experiments in their projects, and the numbers in generated ids."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, Update, and_, bindparam, func, insert, select, union_all, update

from filmroom.db.counters import next_number
from filmroom.db.hot import Hot
from filmroom.db.nodes import select_nodes, to_node
from filmroom.db.schema import has_sitewide_id, name, node
from filmroom.model.nodes import Kind, Node

_LIVE: Final = name.c.deleted_at.is_(None)


class Share(NamedTuple):
    """A name that a thing has in a project; ``label`` is None where it has none of its own there (C-85)."""

    label: str | None
    is_primary: bool


_SHARE: Final = Hot(
    select(name.c.label, name.c.is_primary).where(
        name.c.project_pk == bindparam("project_pk"), name.c.node_pk == bindparam("node_pk"), _LIVE
    )
)


def find_share(connection: Connection, project_pk: int, node_pk: int) -> Share | None:
    """Under which name a thing is in a project, its own one or another; None where it is not in it."""
    row = _SHARE.first(connection, {"project_pk": project_pk, "node_pk": node_pk})
    return None if row is None else Share(row.label, row.is_primary)


def iter_projects_shared_into(connection: Connection, node_pk: int) -> Iterator[Node]:
    """The live projects into which a thing is shared, in the order in which that was done."""
    query = (
        select_nodes()
        .join(name, name.c.project_pk == node.c.pk)
        .where(name.c.node_pk == node_pk, ~name.c.is_primary, _LIVE, node.c.deleted_at.is_(None))
        .order_by(name.c.pk)
    )
    return map(to_node, connection.execute(query))


_here: Final = name.alias("here")
_found: Final = node.alias("found")
_own_name: Final = name.alias("own_name")


def _select_named() -> Select[Any]:
    """By the label in the project, else by ID, else by the own label of what is shared into it without another."""
    in_project = (name.c.project_pk == bindparam("project_pk"), name.c.family == bindparam("family"), _LIVE)
    is_named = and_(_own_name.c.node_pk == name.c.node_pk, _own_name.c.is_primary, _own_name.c.deleted_at.is_(None))
    live = select(_found.c.pk).where(_found.c.deleted_at.is_(None))
    labelled = live.join(name, name.c.node_pk == _found.c.pk).where(*in_project)
    ways = (
        labelled.where(name.c.label == bindparam("text")),
        live.where(
            has_sitewide_id(_found.name), _found.c.kind == bindparam("family"), _found.c.id == bindparam("text")
        ),
        labelled.join(_own_name, is_named).where(name.c.label.is_(None), _own_name.c.label == bindparam("text")),
    )
    is_here = and_(_here.c.node_pk == node.c.pk, _here.c.project_pk == bindparam("project_pk"))
    return (
        select_nodes()
        .add_columns(_here.c.node_pk.label("here_pk"), _here.c.label.label("label_here"))
        .outerjoin(_here, and_(is_here, _here.c.deleted_at.is_(None)))
        .where(node.c.pk == func.coalesce(*(way.limit(1).scalar_subquery() for way in ways)))
    )


_NAMED: Final = Hot(_select_named())


def find_named(connection: Connection, project_pk: int, family: Kind, text: str) -> Node | None:
    """What is in the project under this label, else ID, its own or shared into it, with the label that it has there."""
    row = _NAMED.first(connection, {"project_pk": project_pk, "family": family, "text": text})
    if row is None:
        return None
    found = to_node(row)
    if found.project_pk == project_pk:
        return found
    return None if row.here_pk is None else replace(found, label=row.label_here or found.label)


def insert_share(connection: Connection, project_pk: int, shared: Node, label: str | None) -> None:
    """Let a thing be in another project too. Not "on conflict do nothing", for the reason that labels have."""
    values = {
        "project_pk": project_pk,
        "family": shared.kind,
        "label": label,
        "node_pk": shared.pk,
        "is_primary": False,
    }
    connection.execute(insert(name).values(values))


def update_label(connection: Connection, project_pk: int, node_pk: int, label: str | None) -> None:
    """Change the label that a thing has in a project, its own or another."""
    connection.execute(_share(project_pk, node_pk).values(label=label))


def delete_share(connection: Connection, project_pk: int, node_pk: int, *, at: datetime) -> None:
    connection.execute(_share(project_pk, node_pk).values(deleted_at=at))


def _share(project_pk: int, node_pk: int) -> Update:
    return update(name).where(name.c.project_pk == project_pk, name.c.node_pk == node_pk, _LIVE)


_INSERT: Final = Hot(insert(name), columns=("project_pk", "family", "label", "node_pk", "is_primary"))
_HOLDER: Final = Hot(
    select(name.c.node_pk).where(
        name.c.project_pk == bindparam("project_pk"),
        name.c.family == bindparam("family"),
        name.c.label == bindparam("label"),
        name.c.deleted_at.is_(None),
    )
)


def insert_label(connection: Connection, project_pk: int, family: Kind, label: str, *, node_pk: int) -> None:
    """Give a node a label that nobody holds.

    Not "on conflict do nothing": on PostgreSQL whoever loses a race for it begins anew, and finds what won.
    """
    values = {
        "project_pk": project_pk,
        "family": family,
        "label": label,
        "node_pk": node_pk,
        "is_primary": True,
    }
    _INSERT.queue(connection, values)


def find_label_holder(connection: Connection, project_pk: int, family: Kind, label: str) -> int | None:
    """The pk of the node, live or below something deleted, that has a label."""
    row = _HOLDER.first(connection, {"project_pk": project_pk, "family": family, "label": label})
    return None if row is None else int(row.node_pk)


def mark_labels_deleted(connection: Connection, node_pk: int, *, at: datetime) -> None:
    """Free all labels of a node."""
    live = (name.c.node_pk == node_pk, name.c.deleted_at.is_(None))
    connection.execute(update(name).where(*live).values(deleted_at=at))


def _select_used(kind: Kind) -> tuple[Select[tuple[int]], Select[tuple[int]]]:
    """Each by an index of its own: what is live, and what is deleted and not yet removed."""
    found = select(node.c.pk).where(node.c.kind == kind, node.c.id == bindparam("node_id"))
    is_deleted = node.c.deleted_at.is_not(None)
    return found.where(has_sitewide_id("node"), node.c.deleted_at.is_(None)), found.where(is_deleted)


_USED: Final = Hot(union_all(*_select_used(Kind.SUBJECT), *_select_used(Kind.EXPERIMENT)).limit(1))


def next_id(connection: Connection, prefix: str) -> str:
    """C-58: the prefix and the next number of five digits or more, one that was never used in the archive."""
    while True:
        candidate = f"{prefix}{next_number(connection, prefix):05d}"
        if _USED.first(connection, {"node_id": candidate}) is None:
            return candidate
