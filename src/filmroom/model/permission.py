"""Who may do what: one table and one pure function. Only ``service/resolve.py`` asks it."""

from enum import Enum, auto
from typing import Final


class Action(Enum):
    READ = auto()
    EDIT = auto()
    DELETE = auto()


class Role(Enum):
    """What a viewer is to a project. Site administrators are owners everywhere (C-149)."""

    OWNER = auto()
    OUTSIDER = auto()


ALLOWED: Final = {
    Role.OWNER: frozenset(Action),
    Role.OUTSIDER: frozenset[Action](),
}


def may(role: Role, action: Action) -> bool:
    return action in ALLOWED[role]
