"""``.../deleted`` and ``.../undelete``: who deleted something by mistake gets it back by the URL the list tells."""

from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.testclient import TestClient

from conftest import Clock
from pages.readers import READERS
from rest.session import OWNERS, put_file, results
from rest.world import NOBODY, PROJECTS, Ask, World, copy_template, in_project, open_world

SUBJECT: Final = "/data/projects/DEMO/subjects/S1"
SESSION: Final = f"{SUBJECT}/experiments/E1"
FILES: Final = f"{SESSION}/scans/1/resources/DICOM/files"


@pytest.fixture
def session(alice: TestClient, demo: str) -> str:
    """The URL of a session with a file in its scan."""
    assert demo
    assert alice.put(f"{SESSION}?xsiType=xnat:mrSessionData").status_code == 201
    assert alice.put(f"{SESSION}/scans/1?xsiType=xnat:mrScanData").status_code == 200
    put_file(alice, f"{FILES}/dir/a b.dcm")
    return SESSION


DELETED: Final = {
    "project": "/data/projects/DEMO",
    "subject": SUBJECT,
    "session": SESSION,
    "scan": f"{SESSION}/scans/1",
    "resource": f"{SESSION}/scans/1/resources/DICOM",
    "folder": f"{FILES}/dir/",
    "file": f"{FILES}/dir/a%20b.dcm",
}


def _undelete(url: str) -> str:
    return url.replace("/files/", "/undelete/") if "/files/" in url else f"{url}/undelete"


@pytest.mark.parametrize("what", DELETED)
def test_whatever_is_deleted_comes_back_by_its_own_address(alice: TestClient, session: str, what: str) -> None:
    before = alice.get(f"{FILES}/dir/a%20b.dcm")
    assert session
    assert alice.delete(DELETED[what]).status_code == 200
    assert alice.get(f"{FILES}/dir/a%20b.dcm").status_code == 404

    reply = alice.post(_undelete(DELETED[what]))

    after = alice.get(f"{FILES}/dir/a%20b.dcm")
    assert reply.status_code == 200, reply.text
    assert (after.status_code, after.content, after.headers["etag"]) == (200, before.content, before.headers["etag"])


@pytest.mark.parametrize("what", [what for what in DELETED if what != "project"])
def test_the_list_says_where_to_post(alice: TestClient, session: str, what: str) -> None:
    assert session
    alice.delete(DELETED[what])

    [row] = results(alice, "/data/projects/DEMO/deleted")
    reply = alice.post(row["undelete"])

    assert reply.status_code == 200, reply.text
    assert alice.get(f"{FILES}/dir/a%20b.dcm").status_code == 200
    assert results(alice, "/data/projects/DEMO/deleted") == []


def test_what_is_told_of_a_deleted_file(alice: TestClient, session: str, clock: Clock) -> None:
    assert session
    clock.move(hours=1)
    alice.delete(f"{FILES}/dir/a%20b.dcm")

    [row] = results(alice, f"{SESSION}/deleted")

    rid = row["undelete"].split("/resources/")[1].split("/")[0]
    experiment = row["undelete"].split("/experiments/")[1].split("/")[0]
    assert row == {
        "what": "file",
        "label": "DICOM",
        "version": "",
        "deleted": "2026-11-21 13:00:00.123",
        "until": "2026-11-28 13:00:00.123",
        "user": "alice",
        "files": "1",
        "bytes": "6",
        "undelete": f"/data/projects/DEMO/experiments/{experiment}/scans/1/resources/{rid}/undelete/dir/a%20b.dcm",
    }


def test_versions_of_a_file_are_listed_and_come_back(alice: TestClient, session: str, clock: Clock) -> None:
    url = f"{session}/resources/NOTES/files/n.txt"
    for content in (b"one", b"second"):
        clock.move(seconds=1)
        assert alice.put(f"{url}?inbody=true&overwrite=true", content=content).status_code == 200

    [row] = results(alice, f"{session}/resources/NOTES/deleted/n.txt")
    reply = alice.post(row["undelete"])

    assert (row["what"], row["bytes"], reply.status_code) == ("version", "3", 200)
    assert alice.get(url).content == b"one"
    assert [row["bytes"] for row in results(alice, f"{session}/resources/NOTES/deleted")] == ["6"]


def test_a_name_that_was_taken_is_409_which_says_what_to_do(alice: TestClient, session: str) -> None:
    alice.delete(session)
    alice.put(f"{session}?xsiType=xnat:mrSessionData")

    refused = alice.post(f"{session}/undelete")
    done = alice.post(f"{session}/undelete?as=E1_old")

    assert (refused.status_code, done.status_code) == (409, 200)
    assert "as=NAME" in refused.text
    assert alice.get(f"{SUBJECT}/experiments/E1_old/scans/1/resources/DICOM/files/dir/a%20b.dcm").status_code == 200


WRONG: Final = {
    "nothing deleted": (f"{SESSION}/undelete", 404),
    "no such project": ("/data/projects/NO/undelete", 404),
    "no such version": (f"{SESSION}/scans/1/resources/DICOM/undelete/dir/a%20b.dcm?version=99999", 404),
    "a version of nothing": (f"{SESSION}/scans/1/resources/DICOM/undelete/x?version=1", 404),
    "no number": (f"{SESSION}/scans/1/resources/DICOM/undelete/dir/a%20b.dcm?version=x", 400),
    "a large number": (f"{SESSION}/scans/1/resources/DICOM/undelete/dir/a%20b.dcm?version=9999999999", 400),
    "a live file": (f"{SESSION}/scans/1/resources/DICOM/undelete/dir/a%20b.dcm", 409),
    "no resource": (f"{SESSION}/resources/NO/undelete/x", 404),
    "a path that cannot be": (f"{SESSION}/scans/1/resources/DICOM/undelete/../x", 400),
    "a large resource number": (f"{SESSION}/resources/99999999999999999999999/undelete", 404),
    "an odd name": (f"{SESSION}/scans/1/resources/DICOM/undelete/dir/gone?as=a%2F..%2Fb", 404),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_brought_back_is_told_as_such(alice: TestClient, session: str, what: str) -> None:
    url, status = WRONG[what]
    assert session

    assert alice.post(url).status_code == status


def test_an_odd_new_name_is_400_or_417_and_changes_nothing(alice: TestClient, session: str) -> None:
    alice.delete(f"{FILES}/dir/a%20b.dcm")

    file = alice.post(f"{_undelete(f'{FILES}/dir/a%20b.dcm')}?as=a%2F..%2Fb")
    alice.delete(session)
    thing = alice.post(f"{session}/undelete?as=a%2Fb")

    assert (file.status_code, thing.status_code) == (400, 417)
    assert [row["what"] for row in results(alice, "/data/projects/DEMO/deleted")] == ["experiment"]


@pytest.mark.parametrize("word", READERS)
def test_the_list_comes_in_every_format(alice: TestClient, session: str, word: str) -> None:
    alice.delete(f"{session}/scans/1")

    [row] = READERS[word][1](alice.get(f"{session}/deleted?format={word}").content)

    assert (row["what"], row["user"]) == ("scan", "alice")


def test_a_part_of_the_list_can_be_asked_for(alice: TestClient, session: str, clock: Clock) -> None:
    for name in "abc":
        put_file(alice, f"{session}/resources/R/files/{name}")
        clock.move(seconds=1)
        alice.delete(f"{session}/resources/R/files/{name}")

    rows = results(alice, f"{session}/deleted?limit=1&offset=1")

    assert [row["undelete"].rsplit("/", 1)[-1] for row in rows] == ["b"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Any:
    folder = tmp_path_factory.mktemp("world")
    yield from open_world(copy_template(sqlite_template, folder), folder)


_MAY: Final = dict.fromkeys(product(["admin", "owner"], PROJECTS), 200)
_INSIDERS: Final = dict.fromkeys(product(["member", "collaborator"], PROJECTS), 403)
_STRANGERS: Final = {
    **dict.fromkeys(product(["rater"], PROJECTS), 403),
    **dict.fromkeys(product(["outsider", "guest"], ["private", "protected"]), 404),
    **dict.fromkeys(product(["outsider", "guest"], ["public"]), 403),
    **dict.fromkeys(product([NOBODY], PROJECTS), 401),
}
ASKS: Final[dict[str, tuple[str, str]]] = {
    "thing": ("subjects/S1", "subjects/S1/undelete"),
    "resource": ("subjects/S1/resources/R", "subjects/S1/resources/R/undelete"),
    "file": ("subjects/S1/resources/R/files/a.txt", "subjects/S1/resources/R/undelete/a.txt"),
}


@pytest.mark.parametrize("what", ASKS)
def test_who_may_delete_it_brings_it_back_and_nobody_else(world: World, what: str) -> None:
    deleted, undelete = ASKS[what]
    expected = {**_MAY, **_INSIDERS, **_STRANGERS}
    observed = {}
    for actor, where in expected:
        project = f"/data/projects/{PROJECTS[where]}"
        world.do("owner", "DELETE", f"{project}/{deleted}")
        before = world.state()
        reply = world.send(actor, Ask(method="POST", url=f"{project}/{undelete}"))
        observed[actor, where] = reply.status_code
        assert (world.state() != before) is (reply.status_code == 200)
        world.restore()

    assert observed == expected


def test_a_list_tells_strangers_nothing(world: World) -> None:
    world.do("owner", "DELETE", f"/data/projects/{PROJECTS['public']}/subjects/S1")
    expected = {"owner": 200, "admin": 200, "member": 403, "collaborator": 403, "outsider": 403, "guest": 403}

    url = f"/data/projects/{PROJECTS['public']}/deleted"
    replies = {actor: world.send(actor, Ask(method="GET", url=url)) for actor in expected}

    assert {actor: reply.status_code for actor, reply in replies.items()} == expected
    world.restore()


@pytest.mark.parametrize(("thing", "right"), [("subject", "subjectData"), ("experiment", "mrSessionData")])
def test_a_list_tells_nothing_of_what_one_may_not_delete(world: World, thing: str, right: str) -> None:
    """Of data types that one has no right to, not even labels and the names of files."""
    project = f"/data/projects/{PROJECTS['private']}"
    world.do("owner", "PUT", f"{project}/groups/raters?displayName=raters&xnat:{right}=red")
    gone = {owner: in_project(OWNERS[owner], PROJECTS["private"]) for owner in ("subject", "experiment", "scan")}
    for url in gone.values():
        world.do("owner", "DELETE", f"{url}/resources/R/files/a.txt")
    world.do("owner", "DELETE", f"{gone['experiment']}/assessors/QC")
    asks = [world.send(actor, Ask(method="GET", url=f"{gone[thing]}/deleted")) for actor in ("owner", "rater")]
    world.restore()

    all_rows, rows = (reply.json()["ResultSet"]["Result"] for reply in asks)
    files = [row["undelete"].split("/")[-6::2] for row in rows if row["what"] == "file"]
    assert len(all_rows) == (4 if thing == "subject" else 3)
    assert len(rows) == len(files)
    assert [kind for kind, *_ in files] == (["subjects"] if thing == "subject" else ["scans", "experiments"])
