"""What a project decides for what comes into it (C-75): its settings, which are no fields of its document."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filmroom.model.errors import BadValue
from filmroom.model.nodes import KEPT, Node

QUARANTINE: Final = "quarantine_code"


def _read_code(text: str) -> str:
    """Any whole number; 1 and 0 can be said as true and false."""
    text = {"true": "1", "false": "0"}.get(text.lower(), text)
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError("it must be a whole number of at most 9 digits")
    return str(int(text))


def _read_flag(text: str) -> str:
    if text.lower() not in {"true", "false"}:
        raise ValueError("it must be true or false")
    return text.lower()


def _read_name(text: str) -> str:
    if not re.fullmatch(r"[\w-]{1,64}", text, re.ASCII):
        raise ValueError("use 1 to 64 of the characters A-Z a-z 0-9 _ -")
    return text


@dataclass(frozen=True, slots=True)
class _Setting:
    default: str
    read: Callable[[str], str]


_SETTINGS: Final = {
    QUARANTINE: _Setting("0", _read_code),
    "prearchive_code": _Setting("4", _read_code),
    "current_arc": _Setting("arc001", _read_name),
    "scan_type_mapping": _Setting("true", _read_flag),
}
SETTING_NAMES: Final = tuple(_SETTINGS)


def setting_path(name: str) -> str:
    """Where it is kept among what is known of the project."""
    return f"{KEPT}{name}"


def setting_of(project: Node, name: str) -> str:
    return str(project.fields.get(setting_path(name), _SETTINGS[name].default))


def parse_setting(name: str, text: str) -> str:
    """Raises BadValue."""
    try:
        return _SETTINGS[name].read(text)
    except ValueError as error:
        raise BadValue(name, text, str(error)) from error
