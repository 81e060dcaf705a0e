"""People change everything at once, by chances that are drawn alike each time; whatever comes of it, all is sound."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import chain
from random import Random
from typing import Final

import pytest
from httpx2 import Response
from sqlalchemy import text
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.db.engine import Database
from rest.session import results
from service.desk import all_at_once

STEPS: Final = 40
PROJECTS: Final = "PQR"
# What people do, and how many events it leaves: both sides of a share tell it. Notes differ, for what changes nothing
# leaves no event (C-53).
DEEDS: Final[dict[str, int]] = {
    "PUT /data/projects/{p}/subjects/{s}": 0,
    "PUT /data/projects/{p}/subjects/{s}/experiments/{e}?xsiType=xnat:mrSessionData&ID=ID_{p}_{e}&note={r}": 1,
    "PUT /data/experiments/ID_{p}_{e}/scans/{n}?xsiType=xnat:mrScanData&note={r}": 1,
    "PUT /data/experiments/ID_{p}_{e}/assessors/QC{n}?xsiType=xnat:qcManualAssessorData&ID=QC_{p}_{e}_{n}&note={r}": 1,
    "PUT /data/experiments/ID_{p}_{e}/resources/R/files/{n}?inbody=true&overwrite=true": 1,
    "PUT /data/experiments/ID_{p}_{e}/projects/{q}": 2,
    "PUT /data/experiments/ID_{p}_{e}/projects/{q}?label=L{n}": 2,
    "PUT /data/experiments/ID_{p}_{e}/projects/{q}?primary=true": 2,
    "PUT /data/experiments/QC_{p}_{e}_{n}/projects/{q}": 2,
    "PUT /data/projects/{p}/experiments/ID_{p}_{e}?label=L{n}&note={r}": 1,
    "PUT /data/projects/{p}/subjects/{s}/projects/{q}": 2,
    "PUT /data/projects/{p}/subjects/{s}/projects/{q}?primary=true": 2,
    "DELETE /data/experiments/ID_{p}_{e}/projects/{q}": 2,
    "DELETE /data/experiments/ID_{p}_{e}": 1,
    "PUT /data/projects/{p}/users/{g}/{u}": 1,
    "DELETE /data/projects/{p}/users/owner/{u}": 1,
    "PUT /data/projects/{p}/groups/raters?xnat:mrSessionData=r": 1,
    "DELETE /data/projects/{p}/groups/raters": 1,
    "PUT /data/projects/{p}/accessibility/protected": 0,
    "PUT /data/projects/{p}/accessibility/private": 0,
}
# But for those that make or change subjects, which are made along with a session too (C-93), and for levels of access,
# which may be what they were (C-151): of those there is an event where one follows another.
EVENTS: Final = "SELECT pk FROM event WHERE action NOT LIKE '% subject' AND action <> 'changed accessibility'"
LEVELS: Final = "SELECT address, details FROM event WHERE action = 'changed accessibility' ORDER BY pk"
# An administrator may leave a project to nobody; this one gives people back what they take from each other.
_MENDS: Final = "PUT /data/projects/{p}/users/owner/{u}"
_NODES: Final = "FROM node JOIN node above ON above.pk = node.parent_pk WHERE node.deleted_at IS NULL"
# Each of these finds what must never be.
BROKEN: Final = {
    "a label in a project that is not its thing's own": """
        SELECT node.id FROM name JOIN node ON node.pk = name.node_pk WHERE name.is_primary
        AND name.deleted_at IS NULL AND node.deleted_at IS NULL AND node.project_pk <> name.project_pk""",
    "a share in its thing's own project": """
        SELECT node.id FROM name JOIN node ON node.pk = name.node_pk WHERE NOT name.is_primary
        AND name.deleted_at IS NULL AND node.deleted_at IS NULL AND node.project_pk = name.project_pk""",
    "a thing without a label": f"""
        SELECT node.id {_NODES} AND node.kind IN ('subject', 'experiment') AND above.deleted_at IS NULL AND NOT EXISTS
        (SELECT 1 FROM name WHERE node_pk = node.pk AND is_primary AND name.deleted_at IS NULL)""",
    "a scan of another project than its session's": f"""
        SELECT node.id {_NODES} AND node.kind = 'scan' AND node.project_pk <> above.project_pk""",
    "a subject that hangs elsewhere than in its project": f"""
        SELECT node.id {_NODES} AND node.kind = 'subject' AND node.project_pk <> above.pk""",
    "somebody in a group that is not there": """
        SELECT suffix FROM membership WHERE suffix NOT IN ('owner', 'member', 'collaborator') AND NOT EXISTS (SELECT 1
        FROM user_group own WHERE own.project_pk = membership.project_pk AND own.suffix = membership.suffix)""",
    "a project without an owner": """
        SELECT id FROM node WHERE kind = 'project' AND NOT EXISTS
        (SELECT 1 FROM membership WHERE project_pk = node.pk AND suffix = 'owner')""",
}


def _draw(login: str, chance: Random) -> tuple[str, str]:
    """What somebody does, and where: the same names again and again, so that people get into each other's way."""
    deed = _MENDS if login == "admin" else chance.choice(list(DEEDS))
    choices = {"p": PROJECTS, "q": PROJECTS, "s": ("S1", "S2"), "e": "12", "n": "12", "u": ("alice", "bob")}
    names = {name: chance.choice(values) for name, values in choices.items()} | {"r": f"{chance.random()}"}
    return deed, deed.format(**names, g=chance.choice(("owner", "member", "raters")))


def _body(did: str) -> bytes | None:
    """Bytes for a file; what makes or changes a thing refuses a body that it cannot read."""
    return b"voxels" if "/files/" in did else None


def _count(database: Database, query: str) -> int:
    with database.read() as connection:
        return len(connection.execute(text(query)).all())


def _levels_follow(database: Database) -> bool:
    """Whether each project went from level to level, each other than the one before, and some did."""
    now: dict[str, str] = {}
    with database.read() as connection:
        changes = [(row.address.split("/")[2], json.loads(row.details)) for row in connection.execute(text(LEVELS))]
    for project, said in changes:
        if said["before"] != now.get(project, said["before"]) or said["now"] == said["before"]:
            return False
        now[project] = said["now"]
    return bool(changes)


def _is_done(reply: Response) -> bool:
    return reply.status_code in {200, 201} and reply.headers.get("Filmroom-Stored") != "no"


@pytest.fixture
def oscar(client: Callable[[str], TestClient]) -> TestClient:
    """He is in no group of any project."""
    made = client("admin").post("/xapi/users", json={"username": "oscar", "password": PASSWORD})
    assert made.status_code == 201
    return client("oscar")


@pytest.fixture
def projects(alice: TestClient) -> None:
    for project in PROJECTS:
        alice.put(f"/data/projects/{project}?accessibility=private")
        alice.put(f"/data/projects/{project}/users/owner/bob")


@pytest.mark.usefixtures("projects")
def test_whatever_people_do_at_once_the_archive_stays_sound(
    client: Callable[[str], TestClient], database: Database, oscar: TestClient
) -> None:
    people = ("admin", "alice", "bob", "alice", "bob", "alice", "bob", "bob")
    clients = [client(login) for login in people]
    before = _count(database, EVENTS)

    def work(thread: int) -> list[tuple[str, Response]]:
        chance = Random(thread)
        drawn = [_draw(people[thread], chance) for _ in range(STEPS)]
        return [(deed, clients[thread].request(*did.split(" ", 1), content=_body(did))) for deed, did in drawn]

    done = list(chain.from_iterable(all_at_once(len(people), work)))

    statuses = Counter(reply.status_code for _, reply in done)
    told = sum(DEEDS.get(deed, 1) for deed, reply in done if _is_done(reply))
    assert set(statuses) <= {200, 201, 400, 403, 404, 409, 422}, statuses
    assert {wrong: _count(database, query) for wrong, query in BROKEN.items()} == dict.fromkeys(BROKEN, 0)
    assert _count(database, EVENTS) - before == told
    assert _levels_follow(database)
    assert [results(oscar, f"/data/{what}") for what in ("experiments", "subjects")] == [[], []]
