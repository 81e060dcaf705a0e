"""The names under which a search shows what a list has columns for (C-179), and all names that a type can be asked by.

They are in capitals: some clients make each an attribute of an object, where small letters would hide its own.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from filmroom.model.datatypes import PROJECT, SUBJECT, DataType
from filmroom.model.lists import Fact
from filmroom.model.nodes import Kind


@dataclass(frozen=True, slots=True)
class DisplayField:
    """``column`` is the short name that lists have for it, or the path of a field; ``kind`` is what it holds."""

    id: str
    header: str
    column: str
    kind: str = "string"


_MADE: Final = (
    DisplayField("INSERT_DATE", "Inserted", "insert_date", "timestamp"),
    DisplayField("INSERT_USER", "Creator", "insert_user"),
)
_OF_PROJECT: Final = (
    DisplayField("PROJ_MR_COUNT", "MR Sessions", Fact.COUNT_MR, "integer"),
    DisplayField("PROJ_CT_COUNT", "CT Sessions", Fact.COUNT_CT, "integer"),
    DisplayField("PROJ_PET_COUNT", "PET Sessions", Fact.COUNT_PET, "integer"),
    DisplayField("PROJ_UT_COUNT", "Ultrasound Sessions", Fact.COUNT_US, "integer"),
    DisplayField("PROJECT_OWNERS", "Owners", Fact.OWNERS),
    DisplayField("PROJECT_ACCESS", "Accessibility", Fact.ACCESSIBILITY),
)
_OF_SUBJECT: Final = (
    DisplayField("SUBJECT_ID", "Subject ID", "ID"),
    DisplayField("SUBJECT_LABEL", "Subject", "label"),
    DisplayField("SUB_GROUP", "Group", "group"),
    DisplayField("GENDER_TEXT", "M/F", "gender"),
    DisplayField("HANDEDNESS_TEXT", "Hand", "handedness"),
    DisplayField("ADD_IDS", "Other IDs", "addID"),
)
_OF_EXPERIMENT: Final = (
    DisplayField("EXPT_ID", "Experiment ID", "ID"),
    DisplayField("SUBJECT_ID", "Subject ID", "subject_ID"),
    DisplayField("SUBJECT_LABEL", "Subject", "subject_label"),
)
_OF_SESSION: Final = (DisplayField("SESSION_ID", "Session ID", "ID"), *_OF_EXPERIMENT)
_OF_ASSESSOR: Final = (
    *_OF_EXPERIMENT,
    DisplayField("SESSION_ID", "Session ID", "session_ID"),
    DisplayField("SESSION_LABEL", "Session", "session_label"),
)
_IN_PROJECT: Final = (DisplayField("LABEL", "Label", "label"), DisplayField("PROJECT", "Project", "project"))
_LISTED: Final = frozenset({"ID", "SECONDARY_ID", "NAME", "DESCRIPTION", "PI_LASTNAME", "DATE", "AGE", "SCANNER"})
_IMAGE_SESSION: Final = "xnat:imageSessionData"


@cache
def display_fields(data_type: DataType) -> tuple[DisplayField, ...]:
    """Every name by which a search can ask for a column of this type, those that stand for columns of lists first."""
    known = [*_special(data_type), *_MADE]
    taken = {one.id for one in known}
    known += [
        DisplayField(name.upper(), name, name, one.value.kind)
        for one in data_type.all_fields
        for name in one.shortcuts
        if name.upper() not in taken
    ]
    taken = {one.id for one in known}
    plain = [
        DisplayField(_id(one.path), one.path, one.path, one.value.kind)
        for one in data_type.all_fields
        if one.holds is None and not one.is_part and _id(one.path) not in taken
    ]
    return (*known, *plain)


def listing_fields(data_type: DataType) -> tuple[DisplayField, ...]:
    """Those that a list of this type begins with."""
    special = len((*_special(data_type), *_MADE))
    known = display_fields(data_type)
    return (*known[:special], *(one for one in known[special:] if one.id in _LISTED))


def find_display_field(data_type: DataType, name: str) -> DisplayField | None:
    """By its name in any case."""
    return next((one for one in display_fields(data_type) if one.id == name.upper()), None)


def _id(path: str) -> str:
    return path.replace("/", "_").upper()


def _special(data_type: DataType) -> tuple[DisplayField, ...]:
    if data_type.xsi_type == PROJECT:
        return _OF_PROJECT
    if data_type.xsi_type == SUBJECT:
        return (*_OF_SUBJECT, *_IN_PROJECT)
    if any(ancestor.xsi_type == _IMAGE_SESSION for ancestor in data_type.lineage):
        return (*_OF_SESSION, *_IN_PROJECT)
    return {Kind.ASSESSOR: (*_OF_ASSESSOR, *_IN_PROJECT), Kind.EXPERIMENT: (*_OF_EXPERIMENT, *_IN_PROJECT)}.get(
        data_type.family or Kind.SITE, ()
    )
