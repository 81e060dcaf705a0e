"""Things that are given to another project (``primary=true``), and labels in projects that they are shared into."""

from collections.abc import Callable
from typing import Final

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION_ID, SUBJECT_ID, make_session, put_file, results

P: Final = "/data/projects/DEMO"
Q: Final = "/data/projects/Q"
SUBJECT: Final = f"{P}/subjects/S1"
SESSION: Final = f"{SUBJECT}/experiments/MR1"
FLAT: Final = f"/data/experiments/{SESSION_ID}"
ASSESSOR: Final = f"{SESSION}/assessors/QC"
FILES: Final = (
    "resources/R/files/a.txt",
    "scans/4/resources/DICOM/files/1.dcm",
    "assessors/QC/out/resources/R/files/q",
)
Clients = Callable[[str], TestClient]


@pytest.fixture(autouse=True)
def projects(alice: TestClient, demo: str, client: Clients) -> None:
    """DEMO is private and Alice's, with a session and files in it. Q is private, and Alice is a member; it is Bob's."""
    alice.put(f"{demo}/accessibility/private")
    make_session(alice, demo)
    for path in FILES:
        put_file(alice, f"{SESSION}/{path}")
    client("bob").put(f"{Q}?accessibility=private")
    client("bob").put(f"{Q}/users/member/alice")


@pytest.fixture
def bob(client: Clients) -> TestClient:
    return client("bob")


def _give(alice: TestClient, url: str, query: str = "") -> None:
    reply = alice.put(f"{url}/projects/Q?primary=true&{query}")
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_session_moves_with_all_that_is_inside_it(alice: TestClient, bob: TestClient) -> None:
    _give(alice, SESSION)

    assert alice.get(f"{P}/experiments/MR1").status_code == 404
    assert [bob.get(f"{Q}/experiments/MR1/{path}").content for path in FILES] == [b"voxels"] * 3
    assert [bob.get(f"{FLAT}/{path}").content for path in FILES] == [b"voxels"] * 3
    assert bob.get(f"{Q}/experiments/QC").status_code == 200
    assert [row["ID"] for row in results(bob, f"{FLAT}/projects")] == ["Q"]
    assert bob.delete(f"{Q}/experiments/MR1/scans/5").status_code == 200
    assert alice.delete(f"{FLAT}/scans/4").status_code == 403


def test_uris_of_what_has_moved_lead_to_it(alice: TestClient, bob: TestClient) -> None:
    _give(alice, SESSION, "label=MRQ")

    (listed,) = results(bob, f"{Q}/experiments")
    scan_files = results(bob, f"{listed['URI']}/scans/ALL/files")

    assert (listed["label"], listed["project"], listed["URI"]) == ("MRQ", "Q", FLAT)
    assert [bob.get(row["URI"]).content for row in scan_files] == [b"voxels"]


def test_a_subject_moves_and_its_sessions_stay(alice: TestClient, bob: TestClient) -> None:
    """The project that it leaves keeps it as a share, because its session is of it."""
    _give(alice, SUBJECT, "label=SQ")

    assert [row["ID"] for row in results(alice, f"/data/subjects/{SUBJECT_ID}/projects")] == ["Q", "DEMO"]
    assert bob.get(f"{Q}/subjects/SQ").status_code == 200
    assert bob.get(FLAT).status_code == 404
    assert [alice.get(f"{SESSION}/{path}").content for path in FILES] == [b"voxels"] * 3
    assert bob.delete(f"{Q}/subjects/SQ").status_code == 403


def test_an_assessor_moves_alone(alice: TestClient, bob: TestClient) -> None:
    _give(alice, ASSESSOR, "label=QQ")

    assert bob.get(f"{Q}/experiments/QQ/resources/R/files/q").content == b"voxels"
    assert bob.get(FLAT).status_code == 404
    assert alice.get(SESSION).status_code == 200


def test_a_share_becomes_the_thing_itself_under_the_label_it_has_there(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{SESSION}/projects/Q?label=MRQ")

    _give(alice, SESSION)

    assert [row["label"] for row in results(bob, f"{Q}/experiments")] == ["MRQ"]
    assert bob.delete(f"{Q}/experiments/MRQ").status_code == 200
    assert bob.get(FLAT).status_code == 404


@pytest.mark.parametrize("label", ["MR1", "QC"])
def test_where_a_label_is_taken_nothing_moves(alice: TestClient, bob: TestClient, label: str) -> None:
    bob.put(f"{Q}/subjects/SB/experiments/{label}?xsiType=xnat:mrSessionData")

    reply = alice.put(f"{SESSION}/projects/Q?primary=true")

    assert reply.status_code == 409
    assert [row["ID"] for row in results(alice, f"{FLAT}/projects")] == ["DEMO"]
    assert [alice.get(f"{SESSION}/{path}").content for path in FILES] == [b"voxels"] * 3
    assert bob.get(FLAT).status_code == 404


@pytest.mark.parametrize("group", ["member", "collaborator"])
def test_who_may_not_delete_a_thing_does_not_give_it_away(alice: TestClient, bob: TestClient, group: str) -> None:
    alice.put(f"{P}/users/{group}/bob")

    reply = bob.put(f"{SESSION}/projects/Q?primary=true")

    assert reply.status_code == 403
    assert [row["ID"] for row in results(alice, f"{FLAT}/projects")] == ["DEMO"]


def test_what_a_third_project_owns_inside_a_session_stays_with_it(
    alice: TestClient, bob: TestClient, client: Clients
) -> None:
    """Whoever gives a session away does not give away what is not theirs."""
    client("admin").put("/data/projects/THIRD?accessibility=private")
    client("admin").put(f"{ASSESSOR}/projects/THIRD?primary=true")

    _give(alice, SESSION)

    assert [row["ID"] for row in results(client("admin"), f"/data/experiments/{ASSESSOR_ID}/projects")] == ["THIRD"]
    assert bob.get(f"/data/experiments/{ASSESSOR_ID}").status_code == 404
    assert results(bob, f"{FLAT}/assessors") == []


def test_renaming_at_the_other_project_changes_the_label_there_only(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{SUBJECT}/projects/Q?label=SQ")

    reply = alice.put(f"{Q}/subjects/SQ?label=RENAMED")

    assert (reply.status_code, reply.content) == (200, b"")
    assert [row["label"] for row in results(bob, f"{Q}/subjects")] == ["RENAMED"]
    assert [row["label"] for row in results(alice, f"{P}/subjects")] == ["S1"]


def test_who_may_only_read_the_other_project_renames_nothing_there(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{SUBJECT}/projects/Q?label=SQ")
    bob.put(f"{Q}/users/collaborator/alice")

    reply = alice.put(f"{Q}/subjects/SQ?label=RENAMED")

    assert reply.status_code == 403
    assert [row["label"] for row in results(bob, f"{Q}/subjects")] == ["SQ"]


def test_renaming_at_its_own_project_leaves_the_label_of_the_share(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{SUBJECT}/projects/Q?label=SQ")

    alice.put(f"{SUBJECT}?label=RENAMED")

    assert [row["label"] for row in results(bob, f"{Q}/subjects")] == ["SQ"]
    assert [row["label"] for row in results(alice, f"{P}/subjects")] == ["RENAMED"]


def test_a_share_without_a_label_follows_the_name_of_the_thing(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{SUBJECT}/projects/Q")

    alice.put(f"{SUBJECT}?label=RENAMED")

    assert [row["label"] for row in results(bob, f"{Q}/subjects")] == ["RENAMED"]
    assert bob.get(f"{Q}/subjects/RENAMED").status_code == 200
