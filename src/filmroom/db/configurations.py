"""Rows of what tools are told: one for each version, the latest counts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select

from filmroom.db.schema import account, configuration, node
from filmroom.model.people import Stamp


class Entry(NamedTuple):
    """A version of what a tool is told at a path; ``project_id`` is None where the site says it."""

    tool: str
    path: str
    project_id: str | None
    login: str
    created_at: datetime
    reason: str
    contents: str
    version: int
    is_enabled: bool


class Name(NamedTuple):
    """What is told to which tool by whom; project and ID are None for the site."""

    project_pk: int | None
    project_id: str | None
    tool: str
    path: str


_ENTRY: Final[Select[Any]] = (
    select(
        configuration.c.tool,
        configuration.c.path,
        node.c.id,
        func.coalesce(account.c.login, ""),
        configuration.c.created_at,
        configuration.c.reason,
        configuration.c.contents,
        configuration.c.version,
        configuration.c.is_enabled,
    )
    .outerjoin(node, node.c.pk == configuration.c.project_pk)
    .outerjoin(account, account.c.node_pk == configuration.c.created_by)
)


def list_tools(connection: Connection, project_pk: int | None) -> tuple[str, ...]:
    """The tools that the site or a project tells anything, by name."""
    query = select(configuration.c.tool).where(_said_by(project_pk)).distinct().order_by(configuration.c.tool)
    return tuple(connection.execute(query).scalars())


def iter_latest(connection: Connection, project_pk: int | None, tool: str) -> Iterator[Entry]:
    """The latest version at each path of a tool, by path."""
    newer = configuration.alias("newer")
    same = (newer.c.tool == configuration.c.tool, newer.c.path == configuration.c.path)
    latest = select(func.max(newer.c.version)).where(*same, _said_by(project_pk, newer.c.project_pk)).scalar_subquery()
    query = _ENTRY.where(_said_by(project_pk), configuration.c.tool == tool, configuration.c.version == latest)
    return (Entry(*row) for row in connection.execute(query.order_by(configuration.c.path)))


def find_entry(connection: Connection, name: Name, version: int | None = None) -> Entry | None:
    """One version, or the latest."""
    query = _ENTRY.where(
        _said_by(name.project_pk), configuration.c.tool == name.tool, configuration.c.path == name.path
    )
    if version is not None:
        query = query.where(configuration.c.version == version)
    row = connection.execute(query.order_by(configuration.c.version.desc()).limit(1)).first()
    return None if row is None else Entry(*row)


def insert_entry(
    connection: Connection, name: Name, *, version: int, contents: str, is_enabled: bool, stamp: Stamp
) -> None:
    """Add a version. Not "on conflict do nothing": whoever loses a race for a number begins anew, and sees what won."""
    values = {
        "project_pk": name.project_pk,
        "tool": name.tool,
        "path": name.path,
        "version": version,
        "contents": contents,
        "is_enabled": is_enabled,
        "reason": stamp.reason,
        "created_at": stamp.at,
        "created_by": stamp.by,
    }
    connection.execute(insert(configuration).values(values))


def _said_by(project_pk: int | None, column: ColumnElement[Any] = configuration.c.project_pk) -> ColumnElement[bool]:
    return column.is_(None) if project_pk is None else column == project_pk
