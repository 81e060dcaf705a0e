"""The other doors through which people sign in: the form, ``/data/auth`` and the root (C-27, C-35, C-36, C-42)."""

import re
from base64 import b64encode
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.service.archive import Archive
from filmroom.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]
FORM = {"username": "alice", "password": PASSWORD}


@pytest.fixture
def nobody(client: Clients) -> TestClient:
    return client("")


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("mount", ["/data", "/REST"])
def test_a_form_opens_a_session(nobody: TestClient, method: str, mount: str) -> None:
    reply = nobody.request(method, f"{mount}/services/auth", data=FORM)

    assert reply.status_code == 200
    assert re.fullmatch("[0-9A-F]{32}", reply.text)
    assert nobody.cookies["JSESSIONID"] == reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert nobody.get("/data/projects").status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"j_username": "alice", "j_password": PASSWORD},
        {**FORM, "provider": "localdb"},
        {**FORM, "login_method": "db"},
        {**FORM, "provider": "", "authenticatorId": ""},
        {"username": "localdb/alice", "password": PASSWORD},
    ],
)
def test_the_form_has_several_spellings(nobody: TestClient, form: dict[str, str]) -> None:
    assert nobody.put("/data/services/auth", data=form).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {**FORM, "password": "wrong"},
        {**FORM, "username": "nobody"},
        {**FORM, "username": "ldap/alice"},
        {**FORM, "username": "/alice"},
        {**FORM, "username": "guest"},
        {"username": "alice"},
        {"password": PASSWORD},
        {},
    ],
)
def test_a_wrong_form_is_refused_with_a_reason_in_its_heading(nobody: TestClient, form: dict[str, str]) -> None:
    """The first heading is what xnatpy shows."""
    reply = nobody.put("/data/services/auth", data=form)

    assert reply.status_code == 401
    assert "<h3>Login required or wrong user name or password</h3>" in reply.text
    assert "set-cookie" not in reply.headers


def test_an_unknown_provider_is_told_so(nobody: TestClient) -> None:
    assert nobody.put("/data/services/auth", data={**FORM, "provider": "ldap"}).status_code == 400


def test_the_form_cannot_be_got(nobody: TestClient) -> None:
    assert nobody.get("/data/services/auth").status_code == 405


def test_the_form_always_opens_a_new_session(nobody: TestClient) -> None:
    """Otherwise an id that somebody else had put into the browser would sign both in."""
    first = nobody.put("/data/services/auth", data=FORM).text

    assert nobody.put("/data/services/auth", data=FORM).text != first


def test_a_user_name_may_name_its_provider(nobody: TestClient) -> None:
    """C-27."""
    assert nobody.get("/data/projects", auth=("localdb/alice", PASSWORD)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_is_asked_for_by_get_and_post(client: Clients, method: str) -> None:
    """C-33."""
    assert re.fullmatch("[0-9A-F]{32}", client("alice").request(method, "/data/JSESSION").text)


def test_auth_says_who_is_signed_in(client: Clients) -> None:
    """C-35."""
    browser = client("alice")

    reply = browser.get("/data/auth?CSRF=true")

    assert re.fullmatch(r"User 'alice' is logged in; XNAT_CSRF=[0-9a-f-]{36}", reply.text)
    assert browser.get("/data/JSESSION?CSRF=true").text.endswith(reply.text.partition("; ")[2])


def test_auth_is_not_for_nobody(nobody: TestClient) -> None:
    assert nobody.get("/data/auth").status_code == 401


def test_the_root_signs_in(client: Clients) -> None:
    """C-42."""
    browser = client("alice")

    reply = browser.get("/")

    assert reply.status_code == 200
    assert re.search(r'<span id="user_info">Logged in as: &nbsp;<a (id="[^"]+" )?href="[^"]+">alice</a>', reply.text)
    assert re.fullmatch("[0-9A-F]{32}", browser.cookies["JSESSIONID"])


def test_the_root_is_open_to_nobody_and_takes_nobody_for_a_guest(nobody: TestClient) -> None:
    reply = nobody.get("/")

    assert reply.status_code == 200
    assert "Guest" not in reply.text
    assert "not affiliated" in reply.text
    assert "set-cookie" not in reply.headers


def test_the_root_refuses_wrong_credentials(nobody: TestClient) -> None:
    assert nobody.get("/", auth=("alice", "wrong")).status_code == 401


@pytest.mark.parametrize("path", ["/xnat", "/xnat/", "/"])
def test_the_root_of_a_context_path_is_a_root(archive: Archive, path: str) -> None:
    reply = TestClient(create_app(archive, Settings(root_path="/xnat"))).get(path)

    assert reply.status_code == 200
    assert "/xnat/data" in reply.text


def _basic(raw: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(raw).decode()}"}


ALIAS = b"0d9f7e0a-6ad8-4b0c-9c15-2a7d6c1e4f00"


@pytest.mark.parametrize(
    "headers",
    [
        _basic(b""),
        _basic(b":"),
        _basic(b"alice"),
        _basic(b"\0:\0"),
        _basic(b"alice:\0" + PASSWORD.encode()),
        _basic(b"\xff\xfe:\xfd"),
        _basic(b"a" * 1_000_000 + b":x"),
        _basic(b"alice:" + b"x" * 1_000_000),
        _basic(b"localdb/localdb/alice:x"),
        _basic(b"//:x"),
        _basic(ALIAS + b":" + b"S" * 64),
        _basic(ALIAS + b":"),
        _basic(ALIAS.upper() + b":x"),
        _basic("l\u00f6gin:\u2028".encode()),
        {"Authorization": "Basic"},
        {"Authorization": "Basic ===="},
        {"Authorization": "Basic \u00e9"},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Digest username=alice"},
        {"Cookie": "JSESSIONID=x"},
        {"Cookie": "JSESSIONID=" + "A" * 100_000},
        {"Cookie": ";;;=;JSESSIONID;=JSESSIONID"},
        {"Cookie": "JSESSIONID=\u00ff\u00fe"},
        {"Cookie": "JSESSIONID=\"; JSESSIONID='; DROP TABLE session"},
    ],
    ids=range(24),
)
def test_garbage_signs_nobody_in_and_breaks_nothing(nobody: TestClient, headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}

    reply = nobody.get("/data/projects", headers=raw)

    assert reply.status_code == 401


@pytest.mark.parametrize("body", [b"\xff", b"username=%ff&password=x", b"username=%00&password=x", b"&&==&"])
def test_a_garbage_form_breaks_nothing(nobody: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    reply = nobody.put("/data/services/auth", content=body, headers=headers)

    assert reply.status_code in {400, 401}


def test_a_nul_in_a_multipart_form_is_refused(client: Callable[[str], TestClient]) -> None:
    reply = client("").post("/data/services/auth", files={"username": (None, "ali\0ce"), "password": (None, PASSWORD)})

    assert reply.status_code == 400
