"""How things stand: active, in quarantine, locked, obsolete; and what a project decides for what comes (C-61, C-75)."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION, SUBJECT, make_session, put_file

MR1 = f"{SUBJECT}/experiments/MR1"
MR = "xsiType=xnat:mrSessionData"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


@pytest.mark.parametrize("url", [SUBJECT, MR1, f"{MR1}/assessors/QC", f"/data/experiments/{ASSESSOR_ID}"])
@pytest.mark.usefixtures("mr1")
def test_a_flag_says_how_a_thing_stands(alice: TestClient, url: str) -> None:
    """C-61."""
    told = []
    for flag in ("quarantine=false", "quarantine=true", "activate=true", "_lock", "_unlock", "_obsolete", "activate"):
        assert alice.put(f"{url}?{flag}").status_code == 200
        told.append(alice.get(f"{url}/status").text)

    assert told == ["active", "quarantine", "active", "locked", "active", "obsolete", "active"]


@ON_SQLITE
def test_what_is_locked_refuses_every_change(alice: TestClient, mr1: str) -> None:
    """C-61: its scans and its files are locked along with it; reading goes on."""
    put_file(alice, f"{mr1}/scans/4/resources/R/files/a.txt")
    alice.put(f"{mr1}?_lock=true")

    refused = [
        alice.put(f"{mr1}?note=x"),
        alice.put(f"{mr1}?label=NEW"),
        alice.put(f"{mr1}?quarantine=true"),
        alice.put(f"{mr1}/scans/4?note=x"),
        alice.put(f"{mr1}/scans/9?xsiType=xnat:mrScanData"),
        alice.delete(f"{mr1}/scans/4"),
        alice.delete(f"{mr1}/scans/4/resources/R/files/a.txt"),
        alice.delete(mr1),
    ]
    uploaded = alice.put(f"{mr1}/scans/4/resources/R/files/b.txt?inbody=true", content=b"x")

    assert {reply.status_code for reply in refused} == {403}
    assert "_unlock=true" in refused[0].text
    assert uploaded.headers["Filmroom-Stored"] == "no"
    assert alice.get(f"{SESSION}/scans/4/resources/R/files/a.txt").content == b"voxels"
    assert alice.put(f"{mr1}?_unlock=true&note=x").status_code == 200
    assert alice.put(f"{mr1}/scans/4?note=x").status_code == 200


@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_who_may_not_edit_may_neither_lock_nor_unlock(alice: TestClient, client: Callable[[str], TestClient]) -> None:
    """C-61."""
    alice.put("/data/projects/DEMO/users/Collaborators/bob")
    alice.put(f"{MR1}?_lock=true")

    statuses = [client("bob").put(f"{MR1}?{flag}").status_code for flag in ("_lock", "_unlock", "activate")]

    assert statuses == [403, 403, 403]
    assert client("bob").get(f"{MR1}/status").text == "locked"


@ON_SQLITE
def test_a_status_survives_every_change_and_is_no_field(alice: TestClient, mr1: str) -> None:
    alice.put(f"{mr1}?quarantine")
    whole = '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"><xnat:note>n</xnat:note></xnat:MRSession>'

    alice.put(f"{mr1}?allowDataDeletion=true", content=whole, headers={"Content-Type": "text/xml"})
    alice.put(f"{mr1}?xnat:mrSessionData/meta/status=active&coil=x")

    assert alice.get(f"{mr1}/status").text == "quarantine"
    assert "quarantine" not in alice.get(f"{mr1}?format=xml").text + alice.get(f"{mr1}?format=json").text


def test_a_project_that_quarantines_does_so_with_what_is_new(alice: TestClient, demo: str) -> None:
    """C-98."""
    alice.put(f"{demo}/quarantine_code/1")
    alice.put(f"{MR1}?{MR}")
    alice.put(f"{SUBJECT}/experiments/MR2?{MR}&activate=true")

    told = [alice.get(f"{url}/status").text for url in (SUBJECT, MR1, f"{SUBJECT}/experiments/MR2")]

    assert told == ["active", "quarantine", "active"]


@pytest.mark.parametrize(
    ("name", "before", "said", "now"),
    [
        ("quarantine_code", "0", "1", "1"),
        ("quarantine_code", "0", "true", "1"),
        ("prearchive_code", "4", "11", "11"),
        ("prearchive_code", "4", "false", "0"),
        ("current_arc", "arc001", "arc002", "arc002"),
        ("scan_type_mapping", "true", "false", "false"),
    ],
)
@ON_SQLITE
def test_a_project_decides_for_what_comes(
    alice: TestClient, demo: str, *, name: str, before: str, said: str, now: str
) -> None:
    """C-75."""
    first = alice.get(f"{demo}/{name}")
    put = alice.put(f"{demo}/{name}/{said}")
    alice.put(f"{demo}?description=x")

    assert first.headers["Content-Type"].startswith("text/plain")
    assert (first.text, put.status_code, alice.get(f"{demo}/{name}").text) == (before, 200, now)
    assert name not in alice.get(f"{demo}?format=xml").text


@ON_SQLITE
def test_only_who_may_edit_a_project_decides_for_it(
    alice: TestClient, demo: str, client: Callable[[str], TestClient]
) -> None:
    """C-75."""
    alice.put(f"{demo}/users/Members/bob")

    refused = client("bob").put(f"{demo}/quarantine_code/1")

    assert refused.status_code == 403
    assert alice.put(f"{demo}/quarantine_code/many").status_code == 400
    assert "changed quarantine_code" not in alice.get(f"{demo}/history").text


@ON_SQLITE
def test_what_is_done_with_dicom_elsewhere_is_accepted(alice: TestClient, mr1: str) -> None:
    """C-97."""
    flags = "triggerPipelines=true&fixScanTypes=true&pullDataFromHeaders=true&supressEmail=true"

    reply = alice.put(f"{mr1}?{flags}")

    assert reply.status_code == 200
    assert reply.headers["Filmroom-Ignored"] == "triggerPipelines, fixScanTypes, pullDataFromHeaders, supressEmail"
