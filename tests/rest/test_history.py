"""The audit trail over HTTP: what happened to a thing, in each format, and to whom it is told."""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.model.nodes import Kind
from filmroom.model.people import LONGEST_REASON
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from pages.readers import READERS
from rest.asks import ACTORS
from rest.session import BASES, CONTEXT_URLS, LABELS, OWNERS, make_session, put_file, results
from rest.world import NOBODY, PROJECTS, Ask, World, copy_template, in_project, open_world

COLUMNS: Final = ["date", "user", "event", "address", "details", "client", "reason"]
CLIENT: Final = "192.0.2.7"


@pytest.fixture(scope="module")
def session(shared: TestClient) -> TestClient:
    """Alice, whose session has one of everything inside, and a file in each."""
    assert shared.put("/data/projects/DEMO").status_code == 200
    make_session(shared, "/data/projects/DEMO")
    for owner in OWNERS.values():
        put_file(shared, f"{owner}/resources/R/files/a.txt")
    return shared


def _of(url: str) -> str:
    """The thing itself, which has one history for both of its sides."""
    return url.removesuffix("/in").removesuffix("/out")


@pytest.mark.parametrize("url", CONTEXT_URLS)
def test_every_form_of_a_things_url_tells_the_same(session: TestClient, url: str) -> None:
    kind = CONTEXT_URLS[url]
    base = next(base for owner, base in BASES.items() if owner.split()[-1] == kind)

    told = results(session, f"{_of(url)}/history")

    assert told == results(session, f"{_of(base)}/history")
    assert told[-1]["event"] == f"created {kind}"
    assert told[-1]["address"].endswith(f"/{LABELS[kind]}")
    assert {row["user"] for row in told} == {"alice"}


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("word", READERS)
def test_every_format_has_the_same_rows(session: TestClient, word: str, owner: str) -> None:
    media_type, read = READERS[word]
    url = f"{_of(OWNERS[owner])}/history"

    reply = session.get(f"{url}?format={word}")

    assert reply.headers["content-type"].startswith(media_type)
    assert read(reply.content) == results(session, url)
    assert list(read(reply.content)[0]) == COLUMNS


def test_inside_is_part_of_what_is_around_it(session: TestClient) -> None:
    told = {owner: results(session, f"{_of(url)}/history") for owner, url in OWNERS.items()}

    assert all(row in told["subject"] for row in told["experiment"])
    assert all(row in told["experiment"] for row in told["scan"])
    assert all(row in told["project"] for row in told["subject"])
    assert [row["event"] for row in told["scan"]] == ["uploaded file", "created scan"]


def _part(session: TestClient, said: str) -> list[dict[str, str]]:
    return results(session, f"/data/projects/DEMO/history?{said}")


def test_a_part_is_chosen(session: TestClient) -> None:
    everything = _part(session, "")

    parts = {said: _part(session, said) for said in ("limit=2", "limit=2&offset=1", "offset=3", "limit=0", "limit=")}

    assert len(everything) == 1 + 7 + 8
    assert parts == {
        "limit=2": everything[:2],
        "limit=2&offset=1": everything[1:3],
        "offset=3": everything[3:],
        "limit=0": [],
        "limit=": everything,
    }


def test_beyond_the_end_there_is_nothing(session: TestClient) -> None:
    assert _part(session, "offset=999999999") == []


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["-1", "1.5", "x", "1e3", "+1", "%C2%B2", "9" * 10, " 1"])
def test_a_number_that_cannot_be_is_told(session: TestClient, name: str, value: str) -> None:
    reply = session.get(f"/data/projects/DEMO/history?{name}={value}")

    assert reply.status_code == 400
    assert name in reply.text


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_history_cannot_be_changed(session: TestClient, method: str) -> None:
    before = _part(session, "")

    reply = session.request(method, "/data/projects/DEMO/history")

    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert _part(session, "") == before


@pytest.mark.parametrize(
    "url", ["/data/history", "/data/user/cache/history", "/data/projects/DEMO/resources/R/history"]
)
def test_what_has_no_history_does_not_answer(session: TestClient, url: str) -> None:
    assert session.get(url).status_code in {400, 404}


CHANGES: Final[dict[str, tuple[str, str]]] = {
    "created subject": ("PUT", "subjects/S9"),
    "changed project": ("PUT", ""),
    "changed accessibility": ("PUT", "accessibility/public"),
    "uploaded file": ("PUT", "resources/NEW/files/a.txt?inbody=true"),
    "put into a group": ("PUT", "users/member/bob"),
    "deleted resource": ("DELETE", "resources/R"),
    "deleted subject": ("DELETE", "subjects/S1"),
}


@pytest.fixture
def caller(app: Any) -> TestClient:
    """Alice at an address of her own."""
    client = TestClient(app, client=(CLIENT, 4242))
    client.auth = ("alice", PASSWORD)
    for path in ("", "/subjects/S1"):
        assert client.put(f"/data/projects/DEMO{path}").status_code in {200, 201}
    put_file(client, "/data/projects/DEMO/resources/R/files/a.txt")
    return client


def _change(caller: TestClient, action: str, reason: dict[str, str]) -> Response:
    method, path = CHANGES[action]
    query = {"description": "x", **dict(pair.split("=") for pair in path.partition("?")[2].split("&") if pair)}
    url = f"/data/projects/DEMO/{path.partition('?')[0]}".rstrip("/")
    return caller.request(method, url, params={**query, **reason}, content=b"x" * ("files" in path))


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_tells_from_where_it_came_and_what_was_said_of_it(caller: TestClient, action: str) -> None:
    reply = _change(caller, action, {"event_reason": "as agreed, «5»\nby phone"})

    latest = results(caller, "/data/projects/DEMO/history")[0]
    assert reply.status_code in {200, 201}
    assert (latest["event"], latest["client"], latest["reason"]) == (action, CLIENT, "as agreed, «5»\nby phone")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, ""),
        ({"event_reason": ""}, ""),
        ({"event_type": "WEB_FORM", "event_action": "x"}, ""),
        ({"event_comment": "a comment"}, "a comment"),
        ({"event_reason": "a reason", "event_comment": "a comment"}, "a reason"),
        ({"event_reason": "é" * (LONGEST_REASON + 1)}, "é" * LONGEST_REASON),
    ],
)
def test_a_reason_is_what_was_said(caller: TestClient, said: dict[str, str], told: str) -> None:
    _change(caller, "created subject", said)

    assert results(caller, "/data/projects/DEMO/history")[0]["reason"] == told


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("proxies", "told"), [(f"{CLIENT}/32", "198.51.100.9"), ("203.0.113.0/24", CLIENT)])
def test_behind_a_proxy_that_is_trusted_it_is_the_clients_own_address(
    archive: Archive, proxies: str, told: str
) -> None:
    client = TestClient(create_app(archive, Settings(trusted_proxies=proxies)), client=(CLIENT, 4242))
    client.auth = ("alice", PASSWORD)

    client.put("/data/projects/DEMO", headers={"X-Forwarded-For": "198.51.100.9"})

    assert [row["client"] for row in results(client, "/data/projects/DEMO/history")] == [told]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_made_a_change_is_told_to_others(caller: TestClient, client: Callable[[str], TestClient]) -> None:
    caller.put("/data/projects/DEMO/users/owner/bob")
    client("bob").put("/data/projects/DEMO/subjects/S2")

    told = results(client("admin"), "/data/projects/DEMO/history?limit=2")

    assert [(row["event"], row["user"]) for row in told] == [("created subject", "bob"), ("put into a group", "alice")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_markup_in_a_reason_is_text_in_every_format(caller: TestClient) -> None:
    nasty = "<script>\"&\", 'x'</script>"
    _change(caller, "created subject", {"event_reason": nasty})

    told = {
        word: read(caller.get(f"/data/projects/DEMO/history?limit=1&format={word}").content)[0]["reason"]
        for word, (_, read) in READERS.items()
    }

    assert told == dict.fromkeys(READERS, nasty)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    yield from open_world(copy_template(sqlite_template, folder), folder)


TOLD: Final = dict.fromkeys(product(["admin", "owner"], PROJECTS), 200)
INSIDERS: Final = dict.fromkeys(product(["member", "collaborator"], PROJECTS), 403)
# A protected project shows its record, and nothing of what it holds.
STRANGERS: Final = {
    **dict.fromkeys(product(["outsider", "guest"], ["private"]), 404),
    **dict.fromkeys(product(["outsider", "guest"], ["public"]), 403),
    **dict.fromkeys(product([NOBODY], PROJECTS), 401),
}


def _expected(owner: str) -> dict[tuple[str, str], int]:
    at_protected = 403 if owner == Kind.PROJECT else 404
    may_raters_read = not owner.endswith(Kind.ASSESSOR)
    return {
        **TOLD,
        **INSIDERS,
        **STRANGERS,
        **dict.fromkeys(product(["outsider", "guest"], ["protected"]), at_protected),
        **dict.fromkeys(product(["rater"], ["private", "protected"]), 403 if may_raters_read else 404),
        ("rater", "public"): 403,
    }


@pytest.mark.parametrize("owner", OWNERS)
def test_owners_and_administrators_are_told_and_nobody_else(world: World, owner: str) -> None:
    asks = {
        (actor, accessibility): Ask(method="GET", url=f"{_of(in_project(OWNERS[owner], project))}/history")
        for actor in (*ACTORS, NOBODY)
        for accessibility, project in PROJECTS.items()
    }

    statuses = {(actor, where): world.send(actor, ask).status_code for (actor, where), ask in asks.items()}

    assert statuses == _expected(owner)


def test_a_refusal_tells_nothing_of_what_happened(world: World) -> None:
    refused = world.send("member", Ask(method="GET", url=f"/data/projects/{PROJECTS['private']}/history"))

    assert refused.status_code == 403
    assert not [word for word in ("alice", "created", "uploaded") if word in refused.text]
