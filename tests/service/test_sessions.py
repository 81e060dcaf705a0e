"""Sessions: opened once, alive while they are used, ended with their account's credentials."""

import hashlib
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from conftest import PASSWORD, RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.schema import session
from filmroom.model.errors import NotSignedIn
from filmroom.model.people import OPERATOR, AccountChange, Viewer
from filmroom.service.archive import Archive
from filmroom.service.sessions import csrf_token


@pytest.fixture
def alice(people: dict[str, Viewer]) -> Viewer:
    return people["alice"]


@pytest.fixture
def session_id(archive: Archive, alice: Viewer) -> str:
    return archive.sessions.open(alice)


def _rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(session))]


def test_a_session_tells_whose_it_is(archive: Archive, alice: Viewer, session_id: str) -> None:
    assert archive.sessions.find_viewer(session_id) == alice


def test_a_session_id_is_thirty_two_hex_digits_and_new_each_time(archive: Archive, alice: Viewer) -> None:
    ids = {archive.sessions.open(alice) for _ in range(20)}

    assert len(ids) == 20
    assert all(len(one) == 32 and set(one) <= set("0123456789ABCDEF") for one in ids)


@pytest.mark.parametrize("change", [str.lower, lambda text: text[:-1], lambda text: f"{text} ", lambda _: ""])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_another_id_is_nobodys(archive: Archive, session_id: str, change: Callable[[str], str]) -> None:
    assert archive.sessions.find_viewer(change(session_id)) is None


def test_only_a_hash_of_the_id_is_kept(database: Database, session_id: str) -> None:
    [(kept, *others)] = _rows(database)

    assert kept == hashlib.sha256(session_id.encode()).hexdigest()
    assert session_id not in repr(others)


def test_a_session_ends_when_it_was_idle_for_too_long(archive: Archive, session_id: str, clock: Clock) -> None:
    clock.move(minutes=15, microseconds=1)

    assert archive.sessions.find_viewer(session_id) is None


def test_a_session_lives_until_its_idle_limit(archive: Archive, session_id: str, clock: Clock) -> None:
    clock.move(minutes=15)

    assert archive.sessions.find_viewer(session_id) is not None


def test_using_a_session_keeps_it_alive(archive: Archive, session_id: str, clock: Clock) -> None:
    alive = []
    for _ in range(10):
        clock.move(minutes=10)
        alive.append(archive.sessions.find_viewer(session_id) is not None)
    clock.move(minutes=16)

    assert alive == [True] * 10
    assert archive.sessions.find_viewer(session_id) is None


def test_a_session_is_written_down_at_most_once_a_minute(
    archive: Archive, database: Database, session_id: str, clock: Clock
) -> None:
    """decisions.md, People."""
    opened = clock.now
    touched = []
    for seconds in (30, 29.999999, 0.000001, 59, 1):
        clock.move(seconds=seconds)
        archive.sessions.find_viewer(session_id)
        [(_, _, _, _, last_used_at)] = _rows(database)
        touched.append((last_used_at - opened).total_seconds())  # type: ignore[operator]

    assert touched == [0, 0, 60, 60, 120]


def test_a_closed_session_is_over(archive: Archive, alice: Viewer, session_id: str) -> None:
    other = archive.sessions.open(alice)

    archive.sessions.close(session_id)

    assert archive.sessions.find_viewer(session_id) is None
    assert archive.sessions.find_viewer(other) == alice


def test_closing_what_is_no_session_is_no_error(archive: Archive, session_id: str) -> None:
    archive.sessions.close("nothing")

    assert archive.sessions.find_viewer(session_id) is not None


@pytest.mark.parametrize(
    "end",
    [
        lambda archive: archive.accounts.set_password("alice", "another password"),
        lambda archive: archive.accounts.set_enabled("alice", is_enabled=False),
        lambda archive: archive.accounts.change(OPERATOR, "alice", AccountChange(is_verified=False)),
        lambda archive: archive.accounts.set_roles(OPERATOR, "alice", []),
    ],
    ids=["password", "disabled", "unverified", "without its roles"],
)
def test_sessions_end_with_a_change_of_their_account(
    archive: Archive, people: dict[str, Viewer], alice: Viewer, end: Callable[[Archive], None]
) -> None:
    archive.accounts.give_role(OPERATOR, "alice", "ALL_DATA_ACCESS")
    session_id = archive.sessions.open(alice)
    others = archive.sessions.open(people["bob"])

    end(archive)

    assert archive.sessions.find_viewer(session_id) is None
    assert archive.sessions.find_viewer(others) == people["bob"]


def test_a_session_can_be_opened_after_a_change(archive: Archive, alice: Viewer) -> None:
    archive.accounts.set_password("alice", "another password")

    assert archive.sessions.find_viewer(archive.sessions.open(alice)) == alice


def test_opening_a_session_sweeps_those_that_are_over(
    archive: Archive, alice: Viewer, database: Database, clock: Clock
) -> None:
    for _ in range(3):
        archive.sessions.open(alice)
    clock.move(minutes=15, microseconds=1)

    archive.sessions.open(alice)

    assert len(_rows(database)) == 1


def test_nobody_gets_no_session(archive: Archive) -> None:
    with pytest.raises(NotSignedIn):
        archive.sessions.open(Viewer(pk=12345, login="gone", is_admin=True))


def test_a_csrf_token_is_a_uuid_that_belongs_to_its_session(session_id: str) -> None:
    """C-44."""
    token = csrf_token(session_id)

    assert str(uuid.UUID(token)) == token
    assert token == csrf_token(session_id)
    assert token != csrf_token(session_id.lower())
    assert session_id.lower() not in token.replace("-", "")


def _open_and_wait(archive: Archive, viewer: Viewer, clock: Clock) -> str:
    session_id = archive.sessions.open(viewer)
    clock.move(minutes=2)
    return session_id


def test_an_account_has_so_many_sessions_and_the_least_used_go_first(
    database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path, alice: Viewer
) -> None:
    """C-32."""
    rules = replace(RULES, sessions_per_user=3)
    with closing(Archive(database, blobs, clock=clock, rules=rules, spool_dir=tmp_path)) as archive:
        first, *others = [_open_and_wait(archive, alice, clock) for _ in range(3)]
        archive.sessions.find_viewer(first)
        newest = archive.sessions.open(alice)

        alive = [bool(archive.sessions.find_viewer(one)) for one in (first, *others, newest)]

    assert alive == [True, False, True, True]


def test_a_pair_is_remembered_while_it_costs_nothing(archive: Archive, clock: Clock) -> None:
    archive.sessions.sign_in("alice", PASSWORD, client="here")
    pairs = (("alice", PASSWORD), ("alice", "wrong"), ("bob", PASSWORD))

    remembered = [archive.sessions.recognize(*pair, client="here") for pair in pairs]
    clock.move(minutes=5, seconds=1)

    assert [known is not None for known in remembered] == [True, False, False]
    assert not archive.sessions.recognize("alice", PASSWORD, client="here")


def test_others_keep_their_sessions(archive: Archive, people: dict[str, Viewer], session_id: str) -> None:
    archive.sessions.open(people["bob"])
    archive.sessions.close_all(people["bob"], "bob")

    assert archive.sessions.find_viewer(session_id) is not None


def test_idle_sessions_are_not_shown(archive: Archive, alice: Viewer, session_id: str, clock: Clock) -> None:
    assert session_id
    before = archive.sessions.list_open(alice, "alice")
    clock.move(minutes=15, seconds=1)

    assert (len(before), archive.sessions.list_open(alice, "alice")) == (1, ())


def test_a_password_that_was_changed_meanwhile_opens_no_session(archive: Archive) -> None:
    """Between the look at the password and the session that it opens."""
    alice = archive.sessions.sign_in("alice", PASSWORD, client="here")
    archive.accounts.set_password("alice", "another password")

    with pytest.raises(NotSignedIn):
        archive.sessions.open(alice)
