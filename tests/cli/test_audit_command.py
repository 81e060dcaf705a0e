"""``filmroom audit``, through the door only: at an archive that nobody serves, and at one that is being served."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.commands import run
from filmroom.composition import open_archive
from filmroom.model.people import Viewer
from filmroom.settings import Settings
from server.process import PASSWORD, Server

pytestmark = pytest.mark.usefixtures("own_folder")
AGO = timedelta(days=3)


@pytest.fixture
def people(data: Path) -> dict[str, Viewer]:
    archive = open_archive(Settings(data=str(data)))
    found = {login: archive.sessions.sign_in(login, PASSWORD, client="") for login in ("alice", "bob")}
    archive.close()
    return found


@pytest.fixture
def told(data: Path, people: dict[str, Viewer]) -> Callable[..., list[str]]:
    """What the command says of an archive where Alice and Bob made projects and the operator an account.

    What Alice did is three days old.
    """
    alice = replace(people["alice"], client="192.0.2.7", reason="protocol 12")
    archive = open_archive(Settings(data=str(data)))
    archive.projects.put(alice, "DEMO", {})
    archive.projects.put(alice, "D_MO", {})
    archive.projects.put(people["bob"], "BOBS", {})
    archive.close()
    _age(data, people["alice"].pk)
    assert run("user", "add", "carol", "--password", "long enough", "--data", str(data)).exit_code == 0
    return lambda *words: _run(data, *words)


def _run(data: Path, *words: str) -> list[str]:
    result = run("audit", *words, "--data", str(data))
    assert result.exit_code == 0
    return result.output.splitlines()


def _age(data: Path, by_pk: int) -> None:
    with closing(sqlite3.connect(data / "filmroom.db")) as connection, connection:
        connection.execute(
            "UPDATE event SET at = at - ? WHERE by_pk = ?", [round(AGO.total_seconds() * 1_000_000), by_pk]
        )


def _addresses(lines: list[str]) -> list[str]:
    return [line.split("\t")[4] for line in lines]


def test_a_line_says_when_who_from_where_what_and_why(told: Callable[..., list[str]]) -> None:
    (line,) = told("--address", "/projects/DEMO")

    when, *rest = line.split("\t")
    at = datetime.strptime(when, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert timedelta() <= datetime.now(UTC) - AGO - at < timedelta(minutes=5)
    assert [rest[0], rest[1], rest[2], rest[3], rest[-1]] == [
        "alice",
        "192.0.2.7",
        "created project",
        "/projects/DEMO",
        "protocol 12",
    ]


def test_the_latest_comes_first(told: Callable[..., list[str]]) -> None:
    assert _addresses(told()) == ["/users/carol", "/projects/BOBS", "/projects/D_MO", "/projects/DEMO"]


def test_who_has_no_account_or_no_address_is_a_dash(told: Callable[..., list[str]]) -> None:
    (line,) = told("--address", "/users/carol")

    assert line.split("\t")[1:5] == ["-", "-", "made an account", "/users/carol"]


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        (["--user", "bob"], ["/projects/BOBS"]),
        (["--user", "nobody"], []),
        (["--address", "/projects/D_"], ["/projects/D_MO"]),
        (["--address", "/projects/"], ["/projects/BOBS", "/projects/D_MO", "/projects/DEMO"]),
        (["--since", "2d"], ["/users/carol", "/projects/BOBS"]),
        (["--since", "4d", "--limit", "3"], ["/users/carol", "/projects/BOBS", "/projects/D_MO"]),
        (["--limit", "1"], ["/users/carol"]),
        (["--user", "alice", "--address", "/projects/DE", "--since", "4d"], ["/projects/DEMO"]),
        (["--user", "alice", "--since", "2d"], []),
    ],
    ids=" ".join,
)
def test_changes_are_chosen(told: Callable[..., list[str]], words: list[str], addresses: list[str]) -> None:
    assert _addresses(told(*words)) == addresses


def test_as_json_each_line_is_one_event(told: Callable[..., list[str]]) -> None:
    (event,) = map(json.loads, told("--json", "--address", "/projects/DEMO"))

    at = datetime.fromisoformat(event.pop("at"))
    assert at.utcoffset() == timedelta()
    assert event == {
        "login": "alice",
        "action": "created project",
        "address": "/projects/DEMO",
        "details": {"fields": ""},
        "client": "192.0.2.7",
        "reason": "protocol 12",
    }


@pytest.mark.parametrize("words", [["--limit", "0"], ["--limit", "x"], ["--since", "2"], ["--since", "-2d"]])
def test_a_choice_that_cannot_be_is_told(data: Path, words: list[str]) -> None:
    result = run("audit", *words, "--data", str(data))

    assert result.exit_code == 2
    assert words[0] in result.output


def test_of_a_folder_without_an_archive_nothing_is_told(tmp_path: Path) -> None:
    result = run("audit", "--data", str(tmp_path / "none"))

    assert result.exit_code == 1
    assert "there is no archive in" in result.output
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("reason", ["x\n2026-01-01 00:00:00\tbob", "x\r\ty", "\x1b[2J\x9b2J", "a\u2028b", "a\u202eb"])
def test_what_a_client_says_cannot_pass_for_another_line_or_move_the_cursor(
    data: Path, people: dict[str, Viewer], reason: str
) -> None:
    archive = open_archive(Settings(data=str(data)))
    archive.projects.put(replace(people["alice"], reason=reason), "DEMO", {})
    archive.close()

    shown = run("audit", "--data", str(data)).output
    as_json = run("audit", "--json", "--data", str(data)).output

    assert (shown.count("\n"), shown.count("\t")) == (1, 6)
    assert shown.replace("\n", "").replace("\t", "").isprintable()
    assert json.loads(as_json)["reason"] == reason


def _read_all(database_url: str, server: Server) -> list[dict[str, Any]]:
    result = run("audit", "--json", "--data", str(server.folder), "--database", database_url)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_served_archive_is_shown_as_it_is_and_the_same_when_it_is_served_no_more(
    make_server: Callable[..., Server], empty_database_url: str
) -> None:
    server = make_server("--database", empty_database_url)
    server.request("PUT", "/data/projects/DEMO?event_reason=a%20trial")
    served = _read_all(empty_database_url, server)
    server.request("PUT", "/data/projects/DEMO/resources/R/files/a?inbody=true", b"voxels")

    later = _read_all(empty_database_url, server)
    server.stop()

    keys = ("login", "client", "action", "address", "reason")
    assert [served[0][key] for key in keys] == ["admin", "127.0.0.1", "created project", "/projects/DEMO", "a trial"]
    assert [event["action"] for event in later[: -len(served)]] == ["uploaded file"]
    assert later[-len(served) :] == served
    assert _read_all(empty_database_url, server) == later
