"""Subjects, experiments, scans, reconstructions and assessors over HTTP (core-api sections 3.4 to 3.8)."""

import pytest
from lxml import etree
from starlette.testclient import TestClient

from filmroom.model.datatypes import find_data_type
from rest.session import ASSESSOR_ID, SESSION, SESSION_ID, SUBJECT, SUBJECT_ID, make_session, put_file, results

MR1 = f"{SUBJECT}/experiments/MR1"
MR = "xsiType=xnat:mrSessionData"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# Each thing, the name of its XML element and its ID.
THINGS = [
    (SUBJECT, "Subject", SUBJECT_ID),
    (MR1, "MRSession", SESSION_ID),
    (f"{MR1}/scans/4", "MRScan", "4"),
    (f"{MR1}/reconstructions/R1", "ReconstructedImage", "R1"),
    (f"{MR1}/assessors/QC", "QCManualAssessment", ASSESSOR_ID),
]
THING_IDS = [element for _, element, _ in THINGS]


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


def _status(alice: TestClient, url: str) -> int:
    return alice.get(f"{url}?format=json").status_code


def _fields(alice: TestClient, url: str) -> dict[str, str]:
    return dict(alice.get(f"{url}?format=json").json()["items"][0]["data_fields"])


def test_a_new_subject_answers_with_its_id(alice: TestClient, demo: str) -> None:
    """C-58, C-80."""
    first, second = alice.put(f"{demo}/subjects/S1"), alice.put(f"{demo}/subjects/S2")

    assert (first.status_code, first.text) == (201, "XNAT_S00001")
    assert (second.status_code, second.text) == (201, "XNAT_S00002")


def test_what_is_new_answers_as_its_kind_does(alice: TestClient, demo: str) -> None:
    """C-144."""
    alice.put(f"{demo}/subjects/S1")

    replies = [
        alice.put(url)
        for url in (
            f"{MR1}?{MR}",
            f"{MR1}/scans/4?xsiType=xnat:mrScanData",
            f"{MR1}/reconstructions/R1",
            f"{MR1}/assessors/QC?xsiType=xnat:qcManualAssessorData",
        )
    ]

    assert [(reply.status_code, reply.text) for reply in replies] == [
        (201, "XNAT_E00001"),
        (200, ""),
        (200, ""),
        (201, "XNAT_E00002"),
    ]


def test_an_experiment_makes_its_subject(alice: TestClient, demo: str) -> None:
    """C-93."""
    made = alice.put(f"{MR1}?{MR}")

    assert made.status_code == 201
    assert [row["label"] for row in results(alice, f"{demo}/subjects")] == ["S1"]
    assert _fields(alice, MR1)["subject_ID"] == "XNAT_S00001"


def test_an_experiment_that_cannot_be_made_makes_no_subject(alice: TestClient, demo: str) -> None:
    refused = [alice.put(f"{demo}/subjects/NEW/experiments/{name}").status_code for name in ("X", f"a.b?{MR}")]

    assert refused == [417, 417]
    assert results(alice, f"{demo}/subjects") == []


def test_an_experiment_of_a_project_names_its_subject_in_a_parameter(alice: TestClient, demo: str) -> None:
    """C-93."""
    made = alice.put(f"{demo}/experiments/MR1?{MR}&subject_ID=S1")
    without = alice.put(f"{demo}/experiments/MR2?{MR}")

    assert (made.status_code, without.status_code) == (201, 422)
    assert _status(alice, MR1) == 200


@pytest.mark.parametrize(
    ("url", "query", "path", "reply"),
    [
        (SUBJECT, "gender=female", "gender", (200, SUBJECT_ID)),
        (MR1, "note=new", "note", (200, SESSION_ID)),
        (f"{MR1}/scans/4", "note=new", "note", (200, "")),
        (f"{MR1}/reconstructions/R1", "type=new", "type", (200, "")),
        (f"{MR1}/assessors/QC", "note=new", "note", (200, ASSESSOR_ID)),
    ],
)
@ON_SQLITE
def test_a_change_answers_as_its_kind_does(
    alice: TestClient, mr1: str, url: str, query: str, path: str, reply: tuple[int, str]
) -> None:
    """C-144; nothing else changes."""
    before = alice.get(f"{url}?format=xml").text

    changed = alice.put(f"{url}?{query}")

    after = alice.get(f"{url}?format=xml").text
    assert (changed.status_code, changed.text) == reply
    assert after != before
    assert query.partition("=")[2] in after
    assert _status(alice, mr1) == 200
    assert path in after


@pytest.mark.parametrize("level", ["subjects", "experiments", "assessors"])
def test_a_label_parameter_renames_and_does_nothing_else(alice: TestClient, mr1: str, level: str) -> None:
    """C-82, C-96, C-107."""
    old = {"subjects": SUBJECT, "experiments": mr1, "assessors": f"{mr1}/assessors/QC"}[level]
    new = f"{old.rpartition('/')[0]}/NEW"

    renamed = alice.put(f"{old}?label=NEW&note=ignored&group=ignored")

    assert (renamed.status_code, renamed.content) == (200, b"")
    assert (_status(alice, old), _status(alice, new)) == (404, 200)
    assert "ignored" not in alice.get(f"{new}?format=xml").text


@pytest.mark.parametrize("level", ["subjects", "experiments"])
def test_a_label_that_another_has_is_refused(alice: TestClient, mr1: str, demo: str, level: str) -> None:
    """C-82, C-96."""
    alice.put(f"{SUBJECT}/experiments/TAKEN?{MR}")
    alice.put(f"{demo}/subjects/TAKEN")
    old = {"subjects": SUBJECT, "experiments": mr1}[level]

    refused = alice.put(f"{old}?label=TAKEN")

    assert refused.status_code == 409
    assert _status(alice, old) == 200


@pytest.mark.usefixtures("mr1")
def test_the_old_label_of_what_was_renamed_is_free(alice: TestClient, demo: str) -> None:
    alice.put(f"{SUBJECT}?label=NEW")

    again = alice.put(SUBJECT)

    assert (again.status_code, again.text) == (201, "XNAT_S00002")
    assert _status(alice, f"{demo}/subjects/NEW/experiments/MR1") == 200


@pytest.mark.parametrize(
    "path",
    [
        "subjects/a.b",
        "subjects/a%20b",
        f"subjects/S1/experiments/a.b?{MR}",
        "subjects/S1/experiments/MR1/scans/a.b?xsiType=xnat:mrScanData",
        "subjects/S1/experiments/MR1/reconstructions/a.b",
        "subjects/S1/experiments/MR1/assessors/a.b?xsiType=xnat:qcManualAssessorData",
        "subjects/S1?label=a.b",
        f"subjects/S1/experiments/NEW?{MR}&ID=a.b",
    ],
)
@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_an_illegal_name_is_refused(alice: TestClient, demo: str, path: str) -> None:
    """C-57."""
    assert alice.put(f"{demo}/{path}").status_code == 417


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("experiments/X?xsiType=xnat:nonsense", 400),
        ("experiments/MR1/scans/9?xsiType=xnat:nonsense", 400),
        ("experiments/MR1/scans/9?xsiType=xnat:imageScanData", 400),
        ("experiments/MR1/scans/9?xsiType=xnat:mrSessionData", 400),
        ("experiments/X", 417),
        ("experiments/MR1/scans/9", 417),
        ("experiments/MR1/assessors/X", 417),
        ("experiments/MR1/scans/4?xsiType=xnat:ctScanData", 409),
        ("experiments/NOWHERE/scans/4?xsiType=xnat:mrScanData", 404),
    ],
)
@ON_SQLITE
def test_a_type_that_cannot_be_is_refused(alice: TestClient, mr1: str, path: str, status: int) -> None:
    """C-50, C-92, C-106, C-111."""
    before = alice.get(f"{mr1}?format=xml").text

    assert alice.put(f"{SUBJECT}/{path}").status_code == status
    assert alice.get(f"{mr1}?format=xml").text == before


@pytest.mark.parametrize("name", ["xnat:mrScanData", "XNAT:MRSCANDATA", "xnat:MRScan"])
@ON_SQLITE
def test_the_same_type_may_be_said_again(alice: TestClient, mr1: str, name: str) -> None:
    assert alice.put(f"{mr1}/scans/4?xsiType={name}").status_code == 200


@pytest.mark.parametrize("url", [SUBJECT, MR1])
@pytest.mark.usefixtures("mr1")
def test_an_id_does_not_change(alice: TestClient, url: str) -> None:
    """C-83, C-95."""
    assert alice.put(f"{url}?ID=OTHER").status_code == 400
    assert _status(alice, url) == 200


@pytest.mark.parametrize(("url", "element", "thing_id"), THINGS, ids=THING_IDS)
@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_a_thing_is_read_as_json(alice: TestClient, url: str, element: str, thing_id: str) -> None:
    """C-136 to C-138."""
    reply = alice.get(f"{url}?format=json")

    [item] = reply.json()["items"]
    assert reply.headers["content-type"].startswith("application/json")
    data_type = find_data_type(f"xnat:{element}")
    assert data_type is not None
    assert (item["meta"]["xsi:type"], item["meta"]["isHistory"]) == (data_type.xsi_type, False)
    assert item["data_fields"]["ID"] == thing_id
    assert ("project" in item["data_fields"]) == (element != "ReconstructedImage")  # C-203


@pytest.mark.parametrize(("url", "element", "thing_id"), THINGS, ids=THING_IDS)
@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_a_thing_is_read_as_xml_and_may_be_sent_back(alice: TestClient, url: str, element: str, thing_id: str) -> None:
    """C-141, C-142."""
    reply = alice.get(f"{url}?format=xml")

    root = etree.fromstring(reply.content)
    sent_back = alice.put(url, content=reply.content, headers={"Content-Type": "text/xml"})
    assert etree.QName(root).localname == element
    assert root.get("ID") == thing_id
    assert sent_back.status_code == 200
    assert alice.get(f"{url}?format=xml").content == reply.content


def test_a_session_is_read_with_all_that_is_inside(alice: TestClient, mr1: str) -> None:
    """C-139."""
    [item] = alice.get(f"{mr1}?format=json").json()["items"]

    inside = {child["field"]: [one["data_fields"]["ID"] for one in child["items"]] for child in item["children"]}
    assert inside == {
        "scans/scan": ["4", "5", "6"],
        "reconstructions/reconstructedImage": ["R1"],
        "assessors/assessor": [ASSESSOR_ID],
    }


@pytest.mark.parametrize("url", [url for url, *_ in THINGS], ids=THING_IDS)
@ON_SQLITE
def test_a_deletion_takes_all_below_and_no_neighbour(alice: TestClient, mr1: str, demo: str, url: str) -> None:
    neighbour = f"{demo}/subjects/S2/experiments/MR2"
    alice.put(f"{neighbour}?{MR}")
    alice.put(f"{neighbour}/scans/4?xsiType=xnat:mrScanData")
    for session in (mr1, neighbour):
        put_file(alice, f"{session}/scans/4/resources/R/files/a")
    there = {other for other, *_ in THINGS}

    deleted = alice.delete(url)

    gone = {other for other in there if f"{other}/".startswith(f"{url}/")}
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert {other: _status(alice, other) for other in there} == {
        **dict.fromkeys(there, 200),
        **dict.fromkeys(gone, 404),
    }
    assert alice.get(f"{neighbour}/scans/4/resources/R/files/a").content == b"voxels"
    assert alice.delete(url).status_code == 404


def test_what_is_below_a_deleted_subject_is_not_there_by_any_way(alice: TestClient, mr1: str, demo: str) -> None:
    put_file(alice, f"{mr1}/scans/4/resources/R/files/a")

    alice.delete(SUBJECT)

    for url in (SESSION, f"{SESSION}/scans/4", f"/data/experiments/{ASSESSOR_ID}", f"{demo}/experiments/MR1"):
        assert _status(alice, url) == 404
    assert results(alice, f"{demo}/experiments") == []
    assert alice.get(f"{demo}/resources/1/files").status_code == 404


@pytest.mark.usefixtures("mr1")
def test_the_labels_of_what_was_deleted_can_be_given_again(alice: TestClient, demo: str) -> None:
    alice.delete(SUBJECT)

    make_session(alice, demo)

    assert _fields(alice, SUBJECT)["ID"] == "XNAT_S00002"
    assert _fields(alice, MR1)["ID"] == "XNAT_E00003"
    assert _fields(alice, f"{MR1}/assessors/QC")["ID"] == "XNAT_E00004"
    assert _status(alice, SESSION) == 404
    assert results(alice, f"{MR1}/files?all=true") == []


@ON_SQLITE
def test_an_id_of_something_below_what_was_deleted_is_free_or_taken(alice: TestClient, demo: str) -> None:
    """C-95: not a storage that failed."""
    url = f"{demo}/subjects/S1/experiments/A?{MR}&ID=MINE"
    alice.put(url)
    alice.delete(SUBJECT)

    assert alice.put(url).status_code in {201, 409}


@ON_SQLITE
def test_a_new_scan_may_be_called_like_the_type_of_another(alice: TestClient, mr1: str) -> None:
    """F-45: a type is no ID."""
    alice.put(f"{mr1}/scans/T2?xsiType=xnat:mrScanData")

    assert [row["ID"] for row in results(alice, f"{mr1}/scans")] == ["4", "5", "6", "T2"]


@pytest.mark.parametrize("query", ["project=OTHER", "image_session_ID=OTHER", "xnat:mrScanData/project=OTHER"])
@ON_SQLITE
def test_where_a_scan_hangs_is_not_said_by_parameters(alice: TestClient, mr1: str, query: str) -> None:
    alice.put(f"{mr1}/scans/4?{query}")

    assert "OTHER" not in alice.get(f"{mr1}/scans/4?format=xml").text


def test_an_experiment_goes_to_the_subject_of_the_url(alice: TestClient, mr1: str, demo: str) -> None:
    """C-225: one project has a label once, whatever the subject."""
    moved = alice.put(f"{demo}/subjects/S2/experiments/MR1?{MR}")

    assert (moved.status_code, moved.text) == (200, SESSION_ID)
    assert _status(alice, mr1) == 404
    assert _fields(alice, f"{demo}/subjects/S2/experiments/MR1")["subject_ID"] == "XNAT_S00002"
    assert len(results(alice, f"{demo}/subjects/S2/experiments/MR1/scans")) == 3


@ON_SQLITE
def test_a_deleted_scan_can_be_made_again(alice: TestClient, mr1: str) -> None:
    alice.delete(f"{mr1}/scans/4")

    assert alice.put(f"{mr1}/scans/4?xsiType=xnat:ctScanData").status_code == 200


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("subjects/S2?ID=XNAT_S00001", "XNAT_S00001"),
        ("experiments/E2?subject_ID=S1&xsiType=xnat:mrSessionData&ID=X", "X"),
    ],
)
def test_an_id_that_is_taken_is_called_an_id(alice: TestClient, demo: str, path: str, taken: str) -> None:
    """C-95: IDs are for the whole archive."""
    alice.put(f"{demo}/subjects/S1")
    alice.put(f"{demo}/subjects/S1/experiments/E1?{MR}&ID=X")

    reply = alice.put(f"{demo}/{path}")

    assert reply.status_code == 409
    assert f"Specified ID is already in use: '{taken}'" in reply.text
