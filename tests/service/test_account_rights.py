"""Who may ask what of accounts, and the roles that decide it."""

from collections.abc import Callable

import pytest

from filmroom.model.errors import BadValue, NotAllowed
from filmroom.model.people import GUEST, OPERATOR, AccountChange, Viewer
from filmroom.service.archive import Archive

People = dict[str, Viewer]


CHANGES: dict[str, Callable[[Archive, Viewer], object]] = {
    "create": lambda archive, viewer: archive.accounts.create(viewer, "carol", "a good password", AccountChange()),
    "list profiles": lambda archive, viewer: archive.accounts.list_profiles(viewer),
    "get": lambda archive, viewer: archive.accounts.get(viewer, "bob"),
    "get nobody": lambda archive, viewer: archive.accounts.get(viewer, "nobody"),
    "change": lambda archive, viewer: archive.accounts.change(viewer, "bob", AccountChange(email="b@example.org")),
    "change nobody": lambda archive, viewer: archive.accounts.change(viewer, "nobody", AccountChange()),
    "give a role": lambda archive, viewer: archive.accounts.give_role(viewer, viewer.login, "Administrator"),
    "give a data role": lambda archive, viewer: archive.accounts.give_role(viewer, viewer.login, "ALL_DATA_ADMIN"),
    "take a role": lambda archive, viewer: archive.accounts.take_role(viewer, "admin", "Administrator"),
    "set roles": lambda archive, viewer: archive.accounts.set_roles(viewer, viewer.login, ["ALL_DATA_ACCESS"]),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("login", ["alice", "guest"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_others_and_rights_are_for_administrators(archive: Archive, people: People, name: str, login: str) -> None:
    before = archive.accounts.list_all()

    with pytest.raises(NotAllowed):
        CHANGES[name](archive, {**people, "guest": GUEST}[login])

    assert archive.accounts.list_all() == before


@pytest.mark.parametrize("name", [name for name in CHANGES if "nobody" not in name and name != "take a role"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_administrator_may(archive: Archive, people: People, name: str) -> None:
    archive.accounts.give_role(OPERATOR, "bob", "Administrator")

    CHANGES[name](archive, people["admin"])

    assert archive.accounts.list_profiles(people["admin"])


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ([], lambda accounts: accounts.give_role(OPERATOR, "alice", "Administrator"), ("Administrator",)),
        ([], lambda accounts: accounts.give_role(OPERATOR, "alice", "ALL_DATA_ACCESS"), ("ALL_DATA_ACCESS",)),
        (
            ["ALL_DATA_ADMIN"],
            lambda accounts: accounts.give_role(OPERATOR, "alice", "ALL_DATA_ACCESS"),
            ("ALL_DATA_ADMIN",),
        ),
        (
            ["Administrator", "ALL_DATA_ACCESS"],
            lambda accounts: accounts.give_role(OPERATOR, "alice", "ALL_DATA_ADMIN"),
            ("Administrator", "ALL_DATA_ADMIN"),
        ),
        (["Administrator"], lambda accounts: accounts.take_role(OPERATOR, "alice", "Administrator"), ()),
        (["ALL_DATA_ADMIN"], lambda accounts: accounts.take_role(OPERATOR, "alice", "ALL_DATA_ADMIN"), ()),
        (
            ["ALL_DATA_ADMIN"],
            lambda accounts: accounts.take_role(OPERATOR, "alice", "ALL_DATA_ACCESS"),
            ("ALL_DATA_ADMIN",),
        ),
        (
            ["Administrator"],
            lambda accounts: accounts.set_roles(OPERATOR, "alice", ["ALL_DATA_ACCESS", "ALL_DATA_ADMIN"]),
            ("ALL_DATA_ADMIN",),
        ),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_roles_come_and_go(
    archive: Archive, before: list[str], act: Callable[[object], None], after: tuple[str, ...]
) -> None:
    archive.accounts.set_roles(OPERATOR, "alice", before)

    act(archive.accounts)

    assert archive.accounts.get(OPERATOR, "alice").roles == after


@pytest.mark.parametrize("role", ["administrator", "", "DataManager"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_role_that_there_is_not_is_told(archive: Archive, role: str) -> None:
    for act in (archive.accounts.give_role, archive.accounts.take_role):
        with pytest.raises(BadValue, match="there are Administrator"):
            act(OPERATOR, "alice", role)
    with pytest.raises(BadValue, match="there are Administrator"):
        archive.accounts.set_roles(OPERATOR, "alice", [role])


@pytest.mark.parametrize(
    ("login", "known"), [("admin", ["admin", "alice", "bob", "carol"]), ("alice", ["admin", "alice", "bob"])]
)
def test_people_know_of_each_other_unless_they_are_disabled(
    archive: Archive, people: People, login: str, known: list[str]
) -> None:
    archive.accounts.create(OPERATOR, "carol", "a good password", AccountChange(is_enabled=False))

    listed = archive.accounts.list_known(people[login])

    assert [user.login for user in listed] == known


def test_guests_know_of_nobody(archive: Archive) -> None:
    with pytest.raises(NotAllowed):
        archive.accounts.list_known(GUEST)
