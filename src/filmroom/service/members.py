"""The people of a project: who is in which group, and the groups (core-api section 4.3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection

from filmroom.db import groups, people, projects
from filmroom.db.groups import Member
from filmroom.model.address import Address
from filmroom.model.conflicts import LastOwner, NotForGuests
from filmroom.model.errors import BadValue, NotAllowed, NotFound
from filmroom.model.nodes import Kind, Node
from filmroom.model.people import GUEST_LOGIN, BuiltIn, DataRole, Group, Viewer
from filmroom.model.permission import LETTERS, Action
from filmroom.service.audit import about_project, record
from filmroom.service.gate import is_administrator, require_account, require_admin
from filmroom.service.resolve import get_place, get_place_alone, list_visible_projects
from filmroom.service.stores import Stores

_LONGEST_NAME: Final = 64
_BUILT_IN: Final = frozenset(BuiltIn)


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody in a group of a project, or with a role at all of them."""

    group: Group
    member: Member


@dataclass(frozen=True, slots=True)
class Counted:
    """A group, and how many are in it."""

    group: Group
    people: int


class Members:
    def __init__(self, stores: Stores, *, is_list_restricted: bool) -> None:
        self._stores = stores
        self._is_list_restricted = is_list_restricted

    def list_people(
        self, viewer: Viewer, project_id: str, *, with_disabled: bool = False, with_data_roles: bool = False
    ) -> tuple[Membership, ...]:
        """Everybody in a group of the project, by group, backwards, then login (C-152).

        Raises NotFound; NotAllowed for guests, and where the list of users is for those only who may edit the project.
        """
        require_account(viewer)
        action = Action.EDIT if self._is_list_restricted else Action.READ
        with self._stores.database.read() as connection:
            project = get_place(connection, viewer, _address(project_id), action=action).node
            found = list(_iter_people(connection, project))
            if with_data_roles:
                found += _iter_data_people(connection)
        shown = [row for row in found if row.member.is_enabled or with_disabled]
        return tuple(sorted(shown, key=lambda row: row.group.id, reverse=True))

    def put(self, viewer: Viewer, project_id: str, group_name: str, people_names: Sequence[str]) -> None:
        """Put people into a group of the project, and out of any other one of it: all of them or none (C-153).

        Raises NotFound for the project, the group or one of the people, NotAllowed, NotForGuests, LastOwner.
        """
        self._change(viewer, ((_address(project_id), group_name),), people_names, by=_PUT)

    def put_into(self, viewer: Viewer, person: str, group_ids: Sequence[str]) -> None:
        """Put somebody into groups of whichever projects, by their ids: all or none (C-158). Raises as ``put`` does."""
        places = tuple((_address(group_id.rpartition("_")[0]), group_id) for group_id in group_ids)
        self._change(viewer, places, (person,), by=_PUT)

    def remove(self, viewer: Viewer, project_id: str, group_name: str, people_names: Sequence[str]) -> None:
        """Take people out of a group; who is not in it stays as they are (C-154). Raises as ``put`` does."""
        self._change(viewer, ((_address(project_id), group_name),), people_names, by=_REMOVE)

    def _change(
        self, viewer: Viewer, places: Sequence[tuple[Address, str]], people_names: Sequence[str], *, by: "_Step"
    ) -> None:
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            for at, group_name in places:
                project = _get_own_project(connection, viewer, at)
                group = _get_group(connection, project, group_name)
                for name in people_names:
                    account_pk = _get_account_pk(connection, name)
                    by.change(connection, project_pk=project.pk, account_pk=account_pk, suffix=group.suffix)
                    record(connection, stamp, about_project(project), by.action, at=at, group=group.id, user=name)
                _check_owner_is_left(connection, viewer, project)

        self._stores.database.write(unit)

    def list_groups(self, viewer: Viewer, project_id: str) -> tuple[Counted, ...]:
        """The groups of a project, those that every one has first. Raises NotFound, NotAllowed."""
        with self._stores.database.read() as connection:
            project = get_place(connection, viewer, _address(project_id), action=Action.READ).node
            return tuple(_iter_counted(connection, project))

    def put_group(self, viewer: Viewer, project_id: str, display_name: str, rights: Mapping[str, str]) -> Group:
        """Make a group of the project's own, or give it other rights (C-155). Whoever may do anything may read too.

        Raises NotFound, NotAllowed, BadValue for a name that is none or one of those that every project has.
        """
        _check_group_name(display_name)
        _check_rights(rights)
        readable = {name: letters if "r" in letters else f"r{letters}" for name, letters in rights.items() if letters}
        stamp, at = self._stores.stamp(viewer), _address(project_id)

        def unit(connection: Connection) -> Group:
            project = _get_own_project(connection, viewer, at)
            group = Group(
                id=f"{project.id}_{display_name}", suffix=display_name, display_name=display_name, rights=readable
            )
            groups.put_group(connection, project.pk, group)
            said = {"group": group.id, "rights": group.shown_rights}
            record(connection, stamp, about_project(project), "set a group's rights", at=at, **said)
            return group

        return self._stores.database.write(unit)

    def delete_group(self, viewer: Viewer, project_id: str, group_name: str) -> None:
        """Delete a group of the project's own; whoever was in it is in none.

        Raises NotFound, and NotAllowed also for those that every project has.
        """
        stamp, at = self._stores.stamp(viewer), _address(project_id)

        def unit(connection: Connection) -> None:
            project = _get_own_project(connection, viewer, at)
            group = _get_group(connection, project, group_name)
            if group.suffix in _BUILT_IN:
                raise NotAllowed(f"every project has {group.display_name}, so that group cannot be deleted")
            groups.delete_group(connection, project_pk=project.pk, suffix=group.suffix)
            record(connection, stamp, about_project(project), "deleted a group", at=at, group=group.id)

        self._stores.database.write(unit)

    def list_projects(self, viewer: Viewer) -> tuple[tuple[Node, Group | None], ...]:
        """The projects whose record the viewer may see, by ID, each with the group that the viewer is in."""
        with self._stores.database.read() as connection:
            mine = groups.map_groups_of(connection, viewer.pk)
            return tuple((project, mine.get(project.pk)) for project in list_visible_projects(connection, viewer))

    def list_group_ids(self, viewer: Viewer, login: str) -> tuple[str, ...]:
        """The groups that somebody is in, by id: one's own, or for administrators anybody's.

        Raises NotAllowed, NotFound.
        """
        require_admin(viewer, unless_own=login)
        with self._stores.database.read() as connection:
            if (account := people.find_account(connection, login)) is None:
                raise NotFound(f"user {login!r}")
            live = {pk for pk, _ in projects.iter_accessibilities(connection)}
            found = groups.map_groups_of(connection, account.pk)
            return tuple(sorted(group.id for pk, group in found.items() if pk in live))


def _address(project_id: str) -> Address:
    return Address(kind=Kind.PROJECT, project=project_id)


class _Change(Protocol):
    def __call__(self, connection: Connection, *, project_pk: int, account_pk: int, suffix: str) -> object: ...


@dataclass(frozen=True, slots=True)
class _Step:
    """What is done with each of some people and a group, and what the audit trail calls it."""

    change: _Change
    action: str


_PUT: Final = _Step(groups.put_member, "put into a group")
_REMOVE: Final = _Step(groups.delete_member, "taken out of a group")


def _get_own_project(connection: Connection, viewer: Viewer, address: Address) -> Node:
    """The project, which nobody else changes until the transaction ends: of two owners who remove each other one stays.

    Raises NotFound, and NotAllowed for all who may not delete the project: only its owners choose its people.
    """
    return get_place_alone(connection, viewer, address, action=Action.DELETE).node


def _get_group(connection: Connection, project: Node, name: str) -> Group:
    """By its id, the end of its id, or the name it is shown under (C-153)."""
    known = groups.list_groups(connection, project_pk=project.pk, project_id=project.id)
    found = (group for group in known if name in (group.id, group.suffix, group.display_name))
    if (group := next(found, None)) is None:
        raise NotFound(f"group {name!r}")
    return group


def _get_account_pk(connection: Connection, name: str) -> int:
    """By login, number or e-mail address. Nobody is invited who is not known: the archive sends no mail."""
    if name == GUEST_LOGIN:
        raise NotForGuests("a guest cannot belong to a project")
    if (account := people.find_account_called(connection, name)) is None:
        raise NotFound(f"user {name!r}")
    return account.pk


def _check_owner_is_left(connection: Connection, viewer: Viewer, project: Node) -> None:
    """An administrator may leave a project to nobody; its owners may not do so by mistake."""
    if not is_administrator(viewer) and not groups.count_members(
        connection, project_pk=project.pk, suffix=BuiltIn.OWNER
    ):
        raise LastOwner(project.id)


def _check_group_name(name: str) -> None:
    rule = f"use 1 to {_LONGEST_NAME} letters, digits, blanks and -"
    is_legal = all(character.isalnum() or character in " -" for character in name)
    if not (is_legal and 1 <= len(name) <= _LONGEST_NAME and name == name.strip()):
        raise BadValue("group", name, rule)
    if name.lower().removesuffix("s") in _BUILT_IN:
        raise BadValue("group", name, "every project has a group of this name already")


def _check_rights(rights: Mapping[str, str]) -> None:
    """Raises BadValue for letters that mean nothing."""
    for name, letters in rights.items():
        if not set(letters) <= LETTERS.keys():
            raise BadValue(name, letters, f"use letters of {''.join(LETTERS)}")


def _iter_people(connection: Connection, project: Node) -> Iterator[Membership]:
    known = groups.list_groups(connection, project_pk=project.pk, project_id=project.id)
    by_suffix = {group.suffix: group for group in known}
    for member in groups.iter_members(connection, project.pk):
        yield Membership(by_suffix[member.suffix], member)


def _iter_data_people(connection: Connection) -> Iterator[Membership]:
    for member in groups.iter_data_people(connection):
        role = DataRole(member.suffix)
        yield Membership(Group(id=role, suffix=role, display_name=role, rights={}), member)


def _iter_counted(connection: Connection, project: Node) -> Iterator[Counted]:
    for group in groups.list_groups(connection, project_pk=project.pk, project_id=project.id):
        yield Counted(group, groups.count_members(connection, project_pk=project.pk, suffix=group.suffix))
