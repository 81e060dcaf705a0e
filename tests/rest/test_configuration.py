"""What tools are told, by the site and by projects (C-173)."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

Clients = Callable[[str], TestClient]
SITE = "/data/config"
COLUMNS = ["tool", "path", "project", "user", "create_date", "reason", "contents", "unversioned", "version", "status"]


def _rows(client: TestClient, url: str) -> list[dict[str, Any]]:
    reply = client.get(url)
    assert reply.status_code == 200, reply.text
    rows: list[dict[str, Any]] = reply.json()["ResultSet"]["Result"]
    return rows


@pytest.fixture
def admin(client: Clients) -> TestClient:
    return client("admin")


@pytest.fixture(params=["", "/projects/DEMO"])
def place(request: pytest.FixtureRequest, demo: str) -> str:
    assert demo
    return f"/data{request.param}/config"


def test_a_text_is_made_changed_and_read(admin: TestClient, place: str) -> None:
    first = admin.put(f"{place}/anon/a/b.txt?inbody=true", content="version one, Größe")
    second = admin.put(f"{place}/anon/a/b.txt?event_reason=better", content="two")
    same = admin.put(f"{place}/anon/a/b.txt", content="two")

    assert (first.status_code, second.status_code, same.status_code) == (201, 200, 200)
    assert _rows(admin, place) == [{"tool": "anon"}]
    (row,) = _rows(admin, f"{place}/anon/a/b.txt")
    assert list(row) == COLUMNS
    assert (row["tool"], row["path"], row["user"], row["reason"]) == ("anon", "a/b.txt", "admin", "better")
    assert (row["contents"], row["version"], row["status"]) == ("two", "2", "enabled")
    assert row["project"] == ("DEMO" if "DEMO" in place else "")
    assert admin.get(f"{place}/anon/a/b.txt?contents=true&version=1").text == "version one, Größe"
    assert admin.get(f"{place}/anon/a/b.txt?contents=true").headers["content-type"].startswith("text/plain")


def test_all_paths_of_a_tool_are_listed_and_the_site_and_projects_keep_apart(admin: TestClient, demo: str) -> None:
    for url in (f"{SITE}/tool", f"{SITE}/tool/b", f"{SITE}/tool/a/", f"{demo}/config/tool/c"):
        assert admin.put(url, content=url).status_code == 201
    assert admin.put(f"{SITE}/tool/b", content="new").status_code == 200

    assert [(row["path"], row["version"]) for row in _rows(admin, f"{SITE}/tool")] == [
        ("", "1"),
        ("a", "1"),
        ("b", "2"),
    ]
    assert [row["path"] for row in _rows(admin, f"{demo}/config/tool")] == ["c"]
    assert admin.get(f"{SITE}/tool?contents=true").text == f"{SITE}/tool"
    assert admin.get(f"{SITE}/tool/c").status_code == 404


def test_a_text_can_be_switched_off_and_on(admin: TestClient, place: str) -> None:
    admin.put(f"{place}/tool/x", content="text")

    statuses = []
    for word in ("disabled", "disabled", "enabled"):
        assert admin.put(f"{place}/tool/x?status={word}").status_code == 200
        statuses.append((_rows(admin, f"{place}/tool/x")[0]["status"], _rows(admin, f"{place}/tool/x")[0]["version"]))

    assert statuses == [("disabled", "2"), ("disabled", "2"), ("enabled", "3")]
    assert admin.get(f"{place}/tool/x?contents=true").text == "text"
    assert admin.put(f"{place}/tool/x?status=off").status_code == 400
    assert admin.put(f"{place}/tool/none?status=enabled").status_code == 404


def test_what_is_not_there_is_not_found_or_nothing(admin: TestClient, place: str) -> None:
    admin.put(f"{place}/tool/x", content="text")
    missing = [f"{place}/none", f"{place}/tool/y", f"{place}/tool/x?version=2", f"{place}/tool?contents=true"]

    assert [admin.get(url).status_code for url in missing] == [404] * 4
    accepted = [admin.get(url, params={"accept-not-found": "true"}).status_code for url in missing[:2]]
    assert accepted == [204, 204]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"\xff", 400), (b"a\0b", 400), (b"", 201), (b"x" * 1024 * 1024, 201), (b"x" * 1048577, 413)],
)
def test_what_is_kept_is_text_of_some_length(admin: TestClient, place: str, content: bytes, status: int) -> None:
    assert admin.put(f"{place}/tool/x", content=content).status_code == status


def test_names_have_a_length(admin: TestClient) -> None:
    assert admin.put(f"{SITE}/{'t' * 256}/x", content="x").status_code == 400
    assert admin.put(f"{SITE}/tool/{'p' * 256}", content="x").status_code == 400


def test_the_site_is_told_by_administrators_and_read_by_everybody(client: Clients, admin: TestClient) -> None:
    admin.put(f"{SITE}/tool/x", content="text")
    bob, nobody = client("bob"), client("")

    assert bob.get(f"{SITE}/tool/x?contents=true").text == "text"
    assert [bob.put(f"{SITE}/tool/x", content="y").status_code, nobody.get(f"{SITE}/tool/x").status_code] == [403, 401]
    assert bob.put(f"{SITE}/tool/x?status=disabled").status_code == 403
    assert admin.get(f"{SITE}/tool/x?contents=true").text == "text"


def test_a_project_is_told_by_its_owners_and_read_by_its_people(client: Clients, alice: TestClient, demo: str) -> None:
    url = f"{demo}/config/tool/x"
    assert alice.put(url, content="text").status_code == 201
    assert alice.put(f"{demo}/accessibility/private").status_code == 200
    bob = client("bob")
    outside = (bob.get(url).status_code, bob.put(url, content="y").status_code)
    assert alice.put(f"{demo}/users/member/bob").status_code == 200

    assert outside == (404, 404)
    assert (bob.get(url).status_code, bob.put(url, content="y").status_code) == (200, 403)
    assert bob.put(f"{url}?status=disabled").status_code == 403


def test_a_change_leaves_an_event(alice: TestClient, demo: str) -> None:
    """F-311."""
    alice.put(f"{demo}/config/tool/x?event_reason=because", content="text")
    alice.put(f"{demo}/config/tool/x?status=disabled")

    events = _rows(alice, f"{demo}/history")

    told = [(event["event"], event["address"], event["reason"]) for event in events[:2]]
    assert told == [
        ("disabled configuration", "/projects/DEMO/config/tool/x", ""),
        ("changed configuration", "/projects/DEMO/config/tool/x", "because"),
    ]


@pytest.mark.parametrize("style", ["csv", "xml", "html", "json"])
def test_an_empty_list_of_tools_is_well_formed(alice: TestClient, style: str) -> None:
    """C-133, C-134."""
    reply = alice.get(f"/REST/config?format={style}")

    assert reply.status_code == 200
    assert style == "json" or "tool" in reply.text
