"""What operators do to archive.accounts."""

from pathlib import Path

import pytest

from conftest import PASSWORD, RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database, open_database
from filmroom.db.migrate import migrate
from filmroom.db.schema import account
from filmroom.model.conflicts import LoginTaken
from filmroom.model.errors import BadName, NotFound, NotSignedIn
from filmroom.model.people import DataRole, User
from filmroom.service.archive import Archive
from filmroom.service.sessions import MOST_FAILURES


def _logins(archive: Archive) -> list[str]:
    return [user.login for user in archive.accounts.list_all()]


def test_a_new_account_can_sign_in(archive: Archive) -> None:
    archive.accounts.add("carol", "a good password", is_admin=True)

    viewer = archive.sessions.sign_in("carol", "a good password", client="here")

    assert (viewer.login, viewer.is_admin) == ("carol", True)


def test_a_password_is_kept_as_an_argon2_hash(archive: Archive, database: Database) -> None:
    archive.accounts.add("carol", "a good password")

    with database.read() as connection:
        row = connection.execute(account.select().where(account.c.login == "carol")).one()

    assert row.password_hash.startswith("$argon2id$")
    assert "a good password" not in repr(row)


@pytest.mark.parametrize("login", ["a", "x" * 64, "a.b_c-d@e", "Ärztin", "0", "guests"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_login_may_be(archive: Archive, login: str) -> None:
    archive.accounts.add(login, "a good password")

    assert login in _logins(archive)


@pytest.mark.parametrize(
    "login", ["", "x" * 65, "a b", "a:b", "a/b", "a\nb", "a\0b", "guest", "GUEST", "cache", "Cache", "a'b", "<a>"]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_login_may_not_be(archive: Archive, login: str) -> None:
    with pytest.raises(BadName, match="user name"):
        archive.accounts.add(login, "a good password")

    assert _logins(archive) == ["admin", "alice", "bob"]


def test_a_login_is_taken_once(archive: Archive) -> None:
    with pytest.raises(LoginTaken, match="taken"):
        archive.accounts.add("alice", "a good password")

    assert archive.sessions.sign_in("alice", PASSWORD, client="here").login == "alice"


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_password_has_its_length_and_is_never_told(archive: Archive, password: str) -> None:
    with pytest.raises(BadName) as added:
        archive.accounts.add("carol", password)
    with pytest.raises(BadName) as changed:
        archive.accounts.set_password("alice", password)

    assert "'***'" in str(added.value)
    assert "'***'" in str(changed.value)
    assert _logins(archive) == ["admin", "alice", "bob"]


@pytest.mark.parametrize("password", ["12345678", "x" * 1024, "pass wörd ☃"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_password_may_be(archive: Archive, password: str) -> None:
    archive.accounts.set_password("alice", password)

    assert archive.sessions.sign_in("alice", password, client="here").login == "alice"


def test_an_old_password_is_no_use_any_more(archive: Archive) -> None:
    archive.accounts.set_password("alice", "another password")

    with pytest.raises(NotSignedIn):
        archive.sessions.sign_in("alice", PASSWORD, client="here")


def test_nobodys_account_cannot_be_changed(archive: Archive) -> None:
    with pytest.raises(NotFound, match="nobody"):
        archive.accounts.set_password("nobody", "a good password")
    with pytest.raises(NotFound, match="nobody"):
        archive.accounts.set_enabled("nobody", is_enabled=False)


def test_unlocking_nobody_is_no_error(archive: Archive) -> None:
    archive.accounts.unlock("nobody")

    assert _logins(archive) == ["admin", "alice", "bob"]


def test_accounts_are_listed_by_login(archive: Archive, clock: Clock) -> None:
    archive.accounts.add("Zoe", "a good password")
    archive.accounts.set_enabled("bob", is_enabled=False)
    for _ in range(MOST_FAILURES):
        with pytest.raises(NotSignedIn):
            archive.sessions.sign_in("alice", "wrong", client="here")

    listed = archive.accounts.list_all()

    assert [(user.login, user.is_admin, user.is_enabled, user.is_locked) for user in listed] == [
        ("Zoe", False, True, False),
        ("admin", True, True, False),
        ("alice", False, True, True),
        ("bob", False, False, False),
    ]
    assert listed[0] == User(
        number=listed[0].number,
        login="Zoe",
        is_admin=False,
        is_enabled=True,
        is_verified=True,
        is_locked=False,
        data_role=DataRole.NONE,
        email="",
        first_name="",
        last_name="",
        created_at=clock.now,
        modified_at=clock.now,
        last_success_at=None,
    )


def test_nineteen_failures_are_no_lock(archive: Archive) -> None:
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(NotSignedIn):
            archive.sessions.sign_in("alice", "wrong", client="here")

    assert not any(user.is_locked for user in archive.accounts.list_all())


def test_an_archive_knows_whether_it_has_any_account(archive: Archive) -> None:
    assert archive.accounts.has_any()


def test_a_new_archive_has_none(empty_database_url: str, blobs: LocalStore, clock: Clock, tmp_path: Path) -> None:
    database = open_database(empty_database_url)
    migrate(database)
    archive = Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)

    assert not archive.accounts.has_any()
    archive.close()
