"""xnatpy 0.8.1 signs in in each of its ways, against a real server."""

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from server.process import PASSWORD, Server

xnat = pytest.importorskip("xnat")
CLIENT = "xnatpy 0.8.1"


@pytest.fixture(scope="module")
def open_url(open_site: Server) -> str:
    return open_site.url


def _connect(url: str, **how: str) -> Any:
    """``no_parse_model`` leaves out the schemas, which are no part of signing in."""
    return xnat.connect(url, no_parse_model=True, loglevel="ERROR", detect_redirect=True, **how)


def _auth(session: Any) -> str:
    return str(session.get("/data/auth").text)


@pytest.mark.client(
    CLIENT, "signing in with a password, and out", "PUT /data/services/auth", "GET /data/auth", "DELETE /data/JSESSION"
)
def test_xnatpy_signs_in_with_a_password_and_out_again(url: str) -> None:
    with _connect(url, user="admin", password=PASSWORD) as session:
        shown = _auth(session)
        session_id = session.jsession

    assert shown == "User 'admin' is logged in"
    assert _ask(url, "GET", "/data/auth", cookie=session_id)[0] == 401


@pytest.mark.client(CLIENT, "signing in with a token", "GET /data/services/tokens/issue", "GET /data/auth")
def test_xnatpy_signs_in_with_a_token(url: str) -> None:
    with _connect(url, user="admin", password=PASSWORD) as session:
        token = session.get_json("/data/services/tokens/issue")

    with _connect(url, user=token["alias"], password=token["secret"]) as session:
        shown, session_id = _auth(session), session.jsession

    assert shown == "User 'admin' is logged in"
    assert len(session_id) == 32


@pytest.mark.client(CLIENT, "signing in with a token for a single use", "GET /data/services/tokens/issue")
def test_xnatpy_signs_in_with_a_token_for_a_single_use(url: str) -> None:
    with _connect(url, user="admin", password=PASSWORD) as session:
        token = session.get_json("/data/services/tokens/issue", query={"singleUse": "true"})

    with _connect(url, user=token["alias"], password=token["secret"]) as session:
        assert _auth(session) == "User 'admin' is logged in"


@pytest.mark.client(CLIENT, "going on with a session that is given", "GET /data/auth")
def test_xnatpy_goes_on_with_a_session_that_it_is_given(url: str) -> None:
    session_id = _ask(url, "PUT", "/data/services/auth", form={"username": "admin", "password": PASSWORD})[1]

    with _connect(url, jsession=session_id) as session:
        assert _auth(session) == "User 'admin' is logged in"


@pytest.mark.client(CLIENT, "a wrong password is an error", "PUT /data/services/auth")
def test_xnatpy_is_told_of_a_wrong_password(url: str) -> None:
    with pytest.raises(xnat.exceptions.XNATLoginFailedError, match="wrong user name or password"):
        _connect(url, user="admin", password="wrong")


def test_xnatpy_is_told_of_a_wrong_token(url: str) -> None:
    with pytest.raises(xnat.exceptions.XNATAuthError):
        _connect(url, user="0d9f7e0a-6ad8-4b0c-9c15-2a7d6c1e4f00", password="S" * 64)


@pytest.mark.client(CLIENT, "being a guest on a site that lets guests in", "GET /data/JSESSION")
def test_xnatpy_is_a_guest_on_an_open_site(open_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", "/nonexistent")

    with _connect(open_url) as session:
        assert _auth(session) == "User 'guest' is logged in"


def test_xnatpy_is_no_guest_on_a_closed_site(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", "/nonexistent")

    with pytest.raises(xnat.exceptions.XNATAuthError):
        _connect(url)


def _ask(url: str, method: str, path: str, *, form: dict[str, str] | None = None, cookie: str = "") -> tuple[int, str]:
    """As curl would."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
    headers = {"Cookie": f"JSESSIONID={cookie}", "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, path, body=urlencode(form or {}), headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text
