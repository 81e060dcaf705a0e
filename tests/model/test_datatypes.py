"""Data types as data: how parameters name types and fields."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from filmroom.model.datatypes import (
    RECONSTRUCTION,
    DataType,
    find_data_type,
    get_data_type,
    iter_known,
    shipped_types,
)
from filmroom.model.nodes import Kind

DATA_TYPES = shipped_types().types
PROJECT = get_data_type("xnat:projectData")
SUBJECT = get_data_type("xnat:subjectData")
BASES = {"xnat:projectData", "xnat:subjectData", "xnat:experimentData", "xnat:imageScanData", RECONSTRUCTION}
# C-62, written out.
PROJECT_SHORTCUTS = {
    "ID": "ID",
    "secondary_ID": "secondary_ID",
    "name": "name",
    "type": "type",
    "description": "description",
    "keywords": "keywords",
    "alias": "aliases/alias",
    "pi_firstname": "PI/firstname",
    "pi_lastname": "PI/lastname",
}
FIELDS = [
    (data_type, field.path)
    for data_type in DATA_TYPES
    for field in data_type.all_fields
    if field.holds is None and not field.is_part
]
SHORTCUTS = [
    (data_type, shortcut, field.path)
    for data_type in DATA_TYPES
    for field in data_type.all_fields
    for shortcut in field.shortcuts
]


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda data_type: data_type.xsi_type)
def test_the_lineage_of_every_type_ends_at_a_base(data_type: DataType) -> None:
    lineage = data_type.lineage

    assert lineage[0] is data_type
    assert lineage[-1].family is None or lineage[-1].xsi_type in BASES
    assert all(child.extends is parent for child, parent in pairwise(lineage))


def test_a_type_has_the_fields_of_what_it_extends_before_its_own() -> None:
    session = get_data_type("xnat:mrSessionData")

    paths = [field.path for field in session.all_fields]

    assert [parent.xsi_type for parent in session.lineage] == [
        "xnat:mrSessionData",
        "xnat:imageSessionData",
        "xnat:subjectAssessorData",
        "xnat:experimentData",
    ]
    assert paths[0] == "ID"
    assert paths.index("note") < paths.index("subject_ID")
    assert paths.index("subject_ID") < paths.index("operator")


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda data_type: data_type.xsi_type)
def test_no_two_fields_of_a_type_have_one_path(data_type: DataType) -> None:
    paths = [field.path.lower() for field in data_type.all_fields]

    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda data_type: data_type.xsi_type)
def test_no_two_fields_of_a_type_have_one_shortcut(data_type: DataType) -> None:
    shortcuts = [shortcut for field in data_type.all_fields for shortcut in field.shortcuts]

    assert len(shortcuts) == len(set(shortcuts))


def test_no_two_types_have_one_name() -> None:
    names = [name.lower() for data_type in DATA_TYPES for name in (data_type.xsi_type, data_type.element_name) if name]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("spell", [str, str.upper, str.lower])
@pytest.mark.parametrize("data_type", DATA_TYPES, ids=lambda data_type: data_type.xsi_type)
def test_a_type_is_found_by_name_and_element_in_any_case(data_type: DataType, spell: Callable[[str], str]) -> None:
    """C-50."""
    assert find_data_type(spell(data_type.xsi_type)) is data_type
    assert find_data_type(spell(data_type.element_name or data_type.xsi_type)) is data_type


@pytest.mark.parametrize("name", ["", "xnat:", "mrSessionData", "xnat:mrSessionData ", "xnat:nonsenseData", "xnat:mr"])
def test_an_unknown_type_is_none(name: str) -> None:
    assert find_data_type(name) is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.PROJECT, "xnat:projectData"),
        (Kind.SUBJECT, "xnat:subjectData"),
        (Kind.EXPERIMENT, "xnat:mrSessionData"),
        (Kind.SCAN, "xnat:mrScanData"),
        (Kind.RECONSTRUCTION, "xnat:reconstructedImageData"),
        (Kind.ASSESSOR, "xnat:qcAssessmentData"),
    ],
)
def test_a_kind_has_its_types(kind: Kind, name: str) -> None:
    known = list(iter_known(kind))

    assert get_data_type(name) in known
    assert all(data_type.kind is kind for data_type in known)


def test_projects_have_the_shortcuts_of_xnat() -> None:
    """C-62."""
    assert {shortcut: field.path for field in PROJECT.all_fields for shortcut in field.shortcuts} == PROJECT_SHORTCUTS


@pytest.mark.parametrize(
    ("name", "shortcut", "path"),
    [
        ("xnat:subjectData", "gender", "demographics/gender"),
        ("xnat:subjectData", "group", "group"),
        ("xnat:subjectData", "pi_lastname", "investigator/lastname"),
        ("xnat:mrSessionData", "date", "date"),
        ("xnat:mrSessionData", "validation_status", "validation/status"),
        ("xnat:mrSessionData", "modality", "modality"),
        ("xnat:mrScanData", "quality", "quality"),
        ("xnat:mrScanData", "scanTime", "startTime"),
        ("xnat:reconstructedImageData", "baseScanType", "baseScanType"),
    ],
)
def test_shortcuts_of_other_types_are_those_of_xnat(name: str, shortcut: str, path: str) -> None:
    """C-63 to C-67."""
    assert get_data_type(name).find_field_path(shortcut) == path


def test_a_shortcut_names_its_field() -> None:
    found = [data_type.find_field_path(shortcut) for data_type, shortcut, _ in SHORTCUTS]

    assert found == [path for _, _, path in SHORTCUTS]


@pytest.mark.parametrize("spell", [str, str.upper, str.lower])
def test_a_full_path_names_its_field_in_any_case_under_every_ancestor(spell: Callable[[str], str]) -> None:
    """C-51."""
    found = [
        {data_type.find_field_path(spell(f"{ancestor.xsi_type}/{path}")) for ancestor in data_type.lineage}
        for data_type, path in FIELDS
    ]

    assert found == [{path} for _, path in FIELDS]


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("fields/field[name=handed]/field", "fields/field[name=handed]/field"),
        ("Fields/Field[name=a b]/FIELD", "fields/field[name=a b]/field"),
        ("addID[name=mrn]/addid", "addID[name=mrn]/addID"),
        ("demographics[@xsi:type=xnat:demographicData]/gender", "demographics/gender"),
        ("demographics/height/units", "demographics/height/units"),
    ],
)
def test_a_path_may_have_conditions(sent: str, path: str) -> None:
    """C-52."""
    assert SUBJECT.find_field_path(f"xnat:subjectData/{sent}") == path


@pytest.mark.parametrize(
    "parameter",
    [
        "",
        "PI/lastname",
        "PI_LASTNAME",
        "gender",
        "xnat:projectData",
        "xnat:projectData/",
        "xnat:projectData//name",
        "xnat:projectData/9",
        "xnat:projectData/a b",
        "xnat:projectData/a[b]/c",
        "xnat:projectData/a[b=]/c",
        "xnat:projectData/a[b=c",
        "xnat:projectData/../name",
        "xnat:projectData/fields/field[name=x]/y",
        "xnat:projectData/fields/field[name=x]/name",
        "xnat:projectData/fields/field[name=x]",
        "xnat:projectData/fields/field/field",
        "xnat:projectData/fields/field[0]/field",
        "xnat:projectData/name[0]",
        "xnat:projectData/investigators/investigator[name=x]/firstname",
        "xnat:projectData/PI/address",
        "xnat:projectData/resources/resource[0]/label",
        "xnat:subjectData/name",
        "xnat:experimentData/note",
        "xnat:projectDataname",
    ],
)
def test_anything_else_names_no_field(parameter: str) -> None:
    """C-51: a parameter for another type or an unknown field is passed over."""
    assert PROJECT.find_field_path(parameter) is None


def test_a_type_beside_it_names_no_field() -> None:
    """Only what a type extends counts, not what merely looks like it."""
    assert get_data_type("xnat:mrSessionData").find_field_path("xnat:ctSessionData/date") is None
    assert get_data_type("xnat:imageSessionData").find_field_path("xnat:mrSessionData/date") is None
