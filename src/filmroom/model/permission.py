"""Who may do what: one table and one pure function (core-api section 4.1). Only ``service/gate.py`` asks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from filmroom.model.datatypes import find_data_type
from filmroom.model.nodes import Accessibility
from filmroom.model.people import BuiltIn, DataRole, Group, Viewer


class Action(Enum):
    """SEE is to learn that something is there and what is said of it; READ is to have what it holds.

    SHARE is to let it be in another project too, whose people can then read it.
    """

    SEE = auto()
    READ = auto()
    CREATE = auto()
    EDIT = auto()
    DELETE = auto()
    SHARE = auto()


class Scope(Enum):
    """What of a project it is about: itself with its own resources, the data in it, or data shared into it."""

    PROJECT = auto()
    DATA = auto()
    SHARED = auto()


class Role(Enum):
    """What a viewer can be to a project; who is several of these may do what any of them may."""

    ADMINISTRATOR = auto()
    DATA_READER = auto()
    OWNER = auto()
    MEMBER = auto()
    COLLABORATOR = auto()
    IN_CUSTOM_GROUP = auto()
    AT_PUBLIC_PROJECT = auto()
    AT_PROTECTED_PROJECT = auto()


_NONE: Final = frozenset[Action]()
_SEE: Final = frozenset({Action.SEE})
_READ: Final = frozenset({Action.SEE, Action.READ})
_WRITE: Final = _READ | {Action.CREATE, Action.EDIT, Action.SHARE}
_ALL: Final = frozenset(Action)

# C-146, C-147, F-282. What a custom group may do with data is said by the group itself, for each data type.
# In XNAT whoever may read may share (C-85); here only who may change a thing, or anybody what anybody may read.
ALLOWED: Final[Mapping[Role, Mapping[Scope, frozenset[Action]]]] = {
    Role.ADMINISTRATOR: {Scope.PROJECT: _ALL, Scope.DATA: _ALL, Scope.SHARED: _ALL},
    Role.DATA_READER: {Scope.PROJECT: _READ, Scope.DATA: _READ, Scope.SHARED: _READ},
    Role.OWNER: {Scope.PROJECT: _ALL, Scope.DATA: _ALL, Scope.SHARED: _READ},
    Role.MEMBER: {Scope.PROJECT: _READ, Scope.DATA: _WRITE, Scope.SHARED: _READ},
    Role.COLLABORATOR: {Scope.PROJECT: _READ, Scope.DATA: _READ, Scope.SHARED: _READ},
    Role.IN_CUSTOM_GROUP: {Scope.PROJECT: _READ, Scope.DATA: _NONE, Scope.SHARED: _NONE},
    Role.AT_PUBLIC_PROJECT: {Scope.PROJECT: _READ, Scope.DATA: _READ | {Action.SHARE}, Scope.SHARED: _READ},
    Role.AT_PROTECTED_PROJECT: {Scope.PROJECT: _SEE, Scope.DATA: _NONE, Scope.SHARED: _NONE},
}

READING_EVERYTHING: Final = frozenset({Role.ADMINISTRATOR, Role.DATA_READER})
"""Who reads all there is in every project."""

LETTERS: Final = MappingProxyType(
    {
        "r": _READ,
        "c": frozenset({Action.CREATE}),
        "e": frozenset({Action.EDIT, Action.SHARE}),
        "d": frozenset({Action.DELETE}),
    }
)
"""What the letters of a custom group's rights mean; ``r`` alone counts for data that is shared into its project."""

_OF_GROUP: Final = {
    BuiltIn.OWNER: Role.OWNER,
    BuiltIn.MEMBER: Role.MEMBER,
    BuiltIn.COLLABORATOR: Role.COLLABORATOR,
}
_OF_ACCESSIBILITY: Final = {
    Accessibility.PUBLIC: frozenset({Role.AT_PUBLIC_PROJECT}),
    Accessibility.PROTECTED: frozenset({Role.AT_PROTECTED_PROJECT}),
    Accessibility.PRIVATE: frozenset[Role](),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one viewer is to one project. ``rights`` are those of the custom group that the viewer is in, if any."""

    roles: frozenset[Role]
    rights: Mapping[str, str] = field(default_factory=dict)


def standing_of(viewer: Viewer, accessibility: Accessibility | None, group: Group | None) -> Standing:
    """``group`` is the one of the project's groups that the viewer belongs to. A guest belongs to none."""
    roles = set(_OF_ACCESSIBILITY.get(accessibility or Accessibility.PRIVATE, ()))
    if viewer.is_guest:
        return Standing(frozenset(roles))
    if viewer.is_admin or viewer.data_role is DataRole.ADMIN:
        roles.add(Role.ADMINISTRATOR)  # C-149
    if viewer.data_role is DataRole.ACCESS:
        roles.add(Role.DATA_READER)
    if group is None:
        return Standing(frozenset(roles))
    built_in = next((word for word in BuiltIn if word == group.suffix), None)
    roles.add(_OF_GROUP[built_in] if built_in else Role.IN_CUSTOM_GROUP)
    return Standing(frozenset(roles), {} if built_in else group.rights)


def may(standing: Standing, action: Action, scope: Scope, xsi_type: str) -> bool:
    """Whether someone of this standing may do this to a thing of this data type.

    Rights for a type are rights for all that extend it (``xnat:imageSessionData`` is every image session).
    """
    if any(action in ALLOWED[role][scope] for role in standing.roles):
        return True
    if not standing.rights or scope is Scope.PROJECT or (scope is Scope.SHARED and action not in _READ):
        return False
    return any(action in LETTERS[letter] for name in _lineage(xsi_type) for letter in standing.rights.get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Everything whose content one viewer may read, for lists that do not ask thing by thing.

    ``is_everything`` leaves nothing out. Else ``own`` has the projects whose own data may be read and ``shared`` those
    whose shared data may be, by pk, each with the data types to which that is limited (None: not limited).
    """

    is_everything: bool = False
    own: Mapping[int, frozenset[str] | None] = field(default_factory=dict)
    shared: Mapping[int, frozenset[str] | None] = field(default_factory=dict)

    def holds(self, xsi_type: str, *, project_pk: int, is_own: bool) -> bool:
        """Whether what is of a type in a project, its own or shared into it, is among what is told of by project.

        For sums over a whole archive: what single things are below is not looked at.
        """
        projects = self.own if is_own else self.shared
        return project_pk in projects and ((types := projects[project_pk]) is None or xsi_type in types)


def _lineage(xsi_type: str) -> tuple[str, ...]:
    data_type = find_data_type(xsi_type)
    return tuple(ancestor.xsi_type for ancestor in data_type.lineage) if data_type else (xsi_type,)
