"""What the site tells everybody of itself, and people of their sessions (C-37, C-161 to C-163)."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom import __version__
from filmroom.app import create_app
from filmroom.service.archive import Archive
from filmroom.settings import Settings

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
        ("siteId", "XNAT"),
        ("siteUrl", "http://testserver"),
        ("siteHome", "/"),
        ("values/siteId,siteUrl", {"siteId": "XNAT", "siteUrl": "http://testserver"}),
    ],
)
def test_properties_are_bare_values(client: Clients, path: str, value: object) -> None:
    """C-163."""
    assert client("").get(f"/xapi/siteConfig/{path}").json() == value


@pytest.mark.parametrize(("key", "value"), [("filmroom", __version__), ("version", "1.8.11")])
def test_a_part_of_the_build_is_bare_text(client: Clients, key: str, value: str) -> None:
    """C-162: clients take the body as it is, without reading JSON."""
    reply = client("").get(f"/xapi/siteConfig/buildInfo/{key}")

    assert (reply.text, reply.headers["content-type"]) == (value, "text/plain; charset=UTF-8")


SETTINGS = {
    "requireLogin": True,
    "uiAllowNonAdminProjectCreation": False,
    "enableCsrfToken": False,
    "restrictUserListAccessToAdmins": True,
    "checksums": True,
    "sessionTimeout": "7 minutes",
    "aliasTokenTimeout": "3 hours",
}
FOR_ADMINISTRATORS = {"concurrentMaxSessions": 5, "maxFailedLogins": 20, "maxFailedLoginsLockoutDuration": "60 minutes"}


@pytest.fixture
def configured(archive: Archive) -> Clients:
    """People at a site where everything that can be is set otherwise."""
    settings = Settings(
        users_create_projects=False,
        csrf_token=False,
        restrict_user_list=True,
        session_idle_minutes=7,
        alias_token_hours=3,
        sessions_per_user=5,
    )
    app = create_app(archive, settings)

    def make(login: str) -> TestClient:
        made = TestClient(app)
        made.auth = (login, PASSWORD)
        return made

    return make


def test_properties_are_those_of_the_settings(configured: Clients) -> None:
    """C-163, C-164."""
    alice, admin = configured("alice"), configured("admin")

    told = alice.get("/xapi/siteConfig").json()
    assert SETTINGS.items() <= told.items()
    assert not FOR_ADMINISTRATORS.keys() & told.keys()
    assert (SETTINGS | FOR_ADMINISTRATORS).items() <= admin.get("/xapi/siteConfig").json().items()
    assert alice.get("/xapi/siteConfig/sessionTimeout").json() == "7 minutes"
    assert alice.get("/xapi/siteConfig/values/checksums,siteId").json() == {"checksums": True, "siteId": "XNAT"}


@pytest.mark.parametrize(
    ("person", "name", "status"),
    [
        ("", "siteId", 200),
        ("", "requireLogin", 401),
        ("", "concurrentMaxSessions", 401),
        ("", "none", 404),
        ("alice", "requireLogin", 200),
        ("alice", "concurrentMaxSessions", 403),
        ("alice", "values/siteId,concurrentMaxSessions", 403),
        ("admin", "concurrentMaxSessions", 200),
        ("admin", "none", 404),
        ("", "uptime", 401),
        ("", "uptime/display", 401),
    ],
)
def test_who_may_know_a_property(client: Clients, person: str, name: str, status: int) -> None:
    """C-163."""
    assert client(person).get(f"/xapi/siteConfig/{name}").status_code == status


@pytest.mark.parametrize("path", ["", "/requireLogin"])
def test_settings_are_changed_by_the_operator_alone(client: Clients, path: str) -> None:
    """C-163: whoever asks is told so, and an administrator how."""
    url = f"/xapi/siteConfig{path}"
    told = client("admin").post(url, json={"requireLogin": False})

    assert [client(person).post(url, json={}).status_code for person in ("", "alice")] == [401, 403]
    assert told.status_code == 405
    assert "filmroom.toml" in told.text
    assert ("require_login" in told.text) is bool(path)
    assert client("admin").post("/xapi/siteConfig/none").status_code == 404


def test_how_long_the_server_has_been_there(alice: TestClient) -> None:
    """C-165."""
    uptime = alice.get("/xapi/siteConfig/uptime").json()

    assert list(uptime) == ["days", "hours", "minutes", "seconds"]
    assert re.fullmatch(r"(\d+ \w+(, )?)+", alice.get("/xapi/siteConfig/uptime/display").text)


@pytest.mark.parametrize("path", ["version", "uptime", "buildInfo"])
@pytest.mark.parametrize("prefix", ["/data", "/REST"])
def test_clients_must_not_find_a_version_where_none_is(alice: TestClient, prefix: str, path: str) -> None:
    """C-161: a page with the status 404."""
    reply = alice.get(f"{prefix}/{path}")

    assert reply.status_code == 404
    assert reply.text.startswith("<html>")


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
