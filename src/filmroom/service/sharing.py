"""Subjects, experiments and assessors in more projects than their own (C-85 to C-87, C-99, C-108)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from filmroom.db import names, nodes
from filmroom.model.address import Address
from filmroom.model.conflicts import AlreadyShared
from filmroom.model.errors import NotAllowed, NotFound, StillNeeded
from filmroom.model.names import check_id
from filmroom.model.nodes import Kind, Node, Place
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Owner
from filmroom.service.audit import about, about_project, record
from filmroom.service.gate import Gate
from filmroom.service.labels import free_label
from filmroom.service.resolve import find_live_place, find_visible_project, get_place, get_place_alone
from filmroom.service.stores import Stores


@dataclass(frozen=True, slots=True)
class Presence:
    """A project that a thing is in, and the label that it has there."""

    project: Node
    label: str


class Sharing:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_projects(self, viewer: Viewer, address: Address) -> tuple[Presence, ...]:
        """The projects that a thing is in, its own first, as far as the viewer may see them (C-86). Raises NotFound.

        Whoever may delete the thing sees all of them: it can be taken out of each.
        """
        with self._stores.database.read() as connection:
            place = get_place(connection, viewer, address, action=Action.READ)
            return tuple(_iter_presences(connection, viewer, place))

    def share(self, viewer: Viewer, address: Address, project_id: str, label: str | None, *, is_primary: bool) -> str:
        """Let a thing be in another project too, under a label of its own there if one is given; the thing's ID.

        What is there already gets the new label. ``is_primary`` gives the thing, with all inside it, to that project,
        for which the viewer must be allowed to delete it from its own.
        Raises NotFound, NotAllowed, AlreadyShared, LabelTaken, IllegalId.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> str:
            nodes.lock_hierarchy(connection, is_exclusive=is_primary)
            place = get_place_alone(connection, viewer, address, action=Action.READ)
            project = _get_project(connection, viewer, project_id)
            if place.project.pk == project.pk:
                raise AlreadyShared(project.id)
            gate = Gate(connection, viewer)
            gate.check(Action.SHARE, place)
            gate.check_create(project, place.node.xsi_type)
            if label is not None:
                check_id(label, what=f"{place.kind} label")
            if is_primary:
                gate.check(Action.DELETE, place)
                _give(connection, place, project, label, stamp=stamp)
            else:
                _share(connection, place, project, label, stamp=stamp)
            said = {"project": project.id, "label": label}
            given, taken = ("gave to a project", "received") if is_primary else ("shared", "let share")
            record(connection, stamp, about(place), given, at=address, **said)
            record(connection, stamp, about_project(project), taken, at=address, **said)
            return place.node.id

        return self._stores.database.write(unit)

    def unshare(self, viewer: Viewer, address: Address, project_id: str) -> None:
        """Take a thing out of a project that is not its own. Raises NotFound, NotAllowed."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            nodes.lock_hierarchy(connection, is_exclusive=address.kind is Kind.SUBJECT)
            place = get_place(connection, viewer, address, action=Action.SEE)
            hidden = _find_hidden(connection, viewer, place, project_id)
            unshare(connection, viewer, place, hidden or _get_project(connection, viewer, project_id), stamp=stamp)

        self._stores.database.write(unit)


def unshare(connection: Connection, viewer: Viewer, place: Place, project: Node, *, stamp: Stamp) -> None:
    """Who may delete a thing, or what belongs to the project it is shared into, may take it from there (C-87).

    Raises NotAllowed.
    """
    nodes.lock_node(connection, place.node.pk)
    share = names.find_share(connection, project.pk, place.node.pk)
    if share is None:
        raise NotAllowed(f"{place.kind.capitalize()} is not assigned to specified project")
    if share.is_primary:
        raise NotAllowed(f"{place.kind} {place.node.id!r} belongs to project {project.id!r}; delete it there instead")
    Gate(connection, viewer).check_unshare(place, project)
    if place.kind is Kind.SUBJECT:
        left = nodes.list_children_of_project(connection, place.node.pk, project.pk)
        if left:
            raise StillNeeded(
                f"project {project.id!r} has experiments of this subject", tuple(node.id for node in left)
            )
    names.delete_share(connection, project.pk, place.node.pk, at=stamp.at)
    at = f"/{place.kind}s/{place.node.id}"
    record(connection, stamp, about(place), "ended sharing", at=at, project=project.id)
    record(connection, stamp, about_project(project), "gave up a share", at=at, project=project.id)


def project_of_name(connection: Connection, place: Place) -> Node:
    """The project in which a thing has the name that it was found by: one that it is shared into, or its own."""
    if place.shared_into is not None and names.find_share(connection, place.shared_into.pk, place.node.pk):
        return place.shared_into
    return place.project


def check_carries_nothing(connection: Connection, place: Place) -> None:
    """Nothing of another project may disappear with a subject, or with a project's subjects. Raises StillNeeded."""
    if foreign := nodes.list_foreign(connection, place.node.pk):
        reason = f"{place.kind} {place.node.id!r} carries experiments of other projects"
        raise StillNeeded(reason, tuple(node.id for node in foreign))


def _get_project(connection: Connection, viewer: Viewer, project_id: str) -> Node:
    if (project := find_visible_project(connection, viewer, project_id)) is None:
        raise NotFound(f"project: {project_id}")
    return project


def _find_hidden(connection: Connection, viewer: Viewer, place: Place, project_id: str) -> Node | None:
    """A project that a thing is shared into, for whoever may delete the thing, though they may not see the project."""
    if not Gate(connection, viewer).may(Action.DELETE, place):
        return None
    projects = names.iter_projects_shared_into(connection, place.node.pk)
    return next((project for project in projects if project.id.casefold() == project_id.casefold()), None)


def _share(connection: Connection, place: Place, project: Node, label: str | None, *, stamp: Stamp) -> None:
    share = names.find_share(connection, project.pk, place.node.pk)
    if share is not None and (label is None or label == share.label):
        raise AlreadyShared(project.id)
    if label is not None:
        free_label(connection, project.pk, place.node.kind, label, at=stamp.at)
    if share is None:
        names.insert_share(connection, project.pk, place.node, label)
    else:
        names.update_label(connection, project.pk, place.node.pk, label)


def _give(connection: Connection, place: Place, project: Node, label: str | None, *, stamp: Stamp) -> None:
    """Make a thing the other project's own, with all inside it that is of the same project.

    The project that a subject leaves keeps it as a share for as long as it has experiments of it.
    """
    node = nodes.find_node(connection, place.node.pk) or place.node
    inside = nodes.list_inside(connection, node.pk) if place.kind is Kind.EXPERIMENT else ()
    own = [child for child in inside if child.project_pk == node.project_pk]
    for moved, new_label in ((node, label), *((child, None) for child in own)):
        _move_name(connection, moved, project, new_label, stamp=stamp)
        nodes.move_to_project(connection, moved, project.pk, stamp=stamp)
    if place.kind is Kind.SUBJECT and nodes.list_children_of_project(connection, node.pk, place.project.pk):
        names.insert_share(connection, place.project.pk, node, node.label)


def _move_name(connection: Connection, moved: Node, project: Node, label: str | None, *, stamp: Stamp) -> None:
    """Scans and reconstructions have no labels in a project."""
    if moved.label is None:
        return
    share = names.find_share(connection, project.pk, moved.pk)
    wanted = label or (share and share.label) or moved.label
    if share is not None:
        names.delete_share(connection, project.pk, moved.pk, at=stamp.at)
    free_label(connection, project.pk, moved.kind, wanted, at=stamp.at)
    names.delete_share(connection, moved.project_pk or 0, moved.pk, at=stamp.at)
    names.insert_label(connection, project.pk, moved.kind, wanted, node_pk=moved.pk)


def list_shares(gate: Gate, place: Place) -> tuple[Presence, ...]:
    """The other projects that a thing is in, as far as the viewer may see them, each with its label there."""
    found = names.iter_projects_shared_into(gate.connection, place.node.pk) if place.kind in _SHARED else ()
    seen = [project for project in found if gate.may_see_project(project)]
    shares = [(project, names.find_share(gate.connection, project.pk, place.node.pk)) for project in seen]
    return tuple(Presence(project, (share and share.label) or place.node.label or "") for project, share in shares)


_SHARED: Final = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})


def _iter_presences(connection: Connection, viewer: Viewer, place: Place) -> Iterator[Presence]:
    gate = Gate(connection, viewer)
    own = find_live_place(connection, Owner(place.node.pk, place.side))
    may_end_all = gate.may(Action.DELETE, place)
    for project in (place.project, *names.iter_projects_shared_into(connection, place.node.pk)):
        share = names.find_share(connection, project.pk, place.node.pk)
        if share is not None and (may_end_all or gate.may_see_project(project)):
            yield Presence(project, share.label or (own.node.label if own else None) or "")
