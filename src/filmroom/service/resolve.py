"""From an address and a viewer to the nodes that this viewer may act on.

Each level of an address narrows what the one before it found, and the gate lets through what the viewer may see. What
is below something deleted is not there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from filmroom.db import names, nodes
from filmroom.model.address import Address
from filmroom.model.errors import NotFound
from filmroom.model.nodes import INSIDE_SESSION, Kind, Node, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Owner, Side
from filmroom.service.gate import Gate

# F-44, F-45: the words for "all of them".
_EVERY: Final = frozenset({"*", "ALL"})
# Few at first, because often no more than a page is wanted.
_FIRST_BATCHES: Final = (100, 200)
_NODES_AT_ONCE: Final = 500
_SIDED: Final = frozenset({Kind.RECONSTRUCTION, Kind.ASSESSOR})


def get_place(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """The one live node at an address (F-47).

    Raises NotFound for none or several, NotAllowed when it may be seen but not for this action.
    """
    gate = Gate(connection, viewer)
    match _list_visible(gate, address):
        case (place,):
            gate.check(action, place)
            return place
        case _:
            raise _not_found(address)


def get_place_alone(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """As ``get_place``; nobody else changes the node until the transaction ends, so it is read behind all who did."""
    nodes.lock_node(connection, get_place(connection, viewer, address, action=Action.SEE).node.pk)
    return get_place(connection, viewer, address, action=action)


def list_places(connection: Connection, viewer: Viewer, address: Address) -> tuple[Place, ...]:
    """Every live node that an address names and whose content the viewer may read (F-41 to F-46).

    Items of a list that are not there are passed over. Raises NotFound when none is, unless all were asked for, and
    NotAllowed when what is there may be seen but not read.
    """
    gate = Gate(connection, viewer)
    visible = _list_visible(gate, address)
    if not visible and not _asks_for_all(address):
        raise _not_found(address)
    readable = tuple(place for place in visible if gate.may(Action.READ, place))
    if visible and not readable:
        gate.check(Action.READ, visible[0])
    return readable


def find_exact_place(gate: Gate, address: Address) -> Place | None:
    """The thing whose own ID or label the address says: no type, no list, and not all of them.

    None where it, or what is above it, is not there. Raises NotAllowed when it may be seen but not read.
    """
    named = getattr(address, address.kind)
    try:
        found = [place for place in _Walk(gate, address, is_exact=True).find() if gate.may(Action.SEE, place)]
    except NotFound:
        return None
    place = next((place for place in found if named in (place.node.id, place.node.label)), None)
    if place is not None:
        gate.check(Action.READ, place)
    return place


def _list_visible(gate: Gate, address: Address) -> tuple[Place, ...]:
    return tuple(place for place in _Walk(gate, address).find() if gate.may(Action.SEE, place))


def list_children(gate: Gate, parent: Place, kind: Kind) -> tuple[Place, ...]:
    """What of one kind is inside a subject or a session and may be read; with the side ``out`` where there are any."""
    return tuple(place for place in _children(gate.connection, parent, kind, Side.OUT) if gate.may(Action.READ, place))


def list_inside(gate: Gate, session: Place) -> tuple[Place, ...]:
    """The scans, reconstructions and assessors of a session, with the side ``out`` where there are sides (F-67)."""
    return tuple(place for kind in INSIDE_SESSION for place in list_children(gate, session, kind))


def find_place(connection: Connection, viewer: Viewer, owner: Owner) -> Place | None:
    """Where the resources of an owner hang, if that is live and the viewer may read it."""
    place = find_live_place(connection, owner)
    return place if place is not None and Gate(connection, viewer).may(Action.READ, place) else None


def find_live_place(connection: Connection, owner: Owner) -> Place | None:
    """Where the resources of an owner hang, whoever may read it; None where that, or anything above it, is deleted."""
    node = nodes.find_node(connection, owner.node_pk)
    return with_ancestors(connection, node, owner.side, {}) if node else None


def find_visible_project(connection: Connection, viewer: Viewer, project_id: str) -> Node | None:
    """The live project of this name if there is one whose record the viewer may see."""
    return Gate(connection, viewer).find_project(project_id)


def get_project_to_fill(gate: Gate, project_id: str, xsi_type: str) -> Place:
    """The project in which the viewer may make something of a data type. Raises NotFound, NotAllowed (C-81)."""
    project = gate.find_project(project_id)
    if project is None:
        raise NotFound(f"project {project_id!r}")
    gate.check_create(project, xsi_type)
    return _project_place(project)


def list_visible_projects(connection: Connection, viewer: Viewer) -> tuple[Node, ...]:
    """The live projects whose record the viewer may see, by ID."""
    return Gate(connection, viewer).list_projects()


def _not_found(address: Address) -> NotFound:
    name = getattr(address, address.kind) if address.kind in _NAMED else str(address)
    return NotFound(f"{address.kind} {name!r}")


_NAMED: Final = frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, *INSIDE_SESSION})


def _asks_for_all(address: Address) -> bool:
    return address.kind in INSIDE_SESSION and getattr(address, address.kind) in _EVERY


def _project_place(project: Node) -> Place:
    return Place(kind=Kind.PROJECT, node=project, side=Side.NONE, project=project)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


class _Walk:
    """One address on its way down."""

    def __init__(self, gate: Gate, address: Address, *, is_exact: bool = False) -> None:
        self._is_exact = is_exact
        self._gate = gate
        self._connection = gate.connection
        self._address = address
        self._above: dict[int, Node | None] = {}

    def find(self) -> Iterable[Place]:
        project = self._find_project()
        found: Iterable[Place] = ()
        match self._address.kind:
            case Kind.PROJECT if project is not None:
                found = [_project_place(project)]
            case Kind.SUBJECT:
                found = self._named(project, Kind.SUBJECT, [self._address.subject or ""])
            case Kind.EXPERIMENT:
                found = self._experiments(project)
            case Kind.SCAN | Kind.RECONSTRUCTION | Kind.ASSESSOR:
                found = self._inside(project)
            case Kind.USER:
                found = self._viewer_place()
            case _:
                pass
        return found

    def _find_project(self) -> Node | None:
        if self._address.project is None:
            return None
        project = self._gate.find_project(self._address.project)
        if project is None:
            raise NotFound(f"project {self._address.project!r}")
        self._above[project.pk] = project
        return project

    def _viewer_place(self) -> Iterator[Place]:
        """F-261: a cache is always that of whoever asks."""
        if user := nodes.find_node(self._connection, self._gate.viewer.pk):
            yield Place(kind=Kind.USER, node=user, side=Side.NONE, project=user)

    def _experiments(self, project: Node | None) -> tuple[Place, ...]:
        """F-43, F-44; one that is not of the subject that the address names is not there."""
        found = tuple(self._named(project, Kind.EXPERIMENT, _items(self._address.experiment or "")))
        if self._address.subject is None:
            return found
        subjects = tuple(self._named(project, Kind.SUBJECT, [self._address.subject]))
        wanted = {place.node.pk for place in subjects}
        inside = tuple(place for place in found if place.subject is not None and place.subject.pk in wanted)
        if not any(self._gate.may(Action.SEE, place) for place in (*subjects, *inside)):
            raise NotFound(f"subject {self._address.subject!r}")
        return inside

    def _named(self, project: Node | None, family: Kind, wanted: Iterable[str]) -> Iterator[Place]:
        """Subjects or experiments by label in the project, else by ID; without a project by ID only (C-79, C-91)."""
        for name in wanted:
            found = (
                nodes.find_node_by_id(self._connection, family, name)
                if project is None
                else names.find_named(self._connection, project.pk, family, name)
            )
            place = with_ancestors(self._connection, found, self._address.side, self._above) if found else None
            if place is not None:
                is_own = project is None or place.node.project_pk == project.pk
                yield place if is_own else replace(place, shared_into=project)

    def _inside(self, project: Node | None) -> Iterator[Place]:
        """F-48: below no session at all there is nothing, not even for those who ask for all."""
        kind, side = self._address.kind, self._address.side
        wanted = _items(getattr(self._address, kind))
        found = (place for place in self._experiments(project) if place.kind is Kind.EXPERIMENT)
        sessions = [place for place in found if self._gate.may(Action.READ, place)]
        if not sessions:
            raise NotFound(f"experiment {self._address.experiment!r}")
        for session in sessions:
            if self._is_exact and kind is not Kind.ASSESSOR:
                node = nodes.find_child(self._connection, session.node.pk, kind, getattr(self._address, kind))
                yield from [_inside_place(session, node, kind, side)] if node else []
                continue
            for name in dict.fromkeys(wanted):
                yield from _matching(self._connection, session, kind, name=name, side=side)


def with_ancestors(connection: Connection, node: Node, side: Side, above: dict[int, Node | None]) -> Place | None:
    """The node, itself live or not, with all that stands above it; None when any of that is deleted.

    ``above`` is what was found before.
    """
    parents: list[Node] = []
    while (pk := (parents or [node])[-1].parent_pk) is not None:
        if pk not in above:
            above[pk] = nodes.find_node(connection, pk)
        if (parent := above[pk]) is None:
            return None
        parents.append(parent)
    by_kind = {parent.kind: parent for parent in parents}
    project = _project_of(connection, node, above)
    if project is None:
        return None
    is_assessor = node.kind is Kind.EXPERIMENT and Kind.EXPERIMENT in by_kind
    is_sided = is_assessor or node.kind in _SIDED
    return Place(
        kind=Kind.ASSESSOR if is_assessor else node.kind,
        node=node,
        side=(side or Side.OUT) if is_sided else Side.NONE,  # F-57
        project=project,
        subject=by_kind.get(Kind.SUBJECT),
        session=by_kind.get(Kind.EXPERIMENT),
    )


def _project_of(connection: Connection, node: Node, above: dict[int, Node | None]) -> Node | None:
    """The project a node belongs to, which need not be its subject's; None when it is deleted."""
    pk = node.project_pk
    if pk is None:
        return node
    if pk not in above:
        above[pk] = nodes.find_node(connection, pk)
    return above[pk]


def _matching(connection: Connection, session: Place, kind: Kind, *, name: str, side: Side) -> Iterator[Place]:
    """F-44 to F-46: by ID, else by label, type or data type; ``NULL`` is no type; all for ``*`` and ``ALL``."""
    if name not in _EVERY and kind is not Kind.ASSESSOR:
        node = nodes.find_child(connection, session.node.pk, kind, name)
        if node is not None:
            yield _inside_place(session, node, kind, side)
            return
    wanted = "" if name == "NULL" else name.replace("[SLASH]", "/").replace("[COMMA]", ",")
    for place in _children(connection, session, kind, side):
        if name in _EVERY or wanted in _names_of(place):
            yield place


def _names_of(place: Place) -> tuple[str | None, ...]:
    if place.kind is Kind.ASSESSOR:
        return place.node.id, place.node.label, place.node.xsi_type
    return (place.node.type,)


def _children(connection: Connection, parent: Place, kind: Kind, side: Side) -> Iterator[Place]:
    stored_kind = Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind
    known: dict[int, Node | None] = {parent.project.pk: parent.project}
    for node in nodes.iter_children(connection, parent.node.pk, stored_kind):
        if project := _project_of(connection, node, known):
            place = _inside_place(parent, node, kind, side)
            yield place if project.pk == parent.project.pk else replace(place, project=project)


def _inside_place(parent: Place, node: Node, kind: Kind, side: Side) -> Place:
    return Place(
        kind=kind,
        node=node,
        side=side if kind in _SIDED else Side.NONE,
        project=parent.project,
        subject=parent.node if parent.kind is Kind.SUBJECT else parent.subject,
        session=parent.node if parent.kind is Kind.EXPERIMENT else None,
        shared_into=parent.shared_into,
    )
