"""Changes that browsers ask for need the token of their session (C-43 to C-45, F-26)."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.service.archive import Archive
from filmroom.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
REFRESH = "/data/services/refresh/catalog?resource=/archive/projects/DEMO"


@pytest.fixture
def browser(client: Clients, demo: str) -> TestClient:
    """Alice's, with a session; her project is there."""
    assert demo
    made = client("")
    made.headers["User-Agent"] = FIREFOX
    assert made.put("/data/services/auth", data={"username": "alice", "password": PASSWORD}).status_code == 200
    return made


@pytest.fixture
def token(browser: TestClient) -> str:
    return browser.get("/data/JSESSION?CSRF=true").text.partition("XNAT_CSRF=")[2]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/data/projects/NEW"),
        ("PUT", "/REST/projects/NEW"),
        ("PUT", "/data/archive/projects/NEW"),
        ("POST", "/data/projects?ID=NEW"),
        ("POST", "/data/projects/NEW?method=PUT"),
        ("DELETE", "/data/projects/DEMO"),
        ("PUT", "/data/projects/DEMO/resources/R/files/a?inbody=true"),
        ("DELETE", "/data/JSESSION"),
        ("DELETE", "/data/user/alice/sessions"),
        ("POST", REFRESH),
    ],
)
def test_a_browser_changes_nothing_without_the_token(browser: TestClient, method: str, path: str) -> None:
    reply = browser.request(method, path, content=b"x")

    assert reply.status_code == 403
    assert "XNAT_CSRF" in reply.text


@pytest.mark.parametrize("change", [str, str.upper])
def test_the_token_may_be_in_the_query(browser: TestClient, token: str, change: Callable[[str], str]) -> None:
    assert browser.put(f"/data/projects/NEW?XNAT_CSRF={change(token)}").status_code == 200


def test_the_token_may_be_a_field_of_a_form(browser: TestClient, token: str) -> None:
    """Also where the form is not what the address takes."""
    form = {"XNAT_CSRF": token}

    assert browser.put("/data/projects/NEW", data=form).status_code == 200
    assert browser.post(REFRESH, data=form).status_code == 200
    assert browser.put("/data/projects/DEMO/resources/R/files/a", data=form).status_code == 415


def test_the_token_may_be_a_field_of_a_multipart_form_that_is_all_parameters(browser: TestClient, token: str) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="XNAT_CSRF"\r\n\r\n{token}\r\n--b--\r\n'

    reply = browser.post(REFRESH, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert reply.status_code == 200


@pytest.mark.parametrize("wrong", ["", "x", "%C3%A9", "0" * 36])
def test_a_wrong_token_is_none(browser: TestClient, wrong: str) -> None:
    assert browser.put(f"/data/projects/NEW?XNAT_CSRF={wrong}").status_code == 403


def test_a_wrong_token_in_a_form_is_none(browser: TestClient) -> None:
    assert browser.put("/data/projects/NEW", data={"XNAT_CSRF": "x"}).status_code == 403


def test_a_body_that_is_a_file_is_no_form(browser: TestClient, token: str) -> None:
    reply = browser.put("/data/projects/DEMO/resources/R/files/a?inbody=true", data={"XNAT_CSRF": token})

    assert reply.status_code == 403


def test_what_was_not_meant_is_not_done(browser: TestClient, alice: TestClient) -> None:
    browser.delete("/data/projects/DEMO")

    assert alice.get("/data/projects/DEMO").status_code == 200


def test_the_token_of_another_session_is_none(browser: TestClient, client: Clients) -> None:
    other = client("bob").get("/data/JSESSION?CSRF=true").text.partition("XNAT_CSRF=")[2]

    assert browser.put(f"/data/projects/NEW?XNAT_CSRF={other}").status_code == 403


def test_a_browser_without_a_session_is_told_how_to_get_one(client: Clients) -> None:
    reply = client("alice").put("/data/projects/NEW", headers={"User-Agent": FIREFOX})

    assert reply.status_code == 403
    assert "GET /data/JSESSION?CSRF=true first" in reply.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_no_token(browser: TestClient, method: str) -> None:
    assert browser.request(method, "/data/projects").status_code == 200


def test_signing_in_needs_no_token(browser: TestClient) -> None:
    form = {"username": "alice", "password": PASSWORD}

    assert browser.post("/data/services/auth", data=form).status_code == 200
    assert browser.post("/data/JSESSION").status_code == 200


def test_the_younger_part_of_the_interface_needs_no_token(browser: TestClient) -> None:
    """C-43."""
    assert browser.delete("/xapi/users/active/alice").status_code == 200


def test_the_check_can_be_turned_off(archive: Archive) -> None:
    browser = TestClient(create_app(archive, Settings(csrf_token=False)))
    browser.auth = ("alice", PASSWORD)

    assert browser.put("/data/projects/NEW", headers={"User-Agent": FIREFOX}).status_code == 200


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        (FIREFOX, 403),
        ("Opera/9.80", 403),
        ("something AppleWebKit/537.36", 403),
        ("MSIE 6.0", 403),
        ("", 200),
        (" ", 200),
        ("curl/8.5.0", 200),
        ("python-requests/2.32", 200),
        ("Mozilla/5.0 XNATDesktopClient/3.0", 200),
        ("Mozilla/4.0 (compatible) Java/17", 200),
    ],
)
def test_a_browser_is_known_by_its_name(alice: TestClient, agent: str, status: int) -> None:
    assert alice.put("/data/projects/NEW", headers={"User-Agent": agent}).status_code == status


@pytest.mark.parametrize(
    ("wanted", "path"), [("PUT", "/xapi/users/bob/roles/Administrator"), ("DELETE", "/xapi/users/active/bob")]
)
def test_a_form_of_another_site_cannot_stand_for_another_method_below_xapi(
    client: Clients, wanted: str, path: str
) -> None:
    """No token is asked there, and a browser sends Basic credentials along wherever a form comes from."""
    admin = client("admin")
    admin.headers["User-Agent"] = FIREFOX

    reply = admin.post(f"{path}?method={wanted}", data={"a": "b"})

    assert reply.status_code == 405
    assert admin.get("/xapi/users/bob/roles").json() == []
