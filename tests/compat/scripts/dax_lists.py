"""What dax 2.21.0 lists and loads of an archive, and its cached sessions; the site has dax's data types."""

from pathlib import Path
from typing import Any

from dax import XnatUtils

PROJECT = "DAX"
ASSESSOR = "DAX-x-S1-x-MR1-x-preprocess_v1-x-0001"


def _connect(url: str, password: str, _: Path) -> Any:
    """A project with a subject, an MR session of two scans, a CT, an assessor of dax's, and one shared session."""
    archive = XnatUtils.get_interface(url, "admin", password)
    subject = archive.select(f"/project/{PROJECT}/subject/S1").create(gender="female", handedness="left", yob="1970")
    session = subject.experiment("MR1")
    session.create(**{"experiments": "xnat:mrSessionData", "date": "2026-11-21", "xnat:mrSessionData/age": "42"})
    for identifier, kind in (("1", "T1"), ("2", "DTI")):
        described = {
            "type": kind,
            "quality": "usable",
            "note": "good",
            "frames": "7",
            "series_description": f"a {kind}",
        }
        session.scan(identifier).create(**{"scans": "xnat:mrScanData", **described})
        session.scan(identifier).resource("NIFTI").file(f"{kind}.nii").put(
            f"voxels of {kind}", format="NIFTI", content="RAW"
        )
    session.scan("1").resource("DICOM").file("1.dcm").put("slice")
    subject.experiment("CT1").create(experiments="xnat:ctSessionData")
    described = {"procstatus": "COMPLETE", "proctype": "preprocess_v1", "inputs": "", "validation/status": "Passed QA"}
    session.assessor(ASSESSOR).create(
        **{"assessors": "proc:genProcData", **{f"proc:genProcData/{name}": value for name, value in described.items()}}
    )
    session.assessor(ASSESSOR).out_resource("PDF").file("report.pdf").put("%PDF", format="PDF", content="REPORT")
    session.resource("BIDS").file("dataset.json").put("{}")
    subject.resource("NOTES").file("note.txt").put("note")
    archive.select.project(PROJECT).resource("PLAN").file("plan.txt").put("plan")
    other = archive.select("/project/DAX_FRIENDS/subject/F1/experiment/MR_F1").create(experiments="xnat:mrSessionData")
    other.scan("9").create(scans="xnat:mrScanData", type="FLAIR")
    for path in ("subjects/F1", "subjects/F1/experiments/MR_F1"):
        archive.put(f"/data/projects/DAX_FRIENDS/{path}/projects/{PROJECT}").raise_for_status()
    return archive


def _labels(rows: list[dict[str, str]], name: str = "label") -> list[str]:
    return sorted(row[name] for row in rows)


def projects(archive: Any) -> None:
    assert {PROJECT, "DAX_FRIENDS"} <= set(_labels(archive.get_projects(), "ID"))


def subjects(archive: Any) -> None:
    found = {row["subject_label"]: row for row in archive.get_subjects(PROJECT)}

    assert sorted(found) == ["F1", "S1"]
    assert (found["S1"]["gender"], found["S1"]["handedness"], found["S1"]["yob"]) == ("female", "left", "1970")
    assert found["S1"]["URI"] == f"/data/subjects/{found['S1']['ID']}"
    assert found["S1"]["last_modified"]


def sessions_of_a_project(archive: Any) -> None:
    found = {row["session_label"]: row for row in archive.get_sessions(PROJECT)}

    assert sorted(found) == ["CT1", "MR1", "MR_F1"], sorted(found)
    first = found["MR1"]
    assert (first["session_type"], first["date"], first["age"], first["gender"]) == (
        "MR",
        "2026-11-21",
        "42.0",
        "female",
    )
    assert first["subject_label"] == "S1"
    assert first["last_modified"]
    assert found["CT1"]["type"] == "CT"


def sessions_of_a_subject(archive: Any) -> None:
    """Those of a whole site are not for a site with assessors, which have no ``subject_ID`` (C-104)."""
    assert _labels(archive.get_sessions(PROJECT, "S1"), "session_label") == ["CT1", "MR1"]


def few_columns_of_sessions(archive: Any) -> None:
    found = archive.get_sessions_minimal(PROJECT)

    assert _labels(found) == ["CT1", "MR1", "MR_F1"]
    assert all(row["last_modified"] for row in found)


def scans_of_a_session(archive: Any) -> None:
    first, second = archive.get_scans(PROJECT, "S1", "MR1")

    assert (first["scan_id"], first["scan_type"], second["scan_id"], second["scan_type"]) == ("1", "T1", "2", "DTI")
    assert (first["quality"], first["note"], first["frames"], first["series_description"]) == (
        "usable",
        "good",
        "7",
        "a T1",
    )
    assert first["session_label"] == "MR1"
    assert first["subject_label"] == "S1"


def scans_of_a_project(archive: Any) -> None:
    """A session without scans has a row of its own (C-125)."""
    rows = [row for row in archive.get_project_scans(PROJECT) if row["scan_id"]]

    found = {(row["session_label"], row["scan_id"]): row for row in rows}
    assert sorted(found) == [("MR1", "1"), ("MR1", "2"), ("MR_F1", "9")], sorted(found)
    assert sorted(found["MR1", "1"]["resources"]) == ["DICOM", "NIFTI"]
    assert found["MR1", "2"]["resources"] == ["NIFTI"]
    assert (found["MR1", "1"]["session_type"], found["MR1", "1"]["scan_type"]) == ("MR", "T1")
    own = archive.get_project_scans(PROJECT, include_shared=False)
    assert "MR_F1" not in _labels(own, "session_label")


def assessors_of_a_session(archive: Any) -> None:
    (found,) = archive.get_assessors(PROJECT, "S1", "MR1")

    assert (found["label"], found["procstatus"], found["proctype"]) == (ASSESSOR, "COMPLETE", "preprocess_v1")
    assert (found["qcstatus"], found["session_label"]) == ("Passed QA", "MR1")


def assessors_of_a_project(archive: Any) -> None:
    (found,) = archive.list_project_assessors(PROJECT)

    assert (found["label"], found["procstatus"], found["resources"]) == (ASSESSOR, "COMPLETE", ["PDF"])
    assert (found["subject_label"], found["session_label"], found["session_type"]) == ("S1", "MR1", "MR")
    assert archive.list_project_assessor_types(PROJECT) == ["preprocess_v1"]
    assert [row["label"] for row in archive.get_project_assessors(PROJECT)] == [ASSESSOR]


def assessors_of_a_subject(archive: Any) -> None:
    assessor = archive.select(f"/project/{PROJECT}/subject/S1/experiment/SGP1")
    fields = {"proc:subjGenProcData/proctype": "group_v1", "proc:subjGenProcData/procstatus": "COMPLETE"}
    assessor.create(experiments="proc:subjGenProcData", **fields)
    assessor.resource("OUT").file("a.txt").put("a")

    (found,) = archive.list_project_sgp(PROJECT)
    assessor.delete()

    assert (found["label"], found["proctype"], found["subject_label"]) == ("SGP1", "group_v1", "S1")
    assert found["resources"] == ["OUT"]


def resources_on_each_level(archive: Any) -> None:
    assert _labels(archive.get_resources(PROJECT)) == ["PLAN"]
    assert _labels(archive.get_subject_resources(PROJECT, "S1")) == ["NOTES"]
    assert _labels(archive.get_session_resources(PROJECT, "S1", "MR1")) == ["BIDS"]
    assert _labels(archive.get_scan_resources(PROJECT, "S1", "MR1", "1")) == ["DICOM", "NIFTI"]
    assert _labels(archive.get_assessor_out_resources(PROJECT, "S1", "MR1", ASSESSOR)) == ["PDF"]


def selections(archive: Any) -> None:
    for element in (
        archive.select_project(PROJECT),
        archive.select_subject(PROJECT, "S1"),
        archive.select_experiment(PROJECT, "S1", "MR1"),
        archive.select_session(PROJECT, "S1", "MR1"),
        archive.select_scan(PROJECT, "S1", "MR1", "1"),
        archive.select_scan_resource(PROJECT, "S1", "MR1", "1", "NIFTI"),
        archive.select_assessor(PROJECT, "S1", "MR1", ASSESSOR),
        archive.select_assessor_resource(PROJECT, "S1", "MR1", ASSESSOR, "PDF"),
    ):
        assert element.exists(), element._uri
    assert not archive.select_scan(PROJECT, "S1", "MR1", "77").exists()


def tables_of_scans_and_assessors(archive: Any) -> None:
    scans = XnatUtils.load_scan_data(archive, [PROJECT])
    assessors = XnatUtils.load_assr_data(archive, [PROJECT])

    assert {("1", "T1"), ("2", "DTI")} <= set(zip(scans["SCANID"], scans["SCANTYPE"], strict=True))
    assert set(scans["SESSION"]) >= {"MR1"}
    assert ASSESSOR in set(assessors["ASSR"])
    assert "COMPLETE" in set(assessors["PROCSTATUS"])


def types_that_the_site_has(archive: Any) -> None:
    assert XnatUtils.has_genproc_datatypes(archive)
    assert XnatUtils.has_dax_datatypes(archive)


def a_session_in_a_cache(archive: Any) -> None:
    cached = XnatUtils.CachedImageSession(archive, PROJECT, "S1", "MR1")

    assert (cached.label(), cached.session_id(), cached.project_id()) == ("MR1", "MR1", PROJECT)
    assert cached.info()["label"] == "MR1"
    assert cached.datatype() == "xnat:mrSessionData"
    assert [resource.label() for resource in cached.resources()] == ["BIDS"]
    assert cached.creation_timestamp()
    assert cached.has_shared_project() is None
    assert cached.refresh() in {True, False}


def scans_in_a_cache(archive: Any) -> None:
    first, second = XnatUtils.CachedImageSession(archive, PROJECT, "S1", "MR1").scans()

    assert (first.label(), first.type(), second.label(), second.type()) == ("1", "T1", "2", "DTI")
    assert first.usable()
    assert (first.info()["scan_frames"], first.info()["scan_note"]) == ("7", "good"), first.info()
    (resource,) = second.get_resources()
    assert (resource["label"], resource["file_count"], resource["file_size"]) == ("NIFTI", "1", "13"), resource
    assert (resource["format"], resource["content"]) == ("NIFTI", "RAW"), resource
    assert sorted(one.label() for one in first.resources()) == ["DICOM", "NIFTI"]


def assessors_in_a_cache(archive: Any) -> None:
    (assessor,) = XnatUtils.CachedImageSession(archive, PROJECT, "S1", "MR1").assessors()

    assert assessor.label() == ASSESSOR
    assert assessor.info()["procstatus"] == "COMPLETE", assessor.info()
    assert [resource.label() for resource in assessor.out_resources()] == ["PDF"]
    assert assessor.in_resources() == []


def a_shared_session_in_a_cache(archive: Any) -> None:
    cached = XnatUtils.CachedImageSession(archive, PROJECT, "F1", "MR_F1")

    assert cached.has_shared_project() == "DAX_FRIENDS"
    assert [scan.type() for scan in cached.scans()] == ["FLAIR"]


def what_a_label_says(archive: Any) -> None:
    handler = XnatUtils.AssessorHandler(ASSESSOR)

    assert handler.is_valid()
    assert handler.select_assessor(archive).exists()
