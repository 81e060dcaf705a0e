"""Data types as data: how parameters name fields."""

from collections.abc import Callable

import pytest

from filmroom.model.datatypes import PROJECT, Field, find_field

# C-62, written out.
SHORTCUTS = {
    "ID": "ID",
    "secondary_ID": "secondary_ID",
    "name": "name",
    "description": "description",
    "keywords": "keywords",
    "alias": "aliases/alias",
    "pi_firstname": "PI/firstname",
    "pi_lastname": "PI/lastname",
}


def test_projects_have_the_shortcuts_of_xnat() -> None:
    """C-62."""
    assert {field.shortcut: field.path for field in PROJECT.fields if field.shortcut} == SHORTCUTS


@pytest.mark.parametrize(("shortcut", "path"), SHORTCUTS.items())
def test_a_shortcut_names_its_field(shortcut: str, path: str) -> None:
    field = find_field(PROJECT, shortcut)

    assert field is not None
    assert field.path == path


@pytest.mark.parametrize("field", PROJECT.fields, ids=lambda field: field.path)
@pytest.mark.parametrize("spell", [str, str.upper, str.lower])
def test_a_full_path_names_its_field_in_any_case(field: Field, spell: Callable[[str], str]) -> None:
    """C-51."""
    path = spell(f"xnat:projectData/{field.path}")

    assert find_field(PROJECT, path) is field


@pytest.mark.parametrize(
    "parameter",
    [
        "",
        "PI/lastname",
        "PI_LASTNAME",
        "type",
        "xnat:projectData",
        "xnat:projectData/",
        "xnat:projectData/nonsense",
        "xnat:subjectData/name",
        "xnat:projectDataname",
    ],
)
def test_anything_else_names_no_field(parameter: str) -> None:
    """C-51: a parameter for another type or an unknown field is passed over."""
    assert find_field(PROJECT, parameter) is None


def test_no_two_fields_have_one_path() -> None:
    paths = [field.path.lower() for field in PROJECT.fields]

    assert len(paths) == len(set(paths))


def test_only_aliases_repeat() -> None:
    assert [field.path for field in PROJECT.fields if field.repeats] == ["aliases/alias"]
