"""Alias tokens over HTTP (C-38 to C-41)."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from conftest import Clock
from filmroom.db.engine import Database
from filmroom.db.schema import alias_token
from filmroom.service.archive import Archive
from filmroom.service.turns import Turns

Clients = Callable[[str], TestClient]
TOKENS = "/data/services/tokens"


def _issue(client: TestClient, query: str = "") -> dict[str, Any]:
    reply = client.get(f"{TOKENS}/issue{query}")
    assert reply.status_code == 200
    return dict(reply.json())


def _ask(client: Clients, token: dict[str, Any], path: str = "/data/projects") -> int:
    return client("").get(path, auth=(token["alias"], token["secret"])).status_code


@pytest.fixture
def token(alice: TestClient) -> dict[str, Any]:
    return _issue(alice)


def test_a_token_is_told_whole_once(alice: TestClient, clock: Clock) -> None:
    """C-39."""
    reply = alice.get(f"{TOKENS}/issue")

    token = reply.json()
    assert reply.headers["cache-control"] == "no-store"
    assert str(UUID(token["alias"])) == token["alias"]
    assert re.fullmatch("[A-Za-z0-9]{64}", token["secret"])
    assert token["xdatUserId"] == "alice"
    assert token["singleUse"] is False
    assert token["estimatedExpirationTime"] - token["created"] == 48 * 3600 * 1000
    assert token["created"] == round(clock.now.timestamp() * 1000)


def test_a_token_signs_its_owner_in(client: Clients, token: dict[str, Any]) -> None:
    reply = client("").get("/data/auth", auth=(token["alias"], token["secret"]))

    assert reply.text == "User 'alice' is logged in"


def test_a_token_costs_no_turn_at_a_password(
    client: Clients, archive: Archive, token: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive.accounts._passwords, "_turns", Turns(0, wait_seconds=0, reason="none"))

    assert _ask(client, token) == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_a_hash_of_the_secret_is_kept(database: Database, token: dict[str, Any]) -> None:
    with database.read() as connection:
        rows = connection.execute(alias_token.select()).all()

    assert token["alias"] in repr(rows)
    assert token["secret"] not in repr(rows)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tokens_are_shown_without_their_secrets(alice: TestClient, token: dict[str, Any]) -> None:
    reply = alice.get(f"{TOKENS}/show")

    assert [shown["alias"] for shown in reply.json()] == [token["alias"]]
    assert token["secret"] not in reply.text


def test_an_invalidated_token_is_worth_nothing_at_once(client: Clients, token: dict[str, Any]) -> None:
    before = _ask(client, token)

    ended = client("alice").get(f"{TOKENS}/invalidate/{token['alias']}")

    assert ended.json() == {"result": "OK"}
    assert (before, _ask(client, token)) == (200, 401)


def test_a_token_for_a_single_use_is_used_once(client: Clients, alice: TestClient) -> None:
    token = _issue(alice, "?singleUse=true")

    assert [_ask(client, token), _ask(client, token)] == [200, 401]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_ends_with_its_time(client: Clients, token: dict[str, Any], clock: Clock) -> None:
    clock.move(hours=47, minutes=59)
    before = _ask(client, token)
    clock.move(minutes=1)

    assert (before, _ask(client, token)) == (200, 401)


def test_expired_tokens_are_deleted_when_others_are_issued(
    alice: TestClient, token: dict[str, Any], clock: Clock, database: Database
) -> None:
    clock.move(hours=48)
    newer = _issue(alice)

    with database.read() as connection:
        kept = connection.execute(alias_token.select()).all()

    assert [row.alias for row in kept] == [newer["alias"]]
    assert token["alias"] != newer["alias"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda archive: archive.accounts.set_password("alice", "another password"),
        lambda archive: archive.accounts.set_enabled("alice", is_enabled=False),
    ],
    ids=["another password", "disabled"],
)
def test_a_token_ends_with_the_credentials_of_its_account(
    client: Clients, archive: Archive, token: dict[str, Any], change: Callable[[Archive], None]
) -> None:
    change(archive)

    assert _ask(client, token) == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_wrong_secrets_lock_the_alias_for_this_address(client: Clients, token: dict[str, Any]) -> None:
    for number in range(20):
        _ask(client, {**token, "secret": f"wrong {number}"})

    assert _ask(client, token) == 401
    assert client("alice").get("/data/projects").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_is_validated(client: Clients, token: dict[str, Any]) -> None:
    bob = client("bob")

    right = bob.get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}")
    wrong = bob.get(f"{TOKENS}/validate/{token['alias']}/x")

    assert right.json() == {"valid": "alice"}
    assert wrong.json() == {"valid": None}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_administrator_issues_and_shows_for_others(client: Clients) -> None:
    admin = client("admin")
    token = admin.get(f"{TOKENS}/issue/user/bob").json()

    shown = admin.get(f"{TOKENS}/show/user/bob").json()

    assert [one["alias"] for one in shown] == [token["alias"]]
    assert client("").get("/data/auth", auth=(token["alias"], token["secret"])).text == "User 'bob' is logged in"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("person", "path", "status"),
    [
        ("alice", "issue/user/bob", 403),
        ("alice", "issue/user/alice", 200),
        ("alice", "show/user/bob", 403),
        ("admin", "issue/user/nobody", 404),
        ("alice", "validate/unknown/x", 404),
        ("alice", "invalidate/unknown", 404),
        ("alice", "steal", 400),
        ("alice", "", 400),
        ("", "issue", 401),
        ("", "validate/unknown/x", 401),
    ],
)
def test_what_is_not_to_be_had_is_refused(client: Clients, person: str, path: str, status: int) -> None:
    """C-41."""
    assert client(person).get(f"{TOKENS}/{path}").status_code == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("suffix", "status"), [("", 404), ("/wrong", 404), ("/{secret}", 200)])
def test_only_who_knows_the_secret_ends_the_token_of_another(
    client: Clients, token: dict[str, Any], suffix: str, status: int
) -> None:
    reply = client("bob").get(f"{TOKENS}/invalidate/{token['alias']}{suffix.format_map(token)}")

    assert reply.status_code == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_secrets_in_paths_are_not_logged(
    alice: TestClient, token: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = alice.get("/data/JSESSION").text
    alice.get(f"{TOKENS}/validate/{token['alias']}/{token['secret']}")
    alice.get(f"{TOKENS}/invalidate/{token['alias']}/{token['secret']}")
    alice.delete(f"/data/JSESSION/{session_id}")

    logged = capsys.readouterr().out

    assert f"/validate/{token['alias']}/..." in logged
    assert token["secret"] not in logged
    assert session_id not in logged
