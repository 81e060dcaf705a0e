"""How far a right reaches: not to what others have below, inside or beside what it is for."""

from collections.abc import Callable
from typing import Final

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from rest.session import ASSESSOR_ID, SESSION, SUBJECT, make_session, put_file, results

Clients = Callable[[str], TestClient]
BOBS: Final = "/data/projects/BOBS"
REFRESH: Final = "/data/services/refresh/catalog"
QC: Final = f"{SESSION}/assessors/QC"


@pytest.fixture
def bob(alice: TestClient, demo: str, client: Clients) -> TestClient:
    """Who may read Alice's public project and has a private one of his own."""
    assert alice.put(f"{demo}/accessibility/public").status_code == 200
    make_session(alice, demo)
    bob = client("bob")
    assert bob.put(f"{BOBS}?accessibility=private").status_code == 200
    return bob


def test_the_history_of_a_subject_is_silent_of_what_another_project_has_below_it(
    alice: TestClient, bob: TestClient
) -> None:
    assert bob.put(f"{SUBJECT}/projects/BOBS").status_code == 200
    assert bob.put(f"{BOBS}/subjects/S1/experiments/SECRET?xsiType=xnat:mrSessionData").status_code == 201

    told = alice.get(f"{SUBJECT}/history?format=json").text

    assert "/experiments/MR1" in told
    assert "SECRET" not in told
    assert "SECRET" in bob.get(f"{BOBS}/subjects/S1/experiments/SECRET/history?format=json").text


def test_a_resource_of_others_is_not_refreshed_by_its_number(alice: TestClient, bob: TestClient, demo: str) -> None:
    put_file(alice, f"{demo}/resources/R/files/a.txt")
    [theirs] = results(alice, f"{demo}/resources")
    put_file(bob, f"{BOBS}/resources/R/files/a.txt")
    [own] = results(bob, f"{BOBS}/resources")

    refused = bob.post(f"{REFRESH}?resource=/archive/projects/BOBS/resources/{theirs['xnat_abstractresource_id']}")

    assert refused.status_code == 403
    done = bob.post(f"{REFRESH}?resource=/archive/projects/BOBS/resources/{own['xnat_abstractresource_id']}")
    assert done.status_code == 200


def test_a_session_is_refreshed_without_what_others_have_in_it(alice: TestClient, bob: TestClient) -> None:
    _give_assessor_away(alice, bob)

    assert alice.post(f"{REFRESH}?resource=/archive/experiments/XNAT_E00001").status_code == 200


def _give_assessor_away(alice: TestClient, bob: TestClient) -> None:
    """To Bob's private project, in which Alice is a member."""
    assert bob.put(f"{BOBS}/users/member/alice").status_code == 200
    assert alice.put(f"{QC}/projects/BOBS?primary=true").status_code == 200


def test_an_assessor_of_another_project_is_not_shared_along_with_its_session(
    alice: TestClient, bob: TestClient, demo: str, client: Clients
) -> None:
    _give_assessor_away(alice, bob)
    admin = client("admin")
    assert admin.put("/data/projects/OPEN?accessibility=public").status_code == 200
    assert admin.put(f"{SESSION}/projects/OPEN").status_code == 201
    assert alice.put(f"{demo}/accessibility/private").status_code == 200
    assert admin.post("/xapi/users", json={"username": "oscar", "password": PASSWORD}).status_code == 201

    oscar = client("oscar")

    assert oscar.get(SESSION).status_code == 200
    assert ASSESSOR_ID not in oscar.get(SESSION).text
    assert oscar.get(QC).status_code == 404
    assert oscar.get(f"/data/experiments/{ASSESSOR_ID}").status_code == 404


def test_what_is_hidden_from_the_owner_of_a_thing_can_be_ended_by_them(
    alice: TestClient, bob: TestClient, demo: str
) -> None:
    """Whoever may read a thing can share it into a project that its owner does not see."""
    assert bob.put(f"{SESSION}/projects/BOBS?label=MINE").status_code == 201
    assert alice.put(f"{demo}/accessibility/private").status_code == 200

    told = results(alice, f"{SESSION}/projects")
    ended = alice.delete(f"{SESSION}/projects/bobs")

    assert [row["ID"] for row in told] == ["DEMO", "BOBS"]
    assert ended.status_code == 200
    assert bob.get(f"{BOBS}/experiments/MINE").status_code == 404
    assert bob.get(SESSION).status_code == 404
    assert alice.delete(f"{SESSION}/projects/BOBS").status_code == 404


def test_who_may_not_delete_a_thing_is_not_told_where_else_it_is(
    alice: TestClient, bob: TestClient, demo: str, client: Clients
) -> None:
    """A member neither sees the other project nor can tell it from one that is not there."""
    assert bob.put(f"{SESSION}/projects/BOBS").status_code == 201
    admin = client("admin")
    assert admin.post("/xapi/users", json={"username": "mary", "password": PASSWORD}).status_code == 201
    assert alice.put(f"{demo}/users/member/mary").status_code == 200
    mary = client("mary")

    hidden, missing = mary.delete(f"{SESSION}/projects/BOBS"), mary.delete(f"{SESSION}/projects/NONE")

    assert [row["ID"] for row in results(mary, f"{SESSION}/projects")] == ["DEMO"]
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("BOBS", "NONE") == missing.text


@pytest.mark.parametrize("inside", ["scans/9?xsiType=xnat:mrScanData", "assessors/A?xsiType=xnat:qcManualAssessorData"])
def test_an_assessor_is_no_session_that_could_hold_something(alice: TestClient, bob: TestClient, inside: str) -> None:
    assert bob.get(f"/data/experiments/{ASSESSOR_ID}").status_code == 200

    made = alice.put(f"/data/experiments/{ASSESSOR_ID}/{inside}")

    assert made.status_code == 404
