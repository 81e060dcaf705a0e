"""What one process of a server tells another of who signed in."""

import pickle
from datetime import timedelta

import pytest

from conftest import PASSWORD
from filmroom.model.errors import AccountLocked, NotSignedIn
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.sessions import MOST_FAILURES, Lockout, Remembered, Sessions

# What a message between processes may take (cli/channel.py), less what else is in it.
MOST_BYTES = 60_000


@pytest.fixture(autouse=True)
def _alice(people: dict[str, Viewer]) -> None:
    assert "alice" in people


@pytest.fixture
def other(archive: Archive) -> Sessions:
    own = archive.sessions
    return Sessions(own._stores, own._passwords, lockout=Lockout(), idle_limit=timedelta(minutes=30), per_user=10)


def _fail(archive: Archive, client: str) -> None:
    with pytest.raises(NotSignedIn):
        archive.sessions.sign_in("alice", "wrong", client=client)


def test_a_pair_that_was_right_need_not_be_checked_again(archive: Archive, other: Sessions) -> None:
    archive.sessions.sign_in("alice", PASSWORD, client="here")

    other.learn(pickle.loads(pickle.dumps(archive.sessions.tell_known())))

    assert other.recognize("alice", PASSWORD, client="here")
    assert not other.recognize("alice", "wrong", client="here")
    assert not other.recognize("bob", PASSWORD, client="here")


def test_it_counts_only_while_the_account_is_what_it_was(archive: Archive, other: Sessions) -> None:
    archive.sessions.sign_in("alice", PASSWORD, client="here")
    other.learn(archive.sessions.tell_known())

    archive.accounts.set_password("alice", "another password")

    with pytest.raises(NotSignedIn):
        other.sign_in("alice", PASSWORD, client="here")


def test_whoever_guesses_is_not_answered_by_what_another_process_knows(archive: Archive, other: Sessions) -> None:
    archive.sessions.sign_in("alice", PASSWORD, client="work")
    for _ in range(MOST_FAILURES):
        _fail(archive, "guesser")

    other.learn(archive.sessions.tell_known())

    assert other.recognize("alice", PASSWORD, client="work")
    with pytest.raises(AccountLocked):
        other.sign_in("alice", PASSWORD, client="guesser")


def test_where_there_is_too_much_doubt_nothing_is_told(archive: Archive) -> None:
    archive.sessions.sign_in("alice", PASSWORD, client="work")
    archive.sessions._doubted.update(("alice", f"10.0.0.{number}") for number in range(101))

    assert not archive.sessions.tell_known().remembered


def test_what_is_told_is_never_too_much_for_a_message(archive: Archive) -> None:
    own = archive.sessions
    until = own._stores.clock()
    clients = {f"2001:0db8:85a3:0000:0000:8a2e:{number:04x}:7334" for number in range(100)}
    pairs = {b"%032d" % number: Remembered(number, number, until, clients) for number in range(1000)}
    own._remembered.update(pairs)
    own._doubted.update((f"{number:064}", "2001:0db8:85a3:0000:0000:8a2e:0370:7334") for number in range(100))

    told = own.tell_known()

    assert len(pickle.dumps(told)) < MOST_BYTES
    assert list(told.remembered) == list(pairs)[-50:]
