"""What is added to a list (C-74)."""

import pytest
from starlette.testclient import TestClient

from rest.session import SUBJECT, SUBJECT_ID, make_session, results

MR1 = f"{SUBJECT}/experiments/MR1"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("mr1")


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> None:
    make_session(alice, demo)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/data/projects/DEMO/subjects", "label=NEW", "XNAT_S00002"),
        ("/data/projects/DEMO/subjects", "", "XNAT_S00002"),
        ("/data/projects/DEMO/subjects", "ID=MINE", "MINE"),
        ("/data/projects/DEMO/experiments", "xsiType=xnat:mrSessionData&label=NEW&subject_ID=S1", "XNAT_E00003"),
        (f"{SUBJECT}/experiments", "xsiType=xnat:mrSessionData&label=NEW", "XNAT_E00003"),
        (f"{MR1}/scans", "", "1"),
        (f"{MR1}/scans/", "ID=T1&xsiType=xnat:mrScanData", "T1"),
        (f"{MR1}/reconstructions", "type=mean", "1"),
        (f"{MR1}/assessors", "xsiType=xnat:qcManualAssessorData&label=NEW", "XNAT_E00003"),
    ],
)
def test_what_is_new_is_told_by_its_url(alice: TestClient, path: str, query: str, name: str) -> None:
    """C-59, C-74, C-88, C-102, C-116."""
    made = alice.post(f"{path}?{query}")

    url = f"http://testserver{path.rstrip('/')}/{name}"
    assert (made.status_code, made.text, made.headers["Location"]) == (200, url, url)
    assert alice.get(f"{url}?format=json").json()["items"][0]["data_fields"]["ID"] == name


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/data/projects/DEMO/subjects", "label=S1", 409),
        ("/data/projects/DEMO/subjects", f"ID={SUBJECT_ID}", 409),
        ("/data/projects/NOWHERE/subjects", "label=S1", 404),
        (f"{SUBJECT}/experiments", "xsiType=xnat:mrSessionData&label=MR1", 409),
        (f"{SUBJECT}/experiments", "label=NEW", 417),
        ("/data/projects/DEMO/subjects/NEW/experiments", "xsiType=xnat:mrSessionData&label=NEW", 404),
        ("/data/projects/DEMO/experiments", "xsiType=xnat:mrSessionData&label=NEW&subject_ID=NEW", 404),
        (f"{MR1}/scans", "ID=4", 409),
        (f"{MR1}/scans", "ID=a.b", 417),
        (f"{MR1}/scans", "xsiType=xnat:mrSessionData", 400),
        (f"{MR1}/reconstructions", "ID=R1", 409),
        (f"{MR1}/assessors", "xsiType=xnat:qcManualAssessorData&label=QC", 409),
        (f"{MR1}/assessors", "xsiType=xnat:mrSessionData&label=NEW", 422),
    ],
)
@ON_SQLITE
def test_what_is_not_new_or_cannot_be_is_refused(alice: TestClient, path: str, query: str, status: int) -> None:
    """C-88, C-102, C-116."""
    assert alice.post(f"{path}?{query}").status_code == status
    assert len(results(alice, "/data/projects/DEMO/subjects")) == 1


@ON_SQLITE
def test_scans_without_an_id_get_the_smallest_free_number(alice: TestClient) -> None:
    """C-59."""
    made = [alice.post(f"{MR1}/scans").text.rpartition("/")[2] for _ in range(4)]

    assert made == ["1", "2", "3", "7"]
    assert {row["xsiType"] for row in results(alice, f"{MR1}/scans")} == {"xnat:mrScanData"}


@ON_SQLITE
def test_a_subject_with_experiments_is_not_added(alice: TestClient) -> None:
    """C-88."""
    document = (
        '<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'label="NEW"><xnat:experiments><xnat:experiment xsi:type="xnat:mrSessionData" label="X"/></xnat:experiments>'
        "</xnat:Subject>"
    )

    refused = alice.post("/data/projects/DEMO/subjects", content=document, headers={"Content-Type": "text/xml"})

    assert refused.status_code == 422


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("url", ["/data/projects/DEMO", SUBJECT, MR1, f"{MR1}/scans/4", f"{MR1}/assessors/QC"])
@ON_SQLITE
def test_what_is_surplus_in_a_url_changes_nothing(alice: TestClient, method: str, url: str) -> None:
    """C-5."""
    assert alice.request(method, f"{url}/surplus").status_code == 400
    assert alice.get(f"{url}?format=json").status_code == 200
