"""Rows of the audit trail: added, and read; never changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, insert, or_, select

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, event, node
from filmroom.model.people import Event, Stamp

_ROWS_AT_ONCE: Final = 500
_COLUMNS: Final = ("at", "by_pk", "project_pk", "node_pk", "action", "address", "details", "client", "reason")
_INSERT: Final = Hot(insert(event), columns=_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a change was made to: the node, and the project it belongs to; None for what is in no project."""

    node_pk: int | None
    project_pk: int | None


def insert_event(
    connection: Connection, stamp: Stamp, subject: Subject, *, action: str, address: str, details: Mapping[str, str]
) -> None:
    values = {
        "at": stamp.at,
        "by_pk": stamp.by,
        "project_pk": subject.project_pk,
        "node_pk": subject.node_pk,
        "action": action,
        "address": address,
        "details": orjson.dumps(details).decode(),
        "client": stamp.client,
        "reason": stamp.reason,
    }
    _INSERT.queue(connection, values)


def iter_events(
    connection: Connection, *which: ColumnElement[bool], limit: int | None = None, offset: int = 0
) -> Iterator[Event]:
    """The events that fulfil all these conditions, the latest first."""
    query = (
        select(event, account.c.login)
        .outerjoin(account, account.c.node_pk == event.c.by_pk)
        .where(*which)
        .order_by(event.c.pk.desc())
        .limit(limit)
        .offset(offset)
    )
    with connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        yield from map(_to_event, rows)


def in_project(project_pk: int) -> ColumnElement[bool]:
    return event.c.project_pk == project_pk


def in_or_below(node_pk: int, *, project_pk: int) -> ColumnElement[bool]:
    """Of a thing and of all that is or was inside it, without what belongs to other projects."""
    below = select(node.c.pk).where(node.c.pk == node_pk).cte("below", recursive=True)
    own = (node.c.parent_pk == below.c.pk, node.c.project_pk == project_pk)
    below = below.union_all(select(node.c.pk).where(*own))
    return event.c.node_pk.in_(select(below.c.pk))


def mentions(text: str) -> ColumnElement[bool]:
    """Of whatever has this in its address or among what is said of it."""
    columns = (event.c.address, event.c.details)
    return or_(*(column.contains(text, autoescape=True) for column in columns))


def made_by(login: str) -> ColumnElement[bool]:
    return event.c.by_pk == select(account.c.node_pk).where(account.c.login == login).scalar_subquery()


def since(moment: datetime) -> ColumnElement[bool]:
    return event.c.at >= moment


def begins_with(address: str) -> ColumnElement[bool]:
    return event.c.address.startswith(address, autoescape=True)


def _to_event(row: AnyRow) -> Event:
    details: dict[str, Any] = orjson.loads(row.details)
    return Event(
        at=row.at,
        login=row.login or "",
        action=row.action,
        address=row.address,
        details=details,
        client=row.client,
        reason=row.reason,
    )
