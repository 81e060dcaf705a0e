"""Signing in over HTTP: Basic, sessions and their cookies (core-api section 2)."""

import re
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, Clock
from filmroom.service.archive import Archive
from waiting import PATIENCE_SECONDS

Clients = Callable[[str], TestClient]


def _basic(raw: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(raw).decode()}"}


def _signed_in(client: Clients) -> TestClient:
    """Alice with a session's cookie and no credentials."""
    browser = client("")
    browser.post("/data/JSESSION", headers=_basic(f"alice:{PASSWORD}".encode()))
    return browser


@pytest.mark.parametrize("agent", ["curl/8", "Mozilla/5.0 (X11) AppleWebKit/537.36"])
def test_nobody_is_asked_to_sign_in(client: Clients, agent: str) -> None:
    """F-25, for browsers too until there are pages for them."""
    reply = client("").get("/data/projects", headers={"User-Agent": agent})

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith('Basic realm="XNAT"')
    assert "Login required or wrong user name or password" in reply.text


@pytest.mark.parametrize(
    "raw",
    [
        b"alice:wrong",
        b"nobody:" + PASSWORD.encode(),
        b"alice",
        b":",
        b"",
        b"\xff\xfe:\xff",
        b"alice:\0",
        b"a" * 5000 + b":x",
    ],
)
def test_wrong_credentials_are_refused_even_where_none_are_needed(client: Clients, raw: bytes) -> None:
    """C-28."""
    reply = client("").get("/data/JSESSION", headers=_basic(raw))

    assert reply.status_code == 401


@pytest.mark.parametrize("header", ["Basic !!!", "Basic", "Basic YWxpY2U", "basic \x7f"])
def test_credentials_that_cannot_be_read_are_refused(client: Clients, header: str) -> None:
    reply = client("").get("/data/JSESSION", headers={"Authorization": header})

    assert reply.status_code == 401


def test_a_session_is_opened_by_credentials_and_then_does_without_them(client: Clients) -> None:
    """C-27, C-30, C-33."""
    browser = client("")

    opened = browser.post("/data/JSESSION", headers=_basic(f"alice:{PASSWORD}".encode()))
    reply = browser.get("/data/projects")

    assert re.fullmatch("[0-9A-F]{32}", opened.text)
    assert browser.cookies["JSESSIONID"] == opened.text
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert "Path=/" in opened.headers["set-cookie"]
    assert reply.status_code == 200


def test_asking_again_gives_the_same_session(client: Clients) -> None:
    browser = client("alice")

    first, second = browser.get("/data/JSESSION"), browser.get("/data/JSESSION")

    assert first.text == second.text
    assert "JSESSIONID=" not in second.headers["set-cookie"]


def test_only_asking_for_a_session_opens_one(client: Clients) -> None:
    reply = client("alice").get("/data/projects")

    assert "set-cookie" not in reply.headers


def test_an_ended_session_signs_nobody_in(client: Clients) -> None:
    """C-34."""
    browser = _signed_in(client)

    ended = browser.delete("/data/JSESSION")
    browser.cookies.set("JSESSIONID", "0" * 32)
    reply = browser.get("/data/projects")

    assert ended.status_code == 200
    assert reply.status_code == 401


def test_a_session_can_be_ended_with_its_id_in_the_path(client: Clients) -> None:
    """C-34."""
    browser = client("alice")
    session_id = browser.get("/data/JSESSION").text

    reply = browser.delete(f"/data/JSESSION/{session_id}")

    assert reply.status_code == 200


def test_an_idle_session_ends_and_a_used_one_lives_on(client: Clients, clock: Clock) -> None:
    browser = _signed_in(client)

    clock.move(minutes=10)
    used = browser.get("/data/projects")
    clock.move(minutes=10)
    used_again = browser.get("/data/projects")
    clock.move(minutes=16)
    ended = browser.get("/data/projects")

    assert [used.status_code, used_again.status_code, ended.status_code] == [200, 200, 401]


def test_a_dead_cookie_does_not_matter_beside_right_credentials(client: Clients) -> None:
    reply = client("alice").get("/data/projects", headers={"Cookie": "JSESSIONID=DEAD"})

    assert reply.status_code == 200


def test_a_dead_cookie_alone_is_told_so(client: Clients) -> None:
    """xnat-access finds out in this way that its session has ended."""
    reply = client("").get("/REST/JSESSION", headers={"Cookie": "JSESSIONID=DEAD"})

    assert reply.status_code == 401


def test_nobody_gets_a_session_id_that_stands_for_nothing(client: Clients) -> None:
    """C-33: pyxnat and xnatpy ask for it before they know who they are, and keep asking."""
    browser = client("")

    first = browser.get("/data/JSESSION")
    again = browser.get("/data/JSESSION", headers={"Cookie": f"JSESSIONID={first.text}"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert "set-cookie" not in first.headers
    assert browser.get("/data/projects").status_code == 401


def test_the_csrf_token_belongs_to_the_session(client: Clients) -> None:
    """C-33, C-44."""
    browser = client("alice")

    first = browser.get("/data/JSESSION?CSRF=true").text
    second = browser.get("/data/JSESSION?CSRF=true").text

    assert re.fullmatch(r"[0-9A-F]{32}; XNAT_CSRF=[0-9a-f-]{36}", first)
    assert first == second


def test_the_expiration_cookie_is_what_xnatpy_parses(client: Clients) -> None:
    """C-31: quotes and a bare comma."""
    cookies = client("alice").get("/data/JSESSION").headers.get_list("set-cookie")

    expiration = next(cookie for cookie in cookies if cookie.startswith("SESSION_EXPIRATION_TIME="))

    assert re.fullmatch(r'SESSION_EXPIRATION_TIME="(\d+),900000"; Path=/; SameSite=Lax', expiration)


def test_too_many_failures_lock_the_account_for_this_address(client: Clients) -> None:
    """C-29, C-32."""
    nobody = client("")
    for _ in range(20):
        nobody.get("/data/projects", headers=_basic(b"alice:wrong"))

    reply = client("alice").get("/data/projects")

    assert reply.status_code == 401
    assert "locked" in reply.text


def test_a_cookie_cannot_keep_the_server_busy(client: Clients) -> None:
    """A general reader of cookies takes quadratic time for this one: minutes for what is a moment here."""
    reply = client("").get("/data/JSESSION", headers={"Cookie": 'JSESSIONID="' + "\\" * 60_000})

    assert reply.status_code == 401


@pytest.mark.parametrize(
    "path", ["/data/subjects", "/data/version", "/data/projects/%ff", "/data/projects/P/resources/R"]
)
def test_nobody_is_told_what_there_is(client: Clients, path: str) -> None:
    """F-25: signing in comes first."""
    assert client("").get(path).status_code == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_crowd_with_wrong_passwords_does_not_keep_others_waiting(
    client: Clients, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight threads read; while both turns at a password are taken, four of them may wait for one."""
    alice = client("alice")
    alice.get("/data/projects")
    turns = archive.accounts._passwords._turns
    monkeypatch.setattr(turns, "_wait_seconds", 2 * PATIENCE_SECONDS)
    with ThreadPoolExecutor(16) as pool, ExitStack() as held:
        for _ in range(2):
            held.enter_context(turns.take())
        knocks = [
            pool.submit(client("").get, "/data/projects", headers=_basic(b"bob:wrong %d" % number))
            for number in range(16)
        ]
        turned_away = list(islice(as_completed(knocks, timeout=PATIENCE_SECONDS), 12))

        status = alice.get("/data/projects").status_code

        waiting = sum(not knock.done() for knock in knocks)
    assert (status, waiting) == (200, 4)
    assert {knock.result().status_code for knock in turned_away} == {503}
    assert {knock.result().status_code for knock in knocks} == {401, 503}
