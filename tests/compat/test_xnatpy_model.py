"""xnatpy 0.8.1 with its classes made from our schemas: things are made, changed and read through them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.process import PASSWORD

xnat = pytest.importorskip("xnat")
CLIENT = "xnatpy 0.8.1"

# Those that xnatpy gives a behaviour of their own, and what its users make.
CLASSES = [
    *("ProjectData", "SubjectData", "ExperimentData", "SubjectAssessorData", "ImageSessionData", "DerivedData"),
    *("ImageScanData", "AbstractResource", "InvestigatorData", "DemographicData", "ProjectParticipant"),
    *("ImageAssessorData", "ReconstructedImageData", "Resource", "ResourceCatalog", "AddField", "ValidationData"),
    *("AbstractProtocol", "StudyProtocol", "DatatypeProtocol", "FieldDefinitionGroup", "AbstractDemographicData"),
    *("MrSessionData", "PetSessionData", "CtSessionData", "PetmrSessionData", "UsSessionData", "MegSessionData"),
    *("MrScanData", "PetScanData", "CtScanData", "RtImageScanData", "ScScanData", "OptScanData"),
    *("QcManualAssessorData", "QcAssessmentData", "SubjectVariablesData", "GenericData"),
]


@pytest.fixture(scope="module")
def session(url: str) -> Iterator[Any]:
    with _connect(url) as session:
        yield session


@pytest.fixture(scope="module")
def project(session: Any) -> Any:
    return session.classes.ProjectData(parent=session, id_="DEMO", name="A demonstration")


@pytest.fixture(scope="module")
def subject(session: Any, project: Any) -> Any:
    return session.classes.SubjectData(parent=project, label="S1")


@pytest.fixture(scope="module")
def mr(session: Any, subject: Any) -> Any:
    return session.classes.MrSessionData(parent=subject, label="MR1")


@pytest.fixture(scope="module")
def scan(session: Any, mr: Any) -> Any:
    return session.classes.MrScanData(parent=mr, id="1", type="T1")


def _connect(url: str) -> Any:
    return xnat.connect(url, user="admin", password=PASSWORD, loglevel="ERROR", detect_redirect=True)


@pytest.mark.client(CLIENT, "classes made from the schemas", "GET /xapi/schemas", "GET /xapi/schemas/{name}")
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_made(session: Any, name: str) -> None:
    assert getattr(session.classes, name)._XSI_TYPE.partition(":")[2].lower() == name.lower()


def test_all_that_is_there_is_listed(session: Any, mr: Any, scan: Any) -> None:
    session.clearcache()

    assert [project.name for project in session.projects.values()] == ["A demonstration"]
    assert [subject.label for subject in session.projects["DEMO"].subjects.values()] == ["S1"]
    assert "MR1" in [one.label for one in session.projects["DEMO"].experiments.values()]
    assert [one.type for one in mr.scans.values()] == ["T1"]
    assert scan.id in mr.scans


@pytest.mark.client(CLIENT, "sessions of each modality, with their scans", "PUT /data/{experiment}", "PUT /data/{scan}")
@pytest.mark.parametrize("stem", ["Mr", "Pet", "Ct", "Petmr", "Us", "Eeg", "Rt"])
def test_sessions_of_each_modality_are_made_with_their_scans(session: Any, subject: Any, stem: str) -> None:
    infix = {"Rt": "Image"}.get(stem, "")

    made = getattr(session.classes, f"{stem}SessionData")(parent=subject, label=f"{stem}_of_S1")
    scan = getattr(session.classes, f"{stem}{infix}ScanData")(parent=made, id="7", type="first")

    assert (made.label, made.subject_id) == (f"{stem}_of_S1", subject.id)
    assert (scan.id, scan.type, [one.id for one in made.scans]) == ("7", "first", ["7"])


@pytest.mark.client(
    CLIENT, "attributes of a project and its investigator", "PUT /data/{project}", "GET /data/{project}"
)
def test_attributes_of_a_project_are_set_and_read(project: Any, session: Any) -> None:
    project.description = "What it is for"
    project.pi.firstname = "Ada"
    project.pi.lastname = "Lovelace"

    session.clearcache()
    read = session.projects["DEMO"]
    assert (read.description, read.pi.firstname, read.pi.lastname) == ("What it is for", "Ada", "Lovelace")


@pytest.mark.client(
    CLIENT, "attributes of a subject and its demographics", "PUT /data/{subject}", "GET /data/{subject}"
)
def test_attributes_of_a_subject_are_set_and_read(subject: Any) -> None:
    subject.group = "controls"
    subject.demographics.gender = "female"
    subject.demographics.yob = 1815
    subject.fields["cohort"] = "first"

    subject.clearcache()
    assert subject.group == "controls"
    assert (subject.demographics.gender, subject.demographics.yob) == ("female", 1815)
    assert subject.fields["cohort"] == "first"


@pytest.mark.client(
    CLIENT,
    "attributes of a session: text, numbers, dates and times",
    "PUT /data/{experiment}",
    "GET /data/{experiment}",
)
def test_attributes_of_a_session_are_set_and_read(mr: Any) -> None:
    mr.note = "as it should be"
    mr.date = "2026-11-21"
    mr.time = "14:30:00"
    mr.field_strength = "3.0"
    mr.age = 36.5
    mr.fields["visit kind"] = "baseline"

    mr.clearcache()
    assert (mr.note, mr.field_strength, mr.age) == ("as it should be", "3.0", 36.5)
    assert (str(mr.date), str(mr.time)) == ("2026-11-21", "14:30:00")
    assert dict(mr.fields) == {"visit kind": "baseline"}


@pytest.mark.client(CLIENT, "attributes of a scan and its parameters", "PUT /data/{scan}", "GET /data/{scan}")
def test_attributes_of_a_scan_are_set_and_read(scan: Any) -> None:
    scan.quality = "usable"
    scan.frames = 176
    scan.parameters.te = 2.5
    scan.parameters.voxel_res.x = 0.8

    scan.clearcache()
    assert (scan.quality, scan.frames) == ("usable", 176)
    assert (scan.parameters.te, scan.parameters.voxel_res.x) == (2.5, 0.8)


@pytest.mark.client(CLIENT, "parameters of a scan by name", "PUT /data/{scan}")
def test_parameters_of_a_scan_are_added(scan: Any) -> None:
    """Taking one away is not for this client: it writes the path of it wrongly."""
    scan.parameters.add_param["gain"] = "high"
    scan.parameters.add_param["mode"] = "quick"

    scan.clearcache()
    assert dict(scan.parameters.add_param) == {"gain": "high", "mode": "quick"}


def test_a_custom_variable_is_taken_away(mr: Any) -> None:
    mr.fields["gone"] = "soon"
    mr.clearcache()

    del mr.fields["gone"]

    mr.clearcache()
    assert "gone" not in mr.fields


@pytest.mark.client(CLIENT, "assessors", "PUT /data/{assessor}", "GET /data/{assessor}")
def test_assessors_are_made_and_read(session: Any, mr: Any) -> None:
    made = session.classes.QcManualAssessorData(parent=mr, label="QC1")
    made.rater = "Grace"

    made.clearcache()
    assert (made.label, made.rater, made.image_session_id) == ("QC1", "Grace", mr.id)
    assert [one.label for one in mr.assessors.values()] == ["QC1"]


@pytest.mark.parametrize("place", ["project", "subject", "mr", "scan"])
def test_resources_are_made_and_filled(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    owner = request.getfixturevalue(place)
    (tmp_path / "a.txt").write_bytes(b"voxels")

    resource = owner.create_resource("NIFTI")
    resource.upload(str(tmp_path / "a.txt"), "deep/a.txt")

    with resource.files["deep/a.txt"].open() as stream:
        assert stream.read() == b"voxels"
    assert [one.label for one in owner.resources.values()] == ["NIFTI"]


def test_the_classes_are_there_without_other_schemas(url: str) -> None:
    with xnat.connect(url, user="admin", password=PASSWORD, loglevel="ERROR", extension_types=False) as session:
        assert "MrSessionData" in dir(session.classes)
