"""Who may do what: the truth table, written out (C-146, C-147, F-282)."""

from itertools import product
from typing import Final

import pytest

from filmroom.model.nodes import Accessibility
from filmroom.model.people import GUEST, DataRole, Group, Viewer
from filmroom.model.permission import ALLOWED, LETTERS, Action, Role, Scope, Standing, may, standing_of

SESSION: Final = "xnat:mrSessionData"
# Of each role: what it may do with a project, with its data, with data shared into it.
# s: see, r: read, c: create, e: edit, d: delete, h: share.
TRUTH: Final = {
    Role.ADMINISTRATOR: ("srcedh", "srcedh", "srcedh"),
    Role.DATA_READER: ("sr", "sr", "sr"),
    Role.OWNER: ("srcedh", "srcedh", "sr"),
    Role.MEMBER: ("sr", "srceh", "sr"),
    Role.COLLABORATOR: ("sr", "sr", "sr"),
    Role.IN_CUSTOM_GROUP: ("sr", "", ""),
    Role.AT_PUBLIC_PROJECT: ("sr", "srh", "sr"),
    Role.AT_PROTECTED_PROJECT: ("s", "", ""),
}
_LETTERS: Final = dict(zip(Action, "srcedh", strict=True))
CASES: Final = [
    (role, scope, action, _LETTERS[action] in letters)
    for role, cells in TRUTH.items()
    for scope, letters in zip(Scope, cells, strict=True)
    for action in Action
]


@pytest.mark.parametrize(("role", "scope", "action", "expected"), CASES)
def test_may(role: Role, scope: Scope, action: Action, *, expected: bool) -> None:
    assert may(Standing(frozenset({role})), action, scope, SESSION) is expected


def test_the_truth_table_is_complete() -> None:
    assert {(role, scope, action) for role, scope, action, _ in CASES} == set(product(Role, Scope, Action))


@pytest.mark.parametrize(("role", "scope"), list(product(Role, Scope)))
def test_whoever_may_do_anything_may_see_it(role: Role, scope: Scope) -> None:
    """What may not be seen answers like what is not there (C-21), so nothing could be done to it either."""
    assert not ALLOWED[role][scope] or Action.SEE in ALLOWED[role][scope]


def test_who_is_two_things_may_do_what_either_may() -> None:
    standing = Standing(frozenset({Role.AT_PROTECTED_PROJECT, Role.MEMBER}))

    assert may(standing, Action.EDIT, Scope.DATA, SESSION)
    assert not may(standing, Action.DELETE, Scope.DATA, SESSION)


def test_nobody_in_particular_may_do_nothing() -> None:
    assert not any(may(Standing(frozenset()), action, scope, SESSION) for action in Action for scope in Scope)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("letters", ["", "r", "c", "re", "rced", "d"])
def test_a_custom_group_may_do_what_its_letters_say(letters: str, action: Action) -> None:
    standing = Standing(frozenset({Role.IN_CUSTOM_GROUP}), {SESSION: letters})

    assert may(standing, action, Scope.DATA, SESSION) is any(action in LETTERS[letter] for letter in letters)


@pytest.mark.parametrize(
    ("right", "thing", "expected"),
    [
        (SESSION, SESSION, True),
        ("xnat:imageSessionData", SESSION, True),
        ("xnat:imageSessionData", "xnat:petSessionData", True),
        (SESSION, "xnat:petSessionData", False),
        (SESSION, "xnat:imageSessionData", False),
        (SESSION, "xnat:subjectData", False),
        ("site:ownData", "site:ownData", True),
    ],
)
def test_a_right_counts_for_all_that_extends_its_type(right: str, thing: str, *, expected: bool) -> None:
    standing = Standing(frozenset({Role.IN_CUSTOM_GROUP}), {right: "r"})

    assert may(standing, Action.READ, Scope.DATA, thing) is expected


def test_a_custom_group_may_only_look_at_what_is_shared() -> None:
    standing = Standing(frozenset({Role.IN_CUSTOM_GROUP}), {SESSION: "rced"})

    assert {action for action in Action if may(standing, action, Scope.SHARED, SESSION)} == {Action.SEE, Action.READ}


def test_a_custom_group_says_nothing_of_the_project_itself() -> None:
    standing = Standing(frozenset({Role.IN_CUSTOM_GROUP}), {"xnat:projectData": "rced"})

    assert not may(standing, Action.EDIT, Scope.PROJECT, "xnat:projectData")


def _viewer(**said: object) -> Viewer:
    return Viewer(**{"pk": 1, "login": "x", "is_admin": False, **said})  # type: ignore[arg-type]


def _group(suffix: str, **rights: str) -> Group:
    return Group(id=f"P_{suffix}", suffix=suffix, display_name=suffix, rights=rights)


@pytest.mark.parametrize(
    ("viewer", "accessibility", "group", "roles"),
    [
        (_viewer(), Accessibility.PRIVATE, None, set()),
        (_viewer(), Accessibility.PROTECTED, None, {Role.AT_PROTECTED_PROJECT}),
        (_viewer(), Accessibility.PUBLIC, None, {Role.AT_PUBLIC_PROJECT}),
        (_viewer(), None, None, set()),
        (_viewer(), Accessibility.PRIVATE, _group("owner"), {Role.OWNER}),
        (_viewer(), Accessibility.PRIVATE, _group("member"), {Role.MEMBER}),
        (_viewer(), Accessibility.PRIVATE, _group("collaborator"), {Role.COLLABORATOR}),
        (_viewer(), Accessibility.PUBLIC, _group("raters", x="r"), {Role.IN_CUSTOM_GROUP, Role.AT_PUBLIC_PROJECT}),
        (_viewer(is_admin=True), Accessibility.PRIVATE, None, {Role.ADMINISTRATOR}),
        (_viewer(data_role=DataRole.ADMIN), Accessibility.PRIVATE, None, {Role.ADMINISTRATOR}),
        (_viewer(data_role=DataRole.ACCESS), Accessibility.PRIVATE, _group("member"), {Role.DATA_READER, Role.MEMBER}),
        (GUEST, Accessibility.PRIVATE, None, set()),
        (GUEST, Accessibility.PUBLIC, None, {Role.AT_PUBLIC_PROJECT}),
        (GUEST, Accessibility.PROTECTED, _group("owner"), {Role.AT_PROTECTED_PROJECT}),
    ],
)
def test_standing(viewer: Viewer, accessibility: Accessibility | None, group: Group | None, roles: set[Role]) -> None:
    assert standing_of(viewer, accessibility, group).roles == roles


def test_rights_are_those_of_the_custom_group() -> None:
    assert standing_of(_viewer(), Accessibility.PRIVATE, _group("raters", x="r")).rights == {"x": "r"}
    assert not standing_of(_viewer(), Accessibility.PRIVATE, _group("owner", x="r")).rights
