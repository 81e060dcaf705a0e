"""What the site tells everybody of itself, and people of their sessions (C-37, C-161 to C-163)."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from filmroom import __version__

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]


@pytest.mark.parametrize("person", ["", "alice"])
def test_the_version_is_told_to_everybody(client: Clients, person: str) -> None:
    """C-162."""
    reply = client(person).get("/xapi/siteConfig/buildInfo?format=json")

    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["version"].startswith("1.8.")
    assert reply.json()["filmroom"] == __version__


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("buildInfo/filmroom", __version__),
        ("siteId", "XNAT"),
        ("siteUrl", "http://testserver"),
        ("siteHome", "/"),
        ("values/siteId,siteUrl", {"siteId": "XNAT", "siteUrl": "http://testserver"}),
    ],
)
def test_properties_are_bare_values(client: Clients, path: str, value: object) -> None:
    """C-163."""
    assert client("").get(f"/xapi/siteConfig/{path}").json() == value


def test_only_what_is_for_everybody_is_told(client: Clients) -> None:
    public = client("").get("/xapi/siteConfig").json()

    assert sorted(public) == ["buildInfo", "siteHome", "siteId", "siteLogoPath", "siteUrl"]


@pytest.mark.parametrize("path", ["/xapi/siteConfig/smtpServer", "/xapi/siteConfig/buildInfo/x", "/data/version"])
def test_what_is_not_there_is_not_found(client: Clients, path: str) -> None:
    """C-161: a version at ``/data/version`` would be taken for one."""
    assert client("alice").get(path).status_code == 404


def test_people_see_and_end_their_sessions(client: Clients) -> None:
    """C-37."""
    browser = client("alice")
    browser.get("/data/JSESSION")
    client("alice").get("/data/JSESSION")

    counted = browser.get("/data/user/alice/sessions").json()
    shown = browser.get("/xapi/users/active/alice").json()
    ended = browser.delete("/xapi/users/active/alice").json()

    assert counted == {"alice": 2}
    assert [bool(re.fullmatch("[0-9a-f]{8}", mark)) for mark in shown] == [True, True]
    assert ended == shown
    assert browser.get("/data/user/alice/sessions").json() == {"alice": 0}


def test_ended_sessions_sign_nobody_in(client: Clients) -> None:
    browser = client("")
    browser.cookies.set("JSESSIONID", client("alice").get("/data/JSESSION").text)

    reply = client("admin").delete("/data/user/alice/sessions")

    assert len(reply.json()) == 1
    assert browser.get("/data/projects").status_code == 401


def test_an_administrator_sees_all_sessions(client: Clients) -> None:
    for person in ("alice", "alice", "bob"):
        client(person).get("/data/JSESSION")

    active = client("admin").get("/xapi/users/active").json()

    assert {login: one["count"] for login, one in active.items()} == {"alice": 2, "bob": 1}
    assert [len(one["sessions"]) for one in active.values()] == [2, 1]


@pytest.mark.parametrize(
    ("person", "method", "path", "status"),
    [
        ("bob", "GET", "/data/user/alice/sessions", 403),
        ("bob", "DELETE", "/data/user/alice/sessions", 403),
        ("bob", "GET", "/xapi/users/active/alice", 403),
        ("bob", "DELETE", "/xapi/users/active/alice", 403),
        ("bob", "GET", "/xapi/users/active", 403),
        ("bob", "GET", "/xapi/users/active/nobody", 403),
        ("admin", "GET", "/xapi/users/active/nobody", 404),
        ("admin", "DELETE", "/xapi/users/active/nobody", 404),
        ("admin", "GET", "/data/user/alice/sessions", 200),
    ],
)
def test_sessions_are_for_their_owner_and_administrators(
    client: Clients, person: str, method: str, path: str, status: int
) -> None:
    assert client(person).request(method, path).status_code == status


def test_a_cache_is_no_user(alice: TestClient) -> None:
    assert alice.get("/data/user/cache/resources").status_code == 200
    assert alice.get("/data/user/cache/sessions").status_code == 404
