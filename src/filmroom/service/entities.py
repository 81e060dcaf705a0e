"""Subjects, experiments, assessors, scans and reconstructions: made, changed, renamed, read, listed, deleted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from filmroom.db import names, nodes, resources
from filmroom.model.address import Address
from filmroom.model.changes import Change
from filmroom.model.datatypes import DataType, get_data_type
from filmroom.model.errors import NotFound
from filmroom.model.nodes import INSIDE_SESSION, Kind, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import IfExists, Owner, Resource, Side
from filmroom.service.audit import about, record
from filmroom.service.gate import Gate
from filmroom.service.making import Changed, Making
from filmroom.service.resolve import get_place, list_children, list_places
from filmroom.service.sharing import Presence, check_carries_nothing, list_shares, project_of_name, unshare
from filmroom.service.stores import Stores

# What is inside each kind, in the order in which it is told.
_INSIDE: Final = {
    Kind.SUBJECT: (Kind.EXPERIMENT,),
    Kind.EXPERIMENT: INSIDE_SESSION,
}
_SIDES: Final = {Kind.RECONSTRUCTION: (Side.IN, Side.OUT), Kind.ASSESSOR: (Side.IN, Side.OUT)}


@dataclass(frozen=True, slots=True)
class Tree:
    """A thing with its resources, by side, all that is inside it, and the other projects that it is in."""

    place: Place
    resources: Mapping[Side, tuple[Resource, ...]]
    inside: tuple["Tree", ...]
    shares: tuple[Presence, ...] = ()


class Entities:
    def __init__(self, stores: Stores, *, site_id: str) -> None:
        self._stores = stores
        # C-58: what IDs begin with.
        self._prefix = re.sub(r"[ '\"^]", "", site_id).replace("-", "_")

    def get(self, viewer: Viewer, address: Address) -> Tree:
        """A thing and all that is inside it. Raises NotFound for none or several."""
        with self._stores.database.read() as connection:
            return _tree(Gate(connection, viewer), _get_exact(connection, viewer, address, action=Action.SEE))

    def get_place(self, viewer: Viewer, address: Address) -> Place:
        """A thing without what is inside it. Raises NotFound for none or several."""
        with self._stores.database.read() as connection:
            return _get_exact(connection, viewer, address, action=Action.SEE)

    def list_places(self, viewer: Viewer, address: Address) -> tuple[Place, ...]:
        """Every thing that an address names. Raises NotFound for none, unless all were asked for."""
        with self._stores.database.read() as connection:
            return list_places(connection, viewer, address)

    def put(
        self, viewer: Viewer, address: Address, change: Change, *, if_exists: IfExists = IfExists.REPLACE
    ) -> Changed:
        """Make, change or rename the thing at an address (C-80, C-92, C-106, C-111, C-118), or only make it.

        An experiment below a subject that is not there makes the subject (C-93), unless it is to be new.
        Raises NotFound, NotAllowed, BadValue, BadDocument, NeedsType, WrongType, OtherProject, LabelTaken, IdTaken.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> Changed:
            nodes.lock_hierarchy(connection, is_exclusive=False)
            making = Making(gate=Gate(connection, viewer), stamp=stamp, prefix=self._prefix)
            return making.make_or_change(address, change, if_exists)

        return self._stores.database.write(unit)

    def find_type(self, viewer: Viewer, address: Address) -> DataType | None:
        """The data type of the thing at an address, in its project whatever its subject; None where there is none."""
        above = replace(address, subject=None) if address.kind is Kind.EXPERIMENT and address.project else address
        with self._stores.database.read() as connection:
            try:
                return get_data_type(get_place(connection, viewer, above, action=Action.SEE).node.xsi_type)
            except NotFound:
                return None

    def delete(self, viewer: Viewer, address: Address) -> None:
        """Delete a thing with all that is inside it; where it is only shared, take it from there (C-87, C-100).

        Raises NotFound, NotAllowed.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            nodes.lock_hierarchy(connection, is_exclusive=address.kind is Kind.SUBJECT)
            seen = _get_exact(connection, viewer, address, action=Action.SEE)
            if (project := project_of_name(connection, seen)).pk != seen.project.pk:
                unshare(connection, viewer, seen, project, stamp=stamp)
                return
            place = _get_exact(connection, viewer, address, action=Action.DELETE)
            check_carries_nothing(connection, place)
            if not nodes.mark_node_deleted(connection, place.node.pk, stamp=stamp):
                raise NotFound(f"{place.kind} {place.node.id!r}")
            names.mark_labels_deleted(connection, place.node.pk, at=stamp.at)
            record(connection, stamp, about(place), f"deleted {place.kind}", at=address, id=place.node.id)

        self._stores.database.write(unit)


def _get_exact(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """The thing that is named by its own ID or label: types and ``ALL`` choose resources, not things (C-113, C-114)."""
    place = get_place(connection, viewer, address, action=action)
    named = getattr(address, address.kind)
    if address.kind is not Kind.PROJECT and named not in (place.node.id, place.node.label):
        raise NotFound(f"{address.kind} {named!r}")
    return place


def _tree(gate: Gate, place: Place) -> Tree:
    """What may be seen but not read shows nothing of what it holds."""
    if not gate.may(Action.READ, place):
        return Tree(place, {}, ())
    inside = (_tree(gate, child) for kind in _INSIDE.get(place.kind, ()) for child in list_children(gate, place, kind))
    return Tree(place, _resources(gate.connection, place), tuple(inside), list_shares(gate, place))


def _resources(connection: Connection, place: Place) -> dict[Side, tuple[Resource, ...]]:
    sides: Iterable[Side] = _SIDES.get(place.kind, (Side.NONE,))
    owners = {side: Owner(place.node.pk, side) for side in sides}
    found = resources.list_resources_of(connection, owners.values())
    return {side: tuple(found[owner]) for side, owner in owners.items()}
