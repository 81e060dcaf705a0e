"""Whoever may not see something cannot tell it from what is not there (C-21): the whole answer is the same."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from httpx2 import Response

from rest.asks import OPERATIONS, Line, read_lines
from rest.session import OWNERS
from rest.world import OTHER, PROJECTS, Ask, World, copy_template, open_world

PRIVATE: Final = PROJECTS["private"]
PROTECTED: Final = PROJECTS["protected"]
PUBLIC: Final = PROJECTS["public"]
# Of each name of something that is there, one as long of something that is not.
MISSING: Final = {
    f"/{PRIVATE}": "/NOWHERE",
    "/subjects/S1": "/subjects/S7",
    "/experiments/MR1": "/experiments/MR7",
    "/scans/4": "/scans/7",
    "/reconstructions/R1": "/reconstructions/R7",
    "/assessors/QC": "/assessors/Q7",
}
LINES: Final = [(line, owner) for line in read_lines() for owner in line.owners]
# What says nothing of a thing but that its project has one of its owners.
INSIDE: Final = [(line, owner) for line, owner in LINES if owner != "project"]
NAMES_INSIDE: Final = [(line, owner, name) for line, owner in INSIDE for name in MISSING if name in OWNERS[owner]]
AT_ASSESSORS: Final = [(line, owner) for line, owner in INSIDE if "assessor" in owner]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[World]:
    """One for all tests of this module, which change nothing."""
    yield from open_world(copy_template(sqlite_template, folder := tmp_path_factory.mktemp("world")), folder)


def _told(reply: Response, renamed: str = "") -> tuple[int, str, dict[str, str]]:
    """All that an answer says, with the missing name put back."""
    text = reply.text
    if renamed:
        text = text.replace(MISSING[renamed].rsplit("/", 1)[-1], renamed.rsplit("/", 1)[-1])
    headers = {name: value for name, value in reply.headers.items() if name != "date"}
    return reply.status_code, text, headers


def _assert_alike(world: World, actor: str, ask: Ask, renamed: str) -> None:
    """Whether the thing itself is there or not, and nothing happens to it."""
    before = world.state()

    there = world.send(actor, ask)
    missing = world.send(actor, replace(ask, url=ask.url.replace(renamed, MISSING[renamed], 1)))

    assert renamed in ask.url
    assert _told(there) == _told(missing, renamed)
    assert there.status_code >= 400
    assert world.state() == before


@pytest.mark.parametrize("actor", ["outsider", "guest"])
@pytest.mark.parametrize(
    ("line", "owner"), [(line, owner) for line, owner in LINES if (line.operation, owner) != ("change", "project")]
)
def test_a_private_project_answers_as_none(world: World, actor: str, line: Line, owner: str) -> None:
    _assert_alike(world, actor, line.ask(owner, PRIVATE), f"/{PRIVATE}")


def test_the_id_of_a_private_project_is_taken_all_the_same(world: World) -> None:
    """The one exception."""
    ask = Ask(method="PUT", url=f"/data/projects/{PRIVATE}")

    assert world.send("outsider", ask).status_code == 409


@pytest.mark.parametrize("project", [PRIVATE, PROTECTED])
@pytest.mark.parametrize("actor", ["outsider", "guest"])
@pytest.mark.parametrize(("line", "owner", "name"), NAMES_INSIDE)
def test_what_is_in_a_closed_project_answers_as_if_it_were_not(
    world: World, actor: str, project: str, line: Line, owner: str, name: str
) -> None:
    _assert_alike(world, actor, line.ask(owner, project), name)


@pytest.mark.parametrize("project", [PRIVATE, PROTECTED])
@pytest.mark.parametrize(("line", "owner"), AT_ASSESSORS)
def test_raters_cannot_tell_whether_there_is_an_assessor(world: World, project: str, line: Line, owner: str) -> None:
    _assert_alike(world, "rater", line.ask(owner, project), "/assessors/QC")


def test_raters_see_no_assessor_in_what_they_may_see(world: World) -> None:
    session = OWNERS["experiment"].replace("DEMO", PRIVATE)

    listed = world.send("rater", Ask(method="GET", url=f"{session}/assessors")).json()
    told = world.send("rater", Ask(method="GET", url=f"{session}?format=json")).text
    everything = world.send("rater", Ask(method="GET", url="/data/experiments?format=csv")).text
    files = world.send("rater", Ask(method="GET", url=f"{session}/assessors/ALL/files")).json()

    assert listed["ResultSet"]["Result"] == []
    assert "scan" in told
    assert "qcManualAssessorData" not in told
    assert PRIVATE in everything
    assert f"{PRIVATE},,xnat:qcManualAssessorData" not in everything
    assert files["ResultSet"]["Result"] == []


def _ids(world: World, project: str) -> dict[str, str]:
    """IDs by label of what is in a project."""
    lists = ("subjects", "experiments", "experiments?xsiType=xnat:qcManualAssessorData")
    replies = [world.do("owner", "GET", f"/data/projects/{project}/{name}").json() for name in lists]
    return {row["label"]: row["ID"] for reply in replies for row in reply["ResultSet"]["Result"]}


FLAT: Final = {"S1": "/data/subjects/{}", "MR1": "/data/experiments/{}", "QC": "/data/experiments/{}"}
# What can be asked of any thing, and of an ID that is not there makes nothing where one may make things.
OF_THINGS: Final = [name for name in OPERATIONS if not {*name.split()} & {"users", "user", "groups", "group", "open"}]
MAKING: Final = {"change", "rename", "create subject", "create experiment"}


def _assert_id_says_nothing(world: World, operation: str, url: str, known: str) -> None:
    unknown = f"{known[:-3]}999"

    there, missing = (world.send("outsider", OPERATIONS[operation](url.format(name))) for name in (known, unknown))

    assert _told(there)[0] == _told(missing)[0]
    assert there.text == missing.text.replace(unknown, known)
    assert there.status_code >= 400


@pytest.mark.parametrize("prefix", ["/data", f"/data/projects/{PUBLIC}"])
@pytest.mark.parametrize("project", [PRIVATE, PROTECTED])
@pytest.mark.parametrize("label", FLAT)
@pytest.mark.parametrize("operation", OF_THINGS)
def test_an_id_says_nothing(world: World, prefix: str, project: str, label: str, operation: str) -> None:
    """C-91, C-224: neither alone nor in a project that the thing is not in."""
    _assert_id_says_nothing(world, operation, FLAT[label].replace("/data", prefix, 1), _ids(world, project)[label])


@pytest.mark.parametrize("project", [PRIVATE, PROTECTED])
@pytest.mark.parametrize("label", FLAT)
@pytest.mark.parametrize("operation", [name for name in OF_THINGS if name not in MAKING])
def test_an_id_says_nothing_where_one_is_a_member(world: World, project: str, label: str, operation: str) -> None:
    url = FLAT[label].replace("/data", f"/data/projects/{OTHER}", 1)

    _assert_id_says_nothing(world, operation, url, _ids(world, project)[label])


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("GET", ""), ("GET", "/files"), ("GET", "/files/a.txt"), ("GET", "/files?format=zip"), ("DELETE", "")],
)
@pytest.mark.parametrize("project", [PRIVATE, PROTECTED])
@pytest.mark.parametrize("owner", OWNERS)
def test_the_number_of_a_resource_says_nothing(
    world: World, project: str, owner: str, method: str, suffix: str
) -> None:
    """F-52, F-54: asked for in a project of one's own."""
    url = OWNERS[owner].replace("DEMO", project)
    rows = world.do("owner", "GET", f"{url}/resources").json()["ResultSet"]["Result"]
    numbers = (rows[0]["xnat_abstractresource_id"], "99")

    there, missing = (
        world.send("outsider", Ask(method=method, url=f"/data/projects/{OTHER}/resources/{number}{suffix}"))
        for number in numbers
    )

    assert (there.status_code, missing.status_code) in {(404, 404), (403, 403)}
    assert there.text == missing.text.replace("99", numbers[0])


@pytest.mark.parametrize("list_url", ["projects", "subjects", "experiments"])
@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("owner", {PRIVATE, PROTECTED, PUBLIC}),
        ("rater", {PRIVATE, PROTECTED, PUBLIC}),
        ("outsider", {PUBLIC}),
        ("guest", {PUBLIC}),
    ],
)
def test_lists_of_everything_hold_what_may_be_seen(world: World, list_url: str, actor: str, expected: set[str]) -> None:
    text = world.send(actor, Ask(method="GET", url=f"/data/{list_url}?format=csv")).text

    shown = {project for project in PROJECTS.values() if project in text}
    assert shown == expected | ({PROTECTED} if list_url == "projects" else set())
