"""Crowds that sign in, wrongly or rightly, and those who are known already."""

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.service.archive import Archive
from filmroom.service.turns import Turns
from waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]


def _wrong(number: int) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'bob:wrong {number}'.encode()).decode()}"}


@pytest.mark.parametrize("pairs", [1, 6, 96])
def test_a_crowd_that_waits_for_turns_keeps_nobody_from_reading_and_uploading(
    client: Clients, archive: Archive, demo: str, monkeypatch: pytest.MonkeyPatch, pairs: int
) -> None:
    """Many with one wrong password wait for one check of it, and so many threads must be left to others."""
    alice = client("alice")
    alice.get("/data/projects")
    turns = archive.accounts._passwords._turns
    monkeypatch.setattr(turns, "_wait_seconds", 2 * PATIENCE_SECONDS)
    with ThreadPoolExecutor(96) as pool, ExitStack() as held:
        for _ in range(2):
            held.enter_context(turns.take())
        knocks = [
            pool.submit(client("").request, ("GET", "PUT")[number % 2], demo, headers=_wrong(number % pairs))
            for number in range(96)
        ]

        read = alice.get("/data/projects")
        uploaded = alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"x")
        waiting = sum(not knock.done() for knock in knocks)

    assert (read.status_code, uploaded.status_code) == (200, 200)
    assert waiting >= 4
    assert {knock.result().status_code for knock in knocks} <= {401, 503}


@pytest.fixture
def no_turns(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on no password can be checked."""
    none = Turns(0, wait_seconds=0, reason="too many sign-ins at once")
    return lambda: monkeypatch.setattr(archive.accounts._passwords, "_turns", none)


def test_who_is_turned_away_is_told_when_to_come_again(client: Clients, no_turns: Callable[[], None]) -> None:
    no_turns()

    reply = client("").get("/data/projects", headers=_wrong(1))

    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"


def test_the_form_waits_for_turns_as_well(client: Clients, no_turns: Callable[[], None]) -> None:
    no_turns()

    reply = client("").put("/data/services/auth", data={"username": "alice", "password": PASSWORD})

    assert reply.status_code == 503


def test_who_has_a_session_needs_no_turn_for_the_credentials_that_come_along(
    client: Clients, archive: Archive, no_turns: Callable[[], None]
) -> None:
    """C-27: pyxnat sends both with every request, and its password is remembered for five minutes only."""
    alice = client("alice")
    alice.get("/data/JSESSION")
    archive.sessions._remembered.clear()
    no_turns()

    assert alice.get("/data/projects").status_code == 200
