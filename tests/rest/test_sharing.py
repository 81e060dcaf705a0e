"""Things in more projects than their own, over HTTP (C-85 to C-87, C-99, C-100, C-108, C-223, C-224, C-226)."""

import io
import zipfile
from collections.abc import Callable
from typing import Final

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION_ID, SUBJECT_ID, make_session, put_file, results

P: Final = "/data/projects/DEMO"
Q: Final = "/data/projects/Q"
SUBJECT: Final = f"{P}/subjects/S1"
SESSION: Final = f"{SUBJECT}/experiments/MR1"
ASSESSOR: Final = f"{SESSION}/assessors/QC"
# Each of what can be shared: its URL in its own project, its ID, its label, and its family in another project's URLs.
THINGS: Final = {
    "subject": (SUBJECT, SUBJECT_ID, "S1", "subjects"),
    "session": (SESSION, SESSION_ID, "MR1", "experiments"),
    "assessor": (ASSESSOR, ASSESSOR_ID, "QC", "experiments"),
}
EVERY_THING: Final = pytest.mark.parametrize(
    ("url", "thing_id", "label", "family"), list(THINGS.values()), ids=list(THINGS)
)
Clients = Callable[[str], TestClient]


@pytest.fixture(autouse=True)
def projects(alice: TestClient, demo: str, client: Clients) -> None:
    """DEMO is private and Alice's, with a session and files in it. Q is private, and Alice is a member; it is Bob's."""
    alice.put(f"{demo}/accessibility/private")
    make_session(alice, demo)
    put_file(alice, f"{SESSION}/resources/R/files/a.txt")
    put_file(alice, f"{SESSION}/scans/4/resources/DICOM/files/1.dcm")
    put_file(alice, f"{ASSESSOR}/out/resources/R/files/qc.txt")
    client("bob").put(f"{Q}?accessibility=private")
    client("bob").put(f"{Q}/users/member/alice")


@pytest.fixture
def bob(client: Clients) -> TestClient:
    return client("bob")


def _share(alice: TestClient, url: str, query: str = "") -> None:
    assert alice.put(f"{url}/projects/Q?{query}").status_code in {200, 201}


@EVERY_THING
def test_what_is_shared_can_be_read_in_the_other_project(
    alice: TestClient, bob: TestClient, url: str, thing_id: str, label: str, family: str
) -> None:
    hidden = bob.get(f"/data/{family}/{thing_id}")

    _share(alice, url)

    assert hidden.status_code == 404
    for shared in (f"{Q}/{family}/{label}", f"{Q}/{family}/{thing_id}", f"/data/{family}/{thing_id}"):
        assert bob.get(shared).status_code == 200
    assert bob.get(P).status_code == 404


def test_dax_shares_by_a_path_into_the_thing(alice: TestClient, bob: TestClient) -> None:
    """C-194."""
    prefix = "xnat:mrSessionData/sharing/share"

    shared = alice.put(f"{SESSION}?{prefix}/project=Q&{prefix}/label=THERE")
    refused = bob.put(f"{SESSION}?{prefix}/project=Q")

    assert (shared.status_code, shared.text, "filmroom-ignored" in shared.headers) == (200, SESSION_ID, False)
    assert bob.get(f"{Q}/experiments/THERE?format=json").status_code == 200
    assert refused.status_code == 404
    assert alice.put(f"{SESSION}?{prefix}/project=NOWHERE").status_code == 404


@EVERY_THING
def test_under_a_label_of_its_own_it_is_found_by_that(
    alice: TestClient, bob: TestClient, url: str, thing_id: str, label: str, family: str
) -> None:
    _share(alice, url, "label=OTHER")

    assert bob.get(f"{Q}/{family}/OTHER").status_code == 200
    assert bob.get(f"{Q}/{family}/{thing_id}").status_code == 200
    assert bob.get(f"{Q}/{family}/{label}").status_code == 404
    assert alice.get(f"{P}/{family}/OTHER").status_code == 404
    assert alice.get(url).status_code == 200


@EVERY_THING
def test_the_projects_of_a_thing_are_told_with_its_labels_there(
    alice: TestClient, url: str, thing_id: str, label: str, family: str
) -> None:
    """C-86, C-108: one row before, two after."""
    before = results(alice, f"{url}/projects")

    _share(alice, url, "label=OTHER")

    own = {"label": label, "ID": "DEMO", "Secondary_ID": "DEMO", "Name": "DEMO"}
    assert before == [own]
    assert results(alice, f"{url}/projects") == [
        own,
        {**own, "label": "OTHER", "ID": "Q", "Secondary_ID": "Q", "Name": "Q"},
    ]
    assert len(results(alice, f"/data/{family}/{thing_id}/projects")) == 2


def test_only_projects_that_one_may_see_are_told(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SUBJECT)

    assert [row["ID"] for row in results(bob, f"{Q}/subjects/S1/projects")] == ["Q"]


@EVERY_THING
def test_again_it_is_refused_and_with_another_label_it_is_relabelled(
    alice: TestClient, bob: TestClient, url: str, thing_id: str, label: str, family: str
) -> None:
    _share(alice, url)

    again = alice.put(f"{url}/projects/Q")
    relabelled = alice.put(f"{url}/projects/Q?label=OTHER")
    same_label = alice.put(f"{url}/projects/Q?label=OTHER")

    assert [reply.status_code for reply in (again, relabelled, same_label)] == [409, 200, 409]
    assert "Already assigned to project" in again.text
    assert bob.get(f"{Q}/{family}/OTHER").status_code == 200
    assert bob.get(f"{Q}/{family}/{thing_id}").status_code == 200
    assert bob.get(f"{Q}/{family}/{label}").status_code == 404


@pytest.mark.parametrize(
    ("target", "status", "told"),
    [
        ("Q?label=TAKEN", 409, "TAKEN"),
        ("Q?label=a/b", 417, "a/b"),
        ("DEMO", 409, "Already assigned to project"),
        ("NOWHERE", 404, "NOWHERE"),
        ("HIDDEN", 404, "HIDDEN"),
        ("READONLY", 403, "privileges"),
    ],
)
@EVERY_THING
def test_what_cannot_be_shared_is_not(
    alice: TestClient,
    bob: TestClient,
    url: str,
    thing_id: str,
    label: str,
    family: str,
    target: str,
    status: int,
    told: str,
) -> None:
    bob.put(f"{Q}/subjects/TAKEN/experiments/TAKEN?xsiType=xnat:mrSessionData")
    bob.put("/data/projects/HIDDEN?accessibility=private")
    bob.put("/data/projects/READONLY?accessibility=public")

    reply = alice.put(f"{url}/projects/{target}")

    assert (reply.status_code, told in reply.text) == (status, True)
    assert len(results(alice, f"{url}/projects")) == 1
    assert bob.get(f"/data/{family}/{thing_id}").status_code == 404, label


@pytest.mark.parametrize(
    ("url", "status"),
    [(SESSION, 200), (f"{P}/experiments/MR1", 200), (f"/data/experiments/{SESSION_ID}", 201)],
)
def test_sharing_a_session_answers_with_its_id(alice: TestClient, url: str, status: int) -> None:
    """C-99."""
    reply = alice.put(f"{url}/projects/Q")

    assert (reply.status_code, reply.text) == (status, SESSION_ID)


def test_the_lists_of_the_other_project_hold_it_under_the_label_there(alice: TestClient, bob: TestClient) -> None:
    """C-89, C-103: a subject tells its own project, an experiment the one it was asked for in."""
    _share(alice, SUBJECT, "label=SQ")
    _share(alice, SESSION, "label=MRQ")

    subjects, experiments = results(bob, f"{Q}/subjects"), results(bob, f"{Q}/experiments")

    assert [(row["ID"], row["label"], row["project"], row["URI"]) for row in subjects] == [
        (SUBJECT_ID, "SQ", "DEMO", f"/data/subjects/{SUBJECT_ID}")
    ]
    assert [(row["ID"], row["label"], row["project"], row["URI"]) for row in experiments] == [
        (SESSION_ID, "MRQ", "Q", f"/data/experiments/{SESSION_ID}")
    ]
    assert [row["label"] for row in results(bob, f"{Q}/subjects/SQ/experiments")] == ["MRQ"]
    assert [row["label"] for row in results(alice, f"{P}/subjects")] == ["S1"]
    assert [row["ID"] for row in results(alice, "/data/experiments")] == [SESSION_ID, ASSESSOR_ID]


def test_a_shared_subject_alone_shows_no_session_of_it(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SUBJECT)

    assert results(bob, f"{Q}/subjects/S1/experiments") == []
    assert "MR1" not in bob.get(f"{Q}/subjects/S1?format=json").text
    assert bob.get(f"{Q}/subjects/S1/experiments/MR1").status_code == 404
    assert bob.get(f"/data/experiments/{SESSION_ID}").status_code == 404


def test_the_files_of_a_shared_session_and_its_scans_can_be_read_there(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SESSION, "label=MRQ")
    shared = f"{Q}/experiments/MRQ"

    assert [row["label"] for row in results(bob, f"{shared}/resources")] == ["R"]
    assert bob.get(f"{shared}/resources/R/files/a.txt").content == b"voxels"
    assert [row["ID"] for row in results(bob, f"{shared}/scans")] == ["4", "5", "6"]
    assert bob.get(f"{shared}/scans/4/resources/DICOM/files/1.dcm").content == b"voxels"
    (listed,) = results(bob, f"{shared}/scans/ALL/files")
    assert bob.get(listed["URI"]).content == b"voxels"


def test_a_zip_of_a_shared_session_is_whole(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SESSION)

    reply = bob.get(f"{Q}/experiments/MR1/scans/ALL/files?format=zip")

    assert reply.status_code == 200
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [b"voxels"]


@pytest.mark.parametrize(
    ("method", "suffix", "status"),
    [
        ("PUT", "?note=changed", 403),
        ("PUT", "/resources/NEW", 403),
        ("PUT", "/scans/NEW?xsiType=xnat:mrScanData", 403),
        ("PUT", "/resources/R/files/a.txt?inbody=true&overwrite=true", 200),
        ("DELETE", "/resources/R/files/a.txt", 403),
        ("DELETE", "/resources/R", 403),
        ("DELETE", "/scans/4", 403),
        ("PUT", "/projects/BOBS?primary=true", 403),
    ],
)
@pytest.mark.parametrize("shared", [f"{Q}/experiments/MR1", f"/data/experiments/{SESSION_ID}"])
def test_what_is_shared_cannot_be_changed_by_those_it_is_shared_with(
    alice: TestClient, bob: TestClient, shared: str, method: str, suffix: str, status: int
) -> None:
    """F-282: not even by the owner of the other project."""
    bob.put("/data/projects/BOBS")
    _share(alice, SESSION)
    before = alice.get(f"{SESSION}?format=json").text

    reply = bob.request(method, f"{shared}{suffix}", content=b"mine" if "files" in suffix else b"")

    assert reply.status_code == status
    assert alice.get(f"{SESSION}?format=json").text == before
    assert alice.get(f"{SESSION}/resources/R/files/a.txt").content == b"voxels"


@pytest.mark.parametrize("form", ["{url}/projects/Q", "/data/{family}/{thing_id}/projects/Q", Q + "/{family}/{label}"])
@pytest.mark.parametrize("login", ["alice", "bob"])
@EVERY_THING
def test_a_thing_is_taken_from_the_other_project_and_stays_in_its_own(
    alice: TestClient,
    client: Clients,
    url: str,
    thing_id: str,
    label: str,
    family: str,
    form: str,
    login: str,
) -> None:
    """C-87, C-100: by who may delete it, or what belongs to the other project."""
    _share(alice, url)
    shared = form.format(
        url=url if login == "alice" else f"{Q}/{family}/{label}", family=family, thing_id=thing_id, label=label
    )

    reply = client(login).delete(shared)

    assert (reply.status_code, reply.content) == (200, b"")
    assert client("bob").get(f"/data/{family}/{thing_id}").status_code == 404
    assert client("bob").get(f"{Q}/{family}/{label}").status_code == 404
    assert alice.get(url).status_code == 200
    assert client(login).delete(shared).status_code in {403, 404}


def test_who_may_only_read_takes_nothing_from_a_project(alice: TestClient, bob: TestClient) -> None:
    """Alice is a member of Q; a thing of Bob's that is shared into it is not hers to take away."""
    bob.put("/data/projects/BOBS?accessibility=public")
    bob.put("/data/projects/BOBS/subjects/SB")
    bob.put("/data/projects/BOBS/subjects/SB/projects/Q")

    replies = [alice.delete(url) for url in (f"{Q}/subjects/SB", "/data/projects/BOBS/subjects/SB/projects/Q")]

    assert [reply.status_code for reply in replies] == [403, 403]
    assert alice.get(f"{Q}/subjects/SB").status_code == 200


@pytest.mark.parametrize(
    ("target", "status"), [("Q", 403), ("NOWHERE", 404), ("DEMO", 403)], ids=["not there", "unknown", "its own"]
)
def test_from_where_a_thing_is_not_shared_it_cannot_be_taken(alice: TestClient, target: str, status: int) -> None:
    assert alice.delete(f"{SUBJECT}/projects/{target}").status_code == status
    assert alice.get(SUBJECT).status_code == 200


def test_a_subject_stays_while_the_other_project_has_experiments_of_it(alice: TestClient, bob: TestClient) -> None:
    """C-87."""
    _share(alice, SUBJECT, "label=SQ")
    assert bob.put(f"{Q}/subjects/SQ/experiments/QMR?xsiType=xnat:mrSessionData").status_code == 201

    unshared, deleted = bob.delete(f"{Q}/subjects/SQ"), alice.delete(SUBJECT)

    assert (unshared.status_code, deleted.status_code) == (403, 403)
    assert bob.get(f"{Q}/subjects/SQ/experiments/QMR").status_code == 200
    assert bob.delete(f"{Q}/experiments/QMR").status_code == 200
    assert bob.delete(f"{Q}/subjects/SQ").status_code == 200
    assert alice.delete(SUBJECT).status_code == 200


def test_a_project_stays_while_its_subjects_carry_experiments_of_others(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SUBJECT)
    bob.put(f"{Q}/subjects/S1/experiments/QMR?xsiType=xnat:mrSessionData")

    assert alice.delete(P).status_code == 403
    assert bob.get(f"{Q}/experiments/QMR").status_code == 200


def test_deleting_what_is_only_shared_takes_only_the_share(alice: TestClient, bob: TestClient) -> None:
    """C-226."""
    _share(alice, SUBJECT)
    _share(alice, SESSION)

    assert bob.delete(f"{Q}/experiments/MR1").status_code == 200
    assert bob.delete(f"{Q}/subjects/S1").status_code == 200

    assert alice.get(f"{SESSION}/resources/R/files/a.txt").content == b"voxels"
    assert results(bob, f"{Q}/subjects") == []


@pytest.mark.parametrize("deleted", [SESSION, SUBJECT, P])
def test_what_is_deleted_disappears_from_the_other_project(alice: TestClient, bob: TestClient, deleted: str) -> None:
    _share(alice, SESSION)

    assert alice.delete(deleted).status_code == 200

    assert bob.get(f"{Q}/experiments/MR1").status_code == 404
    assert bob.get(f"/data/experiments/{SESSION_ID}/resources/R/files/a.txt").status_code == 404
    assert results(bob, f"{Q}/experiments") == []
    assert bob.put(f"{Q}/subjects/SQ/experiments/MR1?xsiType=xnat:mrSessionData").status_code == 201


def test_the_label_of_an_ended_share_is_free_again(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SUBJECT, "label=SQ")
    bob.delete(f"{Q}/subjects/SQ")

    made = bob.put(f"{Q}/subjects/SQ")
    clash = alice.put(f"{SUBJECT}/projects/Q?label=SQ")
    shared = alice.put(f"{SUBJECT}/projects/Q")

    assert (made.status_code, clash.status_code, shared.status_code) == (201, 409, 200)


def test_a_deleted_project_is_told_no_more(alice: TestClient, bob: TestClient) -> None:
    _share(alice, SUBJECT)

    bob.delete(Q)

    assert [row["ID"] for row in results(alice, f"{SUBJECT}/projects")] == ["DEMO"]
    assert bob.get(f"/data/subjects/{SUBJECT_ID}").status_code == 404
    assert alice.delete(SUBJECT).status_code == 200


def test_sharing_into_a_public_project_opens_that_thing_and_nothing_else(alice: TestClient, bob: TestClient) -> None:
    bob.put(f"{Q}/accessibility/public")
    alice.put(f"{SUBJECT}/experiments/SECRET?xsiType=xnat:mrSessionData")

    _share(alice, SESSION)

    assert bob.get(f"/data/experiments/{SESSION_ID}/resources/R/files/a.txt").content == b"voxels"
    hidden = (P, f"{P}/subjects", SUBJECT, f"/data/subjects/{SUBJECT_ID}", f"{SUBJECT}/experiments/SECRET")
    assert [bob.get(url).status_code for url in hidden] == [404] * len(hidden)
    assert "SECRET" not in bob.get("/data/experiments?format=csv").text


def test_a_thing_of_another_project_is_not_in_this_one(alice: TestClient, bob: TestClient) -> None:
    """C-224: to whoever may see both."""
    alice.put(f"{P}/accessibility/public")

    assert bob.get(f"/data/experiments/{SESSION_ID}").status_code == 200
    assert bob.get(f"{Q}/experiments/{SESSION_ID}").status_code == 404
    assert bob.get(f"{Q}/subjects/{SUBJECT_ID}").status_code == 404
