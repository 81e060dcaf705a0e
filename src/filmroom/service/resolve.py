"""The only gate: from an address and a viewer to the nodes that this viewer may act on.

Each level of an address narrows what the one before it found. What a viewer may not read answers like what is not
there (C-21), and what is below something deleted is not there either.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection

from filmroom.db import nodes, projects
from filmroom.model.address import Address
from filmroom.model.errors import NotAllowed, NotFound
from filmroom.model.nodes import INSIDE_SESSION, Kind, Node, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action, Role, may
from filmroom.model.resources import Owner, Side

# F-44, F-45: the words for "all of them".
_EVERY: Final = frozenset({"*", "ALL"})
_SIDED: Final = frozenset({Kind.RECONSTRUCTION, Kind.ASSESSOR})


def get_place(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Place:
    """The one live node at an address (F-47).

    Raises NotFound for none or several, NotAllowed when it may be seen but not for this action.
    """
    match list_places(connection, viewer, address):
        case [place]:
            _check(viewer, action, place)
            return place
        case _:
            raise _not_found(address)


def list_places(connection: Connection, viewer: Viewer, address: Address) -> tuple[Place, ...]:
    """Every live node that an address names and the viewer may read (F-41 to F-46).

    Items of a list that are not there are passed over. Raises NotFound when none is, unless all were asked for.
    """
    walk = _Walk(connection, viewer, address)
    places = tuple(place for place in walk.find() if _may(viewer, Action.READ, place))
    if not places and not _asks_for_all(address):
        raise _not_found(address)
    return places


def list_parents(connection: Connection, viewer: Viewer, address: Address) -> tuple[Place, ...]:
    """As ``list_places``, and every project for the archive itself: only ever to be looked into."""
    if address.kind is Kind.SITE:
        return tuple(map(_project_place, list_visible_projects(connection, viewer)))
    return list_places(connection, viewer, address)


def list_children(connection: Connection, parent: Place, kind: Kind) -> tuple[Place, ...]:
    """What of one kind is inside a thing, with the side ``out`` where there are sides.

    The experiments of a project are those of its subjects, the assessors of a subject or project those of its sessions.
    """
    if parent.kind is Kind.PROJECT and kind in {Kind.EXPERIMENT, Kind.ASSESSOR}:
        return tuple(place for place in _experiments_of(connection, parent) if place.kind is kind)
    if parent.kind is Kind.SUBJECT and kind is Kind.ASSESSOR:
        sessions = list(_children(connection, parent, Kind.EXPERIMENT, Side.NONE))
        return tuple(place for session in sessions for place in _children(connection, session, kind, Side.OUT))
    return tuple(_children(connection, parent, kind, Side.OUT))


def _experiments_of(connection: Connection, project: Place) -> Iterator[Place]:
    """The experiments of a project and their assessors, as they were made: what holds one was there before it."""
    known = {place.node.pk: place for place in _children(connection, project, Kind.SUBJECT, Side.NONE)}
    for node in nodes.iter_of_project(connection, project.node.pk, Kind.EXPERIMENT):
        if (parent := known.get(node.parent_pk or 0)) is not None:
            kind = Kind.EXPERIMENT if parent.kind is Kind.SUBJECT else Kind.ASSESSOR
            place = known[node.pk] = _inside_place(parent, node, kind, Side.OUT)
            yield place


def list_inside(connection: Connection, session: Place) -> tuple[Place, ...]:
    """The scans, reconstructions and assessors of a session, with the side ``out`` where there are sides (F-67)."""
    return tuple(place for kind in INSIDE_SESSION for place in _children(connection, session, kind, Side.OUT))


def find_place(connection: Connection, viewer: Viewer, owner: Owner) -> Place | None:
    """Where the resources of an owner hang, if that is live and the viewer may read it."""
    node = nodes.find_node(connection, owner.node_pk)
    place = _with_ancestors(connection, node, owner.side, {}) if node else None
    return place if place is not None and _may(viewer, Action.READ, place) else None


def find_visible_project(connection: Connection, viewer: Viewer, project_id: str) -> Node | None:
    """The live project of this name if there is one that the viewer may read."""
    project = projects.find_project(connection, project_id)
    return project if project is not None and _may(viewer, Action.READ, _project_place(project)) else None


def list_visible_projects(connection: Connection, viewer: Viewer) -> tuple[Node, ...]:
    """The live projects that the viewer may read, by ID."""
    return tuple(projects.iter_projects(connection, creator_pk=None if viewer.is_admin else viewer.pk))


def require_admin(viewer: Viewer, *, unless_own: str = "") -> None:
    """Let site administrators pass and, where ``unless_own`` is a login, whose it is. Raises NotAllowed."""
    is_own = bool(unless_own) and viewer.login == unless_own and not viewer.is_guest
    if not viewer.is_admin and not is_own:
        raise NotAllowed("only an administrator of the site may do this")


def _check(viewer: Viewer, action: Action, place: Place) -> None:
    if not _may(viewer, action, place):
        raise NotAllowed(f"you may not {action.name.lower()} {place.kind} {place.node.id!r}")


def _may(viewer: Viewer, action: Action, place: Place) -> bool:
    is_owner = viewer.is_admin or viewer.pk in {place.project.creator_pk, place.node.pk}
    role = Role.OWNER if is_owner else Role.OUTSIDER
    return may(role, action)


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

    def __init__(self, connection: Connection, viewer: Viewer, address: Address) -> None:
        self._connection = connection
        self._viewer = viewer
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
        project = find_visible_project(self._connection, self._viewer, self._address.project)
        if project is None:
            raise NotFound(f"project {self._address.project!r}")
        return project

    def _viewer_place(self) -> Iterator[Place]:
        """F-261: a cache is always that of whoever asks."""
        if user := nodes.find_node(self._connection, self._viewer.pk):
            yield Place(kind=Kind.USER, node=user, side=Side.NONE, project=user)

    def _experiments(self, project: Node | None) -> Iterator[Place]:
        """F-43, F-44; one that is not of the subject that the address names is not there."""
        subjects: list[Place] = []
        if self._address.subject is not None:
            subjects = list(self._named(project, Kind.SUBJECT, [self._address.subject]))
            if not subjects:
                raise NotFound(f"subject {self._address.subject!r}")
        wanted = {place.node.pk for place in subjects}
        for place in self._named(project, Kind.EXPERIMENT, _items(self._address.experiment or "")):
            if not wanted or (place.subject is not None and place.subject.pk in wanted):
                yield place

    def _named(self, project: Node | None, family: Kind, names: Iterable[str]) -> Iterator[Place]:
        """Subjects or experiments by label in the project, else by ID; without a project by ID only (C-79, C-91)."""
        for name in names:
            found = nodes.find_node_by_label(self._connection, project.pk, family, name) if project else None
            found = found or nodes.find_node_by_id(self._connection, family, name)
            if found is None or (project is not None and found.project_pk != project.pk):
                continue
            if place := _with_ancestors(self._connection, found, self._address.side, self._above):
                yield place

    def _inside(self, project: Node | None) -> Iterator[Place]:
        """F-48: below no session at all there is nothing, not even for those who ask for all."""
        kind, side = self._address.kind, self._address.side
        names = _items(getattr(self._address, kind))
        sessions = [place for place in self._experiments(project) if _may(self._viewer, Action.READ, place)]
        if not sessions:
            raise NotFound(f"experiment {self._address.experiment!r}")
        for session in sessions:
            for name in dict.fromkeys(names):
                yield from _matching(self._connection, session, kind, name=name, side=side)


def _with_ancestors(connection: Connection, node: Node, side: Side, above: dict[int, Node | None]) -> Place | None:
    """The node with all that stands above it, None when any of that is deleted; ``above`` is what was found before."""
    parents: list[Node] = []
    while (pk := (parents or [node])[-1].parent_pk) is not None:
        if pk not in above:
            above[pk] = nodes.find_node(connection, pk)
        if (parent := above[pk]) is None:
            return None
        parents.append(parent)
    by_kind = {parent.kind: parent for parent in parents}
    is_assessor = node.kind is Kind.EXPERIMENT and Kind.EXPERIMENT in by_kind
    is_sided = is_assessor or node.kind in _SIDED
    return Place(
        kind=Kind.ASSESSOR if is_assessor else node.kind,
        node=node,
        side=(side or Side.OUT) if is_sided else Side.NONE,  # F-57
        project=by_kind.get(Kind.PROJECT, node),
        subject=by_kind.get(Kind.SUBJECT),
        session=by_kind.get(Kind.EXPERIMENT),
    )


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


def _children(connection: Connection, session: Place, kind: Kind, side: Side) -> Iterator[Place]:
    stored_kind = Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind
    for node in nodes.iter_children(connection, session.node.pk, stored_kind):
        yield _inside_place(session, node, kind, side)


def _inside_place(parent: Place, node: Node, kind: Kind, side: Side) -> Place:
    return Place(
        kind=kind,
        node=node,
        side=side if kind in _SIDED else Side.NONE,
        project=parent.project,
        subject=parent.node if parent.kind is Kind.SUBJECT else parent.subject,
        session=parent.node if parent.kind is Kind.EXPERIMENT else None,
    )
