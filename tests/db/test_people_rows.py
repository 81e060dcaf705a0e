"""Rows of accounts, sessions and failed sign-ins."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from db.rows import LATER, NOW, read
from filmroom.db.engine import Database
from filmroom.db.people import (
    Account,
    Profile,
    find_account,
    find_account_by_pk,
    find_account_called,
    has_accounts,
    insert_account,
    iter_profiles,
    lock_administrators,
    note_success,
    update_account,
)
from filmroom.db.schema import node
from filmroom.db.sessions import (
    add_failure,
    count_failures,
    delete_failures,
    delete_session,
    delete_sessions_unused_since,
    find_session,
    insert_session,
    touch_session,
)
from filmroom.model.conflicts import LoginTaken
from filmroom.model.people import DataRole, Stamp

HOUR = timedelta(hours=1)


def _get(database: Database, login: str) -> Account:
    account = read(database, lambda connection: find_account(connection, login))
    assert account is not None
    return account


def _profile(database: Database, login: str) -> Profile:
    (profile,) = read(database, lambda connection: list(iter_profiles(connection, since=NOW, login=login)))
    return profile


def _change(database: Database, login: str, values: dict[str, Any], *, ends_sessions: bool = False) -> None:
    pk, stamp = _get(database, login).pk, Stamp(LATER, None)
    database.write(lambda connection: update_account(connection, pk, values, ends_sessions=ends_sessions, stamp=stamp))


def _fail(database: Database, login: str, client: str, *, times: int = 1) -> None:
    def unit(connection: Connection) -> None:
        for _ in range(times):
            add_failure(connection, login, client, now=NOW, since=NOW - HOUR)

    database.write(unit)


def _failures(database: Database, login: str, client: str) -> int:
    return read(database, lambda connection: count_failures(connection, login, client, since=NOW - HOUR))


def test_an_account_is_found_by_login_and_by_key(database: Database) -> None:
    pk = database.write(lambda connection: insert_account(connection, "carol", "hash", is_admin=True, now=NOW))
    carol = _get(database, "carol")

    by_pk = read(database, lambda connection: find_account_by_pk(connection, carol.pk))

    assert carol == by_pk
    assert carol == Account(
        pk=pk,
        login="carol",
        password_hash="hash",
        credential_version=1,
        is_admin=True,
        is_enabled=True,
        is_verified=True,
        data_role=DataRole.NONE,
    )


def test_a_user_is_a_node_too(database: Database) -> None:
    """decisions.md: its cache hangs there."""
    alice = _get(database, "alice")

    row = read(database, lambda connection: connection.execute(node.select().where(node.c.pk == alice.pk)).one())

    assert (row.kind, row.id) == ("user", "alice")


def test_a_login_is_taken_once_and_case_counts(database: Database) -> None:
    database.write(lambda connection: insert_account(connection, "Alice", "h", is_admin=False, now=NOW))
    with pytest.raises(LoginTaken, match="alice"):
        database.write(lambda connection: insert_account(connection, "alice", "h", is_admin=False, now=NOW))

    assert _get(database, "Alice") != _get(database, "alice")


def test_nobody_is_found_by_another_name(database: Database) -> None:
    assert read(database, lambda connection: find_account(connection, "nobody")) is None
    assert read(database, lambda connection: find_account_by_pk(connection, 12345)) is None


def test_a_database_knows_whether_it_has_accounts(database: Database) -> None:
    assert read(database, has_accounts)


@pytest.mark.parametrize(("ends_sessions", "version"), [(True, 2), (False, 1)])
def test_a_change_may_make_what_was_signed_in_worthless(
    database: Database, *, ends_sessions: bool, version: int
) -> None:
    _change(database, "alice", {"password_hash": "new hash"}, ends_sessions=ends_sessions)

    alice, bob = _get(database, "alice"), _get(database, "bob")
    assert (alice.password_hash, alice.credential_version, bob.credential_version) == ("new hash", version, 1)


def test_a_changed_account_is_a_changed_node(database: Database) -> None:
    _change(database, "alice", {"email": "a@example.org"})

    profile = _profile(database, "alice")
    assert (profile.email, profile.modified_at, _profile(database, "bob").modified_at < LATER) == (
        "a@example.org",
        LATER,
        True,
    )


def test_a_sign_in_is_noted_and_is_no_change(database: Database) -> None:
    alice = _get(database, "alice")
    before = _profile(database, "alice")

    database.write(lambda connection: note_success(connection, alice.pk, now=LATER))

    assert _profile(database, "alice") == replace(before, last_success_at=LATER)


@pytest.mark.parametrize("column", ["is_admin", "is_enabled", "is_verified"])
def test_administrators_who_cannot_sign_in_are_not_counted(database: Database, column: str) -> None:
    _change(database, "alice", {"is_admin": True})
    _change(database, "bob", {"is_admin": True, column: False})

    pks = database.write(lock_administrators)

    assert pks == (_get(database, "admin").pk, _get(database, "alice").pk)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alice", "alice"),
        ("ALICE", None),
        ("a@example.org", "alice"),
        ("A@Example.org", "alice"),
        ("two@example.org", None),
        ("bob@login", "bob@login"),
        ("", None),
        ("0", None),
        ("9" * 40, None),
        ("\u0663", None),
    ],
)
def test_an_account_is_found_by_what_people_call_it(database: Database, name: str, found: str | None) -> None:
    database.write(lambda connection: insert_account(connection, "bob@login", "hash", is_admin=False, now=NOW))
    for login, email in {"alice": "a@example.org", "admin": "two@example.org", "bob": "two@example.org"}.items():
        _change(database, login, {"email": email})

    account = read(database, lambda connection: find_account_called(connection, name))

    assert (account and account.login) == found


def test_an_account_is_found_by_its_number(database: Database) -> None:
    alice = _get(database, "alice")

    assert read(database, lambda connection: find_account_called(connection, str(alice.pk))) == alice


def test_a_session_remembers_the_version_it_was_opened_with(database: Database) -> None:
    alice = _get(database, "alice")
    database.write(lambda connection: insert_session(connection, "hash", alice, now=NOW))
    _change(database, "alice", {"password_hash": "new hash"}, ends_sessions=True)

    session = read(database, lambda connection: find_session(connection, "hash"))

    assert session is not None
    assert (session.account.login, session.last_used_at) == ("alice", NOW)
    assert (session.credential_version, session.account.credential_version) == (1, 2)


def test_a_session_is_touched_and_deleted(database: Database) -> None:
    alice = _get(database, "alice")
    for word in ("kept", "gone"):
        database.write(lambda connection, word=word: insert_session(connection, word, alice, now=NOW))  # type: ignore[misc]

    database.write(lambda connection: touch_session(connection, "kept", now=LATER))
    database.write(lambda connection: delete_session(connection, "gone"))

    kept, gone = read(database, lambda connection: [find_session(connection, word) for word in ("kept", "gone")])
    assert kept is not None
    assert kept.last_used_at == LATER
    assert gone is None


def test_sessions_that_nobody_used_are_swept(database: Database) -> None:
    alice = _get(database, "alice")
    for word, moment in (("old", NOW), ("new", LATER)):
        database.write(
            lambda connection, word=word, moment=moment: insert_session(connection, word, alice, now=moment)  # type: ignore[misc]
        )

    database.write(lambda connection: delete_sessions_unused_since(connection, LATER))

    left = read(database, lambda connection: [find_session(connection, word) for word in ("old", "new")])
    assert [session is not None for session in left] == [False, True]


def test_failures_are_counted_per_login_and_client(database: Database) -> None:
    _fail(database, "alice", "here", times=3)
    _fail(database, "alice", "there", times=2)
    _fail(database, "nobody at all", "here")

    counts = [
        _failures(database, login, client)
        for login, client in (
            ("alice", "here"),
            ("alice", "there"),
            ("nobody at all", "here"),
            ("bob", "here"),
            ("alice", ""),
        )
    ]

    assert counts == [3, 2, 1, 0, 0]


@pytest.mark.parametrize(("age", "count"), [(HOUR, 2), (HOUR + timedelta(microseconds=1), 0)])
def test_failures_are_forgotten_when_the_last_one_is_old(database: Database, age: timedelta, count: int) -> None:
    _fail(database, "alice", "here", times=2)

    later = NOW + age
    counted = read(database, lambda connection: count_failures(connection, "alice", "here", since=later - HOUR))

    assert counted == count


def test_counting_begins_anew_when_the_last_failure_is_old(database: Database) -> None:
    _fail(database, "alice", "here", times=5)

    database.write(lambda connection: add_failure(connection, "alice", "here", now=LATER, since=LATER - HOUR))

    assert read(database, lambda connection: count_failures(connection, "alice", "here", since=LATER - HOUR)) == 1


@pytest.mark.parametrize(("client", "left"), [("here", [0, 2]), (None, [0, 0])])
def test_failures_are_deleted_from_one_client_or_all(database: Database, client: str | None, left: list[int]) -> None:
    _fail(database, "alice", "here")
    _fail(database, "alice", "there", times=2)
    _fail(database, "bob", "here")

    database.write(lambda connection: delete_failures(connection, "alice", client))

    assert [_failures(database, "alice", "here"), _failures(database, "alice", "there")] == left
    assert _failures(database, "bob", "here") == 1


def test_accounts_are_listed_by_login_with_the_most_failures_from_one_client(database: Database) -> None:
    _fail(database, "bob", "here", times=3)
    _fail(database, "bob", "there", times=5)

    listed = read(
        database,
        lambda connection: [
            (profile.account.login, profile.failures) for profile in iter_profiles(connection, since=NOW - HOUR)
        ],
    )

    assert listed == [("admin", 0), ("alice", 0), ("bob", 5)]


def test_a_taken_login_leaves_no_node_behind(database: Database) -> None:
    with pytest.raises(LoginTaken):
        database.write(lambda connection: insert_account(connection, "alice", "h", is_admin=False, now=NOW))

    users = read(
        database,
        lambda connection: connection.execute(select(func.count(node.c.pk)).where(node.c.kind == "user")).scalar_one(),
    )

    assert users == 3
