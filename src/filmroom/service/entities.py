"""Subjects, experiments, assessors, scans and reconstructions: made, changed, renamed, read, listed, deleted.

One way for all of them; what differs is which parent they need and whether people name them by label or by ID.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from sqlalchemy import Connection

from filmroom.db import names, nodes, resources
from filmroom.db.events import Subject
from filmroom.model.address import Address
from filmroom.model.datatypes import SUBJECT, DataType, get_data_type
from filmroom.model.errors import BadDocument, BadValue, LabelTaken, NeedsType, NotFound, WrongType
from filmroom.model.names import check_id
from filmroom.model.nodes import INSIDE_SESSION, FieldValue, Kind, Node, Place
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Owner, Resource, Side
from filmroom.service.audit import about, record
from filmroom.service.gate import Gate
from filmroom.service.labels import free_label
from filmroom.service.resolve import (
    find_visible_project,
    get_place,
    get_project_to_fill,
    iter_inside,
    list_children,
    list_places,
)
from filmroom.service.sharing import check_carries_nothing, project_of_name, unshare
from filmroom.service.stores import Stores

_LABELLED: Final = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
_ID_LETTERS: Final = {Kind.SUBJECT: "S", Kind.EXPERIMENT: "E", Kind.ASSESSOR: "E"}
# What is inside each kind, in the order in which it is told.
_INSIDE: Final = {
    Kind.SUBJECT: (Kind.EXPERIMENT,),
    Kind.EXPERIMENT: INSIDE_SESSION,
}
_SIDES: Final = {Kind.RECONSTRUCTION: (Side.IN, Side.OUT), Kind.ASSESSOR: (Side.IN, Side.OUT)}


@dataclass(frozen=True, slots=True)
class Tree:
    """A thing with its resources, by side, and all that is inside it."""

    place: Place
    resources: Mapping[Side, tuple[Resource, ...]]
    inside: tuple["Tree", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which of many things are wanted: of those that ``holds`` says yes to, ``limit`` (None: all) after ``offset``."""

    holds: Callable[[Place], bool] = lambda _place: True
    offset: int = 0
    limit: int | None = None

    @property
    def end(self) -> int | None:
        return None if self.limit is None else self.offset + self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a PUT says of a thing. ``data_type`` is None where it does not say; ``new_label`` asks for a rename."""

    data_type: DataType | None
    fields: Mapping[str, FieldValue]
    new_label: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of it: the thing's ID, and whether it was made, renamed (and nothing else), or changed."""

    id: str
    is_new: bool = False
    is_renamed: bool = False


class Entities:
    def __init__(self, stores: Stores, *, site_id: str) -> None:
        self._stores = stores
        # C-58: what IDs begin with.
        self._prefix = re.sub(r"[ '\"^]", "", site_id).replace("-", "_")

    def get(self, viewer: Viewer, address: Address) -> Tree:
        """A thing and all that is inside it. Raises NotFound for none or several."""
        with self._stores.database.read() as connection:
            return _tree(Gate(connection, viewer), _get_exact(connection, viewer, address, action=Action.SEE))

    def list_places(self, viewer: Viewer, address: Address) -> tuple[Place, ...]:
        """Every thing that an address names. Raises NotFound for none, unless all were asked for."""
        with self._stores.database.read() as connection:
            return list_places(connection, viewer, address)

    def list_inside(self, viewer: Viewer, address: Address, *kinds: Kind, window: Window) -> tuple[Place, ...]:
        """The things of some kinds inside another one, by kind, each as they were made. Raises NotFound, NotAllowed."""
        with self._stores.database.read() as connection, ExitStack() as stack:
            found = [stack.enter_context(closing(iter_inside(connection, viewer, address, kind))) for kind in kinds]
            chosen = (place for place in chain.from_iterable(found) if window.holds(place))
            return tuple(islice(chosen, window.offset, window.end))

    def put(self, viewer: Viewer, address: Address, change: Change) -> Changed:
        """Make, change or rename the thing at an address (C-80, C-92, C-106, C-111, C-118).

        An experiment below a subject that is not there makes the subject (C-93).
        Raises NotFound, NotAllowed, BadValue, BadDocument, NeedsType, WrongType, LabelTaken.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> Changed:
            nodes.lock_hierarchy(connection, is_exclusive=False)
            existing = _find_existing(connection, viewer, address) or _find_behind_others(connection, viewer, address)
            if existing is None:
                return self._create(connection, viewer, address, change, stamp=stamp)
            nodes.lock_node(connection, existing.node.pk)
            place = get_place(connection, viewer, address, action=Action.EDIT)
            if place.kind is Kind.EXPERIMENT and (name := change.fields.get("subject_ID")):
                self._move(connection, viewer, place, str(name), stamp=stamp)
            changed = _update(Gate(connection, viewer), place, change, stamp)
            if changed.is_renamed:
                said = {"before": place.node.label, "now": change.new_label}
                record(connection, stamp, about(place), f"renamed {place.kind}", at=address, **said)
            else:
                said = {"fields": ", ".join(sorted(change.fields))}
                record(connection, stamp, about(place), f"changed {place.kind}", at=address, **said)
            return changed

        return self._stores.database.write(unit)

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

    def _create(
        self, connection: Connection, viewer: Viewer, address: Address, change: Change, *, stamp: Stamp
    ) -> Changed:
        kind = address.kind
        parent, project = self._parent(connection, viewer, address, change, stamp=stamp)
        if change.data_type is None:
            raise NeedsType(kind)
        name = check_id(getattr(address, kind) or "", what=f"{kind} {'label' if kind in _LABELLED else 'ID'}")
        fields = dict(change.fields)
        fields.pop("subject_ID", None)
        given_id = str(fields.pop("ID", ""))
        node_id = name if kind not in _LABELLED else self._id(connection, kind, given_id)
        new = Node(
            pk=0,
            kind=Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind,
            parent_pk=parent.node.pk,
            project_pk=project.pk,
            id=node_id,
            label=None,
            xsi_type=change.data_type.xsi_type,
            accessibility=None,
            fields=_without_empty(fields),
            created_at=stamp.at,
            created_by=viewer.login,
            creator_pk=viewer.pk,
        )
        pk = nodes.insert_node(connection, new, stamp=stamp)
        if kind in _LABELLED:
            free_label(connection, project.pk, new.kind, name, at=stamp.at)
            names.insert_label(connection, project.pk, new.kind, name, node_pk=pk)
        record(connection, stamp, Subject(node_pk=pk, project_pk=project.pk), f"created {kind}", at=address, id=node_id)
        return Changed(node_id, is_new=True)

    def _move(self, connection: Connection, viewer: Viewer, place: Place, subject: str, *, stamp: Stamp) -> None:
        """C-93: give an experiment to another subject of its project, which is made if it is not there."""
        address = Address(kind=Kind.SUBJECT, project=place.project.id, subject=subject)
        parent = self._get_or_create_subject(connection, viewer, address, stamp=stamp)
        if place.subject is None or parent.node.pk != place.subject.pk:
            nodes.move_node(connection, place.node.pk, parent_pk=parent.node.pk)

    def _get_or_create_subject(
        self, connection: Connection, viewer: Viewer, address: Address, *, stamp: Stamp
    ) -> Place:
        if _find_existing(connection, viewer, address) is None:
            new = Change(data_type=get_data_type(SUBJECT), fields={})
            self._create(connection, viewer, address, new, stamp=stamp)
        return get_place(connection, viewer, address, action=Action.SEE)

    def _id(self, connection: Connection, kind: Kind, given: str) -> str:
        if not given:
            return names.next_id(connection, f"{self._prefix}_{_ID_LETTERS[kind]}")
        family = Kind.SUBJECT if kind is Kind.SUBJECT else Kind.EXPERIMENT
        if nodes.find_node_by_id(connection, family, check_id(given, what="ID")):
            raise LabelTaken(given)
        return given

    def _parent(
        self, connection: Connection, viewer: Viewer, address: Address, change: Change, *, stamp: Stamp
    ) -> tuple[Place, Node]:
        """Where a new thing goes, and the project it will belong to.

        Whoever makes it must be allowed to make such a thing there (C-81, C-94), or to edit the session (C-111, C-118).
        """
        if address.kind in {Kind.SCAN, Kind.RECONSTRUCTION}:
            session = _get_session(connection, viewer, address, action=Action.EDIT)
            return session, session.project
        xsi_type = change.data_type.xsi_type if change.data_type else ""
        if address.kind is Kind.ASSESSOR:
            session = _get_session(connection, viewer, address, action=Action.READ)
            get_project_to_fill(connection, viewer, session.project.id, xsi_type)
            return session, session.project
        project = get_project_to_fill(connection, viewer, _project_of(address), xsi_type)
        if address.kind is Kind.SUBJECT:
            return project, project.node
        name = address.subject or str(change.fields.get("subject_ID", ""))
        if not name:
            raise BadDocument("Submitted experiment record must include the subject.")
        subject = Address(kind=Kind.SUBJECT, project=address.project, subject=name)
        return self._get_or_create_subject(connection, viewer, subject, stamp=stamp), project.node


def _get_session(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """The session inside which a thing is. Raises NotFound, also for an assessor, which holds no others."""
    above = replace(address, kind=Kind.EXPERIMENT, side=Side.NONE, **{address.kind: None})
    session = get_place(connection, viewer, above, action=action)
    if session.kind is not Kind.EXPERIMENT:
        raise NotFound(f"experiment {address.experiment!r}")
    return session


def _project_of(address: Address) -> str:
    """The project that an address names. Raises BadDocument (C-80, C-94)."""
    if address.project is None:
        raise BadDocument(f"Submitted {address.kind} record must include the project attribute.")
    return address.project


def _get_exact(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """The thing that is named by its own ID or label: types and ``ALL`` choose resources, not things (C-113, C-114)."""
    place = get_place(connection, viewer, address, action=action)
    named = getattr(address, address.kind)
    if address.kind is not Kind.PROJECT and named not in (place.node.id, place.node.label):
        raise NotFound(f"{address.kind} {named!r}")
    return place


def _find_existing(connection: Connection, viewer: Viewer, address: Address) -> Place | None:
    """The thing itself; None where only it is not there. What is above it is looked at by whoever makes it."""
    try:
        places = list_places(connection, viewer, address)
    except NotFound:
        return None
    match [place for place in places if getattr(address, address.kind) in (place.node.id, place.node.label)]:
        case [place]:
            return place
        case []:
            return None
        case _:
            raise NotFound(f"one {address.kind} at {address}")


def _find_behind_others(connection: Connection, viewer: Viewer, address: Address) -> Place | None:
    """As ``_find_existing``, but after all who make something in the project now; those to come wait for this one."""
    if address.project is None:
        return None
    if project := find_visible_project(connection, viewer, address.project):
        nodes.lock_node(connection, project.pk)
    return _find_existing(connection, viewer, address)


def _update(gate: Gate, place: Place, change: Change, stamp: Stamp) -> Changed:
    node = place.node
    if change.new_label and change.new_label != node.label and place.kind in _LABELLED:
        _rename(gate, place, change.new_label, stamp)
        return Changed(node.id, is_renamed=True)
    fields = dict(change.fields)
    fields.pop("subject_ID", None)
    if (given := fields.pop("ID", node.id)) != node.id:
        raise BadValue("ID", str(given), "ID cannot be modified")
    if change.data_type is not None and change.data_type.xsi_type != node.xsi_type:
        raise WrongType(change.data_type.xsi_type, node.xsi_type)
    merged = _without_empty({**node.fields, **fields})
    nodes.update_node(gate.connection, replace(node, fields=merged), stamp=stamp)
    return Changed(node.id)


def _rename(gate: Gate, place: Place, label: str, stamp: Stamp) -> None:
    """C-82, C-96: in the project where the thing was found, which is its own or one that it is shared into.

    There it takes the right that sharing it under this label would take. Raises NotAllowed, IllegalId, LabelTaken.
    """
    check_id(label, what=f"{place.kind} label")
    project = project_of_name(gate.connection, place)
    if project.pk != place.project.pk:
        gate.check_create(project, place.node.xsi_type)
    free_label(gate.connection, project.pk, place.node.kind, label, at=stamp.at)
    names.update_label(gate.connection, project.pk, place.node.pk, label)
    nodes.update_node(gate.connection, place.node, stamp=stamp)


def _without_empty(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """C-52: an empty value clears a field."""
    return {path: value for path, value in fields.items() if value}


def _tree(gate: Gate, place: Place) -> Tree:
    """What may be seen but not read shows nothing of what it holds."""
    if not gate.may(Action.READ, place):
        return Tree(place, {}, ())
    inside = (_tree(gate, child) for kind in _INSIDE.get(place.kind, ()) for child in list_children(gate, place, kind))
    return Tree(place, _resources(gate.connection, place), tuple(inside))


def _resources(connection: Connection, place: Place) -> dict[Side, tuple[Resource, ...]]:
    sides: Iterable[Side] = _SIDES.get(place.kind, (Side.NONE,))
    owners = {side: Owner(place.node.pk, side) for side in sides}
    found = resources.list_resources_of(connection, owners.values())
    return {side: tuple(found[owner]) for side, owner in owners.items()}
