"""The gate: the one place that asks who may do what.

A gate stands for one viewer within one transaction. What a viewer may not see answers like what is not there (C-21).
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from filmroom.db import groups, names, people, projects
from filmroom.db.memory import recall
from filmroom.model.datatypes import data_types
from filmroom.model.errors import NotAllowed, NotSignedIn
from filmroom.model.nodes import Accessibility, Kind, Node, Place, Status
from filmroom.model.people import Group, Viewer
from filmroom.model.permission import (
    READING_EVERYTHING,
    Action,
    Reach,
    Scope,
    Standing,
    may,
    standing_of,
)

T = TypeVar("T")
_PROJECT_TYPE: Final = "xnat:projectData"
_LOOKING: Final = frozenset({Action.SEE, Action.READ})
_CHANGING: Final = frozenset({Action.EDIT, Action.DELETE})


class Gate:
    def __init__(self, connection: Connection, viewer: Viewer) -> None:
        self.connection = connection
        self.viewer = viewer
        self._standings: dict[int, Standing] = {}
        self._shares: dict[int, tuple[Node, ...]] = {}
        self._projects: dict[str, Node | None] = {}

    def forget(self) -> None:
        """To be called behind a lock that was waited for: what was found before may have changed meanwhile."""
        self._standings.clear()
        self._shares.clear()
        self._projects.clear()

    def find_project(self, name: str) -> Node | None:
        """The live project of this ID or alias if the viewer may see its record; looked up once."""
        if name not in self._projects:
            project = projects.find_project(self.connection, name)
            self._projects[name] = project if project is not None and self.may_see_project(project) else None
        return self._projects[name]

    def may(self, action: Action, place: Place) -> bool:
        """Whether the viewer may do this to what is at a place (F-281 to F-288).

        Rights come from the project that a thing belongs to, and those to look at it also from projects into which it
        is shared.
        """
        if place.kind is Kind.USER:
            return place.node.pk == self.viewer.pk  # F-261
        secured = _secured(place)
        if action in _CHANGING and secured.status is Status.LOCKED:
            return False
        scope = Scope.PROJECT if place.kind is Kind.PROJECT else Scope.DATA
        if may(self._standing(place.project), action, scope, secured.xsi_type):
            return True
        return action in _LOOKING and self._is_shared_with_viewer(place, secured, action)

    def check(self, action: Action, place: Place) -> None:
        """Raises NotAllowed."""
        if self.may(action, place):
            return
        if action in _CHANGING and _secured(place).status is Status.LOCKED:
            raise NotAllowed(
                f"{place.kind} {place.node.id!r} is locked; who may edit it can unlock it with _unlock=true"
            )
        raise NotAllowed(f"you may not {action.name.lower()} {place.kind} {place.node.id!r}")

    def check_create(self, project: Node, xsi_type: str) -> None:
        """Whether the viewer may make something of a data type in a project; raises NotAllowed if not (C-81)."""
        if not may(self._standing(project), Action.CREATE, Scope.DATA, xsi_type):
            raise NotAllowed(
                f"Specified user account has insufficient create privileges for {xsi_type} in this project."
            )

    def check_unshare(self, place: Place, project: Node) -> None:
        """Whether the viewer may take a thing out of a project that it is shared into; raises NotAllowed if not."""
        if not may(self._standing(project), Action.DELETE, Scope.DATA, place.node.xsi_type):
            self.check(Action.DELETE, place)

    def may_see_project(self, project: Node) -> bool:
        return self._may_of_project(self._standing(project), Action.SEE)

    def list_projects(self) -> tuple[Node, ...]:
        """The live projects whose record the viewer may see, by ID."""
        visible = self.list_project_pks(Action.SEE)
        return tuple(project for project in projects.iter_projects(self.connection) if project.pk in visible)

    def list_project_pks(self, action: Action) -> frozenset[int]:
        """The live projects to which, or to whose own resources, the viewer may do this."""
        decided = self._iter_decided(lambda standing: self._may_of_project(standing, action))
        return frozenset(pk for pk, is_allowed in decided if is_allowed)

    def list_peopled_pks(self, action: Action) -> frozenset[int]:
        """The live projects whose people the viewer may be told, where that is for whoever may do this to them."""
        return frozenset() if self.viewer.is_guest else self.list_project_pks(action)

    def reach(self) -> Reach:
        """All that the viewer may read."""
        if standing_of(self.viewer, Accessibility.PRIVATE, None).roles & READING_EVERYTHING:
            return Reach(is_everything=True)
        return self.reach_by_project()

    def reach_by_project(self) -> Reach:
        """All that the viewer may read, told of each live project also where it is everything."""
        decided = dict(
            self._iter_decided(
                lambda standing: (_readable_types(standing, Scope.DATA), _readable_types(standing, Scope.SHARED))
            )
        )
        return Reach(
            own={pk: own for pk, (own, _) in decided.items() if own is None or own},
            shared={pk: shared for pk, (_, shared) in decided.items() if shared is None or shared},
        )

    def reach_in(self, project: Node) -> Reach | None:
        """All that the viewer may read, if it is everything in this project at least; else None."""
        standing = self._standing(project)
        is_all = all(_readable_types(standing, scope) is None for scope in (Scope.DATA, Scope.SHARED))
        return Reach(is_everything=True) if is_all else None

    def deletable_types(self, project: Node) -> frozenset[str] | None:
        """The data types of which the viewer may delete things that belong to a project; None for all there are."""
        return _types_for(Action.DELETE, self._standing(project), Scope.DATA)

    def _iter_decided(self, decide: Callable[[Standing], T]) -> Iterator[tuple[int, T]]:
        """For each live project what is decided of the viewer's standing there.

        Hardly anybody is in more than a few groups: of all other projects it is decided once for each level.
        """
        mine = groups.map_groups_of(self.connection, self.viewer.pk)
        in_no_group = {level: standing_of(self.viewer, level, None) for level in Accessibility}
        decided = {level: decide(standing) for level, standing in in_no_group.items()}
        for pk, level in projects.iter_accessibilities(self.connection):
            if pk in mine:
                self._standings[pk] = standing_of(self.viewer, level, mine[pk])
                yield pk, decide(self._standings[pk])
            else:
                self._standings[pk] = in_no_group[level]
                yield pk, decided[level]

    @staticmethod
    def _may_of_project(standing: Standing, action: Action) -> bool:
        return may(standing, action, Scope.PROJECT, _PROJECT_TYPE)

    def _standing(self, project: Node) -> Standing:
        if (known := self._standings.get(project.pk)) is None:
            known = standing_of(self.viewer, project.accessibility, self._group(project))
            self._standings[project.pk] = known
        return known

    def _group(self, project: Node) -> Group | None:
        if self.viewer.is_guest or self.viewer.is_admin:
            return None
        return groups.find_group(
            self.connection, project_pk=project.pk, project_id=project.id, account_pk=self.viewer.pk
        )

    def _is_shared_with_viewer(self, place: Place, secured: Node, action: Action) -> bool:
        """What is inside a session is shared along with it, unless it belongs to another project."""
        shared = [secured]
        if place.kind is Kind.ASSESSOR and place.session and place.session.project_pk == secured.project_pk:
            shared.append(place.session)
        return any(
            may(self._standing(project), action, Scope.SHARED, secured.xsi_type)
            for node in shared
            for project in self._projects_of_shares(node)
        )

    def _projects_of_shares(self, node: Node) -> tuple[Node, ...]:
        if (known := self._shares.get(node.pk)) is None:
            known = self._shares[node.pk] = tuple(names.iter_projects_shared_into(self.connection, node.pk))
        return known


def _readable_types(standing: Standing, scope: Scope) -> frozenset[str] | None:
    return _types_for(Action.READ, standing, scope)


def _types_for(action: Action, standing: Standing, scope: Scope) -> frozenset[str] | None:
    """The data types to which someone of this standing may do this in a scope; None for all there are."""
    if may(standing, action, scope, ""):
        return None
    known = (data_type.xsi_type for data_type in data_types().types if standing.rights)
    return frozenset(xsi_type for xsi_type in known if may(standing, action, scope, xsi_type))


def _secured(place: Place) -> Node:
    """F-56: scans and reconstructions are as safe as their session; everything else stands for itself."""
    inside = place.kind in {Kind.SCAN, Kind.RECONSTRUCTION}
    return place.session if inside and place.session is not None else place.node


def account_key(pk: int) -> Hashable:
    """What units remember an account by, with the rights that it has (``db/memory.py``)."""
    return "account", pk


def get_current(connection: Connection, viewer: Viewer) -> Viewer:
    """The viewer with the rights of now, which what takes long may not have begun with.

    Raises NotSignedIn for an account that is let in no more; for who is believed, also where it is not let in by the
    same credentials.
    """
    if not viewer.pk:
        return viewer  # guests and operators have no account
    find = partial(people.find_account_by_pk, connection, viewer.pk)
    account = recall(connection, account_key(viewer.pk), find)
    if account is None or not account.may_sign_in:
        raise NotSignedIn
    if viewer.is_believed and not account.lets_in(viewer.credential_version):
        raise NotSignedIn
    return replace(viewer, is_admin=account.is_admin, data_role=account.data_role)


def is_administrator(viewer: Viewer) -> bool:
    return viewer.is_admin


def require_admin(viewer: Viewer, *, unless_own: str = "") -> None:
    """Let site administrators pass and, where ``unless_own`` is a login, whose it is. Raises NotAllowed."""
    is_own = bool(unless_own) and viewer.login == unless_own and not viewer.is_guest
    if not viewer.is_admin and not is_own:
        raise NotAllowed("only an administrator of the site may do this")


def require_account(viewer: Viewer) -> None:
    """Let everybody pass who has signed in. Raises NotAllowed."""
    if viewer.is_guest:
        raise NotAllowed("only those who have signed in may do this")
