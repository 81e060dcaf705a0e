"""The audit trail: each change is a row of it, in the transaction that makes the change.

What is said of a change names no secret. Reads are in the log, not here.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, or_

from filmroom.db import events, targets
from filmroom.db.events import Subject
from filmroom.model.address import Address
from filmroom.model.nodes import Kind, Node, Place
from filmroom.model.people import Event, Stamp, Viewer
from filmroom.model.percent import encode_path
from filmroom.model.permission import Action
from filmroom.service.resolve import get_place
from filmroom.service.stores import Stores


def about(place: Place) -> Subject:
    return Subject(node_pk=place.node.pk, project_pk=None if place.kind is Kind.USER else place.project.pk)


def about_project(project: Node) -> Subject:
    return Subject(node_pk=project.pk, project_pk=project.pk)


Detail = str | int | None


def record(
    connection: Connection,
    stamp: Stamp,
    subject: Subject,
    action: str,
    *,
    at: Address | str,
    **details: Detail,
) -> None:
    """Note a change. ``at`` is where the request found what was changed; details that are None are left out."""
    events.insert_event(connection, stamp, subject, action=action, address=str(at), details=_texts(details))


def record_of_account(connection: Connection, stamp: Stamp, login: str, action: str, **details: Detail) -> None:
    """Note a change to an account, which is in no project."""
    record(connection, stamp, Subject(node_pk=None, project_pk=None), action, at=f"/users/{login}", **details)


def _texts(details: Mapping[str, Detail]) -> dict[str, str]:
    return {name: str(value) for name, value in details.items() if value is not None}


class Audit:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_of(self, viewer: Viewer, address: Address, *, limit: int, offset: int = 0) -> tuple[Event, ...]:
        """What happened to a thing and to all of its project that is or was inside it, the latest first.

        Raises NotFound, and NotAllowed for all who may not change the project that it belongs to.
        """
        with self._stores.database.read() as connection:
            place = get_place(connection, viewer, address, action=Action.READ)
            project = Address(kind=Kind.PROJECT, project=place.project.id)
            get_place(connection, viewer, project, action=Action.EDIT)
            is_project = place.kind is Kind.PROJECT
            pk, project_pk = place.node.pk, place.project.pk
            which = events.in_project(pk) if is_project else events.in_or_below(pk, project_pk=project_pk)
            return tuple(events.iter_events(connection, which, limit=limit, offset=offset))

    def list_at(self, address: Address, *, limit: int) -> tuple[Event, ...]:
        """What happened to what is or was at an address and inside it, the latest first, for its operator."""
        said = [text for text in (address.resource, address.path) if text]
        with self._stores.database.read() as connection:
            pks = targets.list_things(connection, address)
            which = [events.in_or_below(pk, project_pk=targets.project_of(connection, pk)) for pk in pks]
            spelled = (or_(events.mentions(text), events.mentions(encode_path(text))) for text in said)
            return tuple(events.iter_events(connection, or_(*which), *spelled, limit=limit)) if which else ()

    def list_all(
        self, *, limit: int, login: str | None = None, begins: str | None = None, since: datetime | None = None
    ) -> tuple[Event, ...]:
        """What happened in the whole archive, the latest first, for its operator.

        By one user, to what has an address that begins in some way, since a moment; None for all.
        """
        which = (
            *([events.made_by(login)] if login else []),
            *([events.begins_with(begins)] if begins else []),
            *([events.since(since)] if since else []),
        )
        with self._stores.database.read() as connection:
            return tuple(events.iter_events(connection, *which, limit=limit))
