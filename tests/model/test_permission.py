"""Who may do what: the truth table, written out."""

from itertools import product

import pytest

from filmroom.model.permission import ALLOWED, Action, Role, may

TRUTH = (
    (Role.OWNER, Action.READ, True),
    (Role.OWNER, Action.EDIT, True),
    (Role.OWNER, Action.DELETE, True),
    (Role.OUTSIDER, Action.READ, False),
    (Role.OUTSIDER, Action.EDIT, False),
    (Role.OUTSIDER, Action.DELETE, False),
)


@pytest.mark.parametrize(("role", "action", "expected"), TRUTH)
def test_may(role: Role, action: Action, *, expected: bool) -> None:
    assert may(role, action) is expected


def test_the_truth_table_is_complete() -> None:
    assert {(role, action) for role, action, _ in TRUTH} == set(product(Role, Action))


def test_every_role_has_a_row() -> None:
    assert set(ALLOWED) == set(Role)


def test_who_may_change_something_may_read_it() -> None:
    """What may not be read answers like what is not there (C-21), so nothing could be done to it either."""
    blind = [role for role, actions in ALLOWED.items() if actions and Action.READ not in actions]

    assert not blind
