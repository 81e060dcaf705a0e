"""Signing in: who is who, what is remembered of it, and when an address is locked out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, update

from conftest import PASSWORD, Clock
from filmroom.db.engine import Database
from filmroom.db.schema import account
from filmroom.db.sessions import add_failure
from filmroom.model.errors import AccountLocked, ArchiveError, Busy, NotSignedIn
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.passwords import Passwords
from filmroom.service.sessions import LOCKED_FOR, MOST_FAILURES, Lockout, Remembered, Sessions
from waiting import PATIENCE_SECONDS


def _sign_in(archive: Archive, login: str = "alice", password: str = PASSWORD, client: str = "here") -> Viewer:
    return archive.sessions.sign_in(login, password, client=client)


def _fail(archive: Archive, times: int, login: str = "alice", client: str = "here") -> None:
    for _ in range(times):
        with pytest.raises(NotSignedIn):
            _sign_in(archive, login, "wrong", client)


def _is_let_in(archive: Archive, login: str = "alice", client: str = "here") -> bool:
    try:
        return _sign_in(archive, login, client=client).login == login
    except NotSignedIn:
        return False


def _change_hash_behind_the_scenes(database: Database) -> None:
    """Nobody could be let in any more whose password is looked at, but the version stays as it was."""
    database.write(lambda connection: connection.execute(update(account).values(password_hash="$argon2id$broken")))


def test_the_right_password_lets_in(archive: Archive, people: dict[str, Viewer]) -> None:
    assert {login: _sign_in(archive, login) for login in people} == people


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", PASSWORD + " "),
        ("alice", PASSWORD.upper()),
        ("Alice", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("", PASSWORD),
        ("alice' OR '1'='1", PASSWORD),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_anything_else_does_not(archive: Archive, login: str, password: str) -> None:
    with pytest.raises(NotSignedIn) as raised:
        _sign_in(archive, login, password)

    assert not isinstance(raised.value, AccountLocked)


def test_the_message_does_not_tell_whether_there_is_such_an_account(archive: Archive) -> None:
    messages = set()
    for login in ("alice", "nobody"):
        with pytest.raises(NotSignedIn) as raised:
            _sign_in(archive, login, "wrong")
        messages.add(str(raised.value))

    assert len(messages) == 1


def test_a_disabled_account_is_not_let_in(archive: Archive) -> None:
    archive.accounts.set_enabled("alice", is_enabled=False)

    assert not _is_let_in(archive)


def test_an_account_that_is_enabled_again_is_let_in(archive: Archive) -> None:
    archive.accounts.set_enabled("alice", is_enabled=False)
    archive.accounts.set_enabled("alice", is_enabled=True)

    assert _is_let_in(archive)


def test_a_stored_hash_that_is_none_lets_nobody_in(archive: Archive, database: Database) -> None:
    _change_hash_behind_the_scenes(database)

    assert not _is_let_in(archive)


def test_a_right_pair_is_not_looked_at_again(archive: Archive, database: Database) -> None:
    _sign_in(archive)

    _change_hash_behind_the_scenes(database)

    assert _is_let_in(archive)


def test_what_is_remembered_is_forgotten_after_five_minutes(archive: Archive, database: Database, clock: Clock) -> None:
    _sign_in(archive)
    _change_hash_behind_the_scenes(database)

    let_in = []
    for seconds in (300, 0.000001):
        clock.move(seconds=seconds)
        let_in.append(_is_let_in(archive))

    assert let_in == [True, False]


@pytest.mark.parametrize(
    "end",
    [
        lambda archive: archive.accounts.set_password("alice", "another password"),
        lambda archive: archive.accounts.set_enabled("alice", is_enabled=False),
    ],
    ids=["password", "disabled"],
)
def test_what_is_remembered_ends_with_a_change_of_the_account(archive: Archive, end: Callable[[Archive], None]) -> None:
    _sign_in(archive)

    end(archive)

    assert not _is_let_in(archive)


def test_a_change_by_another_process_counts_too(archive: Archive, database: Database) -> None:
    _sign_in(archive)

    database.write(
        lambda connection: connection.execute(update(account).values(credential_version=7, is_enabled=False))
    )

    assert not _is_let_in(archive)


def test_a_remembered_pair_tells_who_is_an_administrator_now(archive: Archive, database: Database) -> None:
    _sign_in(archive)

    database.write(lambda connection: connection.execute(update(account).values(is_admin=True)))

    assert _sign_in(archive).is_admin


def test_wrong_pairs_are_not_remembered(archive: Archive, database: Database) -> None:
    _fail(archive, 1)
    right_now = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("wrong")

    database.write(lambda connection: connection.execute(update(account).values(password_hash=right_now)))

    assert _sign_in(archive, password="wrong").login == "alice"


def test_memory_for_pairs_is_bounded(archive: Archive, clock: Clock) -> None:
    full = {b"%d" % number: Remembered(0, 0, clock.now, set()) for number in range(10_000)}
    archive.sessions._remembered.update(full)

    _sign_in(archive)

    assert len(archive.sessions._remembered) == 1


def test_a_crowd_with_one_pair_is_let_in(archive: Archive) -> None:
    """One of them pays for the argon2, at the full price; the others wait for it and recall."""
    archive.accounts.add("carol", "a good password")

    with ThreadPoolExecutor(16) as pool:
        viewers = list(pool.map(lambda _: _sign_in(archive, "carol", "a good password"), range(16)))

    assert {viewer.login for viewer in viewers} == {"carol"}


def test_too_many_sign_ins_at_once_are_told_to_come_again() -> None:
    passwords = Passwords()

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(passwords._turns.take())
        with pytest.raises(Busy):
            passwords.is_right("password", None)


def test_nobodys_password_is_never_right() -> None:
    assert not Passwords().is_right("", None)


def test_twenty_failures_lock_out(archive: Archive) -> None:
    """C-32."""
    _fail(archive, 19)
    with pytest.raises(NotSignedIn) as twentieth:
        _sign_in(archive, password="wrong")

    with pytest.raises(AccountLocked):
        _sign_in(archive)

    assert type(twentieth.value) is NotSignedIn


def test_a_lock_is_of_one_login_and_one_client(archive: Archive) -> None:
    _fail(archive, MOST_FAILURES)

    let_in = [
        _is_let_in(archive, login, client) for login, client in (("alice", "here"), ("alice", "there"), ("bob", "here"))
    ]

    assert let_in == [False, True, True]


def test_what_is_remembered_lets_nobody_guess_on_who_is_locked_out(archive: Archive) -> None:
    """Somebody works with this password elsewhere, so that it is remembered; that answers no guesses."""
    _sign_in(archive, client="work")
    _fail(archive, MOST_FAILURES, client="guesser")

    with pytest.raises(AccountLocked):
        _sign_in(archive, client="guesser")

    assert _is_let_in(archive, client="work")


def test_memory_for_addresses_that_failed_is_bounded(archive: Archive) -> None:
    archive.sessions._doubted.update((str(number), "there") for number in range(10_000))

    _fail(archive, 1)

    assert archive.sessions._doubted == {("alice", "here")}


def test_after_a_slip_the_right_password_is_remembered_again(archive: Archive, database: Database) -> None:
    _fail(archive, 1)
    _sign_in(archive)
    _change_hash_behind_the_scenes(database)

    assert _is_let_in(archive)


def test_a_login_without_an_account_is_locked_alike(archive: Archive, database: Database, clock: Clock) -> None:
    def unit(connection: Connection) -> None:  # each of these would cost as much time as a real sign-in
        for _ in range(MOST_FAILURES - 1):
            add_failure(connection, "nobody", "here", now=clock.now, since=clock.now)

    database.write(unit)
    _fail(archive, 1, login="nobody")

    with pytest.raises(AccountLocked):
        _sign_in(archive, "nobody")


def test_a_pair_that_is_remembered_is_let_in_despite_the_lock(archive: Archive) -> None:
    """Else whoever shares an address with a working client could lock it out."""
    _sign_in(archive, client="elsewhere")
    _sign_in(archive)
    _fail(archive, MOST_FAILURES)

    assert _is_let_in(archive)


def test_a_success_forgets_the_failures_before_it(archive: Archive, clock: Clock) -> None:
    for _ in range(2):
        _fail(archive, MOST_FAILURES - 1)
        assert _is_let_in(archive)
        clock.move(minutes=6)  # so that it is not simply recalled the next time

    assert _is_let_in(archive)


def test_a_success_elsewhere_forgets_nothing(archive: Archive, clock: Clock) -> None:
    _fail(archive, MOST_FAILURES)
    _sign_in(archive, client="there")
    clock.move(minutes=6)

    assert not _is_let_in(archive)


@pytest.mark.parametrize(("after", "is_open"), [(LOCKED_FOR, False), (LOCKED_FOR + timedelta(microseconds=1), True)])
def test_a_lock_ends_after_an_hour(archive: Archive, clock: Clock, after: timedelta, *, is_open: bool) -> None:
    """C-32."""
    _fail(archive, MOST_FAILURES)

    clock.move(seconds=after.total_seconds())

    assert _is_let_in(archive) is is_open


def test_knocking_at_a_locked_door_does_not_keep_it_locked(archive: Archive, clock: Clock) -> None:
    _fail(archive, MOST_FAILURES)
    clock.move(minutes=59)
    _fail(archive, 3)
    clock.move(minutes=2)

    assert _is_let_in(archive)


def test_an_operator_unlocks_a_login_everywhere(archive: Archive) -> None:
    for client in ("here", "there"):
        _fail(archive, MOST_FAILURES, client=client)

    archive.accounts.unlock("alice")

    assert [_is_let_in(archive, client=client) for client in ("here", "there")] == [True, True]


def test_an_unlocked_login_has_all_its_tries_again(archive: Archive) -> None:
    _fail(archive, MOST_FAILURES)
    archive.accounts.unlock("alice")

    _fail(archive, MOST_FAILURES - 1)

    assert _is_let_in(archive)


def test_a_crowd_of_wrong_passwords_ends_soon(archive: Archive) -> None:
    """Each either fails or is told to come again; none is let in and none waits for ever."""

    def knock(number: int) -> type[ArchiveError]:
        with pytest.raises((NotSignedIn, Busy)) as raised:
            _sign_in(archive, "bob", f"wrong {number}")
        return type(raised.value)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(knock, range(8), timeout=PATIENCE_SECONDS))

    assert set(told) <= {NotSignedIn, Busy}


def _fill_disk(database: Database) -> None:
    """Whatever may be written in passing meets a disk that is full."""
    for event in ("INSERT ON login_failure", "DELETE ON login_failure", "UPDATE ON session"):
        statement = f"""
            CREATE TRIGGER "full, {event}" BEFORE {event} BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END
        """
        database.write(lambda connection, text=statement: connection.exec_driver_sql(text).close())  # type: ignore[misc]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_a_full_disk_passwords_are_checked_as_ever(archive: Archive, database: Database) -> None:
    _fail(archive, 1)
    _fill_disk(database)

    _fail(archive, 1)

    assert _is_let_in(archive)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_a_full_disk_a_session_goes_on(
    archive: Archive, people: dict[str, Viewer], database: Database, clock: Clock
) -> None:
    session_id = archive.sessions.open(people["alice"])
    _fill_disk(database)
    clock.move(minutes=2)

    assert archive.sessions.find_viewer(session_id) == people["alice"]


class _Slow(Passwords):
    """Something happens while a password is checked, which takes its time."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def is_right(self, password: str, password_hash: str | None) -> bool:
        is_right = super().is_right(password, password_hash)
        self._meanwhile()
        return is_right


@pytest.mark.usefixtures("people")
def test_a_password_that_was_changed_while_it_was_checked_lets_nobody_in(archive: Archive) -> None:
    own = archive.sessions
    slow = _Slow(lambda: archive.accounts.set_password("alice", "another password"))
    sessions = Sessions(own._stores, slow, lockout=Lockout(), idle_limit=timedelta(minutes=30), per_user=10)

    with pytest.raises(NotSignedIn):
        sessions.sign_in("alice", PASSWORD, client="here")

    assert sessions.recognize("alice", PASSWORD, client="here") is None
