"""Accounts are changed: by whom, what ends with it, and who must stay an administrator."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from conftest import PASSWORD, Clock
from db.rows import LATER
from filmroom.db.engine import Database
from filmroom.db.people import update_account
from filmroom.model.conflicts import LastAdministrator, LoginTaken
from filmroom.model.errors import AccountLocked, BadName, BadValue, NotFound, NotSignedIn
from filmroom.model.people import OPERATOR, AccountChange, DataRole, Stamp, User, Viewer
from filmroom.service.archive import Archive
from filmroom.service.sessions import MOST_FAILURES

People = dict[str, Viewer]
EVERYTHING = AccountChange(
    email="a@example.org",
    first_name="Ada",
    last_name="Lovelace",
    is_enabled=False,
    is_verified=False,
    is_admin=True,
    data_role=DataRole.ACCESS,
)


def _get(archive: Archive, login: str = "alice") -> User:
    return archive.accounts.get(OPERATOR, login)


def _change(archive: Archive, login: str = "alice", **wanted: Any) -> bool:
    return archive.accounts.change(OPERATOR, login, AccountChange(**wanted))


def _is_let_in(archive: Archive, login: str = "alice", password: str = PASSWORD) -> bool:
    try:
        return archive.sessions.sign_in(login, password, client="here").login == login
    except NotSignedIn:
        return False


def test_everything_that_may_be_said_of_an_account_is_kept(archive: Archive, clock: Clock) -> None:
    before = _get(archive)

    is_changed = archive.accounts.change(OPERATOR, "alice", EVERYTHING)

    assert is_changed
    assert _get(archive) == replace(
        before,
        modified_at=clock.now,
        email="a@example.org",
        first_name="Ada",
        last_name="Lovelace",
        is_enabled=False,
        is_verified=False,
        is_admin=True,
        data_role=DataRole.ACCESS,
    )


def test_an_account_is_made_as_it_is_said(archive: Archive, people: People) -> None:
    archive.accounts.create(people["admin"], "carol", "a good password", EVERYTHING)

    carol = _get(archive, "carol")

    assert not EVERYTHING.different_from(carol)
    assert not _is_let_in(archive, "carol", "a good password")


def test_what_is_as_it_was_is_no_change(archive: Archive) -> None:
    before = _get(archive)

    is_changed = _change(archive, email="", is_enabled=True, is_admin=False, data_role=DataRole.NONE)

    assert not is_changed
    assert _get(archive) == before


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        (AccountChange(email="nobody"), "e-mail"),
        (AccountChange(email="a b@example.org"), "e-mail"),
        (AccountChange(email="a@b@c"), "e-mail"),
        (AccountChange(email="a@" + "x" * 253), "e-mail"),
        (AccountChange(email="a@b\0"), "e-mail"),
        (AccountChange(first_name="x" * 256), "first name"),
        (AccountChange(last_name="a\nb"), "last name"),
        (AccountChange(last_name="a\udcff"), "last name"),
        (AccountChange(password="short"), "password"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_said_of_an_account(archive: Archive, wanted: AccountChange, rule: str) -> None:
    with pytest.raises(BadName, match=rule):
        archive.accounts.change(OPERATOR, "alice", wanted)
    with pytest.raises(BadName, match=rule):
        archive.accounts.create(OPERATOR, "carol", wanted.password or "a good password", wanted)


@pytest.mark.parametrize(
    ("wanted", "stays_alive"),
    [
        ({"email": "a@example.org", "first_name": "A", "last_name": "B"}, True),
        ({"is_admin": True}, True),
        ({"data_role": DataRole.ADMIN}, True),
        ({"data_role": DataRole.ACCESS}, True),
        ({"data_role": DataRole.NONE}, False),
        ({"is_enabled": False}, False),
        ({"is_verified": False}, False),
        ({"password": "another password"}, False),
    ],
    ids=str,
)
def test_sessions_end_with_what_takes_rights_away(
    archive: Archive, people: People, wanted: dict[str, Any], *, stays_alive: bool
) -> None:
    _change(archive, data_role=DataRole.ACCESS)
    session_id = archive.sessions.open(people["alice"])

    _change(archive, **wanted)

    assert (archive.sessions.find_viewer(session_id) is not None) == stays_alive


def test_sessions_end_when_an_administrator_becomes_none(archive: Archive, people: People) -> None:
    _change(archive, is_admin=True)
    session_id = archive.sessions.open(people["alice"])

    _change(archive, is_admin=False)

    assert archive.sessions.find_viewer(session_id) is None


def test_an_unverified_account_is_not_let_in(archive: Archive, people: People) -> None:
    """C-29: not by its password, not by a pair that is remembered, not by a session."""
    session_id = archive.sessions.open(people["alice"])
    remembered = _is_let_in(archive)

    _change(archive, is_verified=False)

    assert remembered
    assert not _is_let_in(archive)
    assert archive.sessions.find_viewer(session_id) is None


def test_what_another_process_unverified_is_let_in_no_more(
    archive: Archive, database: Database, people: People
) -> None:
    """Though it left the version as it was."""
    session_id = archive.sessions.open(people["alice"])
    assert _is_let_in(archive)

    pk, stamp = people["alice"].pk, Stamp(LATER, None)
    database.write(
        lambda connection: update_account(connection, pk, {"is_verified": False}, ends_sessions=False, stamp=stamp)
    )

    assert not _is_let_in(archive)
    assert archive.sessions.find_viewer(session_id) is None


def test_an_account_that_is_verified_again_is_let_in(archive: Archive) -> None:
    _change(archive, is_verified=False)

    _change(archive, is_verified=True)

    assert _is_let_in(archive)


@pytest.mark.parametrize("wanted", [{"is_enabled": False}, {"is_verified": False}, {"is_admin": False}], ids=str)
@pytest.mark.parametrize("other", [{}, {"is_enabled": False}, {"is_verified": False}], ids=str)
def test_the_last_administrator_who_can_sign_in_stays_one(
    archive: Archive, wanted: dict[str, Any], other: dict[str, Any]
) -> None:
    """Another one who cannot sign in is no help; nor is being the operator."""
    _change(archive, "bob", is_admin=bool(other), **other)
    before = _get(archive, "admin")

    with pytest.raises(LastAdministrator, match="'admin' is the last"):
        _change(archive, "admin", email="new@example.org", **wanted)

    assert _get(archive, "admin") == before


@pytest.mark.parametrize("wanted", [{"is_enabled": False}, {"is_verified": False}, {"is_admin": False}], ids=str)
def test_one_of_two_administrators_may_go(archive: Archive, wanted: dict[str, Any]) -> None:
    _change(archive, "bob", is_admin=True)

    _change(archive, "admin", **wanted)

    assert [user.login for user in archive.accounts.list_all() if user.is_admin and user.is_enabled] != []
    with pytest.raises(LastAdministrator):
        _change(archive, "bob", **wanted)


def test_two_administrators_cannot_dismiss_each_other_at_once(archive: Archive) -> None:
    def dismiss(login: str) -> None:
        with suppress(LastAdministrator):
            _change(archive, login, is_admin=False)

    left = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            list(pool.map(lambda login: _change(archive, login, is_admin=True), ("admin", "bob")))
            list(pool.map(dismiss, ("admin", "bob")))
            left.append(sum(user.is_admin for user in archive.accounts.list_all()))

    assert left == [1] * 10


def test_a_person_may_read_and_change_the_own_profile(archive: Archive, people: People) -> None:
    archive.accounts.change(people["alice"], "alice", AccountChange(email="a@example.org", first_name="Alice"))

    alice = archive.accounts.get(people["alice"], "alice")

    assert (alice.email, alice.first_name, alice.login) == ("a@example.org", "Alice", "alice")


def test_saying_again_what_rights_one_has_is_no_change_of_rights(archive: Archive, people: People) -> None:
    """Clients send back whole profiles."""
    wanted = AccountChange(email="a@example.org", is_enabled=True, is_verified=True, is_admin=False)

    assert archive.accounts.change(people["alice"], "alice", wanted)


@pytest.mark.parametrize("current", [None, "", "wrong"])
@pytest.mark.parametrize("login", ["alice", "admin"])
def test_a_new_password_for_oneself_needs_the_one_in_force(
    archive: Archive, people: People, login: str, current: str | None
) -> None:
    with pytest.raises(BadValue, match="current password"):
        archive.accounts.change(
            people[login], login, AccountChange(password="another password"), current_password=current
        )

    assert _is_let_in(archive, login)


def test_whoever_knows_the_password_in_force_may_change_it(archive: Archive, people: People) -> None:
    wanted = AccountChange(password="another password")

    archive.accounts.change(people["alice"], "alice", wanted, current_password=PASSWORD)

    assert _is_let_in(archive, password="another password")


def test_an_administrator_sets_the_password_of_others_without_it(archive: Archive, people: People) -> None:
    archive.accounts.change(people["admin"], "alice", AccountChange(password="another password"))

    assert _is_let_in(archive, password="another password")


def test_guessing_the_password_in_force_locks_out(archive: Archive, people: People) -> None:
    guesser = replace(people["alice"], client="here")
    wanted = AccountChange(password="another password")
    for _ in range(MOST_FAILURES):
        with pytest.raises(BadValue):
            archive.accounts.change(guesser, "alice", wanted, current_password="wrong")

    with pytest.raises(AccountLocked):
        archive.accounts.change(guesser, "alice", wanted, current_password=PASSWORD)


def test_nothing_that_is_told_holds_a_password(archive: Archive) -> None:
    assert "another password" not in repr(AccountChange(password="another password"))
    assert "argon2" not in repr(archive.accounts.list_all())


def test_a_login_that_is_taken_is_a_conflict(archive: Archive, people: People) -> None:
    with pytest.raises(LoginTaken):
        archive.accounts.create(people["admin"], "bob", "a good password", AccountChange())


@pytest.mark.parametrize("viewer", [OPERATOR, Viewer(pk=0, login="boss", is_admin=True)], ids=["operator", "admin"])
def test_nobodys_account_is_not_there(archive: Archive, viewer: Viewer) -> None:
    for act in (
        lambda: archive.accounts.get(viewer, "nobody"),
        lambda: archive.accounts.change(viewer, "nobody", AccountChange(email="a@example.org")),
        lambda: archive.accounts.give_role(viewer, "nobody", "Administrator"),
    ):
        with pytest.raises(NotFound, match="nobody"):
            act()


def test_an_account_is_found_by_what_people_call_it(archive: Archive) -> None:
    _change(archive, email="a@example.org")
    number = _get(archive).number

    found = [archive.accounts.find(name) for name in ("alice", "a@example.org", str(number), "nobody")]

    assert [user and user.login for user in found] == ["alice", "alice", "alice", None]


def test_a_sign_in_with_a_password_is_remembered_with_its_time(archive: Archive, clock: Clock) -> None:
    assert _is_let_in(archive)
    at = clock.now
    clock.move(minutes=1)

    assert _is_let_in(archive)

    alice = _get(archive)
    assert (alice.last_success_at, alice.modified_at < at) == (at, True)


def test_a_sign_in_that_fails_is_not(archive: Archive) -> None:
    assert not _is_let_in(archive, password="wrong")

    assert _get(archive).last_success_at is None


def test_a_change_is_stamped_with_who_made_it(archive: Archive, database: Database, people: People) -> None:
    archive.accounts.change(people["admin"], "alice", AccountChange(email="a@example.org"))

    def unit(connection: Connection) -> object:
        query = "SELECT modified_by FROM node WHERE pk = :pk"
        return connection.exec_driver_sql(query.replace(":pk", str(people["alice"].pk))).scalar_one()

    assert database.write(unit) == people["admin"].pk
