"""Lists of subjects, experiments, assessors, scans and reconstructions (C-89 to C-120)."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION, SESSION_ID, SUBJECT, SUBJECT_ID, make_session, results

MR1 = f"{SUBJECT}/experiments/MR1"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# After the key, which says the type of the rows (C-121).
ALL = "ID,project,date,xsiType,label,insert_date,URI"
SESSION_ROW = f"{SESSION_ID},{SESSION_ID},DEMO,2024-05-06,xnat:mrSessionData,MR1,2026-11-21 12:00:00.123,{SESSION}"
ASSESSOR_ROW = (
    f"{ASSESSOR_ID},{ASSESSOR_ID},DEMO,,xnat:qcManualAssessorData,QC,2026-11-21 12:00:00.123,"
    f"/data/experiments/{ASSESSOR_ID}"
)


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


@pytest.mark.parametrize(
    ("url", "header", "row"),
    [
        (
            "/data/projects/DEMO/subjects?format=csv",
            "ID,project,label,insert_date,insert_user,URI",
            f"{SUBJECT_ID},DEMO,S1,2026-11-21 12:00:00.123,alice,/data/subjects/{SUBJECT_ID}",
        ),
        (
            "/data/projects/DEMO/experiments?format=csv",
            "xnat:subjectassessordata/id,ID,project,date,xsiType,label,insert_date,URI",
            f"{SESSION_ID},{SESSION_ID},DEMO,2024-05-06,xnat:mrSessionData,MR1,2026-11-21 12:00:00.123,{SESSION}",
        ),
        (
            f"{SUBJECT}/experiments?format=csv",
            "xnat:subjectassessordata/id,ID,project,date,xsiType,label,insert_date,URI",
            f"{SESSION_ID},{SESSION_ID},DEMO,2024-05-06,xnat:mrSessionData,MR1,2026-11-21 12:00:00.123,{SESSION}",
        ),
        (
            f"{MR1}/assessors?format=csv",
            "xnat:imageassessordata/id,ID,project,label,date,xsiType,insert_date,session_ID,session_label,URI",
            (
                f"{ASSESSOR_ID},{ASSESSOR_ID},DEMO,QC,,xnat:qcManualAssessorData,2026-11-21 12:00:00.123,"
                f"{SESSION_ID},MR1,/data/experiments/{ASSESSOR_ID}"
            ),
        ),
        (
            "/data/subjects?format=csv",
            "ID,project,label,insert_date,insert_user,URI",
            f"{SUBJECT_ID},DEMO,S1,2026-11-21 12:00:00.123,alice,/data/subjects/{SUBJECT_ID}",
        ),
        (
            "/data/experiments?xsiType=xnat:mrSessionData&format=csv",
            f"xnat:mrsessiondata/id,{ALL},subject_ID,subject_label",
            f"{SESSION_ROW},{SUBJECT_ID},S1",
        ),
        (
            "/data/experiments?xsiType=xnat:qcManualAssessorData&format=csv",
            f"xnat:qcmanualassessordata/id,{ALL},session_ID,session_label",
            f"{ASSESSOR_ROW},{SESSION_ID},MR1",
        ),
        ("/data/experiments?format=csv", f"xnat:experimentdata/id,{ALL}", f"{SESSION_ROW}\n{ASSESSOR_ROW}"),
        (
            "/data/projects/DEMO/experiments?xsiType=xnat:qcManualAssessorData&format=csv",
            f"xnat:qcmanualassessordata/id,{ALL}",
            ASSESSOR_ROW,
        ),
        (
            f"{SUBJECT}/experiments?xsiType=xnat:qcManualAssessorData&format=csv",
            f"xnat:qcmanualassessordata/id,{ALL}",
            ASSESSOR_ROW,
        ),
    ],
)
@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_a_list_has_its_default_columns(alice: TestClient, url: str, header: str, row: str) -> None:
    """C-89, C-103, C-104, C-110."""
    assert alice.get(url).text == f"{header}\n{row}\n"


def test_lists_inside_a_session_begin_with_a_number_of_the_archive(alice: TestClient, mr1: str) -> None:
    """C-117, C-120."""
    scans, reconstructions = (
        [line.split(",") for line in alice.get(f"{mr1}/{word}?format=csv").text.splitlines()]
        for word in ("scans", "reconstructions")
    )

    assert ",".join(scans[0]) == "xnat_imagescandata_id,ID,type,quality,xsiType,note,series_description,URI"
    assert scans[1][1:] == ["4", "T1 w/o", "usable", "xnat:mrScanData", "n", "", f"{SESSION}/scans/4"]
    assert [row[1] for row in scans[1:]] == ["4", "5", "6"]
    assert ",".join(reconstructions[0]) == "xnat_reconstructedimagedata_id,ID,type,baseScanType,URI"
    assert reconstructions[1][1:] == ["R1", "mean", "T1", f"{SESSION}/reconstructions/R1"]
    assert all(row[0].isdigit() for row in (*scans[1:], *reconstructions[1:]))


@pytest.mark.parametrize("url", ["subjects", "experiments"])
def test_an_empty_list_is_a_list(alice: TestClient, demo: str, url: str) -> None:
    assert alice.get(f"{demo}/{url}").json() == {"ResultSet": {"Result": [], "totalRecords": "0"}}


@pytest.mark.parametrize("url", ["subjects/NO/experiments", "experiments/NO/scans", "experiments/NO/assessors"])
@ON_SQLITE
def test_what_is_inside_what_is_not_there_is_not_found(alice: TestClient, demo: str, url: str) -> None:
    assert alice.get(f"{demo}/{url}").status_code == 404


@pytest.mark.parametrize("word", ["subjects", "experiments"])
def test_the_lists_of_the_archive_are_those_of_the_projects_one_sees(
    alice: TestClient, client: Callable[[str], TestClient], mr1: str, word: str
) -> None:
    """C-90: where there is nothing to see, an empty list."""
    bob = client("bob")
    bob.put("/data/projects/BOBS")
    bob.put("/data/projects/BOBS/subjects/S1/experiments/MR1?xsiType=xnat:mrSessionData")

    projects = {
        login: {row["project"] for row in results(client(login), f"/data/{word}")}
        for login in ("alice", "bob", "admin")
    }
    alice.delete(mr1.rsplit("/experiments", 1)[0])

    assert projects == {"alice": {"DEMO"}, "bob": {"BOBS"}, "admin": {"DEMO", "BOBS"}}
    assert alice.get(f"/data/{word}/").json() == {"ResultSet": {"Result": [], "totalRecords": "0"}}
