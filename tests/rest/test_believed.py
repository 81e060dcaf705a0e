"""Whoever put a file a moment ago is believed to be let in still; what is so when it counts decides all the same."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.blobs.local import LocalStore
from filmroom.model.errors import NotSignedIn
from filmroom.model.people import AccountChange, Viewer
from filmroom.service.archive import Archive
from filmroom.service.sessions import MOST_FAILURES
from filmroom.service.uploads import Fate
from service.desk import Desk, open_desk

FILES = "/data/projects/DEMO/resources/NII/files"
LARGE = b"scan" * 500_000
# Only there is anything remembered that could be believed.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ShutOut = Callable[[Archive], object]


@pytest.fixture
def visitor(alice: TestClient, demo: str) -> TestClient:
    """Alice, who says her password each time, as a script does; she has put something already."""
    assert alice.put(f"{demo}/subjects/S1").status_code == 201
    for name in ("first", "second"):
        assert alice.put(f"{FILES}/{name}?inbody=true", content=b"scan").status_code == 200
    return alice


@pytest.fixture(params=["the same process", "another process"])
def there(request: pytest.FixtureRequest, archive: Archive) -> Archive:
    """Where Alice is shut out."""
    is_elsewhere = request.param == "another process"
    return request.getfixturevalue("elsewhere") if is_elsewhere else archive


def _disable(archive: Archive) -> None:
    archive.accounts.set_enabled("alice", is_enabled=False)


def _change_password(archive: Archive) -> None:
    archive.accounts.set_password("alice", "another password")


SHUT_OUT = pytest.mark.parametrize("shut_out", [_disable, _change_password])


@SHUT_OUT
@pytest.mark.parametrize("content", [b"scan", LARGE], ids=["small", "large"])
def test_whoever_was_shut_out_a_moment_ago_stores_nothing(
    visitor: TestClient, there: Archive, blobs: LocalStore, shut_out: ShutOut, content: bytes
) -> None:
    kept = set(blobs.iter_keys())

    shut_out(there)

    assert visitor.put(f"{FILES}/third?inbody=true", content=content).status_code == 401
    assert set(blobs.iter_keys()) == kept


@SHUT_OUT
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", FILES),
        ("GET", f"{FILES}/first"),
        ("DELETE", f"{FILES}/first"),
        ("PUT", "/data/projects/DEMO/subjects/S1?gender=F"),
        ("PUT", f"{FILES}/first?inbody=true&overwrite=true"),
        ("PUT", f"{FILES}/first?inbody=true"),
        ("PUT", "/data/projects/OTHER/resources/NII/files/x?inbody=true"),
        ("PUT", f"{FILES}/x?reference=/nowhere"),
        ("PUT", f"{FILES}/x/?inbody=true"),
        ("PUT", "/data/projects/DEMO/nothing/there"),
        ("POST", "/data/user/cache/resources/mine/files/x?inbody=true"),
    ],
)
def test_whoever_was_shut_out_a_moment_ago_is_told_and_does_nothing(
    visitor: TestClient, there: Archive, shut_out: ShutOut, method: str, url: str
) -> None:
    shut_out(there)

    assert visitor.request(method, url, content=b"scan").status_code == 401


@ON_SQLITE
@pytest.mark.usefixtures("visitor")
def test_what_is_believed_may_be_a_second_old(archive: Archive, elsewhere: Archive) -> None:
    known = archive.sessions.recognize("alice", PASSWORD, client="testclient")
    assert known is not None

    elsewhere.accounts.set_enabled("alice", is_enabled=False)

    assert archive.sessions.admit(known, client="testclient", believes=True) is not None
    assert archive.sessions.admit(known, client="testclient") is None


def test_rights_are_those_of_now(visitor: TestClient, there: Archive, people: dict[str, Viewer]) -> None:
    """An administrator who is none any more, where others' projects are concerned: F-131, and no 401."""
    there.accounts.change(people["admin"], "alice", AccountChange(is_admin=True))
    open_desk(there, people["bob"], "THEIRS")
    theirs = "/data/projects/THEIRS/resources/NII/files"
    assert visitor.put(f"{theirs}/first?inbody=true", content=b"scan").status_code == 200

    there.accounts.change(people["admin"], "alice", AccountChange(is_admin=False))
    reply = visitor.put(f"{theirs}/second?inbody=true", content=b"scan")

    assert (reply.status_code, reply.headers["filmroom-stored"]) == (200, "no")


def test_whose_rights_are_fewer_now_may_go_on_where_they_may(
    visitor: TestClient, there: Archive, people: dict[str, Viewer]
) -> None:
    there.accounts.change(people["admin"], "alice", AccountChange(is_admin=True))
    assert visitor.put(f"{FILES}/third?inbody=true", content=b"scan").status_code == 200

    there.accounts.change(people["admin"], "alice", AccountChange(is_admin=False))
    reply = visitor.put(f"{FILES}/fourth?inbody=true", content=b"scan")

    assert (reply.status_code, "filmroom-stored" in reply.headers) == (200, False)


def test_only_the_new_password_lets_in(visitor: TestClient, there: Archive) -> None:
    _change_password(there)

    statuses = [
        visitor.put(f"{FILES}/{name}?inbody=true", content=b"scan", auth=("alice", password)).status_code
        for name, password in (("third", "another password"), ("fourth", PASSWORD), ("fourth", "another password"))
    ]

    assert statuses == [200, 401, 200]


@SHUT_OUT
def test_one_that_is_refused_counts_as_one_failure(
    visitor: TestClient, archive: Archive, there: Archive, people: dict[str, Viewer], shut_out: ShutOut
) -> None:
    """C-32: what is believed first and looked at afterwards is no second guess."""
    shut_out(there)
    for _ in range(MOST_FAILURES - 1):
        visitor.put(f"{FILES}/third?inbody=true", content=b"scan")

    assert not archive.accounts.get(people["admin"], "alice").is_locked


@SHUT_OUT
@pytest.mark.parametrize(("name", "value"), [("Content-MD5", "0" * 32), ("Content-Range", "bytes 0-3/8")])
def test_whoever_was_shut_out_a_moment_ago_is_told_nothing_else(
    visitor: TestClient, there: Archive, shut_out: ShutOut, name: str, value: str
) -> None:
    shut_out(there)

    reply = visitor.put(f"{FILES}/third?inbody=true", content=b"scan", headers={name: value})

    assert reply.status_code == 401


@ON_SQLITE
def test_what_one_who_was_let_in_before_may_do_says_nothing_of_one_who_is_believed(
    visitor: TestClient, archive: Archive, elsewhere: Archive
) -> None:
    """Her password is changed while a large upload is on its way, which may still end, and while she is believed."""
    before = Desk(archive, archive.sessions.sign_in("alice", PASSWORD, client="testclient"))
    known = archive.sessions.recognize("alice", PASSWORD, client="testclient")
    assert known is not None
    believed = archive.sessions.admit(known, client="testclient", believes=True)
    assert believed is not None

    _change_password(elsewhere)

    assert before.upload("large") is Fate.STORED
    with pytest.raises(NotSignedIn):
        Desk(archive, believed).upload("small")
    assert visitor.put(f"{FILES}/small?inbody=true", content=b"scan").status_code == 401
