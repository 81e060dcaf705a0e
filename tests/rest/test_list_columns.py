"""Columns of lists: their names, what is around a thing, a row for what is there many times (C-121 to C-125)."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION, SESSION_ID, SUBJECT_ID, make_session, put_file, results

EXPERIMENTS = "/data/projects/DEMO/experiments"
SUBJECT = "/data/projects/DEMO/subjects/S1"
KEY = "xnat:subjectassessordata/id"


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    alice.put(f"{SUBJECT}?gender=male&yob=1815")
    alice.put(f"{SUBJECT}/experiments/MR1?age=42&coil=head&xnat:mrSessionData/fields/field[name=Arm]/field=A")
    put_file(alice, f"{SUBJECT}/experiments/MR1/scans/4/resources/DICOM/files/a.dcm")
    put_file(alice, f"{SUBJECT}/experiments/MR1/scans/4/resources/NIFTI/files/a.nii")
    return f"{SUBJECT}/experiments/MR1"


def _csv(client: TestClient, url: str) -> list[str]:
    reply = client.get(f"{url}{'&' if '?' in url else '?'}format=csv")
    assert reply.status_code == 200
    return reply.text.splitlines()


@pytest.mark.parametrize(
    ("columns", "header", "row"),
    [
        ("ID", f"{KEY},ID,URI", f"{SESSION_ID},{SESSION_ID},{SESSION}"),
        ("label,ID", f"{KEY},label,ID,URI", f"{SESSION_ID},MR1,{SESSION_ID},{SESSION}"),
        ("URI,label", f"{KEY},URI,label", f"{SESSION_ID},{SESSION},MR1"),
        ("label,label,LABEL,nonsense", f"{KEY},label,URI", f"{SESSION_ID},MR1,{SESSION}"),
        # By the type that declares it a field has its short name, else the path in small letters.
        ("xnat:subjectAssessorData/subject_id", f"{KEY},subject_ID,URI", f"{SESSION_ID},{SUBJECT_ID},{SESSION}"),
        ("xnat:experimentData/DATE", f"{KEY},date,URI", f"{SESSION_ID},2024-05-06,{SESSION}"),
        ("xnat:mrSessionData/age", "xnat:mrsessiondata/id,xnat:mrsessiondata/age,URI", f"{SESSION_ID},42.0,{SESSION}"),
        (
            "xnat:mrSessionData/fields/field[name=Arm]/field",
            "xnat:mrsessiondata/id,xnat:mrsessiondata/fields/field[name=arm]/field,URI",
            f"{SESSION_ID},A,{SESSION}",
        ),
        ("last_modified,insert_user", f"{KEY},last_modified,insert_user,URI", f"{SESSION_ID},*,alice,{SESSION}"),
        # What is around it.
        (
            "subject_label,xnat:subjectData/demographics/gender,xnat:subjectData/yob",
            f"{KEY},subject_label,xnat:subjectdata/demographics/gender,URI",
            f"{SESSION_ID},S1,male,{SESSION}",
        ),
        ("xnat:projectData/name", f"{KEY},xnat:projectdata/name,URI", f"{SESSION_ID},DEMO,{SESSION}"),
        ("UID,studyInstanceUID", f"{KEY},UID,URI", f"{SESSION_ID},,{SESSION}"),
        ("xnat:subjectAssessorData/a\"b'\\\\", f"{KEY},URI", f"{SESSION_ID},{SESSION}"),
    ],
)
@pytest.mark.usefixtures("mr1")
def test_columns_that_are_asked_for(alice: TestClient, columns: str, header: str, row: str) -> None:
    """C-121 to C-125."""
    lines = _csv(alice, f"{EXPERIMENTS}?columns={columns}")

    told = [cell if wanted != "*" else "*" for cell, wanted in zip(lines[1].split(","), row.split(","), strict=True)]
    assert lines[0] == header
    assert ",".join(told) == row


def test_a_session_has_a_row_for_each_of_its_scans_and_their_resources(alice: TestClient, mr1: str) -> None:
    """C-125, C-181: the rows that dax relies on, by the names that it reads."""
    base = "xnat:imagesessiondata/scans/scan"
    columns = f"label,{base}/id,{base}/type,{base}/frames,xnat:imagescandata/file/label"

    rows = results(alice, f"/data/experiments?xsiType=xnat:imageSessionData&project=DEMO&columns={columns}")

    told = [(row[f"{base}/id"], row[f"{base}/type"], row["xnat:imagescandata/file/label"]) for row in rows]
    assert told == [("4", "T1 w/o", "DICOM"), ("4", "T1 w/o", "NIFTI"), ("5", "T2", ""), ("6", "", "")]
    assert {(row["xsiType"], row["project"]) for row in rows} == {("xnat:mrSessionData", "DEMO")}
    assert mr1


@pytest.mark.usefixtures("mr1")
def test_a_condition_on_what_is_there_many_times_makes_no_rows_of_its_own(alice: TestClient) -> None:
    filtered = f"{EXPERIMENTS}?columns=label&xnat:imageScanData/type=T*"

    assert [row["label"] for row in results(alice, filtered)] == ["MR1"]
    assert results(alice, f"{EXPERIMENTS}?columns=label&xnat:imageScanData/type=none") == []


@pytest.mark.usefixtures("mr1")
def test_a_session_has_a_row_for_each_of_its_assessors(alice: TestClient, demo: str) -> None:
    alice.put(f"{demo}/subjects/S1/experiments/MR1/assessors/QC2?xsiType=xnat:qcManualAssessorData")
    column = "xnat:mrsessiondata/assessors/assessor/id"

    rows = results(alice, f"/data/experiments?columns=ID,{column}&project=DEMO")

    assert [row[column] for row in rows] == [ASSESSOR_ID, "XNAT_E00003"]


@pytest.mark.usefixtures("mr1")
def test_assessors_tell_of_their_session(alice: TestClient) -> None:
    """C-67, C-110."""
    columns = "label,session_label,xnat:imagesessiondata/subject_id,subject_label,xnat:mrSessionData/coil"

    (row,) = results(alice, f"/data/experiments?xsiType=xnat:qcManualAssessorData&columns={columns}")

    assert (row["label"], row["session_label"], row["subject_label"]) == ("QC", "MR1", "S1")
    assert (row["xnat:imagesessiondata/subject_id"], row["xnat:mrsessiondata/coil"]) == (SUBJECT_ID, "head")


@pytest.mark.usefixtures("mr1")
def test_sessions_are_found_by_a_project_that_they_are_shared_into(alice: TestClient) -> None:
    """What dax asks for shared sessions; a project that one does not see is told to nobody."""
    alice.put("/data/projects/OTHER")
    alice.put(f"{SESSION}/projects/OTHER?label=SHARED")
    share = "xnat:imagesessiondata/sharing/share"

    found = results(alice, f"/data/experiments?columns=label&{share}/project=OTHER")
    shown = results(alice, f"{EXPERIMENTS}?columns=label,{share}/project,{share}/label")

    assert [row["label"] for row in found] == ["MR1"]
    assert [(row[f"{share}/project"], row[f"{share}/label"]) for row in shown] == [("OTHER", "SHARED")]
    assert [row["label"] for row in results(alice, "/data/projects/OTHER/experiments")] == ["SHARED"]


def test_columns_tell_nothing_of_what_one_may_not_read(
    alice: TestClient, client: Callable[[str], TestClient], mr1: str
) -> None:
    """Of a session that is shared into his project bob sees the subject's name, not what is said of it, nor shares."""
    bob = client("bob")
    alice.put("/data/projects/DEMO/accessibility/private")
    alice.put("/data/projects/HERS")
    bob.put("/data/projects/BOBS")
    bob.put("/data/projects/BOBS/users/Members/alice")
    alice.put(f"{SESSION}/projects/BOBS")
    alice.put(f"{SESSION}/projects/HERS?label=SECRET")
    alice.put("/data/projects/HERS/accessibility/private")
    gender, share = "xnat:subjectData/demographics/gender", "xnat:imageSessionData/sharing/share/label"

    rows = results(bob, f"/data/experiments?columns=label,subject_label,{gender},{share},xnat:projectData/name")
    found = results(bob, f"/data/experiments?{gender}=male")
    own = results(alice, f"/data/experiments?columns=label,{gender}&label=MR1")

    assert [(row["subject_label"], row[gender.lower()], row["xnat:projectdata/name"]) for row in rows] == [
        ("S1", "", "")
    ]
    assert [row[share.lower()] for row in rows] == [""]
    assert found == []
    assert [row[gender.lower()] for row in own] == ["male"]
    assert mr1


@pytest.mark.parametrize("columns", ["DEFAULT", "DEFAULT,xnat:subjectData/demographics/gender"])
@pytest.mark.usefixtures("mr1")
def test_default_columns_are_there_by_a_word(alice: TestClient, columns: str) -> None:
    """C-122."""
    header = _csv(alice, f"/data/projects/DEMO/subjects?columns={columns}")[0].split(",")

    assert header[:5] == ["ID", "project", "label", "insert_date", "insert_user"]


@pytest.mark.parametrize("url", ["subjects", "experiments", "projects", "projects/DEMO/experiments?columns=ID"])
def test_an_empty_list_has_a_header(alice: TestClient, url: str) -> None:
    """Some clients break on an answer without a line."""
    alice.put("/data/projects/DEMO")
    lines = _csv(alice, f"/data/{url}")

    assert lines[0].endswith("URI")
    assert len(lines) == (2 if url == "projects" else 1)


@pytest.mark.usefixtures("mr1")
def test_every_cell_is_a_string(alice: TestClient, demo: str) -> None:
    """C-132."""
    for url in ("subjects", "experiments", "experiments/MR1/scans", "experiments/MR1/reconstructions"):
        rows = results(alice, f"{demo}/{url}")
        assert rows
        assert {type(cell) for row in rows for cell in row.values()} == {str}


def test_what_a_deleted_subject_holds_is_in_no_list(alice: TestClient, mr1: str) -> None:
    assert mr1
    alice.delete(SUBJECT)

    for url in ("/data/experiments", EXPERIMENTS, "/data/subjects"):
        assert results(alice, url) == []


def test_a_protected_project_tells_outsiders_nothing_of_its_resources(
    alice: TestClient, client: Callable[[str], TestClient], demo: str
) -> None:
    """decisions.md: they see its record and accessibility; resources are for those who may read it."""
    put_file(alice, f"{demo}/resources/SECRET/files/a.txt")
    column = "xnat:projectData/resources/resource/label"

    shown = {login: results(client(login), f"/data/projects?columns=ID,{column}") for login in ("alice", "bob")}
    found = results(client("bob"), f"/data/projects?{column}=SECRET")

    assert [(row["ID"], row[column.lower()]) for row in shown["alice"]] == [("DEMO", "SECRET")]
    assert [(row["ID"], row[column.lower()]) for row in shown["bob"]] == [("DEMO", "")]
    assert found == []


@pytest.mark.parametrize("name", ["session_ID", "session_label", "session_project", "xnat_imagescandata_id"])
@pytest.mark.parametrize("things", ["projects", "subjects"])
@pytest.mark.usefixtures("mr1")
def test_what_is_not_around_a_thing_is_no_column_of_it(alice: TestClient, things: str, name: str) -> None:
    """C-122, C-126: neither to be shown nor to be asked for; whatever else is in the archive says nothing here."""
    plain = _csv(alice, f"/data/{things}?columns=ID")

    assert _csv(alice, f"/data/{things}?columns=ID,{name}") == plain
    assert _csv(alice, f"/data/{things}?columns=ID&{name}=XNAT_E00001") == plain


@pytest.mark.parametrize("name", ["subject_label", "subject_project"])
@pytest.mark.usefixtures("mr1")
def test_a_project_has_no_subject_above_it(alice: TestClient, name: str) -> None:
    assert _csv(alice, f"/data/projects?columns=ID,{name}&{name}=S1") == ["ID,URI", "DEMO,/data/projects/DEMO"]


@pytest.mark.parametrize(
    ("url", "name", "told"),
    [
        ("/data/subjects", "subject_label", {"S1", "S2"}),
        ("/data/subjects", "xnat:mrSessionData/subject_ID", {SUBJECT_ID, "XNAT_S00002"}),
        (EXPERIMENTS, "xnat:imageScanData/image_session_ID", {SESSION_ID}),
        (EXPERIMENTS, "xnat:qcManualAssessorData/imageSession_ID", {SESSION_ID}),
    ],
)
@pytest.mark.usefixtures("mr1")
def test_what_is_above_something_that_is_around_a_thing_can_be_the_thing(
    alice: TestClient, demo: str, url: str, name: str, told: set[str]
) -> None:
    alice.put(f"{demo}/subjects/S2")

    cells = {line.split(",")[1] for line in _csv(alice, f"{url}?columns={name}")[1:]}

    assert cells == told
    first = min(told)
    assert len(_csv(alice, f"{url}?columns=label&{name}={first}")) >= 2
