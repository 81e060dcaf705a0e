"""The elements of a DICOM file as a table (C-174)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from starlette.testclient import TestClient

from rest.session import make_session

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]
DUMP = "/data/services/dicomdump?format=json&src="
SCAN = "/archive/projects/DEMO/experiments/MR1/scans/4"
INSIDE = "/archive/projects/DEMO/subjects/S1/experiments/MR1/scans/4"


@pytest.fixture
def dicom(alice: TestClient, demo: str) -> TestClient:
    """Alice; scan 4 has a CT image behind a file that is none, and scan 5 a broken one."""
    make_session(alice, demo)
    sample = Path(str(get_testdata_file("CT_small.dcm", download=False))).read_bytes()
    _put(alice, "4", "0.txt", b"notes")
    _put(alice, "4", "1.dcm", sample)
    _put(alice, "5", "1.dcm", sample[:132] + b"broken" * 100)
    return alice


def _put(alice: TestClient, scan: str, path: str, content: bytes) -> None:
    url = f"/data/projects/DEMO/subjects/S1/experiments/MR1/scans/{scan}/resources/DICOM/files/{path}?inbody=true"
    assert alice.put(url, content=content).status_code == 200


@pytest.mark.parametrize(
    "source",
    [SCAN, INSIDE, f"/data{SCAN}", f"{SCAN}/resources/DICOM", f"{SCAN}/resources/DICOM/files/1.dcm"],
)
def test_the_first_dicom_file_is_shown(dicom: TestClient, source: str) -> None:
    """C-174."""
    reply = dicom.get(f"{DUMP}{source}")

    rows = reply.json()["ResultSet"]["Result"]
    assert rows[0]["tag1"].startswith("(0002,")
    assert {
        "tag1": "(0010,0010)",
        "tag2": "",
        "vr": "PN",
        "value": "CompressedSamples^CT1",
        "desc": "Patient's Name",
    } in rows
    assert any(row["tag1"] == "(0010,1002)" and row["tag2"] == "(0010,0020)" for row in rows)
    assert not any(row["tag1"] == "(7FE0,0010)" for row in rows)


def test_only_the_fields_that_are_asked_for_are_shown(dicom: TestClient) -> None:
    """C-174: by keyword or number."""
    rows = dicom.get(f"{DUMP}{SCAN}&field=Modality&field=00100020").json()["ResultSet"]["Result"]

    assert [(row["tag1"], row["value"]) for row in rows] == [("(0008,0060)", "CT"), ("(0010,0020)", "1CT1")]


@pytest.mark.parametrize("style", ["csv", "xml", "html"])
def test_a_dump_comes_in_every_format(dicom: TestClient, style: str) -> None:
    reply = dicom.get(f"/data/services/dicomdump?src={SCAN}&format={style}")

    assert reply.status_code == 200
    assert "CompressedSamples^CT1" in reply.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (SCAN.replace("/4", "/5"), 400),
        (SCAN.replace("/4", "/6"), 404),
        (SCAN.replace("/4", "/99"), 404),
        (f"{SCAN}/resources/DICOM/files/0.txt", 404),
        (f"{SCAN}&field=no-field!", 400),
        ("", 400),
        ("/archive/user/cache/resources/X", 400),
    ],
)
def test_what_cannot_be_shown_is_an_error_of_the_client(dicom: TestClient, query: str, status: int) -> None:
    assert dicom.get(f"{DUMP}{query}").status_code == status


def test_headers_are_as_secret_as_the_file(client: Clients, dicom: TestClient) -> None:
    """C-21."""
    assert client("bob").get(f"{DUMP}{SCAN}").status_code in {403, 404}
    dicom.put("/data/projects/DEMO/accessibility/private")
    assert client("bob").get(f"{DUMP}{SCAN}").status_code == 404
    assert client("").get(f"{DUMP}{SCAN}").status_code == 401
