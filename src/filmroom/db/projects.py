"""The names of projects: ID, secondary ID, name and aliases of all of them in one namespace (C-72)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from filmroom.db.hot import Hot
from filmroom.db.nodes import select_nodes, to_node
from filmroom.db.schema import node, project_name
from filmroom.db.upsert import upsert
from filmroom.model.nodes import Accessibility, Kind, Node

_LIVE_PROJECT_BY_NAME: Final = Hot(
    select_nodes()
    .join(project_name, project_name.c.project_pk == node.c.pk)
    .where(project_name.c.folded == bindparam("folded"), node.c.deleted_at.is_(None))
)


def find_project(connection: Connection, name: str) -> Node | None:
    """The live project that has this text as its ID or as one of its aliases, exactly (C-68)."""
    row = _LIVE_PROJECT_BY_NAME.first(connection, {"folded": name.casefold()})
    if row is None:
        return None
    project = to_node(row)
    return project if name in (project.id, *project.aliases) else None


def iter_projects(connection: Connection) -> Iterator[Node]:
    """Live projects by ID."""
    query = select_nodes().where(node.c.kind == Kind.PROJECT, node.c.deleted_at.is_(None)).order_by(node.c.id)
    return map(to_node, connection.execute(query))


def iter_accessibilities(connection: Connection) -> Iterator[tuple[int, Accessibility]]:
    """The pk of every live project, and who may see it: all that must be known of a thousand of them."""
    query = select(node.c.pk, node.c.accessibility).where(node.c.kind == Kind.PROJECT, node.c.deleted_at.is_(None))
    return ((row.pk, Accessibility(row.accessibility)) for row in connection.execute(query))


_CLAIM: Final = Hot(upsert(project_name).on_conflict_do_nothing(), columns=("folded", "project_pk"))


def claim_project_name(connection: Connection, name: str, *, project_pk: int) -> bool:
    """Whether the project now holds this name, or held it before; False when another one holds it."""
    if _CLAIM.run(connection, {"folded": name.casefold(), "project_pk": project_pk}) == 1:
        return True
    holder = find_name_holder(connection, name)
    return holder is not None and holder.pk == project_pk


class NameHolder(NamedTuple):
    pk: int
    deleted_at: datetime | None


_HOLDER: Final = Hot(
    select(node.c.pk, node.c.deleted_at)
    .join(project_name, project_name.c.project_pk == node.c.pk)
    .where(project_name.c.folded == bindparam("folded"))
)


def find_name_holder(connection: Connection, name: str) -> NameHolder | None:
    """The project, live or deleted, that holds a name, in any case; None when nobody does."""
    row = _HOLDER.first(connection, {"folded": name.casefold()})
    return None if row is None else NameHolder(row.pk, row.deleted_at)


def release_project_names(connection: Connection, project_pk: int, *, keep: Iterable[str] = ()) -> None:
    """Give up the project's names, except those to keep."""
    kept = [name.casefold() for name in keep]
    connection.execute(
        delete(project_name).where(project_name.c.project_pk == project_pk, project_name.c.folded.not_in(kept))
    )
