"""What was deleted or overwritten: told of, and brought back until its grace period ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from sqlalchemy import Connection

from filmroom.db import nodes, traces
from filmroom.db.traces import Scope, Trace, named
from filmroom.model.address import Address, with_name
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.names import is_rid, to_rid
from filmroom.model.nodes import INSIDE_SESSION, Kind, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.undo import Deleted
from filmroom.service.files import select_for_deletion
from filmroom.service.gate import Gate
from filmroom.service.resolve import get_place
from filmroom.service.stores import Stores
from filmroom.service.undoing import Undoing, find_deleted, place_of_deleted


class Undo:
    def __init__(self, stores: Stores, *, undo_period: timedelta) -> None:
        self._stores = stores
        self._undo_period = undo_period

    def list_all(self, viewer: Viewer, address: Address, *, limit: int, offset: int = 0) -> tuple[Deleted, ...]:
        """What can be brought back at an address and below it, the latest first.

        What is below something deleted is not told of: it comes back with that. Nor is what the viewer may not delete.
        Raises NotFound, and NotAllowed for all who may not delete what is there.
        """
        since = self._stores.clock() - self._undo_period
        with self._stores.database.read() as connection:
            try:
                place = get_place(connection, viewer, _owner(address), action=Action.DELETE)
            except NotFound:
                return self._list_itself(connection, viewer, address, since=since)
            types = Gate(connection, viewer).deletable_types(place.project)
            scope = _scope(place, address, since=since, types=types)
            each = traces.iter_traces(connection, scope, limit=limit + offset)
            latest = islice(merge(*each, key=lambda trace: trace.deleted_at, reverse=True), offset, offset + limit)
            return tuple(self._to_deleted(trace, place.project.id) for trace in latest)

    def undelete(
        self, viewer: Viewer, address: Address, *, version: int | None = None, new_name: str | None = None
    ) -> None:
        """Bring back what was deleted last at an address, or a version of a file that is there.

        Raises NotFound (also when it is too late), NotAllowed, BadValue, NotBroughtBack.
        """
        stamp = self._stores.stamp(viewer)
        if address.kind is Kind.USER:
            raise BadValue("address", str(address), "what was deleted in a cache is not brought back")

        def unit(connection: Connection) -> None:
            nodes.lock_hierarchy(connection, is_exclusive=address.resource is None)
            since = stamp.at - self._undo_period
            undoing = Undoing(connection=connection, viewer=viewer, stamp=stamp, since=since, new_name=new_name)
            undoing.bring_back(address, version)

        self._stores.database.write(unit)

    def _list_itself(
        self, connection: Connection, viewer: Viewer, address: Address, *, since: datetime
    ) -> tuple[Deleted, ...]:
        """Where the thing that is named is deleted itself."""
        found = find_deleted(connection, viewer, _owner(address), since=since)
        place = place_of_deleted(connection, viewer, found.node, address)
        trace = traces.get_trace(connection, found.node.pk)
        return (self._to_deleted(trace, place.project.id),)

    def _to_deleted(self, trace: Trace, project_id: str) -> Deleted:
        return Deleted(
            what=trace.what,
            address=_address(trace, project_id),
            label=trace.label or "",
            number=trace.number,
            deleted_at=trace.deleted_at,
            until=trace.deleted_at + self._undo_period,
            login=trace.login or "",
            files=trace.files,
            size_bytes=trace.size_bytes,
        )


def _owner(address: Address) -> Address:
    return replace(address, resource=None, path=None)


def _scope(place: Place, address: Address, *, since: datetime, types: frozenset[str] | None) -> Scope:
    scope = Scope(root_pk=place.node.pk, project_pk=place.project.pk, since=since, types=types)
    if address.resource is None:
        return scope
    is_number = is_rid(address.resource)
    label = None if address.resource.upper() == "NULL" or is_number else address.resource
    called = named(side=place.side, label=label, rid=to_rid(address.resource) if is_number else None)
    return replace(scope, resource=called, files=select_for_deletion(address.path) if address.path else None)


def _address(trace: Trace, project_id: str) -> Address:
    """By IDs and numbers, which lead there whatever it was called."""
    address = Address(kind=trace.kind, project=project_id, side=trace.side)
    if trace.kind in INSIDE_SESSION:
        address = replace(address, experiment=trace.parent_id)
    if trace.kind is not Kind.PROJECT:
        address = with_name(address, trace.kind, trace.id)
    return replace(address, resource=None if trace.rid is None else str(trace.rid), path=trace.path)
