"""Sessions: opened once, alive while they are used, ended with their account's credentials."""

import hashlib
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select

from conftest import Clock
from filmroom.db.engine import Database
from filmroom.db.schema import session
from filmroom.model.errors import NotSignedIn
from filmroom.model.people import Viewer
from filmroom.service.accounts import Accounts, csrf_token
from filmroom.service.archive import Archive


@pytest.fixture
def accounts(archive: Archive) -> Accounts:
    return archive.accounts


@pytest.fixture
def alice(people: dict[str, Viewer]) -> Viewer:
    return people["alice"]


@pytest.fixture
def session_id(accounts: Accounts, alice: Viewer) -> str:
    return accounts.open_session(alice)


def _rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(session))]


def test_a_session_tells_whose_it_is(accounts: Accounts, alice: Viewer, session_id: str) -> None:
    assert accounts.find_session_viewer(session_id) == alice


def test_a_session_id_is_thirty_two_hex_digits_and_new_each_time(accounts: Accounts, alice: Viewer) -> None:
    ids = {accounts.open_session(alice) for _ in range(20)}

    assert len(ids) == 20
    assert all(len(one) == 32 and set(one) <= set("0123456789ABCDEF") for one in ids)


@pytest.mark.parametrize("change", [str.lower, lambda text: text[:-1], lambda text: f"{text} ", lambda _: ""])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_another_id_is_nobodys(accounts: Accounts, session_id: str, change: Callable[[str], str]) -> None:
    assert accounts.find_session_viewer(change(session_id)) is None


def test_only_a_hash_of_the_id_is_kept(database: Database, session_id: str) -> None:
    [(kept, *others)] = _rows(database)

    assert kept == hashlib.sha256(session_id.encode()).hexdigest()
    assert session_id not in repr(others)


def test_a_session_ends_when_it_was_idle_for_too_long(accounts: Accounts, session_id: str, clock: Clock) -> None:
    clock.move(minutes=15, microseconds=1)

    assert accounts.find_session_viewer(session_id) is None


def test_a_session_lives_until_its_idle_limit(accounts: Accounts, session_id: str, clock: Clock) -> None:
    clock.move(minutes=15)

    assert accounts.find_session_viewer(session_id) is not None


def test_using_a_session_keeps_it_alive(accounts: Accounts, session_id: str, clock: Clock) -> None:
    alive = []
    for _ in range(10):
        clock.move(minutes=10)
        alive.append(accounts.find_session_viewer(session_id) is not None)
    clock.move(minutes=16)

    assert alive == [True] * 10
    assert accounts.find_session_viewer(session_id) is None


def test_a_session_is_written_down_at_most_once_a_minute(
    accounts: Accounts, database: Database, session_id: str, clock: Clock
) -> None:
    """decisions.md, People."""
    opened = clock.now
    touched = []
    for seconds in (30, 29.999999, 0.000001, 59, 1):
        clock.move(seconds=seconds)
        accounts.find_session_viewer(session_id)
        [(_, _, _, _, last_used_at)] = _rows(database)
        touched.append((last_used_at - opened).total_seconds())  # type: ignore[operator]

    assert touched == [0, 0, 60, 60, 120]


def test_a_closed_session_is_over(accounts: Accounts, alice: Viewer, session_id: str) -> None:
    other = accounts.open_session(alice)

    accounts.close_session(session_id)

    assert accounts.find_session_viewer(session_id) is None
    assert accounts.find_session_viewer(other) == alice


def test_closing_what_is_no_session_is_no_error(accounts: Accounts, session_id: str) -> None:
    accounts.close_session("nothing")

    assert accounts.find_session_viewer(session_id) is not None


@pytest.mark.parametrize(
    "end",
    [
        lambda accounts: accounts.set_password("alice", "another password"),
        lambda accounts: accounts.set_enabled("alice", is_enabled=False),
        lambda accounts: accounts.set_enabled("alice", is_enabled=True),
    ],
    ids=["password", "disabled", "enabled again"],
)
def test_sessions_end_with_a_change_of_their_account(
    accounts: Accounts, people: dict[str, Viewer], session_id: str, end: Callable[[Accounts], None]
) -> None:
    others = accounts.open_session(people["bob"])

    end(accounts)

    assert accounts.find_session_viewer(session_id) is None
    assert accounts.find_session_viewer(others) == people["bob"]


def test_a_session_can_be_opened_after_a_change(accounts: Accounts, alice: Viewer) -> None:
    accounts.set_password("alice", "another password")

    assert accounts.find_session_viewer(accounts.open_session(alice)) == alice


def test_opening_a_session_sweeps_those_that_are_over(
    accounts: Accounts, alice: Viewer, database: Database, clock: Clock
) -> None:
    for _ in range(3):
        accounts.open_session(alice)
    clock.move(minutes=15, microseconds=1)

    accounts.open_session(alice)

    assert len(_rows(database)) == 1


def test_nobody_gets_no_session(accounts: Accounts) -> None:
    with pytest.raises(NotSignedIn):
        accounts.open_session(Viewer(pk=12345, login="gone", is_admin=True))


def test_a_csrf_token_is_a_uuid_that_belongs_to_its_session(session_id: str) -> None:
    """C-44."""
    token = csrf_token(session_id)

    assert str(uuid.UUID(token)) == token
    assert token == csrf_token(session_id)
    assert token != csrf_token(session_id.lower())
    assert session_id.lower() not in token.replace("-", "")
