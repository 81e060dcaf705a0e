"""A site that lets guests in (setting ``require_login``), and one that does not."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.rest.auth import find_visitor
from filmroom.rest.call import Request, Site
from filmroom.service.archive import Archive
from filmroom.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPEN = Site(
    site_id="XNAT", root_path="", requires_login=False, has_strict_uploads=False, checks_csrf=True, trusted_proxies=()
)


@pytest.fixture
def guest(archive: Archive) -> TestClient:
    return TestClient(create_app(archive, Settings(require_login=False)))


def _request(**headers: str) -> Request:
    return Request(
        id="1",
        method="GET",
        raw_path="/",
        raw_query=b"",
        headers=headers,
        client="192.0.2.7",
        is_secure=False,
        host="h",
    )


@pytest.mark.parametrize("cookie", ["", "JSESSIONID=DEAD"])
def test_nobody_is_a_guest_where_guests_are_let_in(archive: Archive, cookie: str) -> None:
    viewer = find_visitor(archive, OPEN, _request(cookie=cookie)).viewer

    assert viewer is not None
    assert viewer.is_guest
    assert viewer.client == "192.0.2.7"


def test_a_guest_is_told_so(guest: TestClient) -> None:
    reply = guest.get("/data/auth?CSRF=true")

    assert reply.text == "User 'guest' is logged in"
    assert "set-cookie" not in reply.headers


def test_the_root_greets_a_guest_as_xnatpy_wants_it(guest: TestClient) -> None:
    assert '<span id="user_info">Logged in as: <span style="color:red;">Guest</span>' in guest.get("/").text


def test_wrong_credentials_are_refused_on_an_open_site_too(guest: TestClient) -> None:
    """C-28."""
    assert guest.get("/data/auth", auth=("alice", "wrong")).status_code == 401


def test_a_dead_cookie_makes_a_guest_but_is_told_where_it_is_asked_for(guest: TestClient) -> None:
    headers = {"Cookie": "JSESSIONID=DEAD"}

    assert guest.get("/data/auth", headers=headers).status_code == 200
    assert guest.get("/data/JSESSION", headers=headers).status_code == 401


def test_a_guest_gets_a_session_id_that_stands_for_nothing(guest: TestClient) -> None:
    reply = guest.get("/data/JSESSION")

    assert reply.text.startswith("GUEST")
    assert guest.delete("/data/JSESSION").status_code == 200


def test_a_guest_gets_no_token(guest: TestClient) -> None:
    """C-41."""
    assert guest.get("/data/services/tokens/issue").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "resources/R", 412),
        ("PUT", "resources/R/files/a.txt", 412),
        ("GET", "resources", 401),
        ("GET", "resources/R", 401),
        ("HEAD", "resources/R", 401),
        ("POST", "resources/R/files", 401),
        ("DELETE", "resources/R", 401),
    ],
)
def test_a_guest_has_no_cache(guest: TestClient, method: str, path: str, status: int) -> None:
    assert guest.request(method, f"/data/user/cache/{path}").status_code == status


@pytest.mark.parametrize("path", ["/data/user/alice/sessions", "/xapi/users/active", "/xapi/users/active/alice"])
def test_a_guest_sees_nobodys_sessions(guest: TestClient, path: str) -> None:
    assert guest.get(path).status_code == 403


def test_people_still_sign_in(guest: TestClient) -> None:
    assert guest.get("/data/auth", auth=("alice", PASSWORD)).text == "User 'alice' is logged in"


@pytest.mark.parametrize("path", ["/data/auth", "/data/services/tokens/issue", "/xapi/users/active", "/xapi/nothing"])
def test_a_closed_site_lets_nobody_in(client: Callable[[str], TestClient], path: str) -> None:
    assert client("").get(path).status_code == 401
