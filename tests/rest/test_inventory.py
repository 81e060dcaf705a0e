"""What can be searched for, and what is in use: only what the viewer may read counts (C-170 to C-172)."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from starlette.testclient import TestClient

Clients = Callable[[str], TestClient]
MR = "xnat:mrSessionData"
SESSION = "subjects/S1/experiments/MR1"


def _rows(client: TestClient, url: str) -> list[dict[str, Any]]:
    reply = client.get(url, params={"format": "json"})
    assert reply.status_code == 200, reply.text
    rows: list[dict[str, Any]] = reply.json()["ResultSet"]["Result"]
    return rows


def _counts(client: TestClient) -> dict[str, str]:
    return {row["ELEMENT_NAME"]: row["COUNT"] for row in _rows(client, "/data/search/elements")}


def _put(client: TestClient, url: str, **fields: str) -> None:
    reply = client.put(url, params=fields)
    assert reply.status_code in {200, 201}, reply.text


@pytest.fixture
def filled(alice: TestClient, demo: str) -> str:
    """A private project with a session, two scans and an assessor."""
    _put(alice, f"{demo}/accessibility/private")
    scanner = {f"{MR}/scanner": "MAGNUS", f"{MR}/investigator/lastname": "Curie"}
    _put(alice, f"{demo}/{SESSION}", xsiType=MR, **scanner)
    for number, kind in (("1", "T1w"), ("2", "T2w")):
        said = {"xsiType": "xnat:mrScanData", "type": kind, "series_description": f"series {kind}"}
        _put(alice, f"{demo}/{SESSION}/scans/{number}", **said)
    _put(alice, f"{demo}/{SESSION}/assessors/QC1", xsiType="xnat:qcManualAssessorData")
    person = {"xnat:projectData/PI/firstname": "Ada", "xnat:projectData/PI/lastname": "Byron"}
    _put(alice, demo, **person, **{"xnat:projectData/PI/institution": "Analytical"})
    return demo


def test_types_are_listed_of_which_there_is_something_to_read(alice: TestClient, filled: str) -> None:
    """C-170."""
    _put(alice, f"{filled}/subjects/S2")

    assert _counts(alice) == {
        "xnat:projectData": "1",
        "xnat:subjectData": "2",
        MR: "1",
        "xnat:qcManualAssessorData": "1",
    }


def test_an_outsider_learns_of_no_type_that_is_in_use_elsewhere(client: Clients, filled: str) -> None:
    """C-131, C-170: projects and subjects always, for clients ask for them."""
    assert filled
    assert _counts(client("bob")) == {"xnat:projectData": "0", "xnat:subjectData": "0"}


def test_members_of_a_group_with_rights_for_a_type_count_only_that(
    client: Clients, alice: TestClient, filled: str
) -> None:
    _put(alice, f"{filled}/groups/raters", displayName="raters", **{MR: "r"})
    _put(alice, f"{filled}/users/raters/bob")

    assert _counts(client("bob")) == {"xnat:projectData": "1", "xnat:subjectData": "0", MR: "1"}


def test_what_is_shared_counts_where_it_can_be_read_and_once(client: Clients, alice: TestClient, filled: str) -> None:
    """A session brings its assessors along; who may read the original too has them once."""
    bob = client("bob")
    for project in ("THEIRS", "MORE"):
        _put(bob, f"/data/projects/{project}")
        _put(bob, f"/data/projects/{project}/users/member/alice")
        _put(alice, f"{filled}/{SESSION}/projects/{project}")

    assert (_counts(bob)[MR], _counts(bob)["xnat:qcManualAssessorData"]) == ("1", "1")
    assert (_counts(alice)[MR], _counts(alice)["xnat:qcManualAssessorData"]) == ("1", "1")


@pytest.mark.parametrize("below", [f"{SESSION}/assessors/QC1", SESSION, "subjects/S1", ""])
def test_what_is_deleted_counts_no_more_nor_what_is_below_it(alice: TestClient, filled: str, below: str) -> None:
    assert alice.delete(f"{filled}/{below}".rstrip("/")).status_code == 200

    counts = _counts(alice)
    assert "xnat:qcManualAssessorData" not in counts
    assert (MR in counts) is below.endswith("QC1")
    assert counts["xnat:subjectData"] == ("1" if "experiments" in below else "0")


@pytest.mark.parametrize("word", ["used", "secured", "readable"])
def test_words_that_would_leave_out_nothing_are_understood(alice: TestClient, word: str) -> None:
    reply = alice.get("/data/search/elements", params={word: "true"})

    assert reply.status_code == 200
    assert "filmroom-ignored" not in reply.headers


@pytest.mark.parametrize(
    ("data_type", "names"),
    [
        ("xnat:subjectData", {"SUBJECT_ID", "SUBJECT_LABEL", "PROJECT", "INSERT_DATE", "INSERT_USER"}),
        (MR, {"SESSION_ID", "EXPT_ID", "SUBJECT_ID", "SUBJECT_LABEL", "PROJECT", "LABEL", "DATE", "AGE"}),
        ("xnat:qcManualAssessorData", {"EXPT_ID", "SESSION_ID", "SESSION_LABEL", "DATE", "RATER"}),
        ("xnat:projectData", {"ID", "NAME", "PI_LASTNAME"}),
        ("xnat:mrScanData", {"ID", "TYPE", "QUALITY"}),
    ],
)
def test_a_field_has_one_name_in_capitals(alice: TestClient, data_type: str, names: set[str]) -> None:
    """C-170, C-179."""
    rows = _rows(alice, f"/REST/search/elements/{data_type}")

    found = [row["FIELD_ID"] for row in rows]
    assert list(rows[0]) == ["FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME", "SRC"]
    assert names <= set(found)
    assert len(set(found)) == len(found)
    assert found == [name.upper() for name in found]


def test_the_columns_of_a_type_are_a_version(alice: TestClient) -> None:
    """C-170."""
    rows = _rows(alice, f"/data/search/elements/{MR}/versions")

    assert {row["VERSION"] for row in rows} == {"listing"}
    assert [row["FIELD_ID"] for row in rows][:2] == ["SESSION_ID", "EXPT_ID"]
    assert alice.get("/data/search/elements/xnat:none/versions").status_code == 404


@pytest.mark.parametrize("prefix", ["/data", "/REST", "/data/archive", "/REST/archive"])
def test_scanners_and_scan_types_are_those_in_use(alice: TestClient, filled: str, prefix: str) -> None:
    """C-2, C-172."""
    project = filled.removeprefix("/data")
    types = [{"series_descriptions": f"series {kind}", "type": kind} for kind in ("T1w", "T2w")]

    assert _rows(alice, f"{prefix}/scanners") == [{"scanner": "MAGNUS"}]
    assert _rows(alice, f"{prefix}/scan_types") == types
    assert _rows(alice, f"{prefix}{project}/scan_types") == types


def test_investigators_are_those_of_projects_and_sessions(alice: TestClient, filled: str) -> None:
    """C-171."""
    second = "xnat:projectData/investigators/investigator[1]"
    _put(alice, filled, **{f"{second}/lastname": "Lovelace", f"{second}/email": "l@example.org"})

    rows = _rows(alice, "/data/archive/investigators")

    columns = "firstname lastname institution department email xnat_investigatordata_id login"
    assert list(rows[0]) == columns.split()
    assert [row["lastname"] for row in rows] == ["Byron", "Curie", "Lovelace"]
    assert (rows[0]["firstname"], rows[0]["institution"], rows[2]["email"]) == ("Ada", "Analytical", "l@example.org")


@pytest.mark.parametrize("url", ["/data/scanners", "/data/scan_types", "/data/investigators"])
def test_who_may_read_nothing_is_told_nothing(client: Clients, filled: str, url: str) -> None:
    """C-131."""
    assert filled
    assert _rows(client("bob"), url) == []
    assert client("").get(url).status_code == 401


def test_scan_types_of_a_project_are_for_its_readers(client: Clients, alice: TestClient, filled: str) -> None:
    """C-21, C-147."""
    url = f"{filled}/scan_types"
    hidden = client("bob").get(url).status_code
    _put(alice, f"{filled}/accessibility/protected")

    assert (hidden, client("bob").get(url).status_code) == (404, 403)


def test_a_project_has_the_scan_types_of_what_is_shared_into_it(
    client: Clients, alice: TestClient, filled: str
) -> None:
    bob = client("bob")
    for project in ("THEIRS", "EMPTY"):
        _put(bob, f"/data/projects/{project}")
    _put(bob, "/data/projects/THEIRS/users/member/alice")
    _put(alice, f"{filled}/{SESSION}/projects/THEIRS")

    assert [row["type"] for row in _rows(bob, "/data/projects/THEIRS/scan_types")] == ["T1w", "T2w"]
    assert _rows(bob, "/data/projects/EMPTY/scan_types") == []
    assert _rows(bob, "/data/scanners") == [{"scanner": "MAGNUS"}]


@pytest.mark.parametrize("path", ["scanners", "scan_types", "investigators", "search/elements"])
def test_each_list_is_well_formed_in_every_format(alice: TestClient, path: str) -> None:
    """C-132 to C-134."""
    columns = list(_rows(alice, f"/data/{path}")[0]) if path == "search/elements" else None

    csv = alice.get(f"/data/{path}?format=csv").text.splitlines()
    xml = etree.fromstring(alice.get(f"/data/{path}?format=xml").content)
    html = alice.get(f"/data/{path}?format=html")

    assert [one.text for one in xml.iterfind(".//column")] == csv[0].split(",")
    assert columns in (None, csv[0].split(","))
    assert html.status_code == 200
