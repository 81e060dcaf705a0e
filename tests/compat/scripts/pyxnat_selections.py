"""How things are found through pyxnat 1.6.4: paths, patterns, collections; and what an object says of itself."""

from pathlib import Path

from pyxnat import Interface

LEVELS = "/project/{0}/subject/S1/experiment/MR1"


def _connect(url: str, password: str, _: Path) -> Interface:
    return Interface(server=url, user="admin", password=password)


def the_tree_up_and_down(archive: Interface) -> None:
    scan = archive.select(LEVELS.format("TREE") + "/scan/1").create()

    session = scan.parent()
    assert (session.label(), session.parent().label(), session.parent().parent().id()) == ("MR1", "S1", "TREE")
    assert session.children() == ["assessors", "reconstructions", "scans", "resources"]
    assert [one.id() for one in session.children(show_names=False)] == ["1"]


def paths_and_patterns(archive: Interface) -> None:
    for subject, session in (("A1", "MR_A1"), ("A2", "MR_A2"), ("B1", "CT_B1")):
        kind = "xnat:ctSessionData" if session.startswith("CT") else "xnat:mrSessionData"
        path = f"/project/PATHS/subject/{subject}/experiment/{session}"
        archive.select(path).create(experiments=kind, use_label=True)

    def ids(path: str) -> list[str]:
        return sorted(archive.select(path).get())

    assert ids("/projects/PATH*") == ["PATHS"]
    assert ids("/projects/PATHS/subjects/*") == ids("/project/PATHS/subjects") == ["A1", "A2", "B1"]
    assert ids("/projects/PATHS/subjects/A*") == ["A1", "A2"]
    assert ids("/projects/PATH*/subjects/B*") == ["B1"]
    assert ids("/project/PATHS//experiments") == ["CT_B1", "MR_A1", "MR_A2"]
    assert ids("/project/PATHS/subjects/*/experiments/*A*") == ["MR_A1", "MR_A2"]
    assert ids("/projects/PATHS/subjects/B1/experiments/MR*") == []
    assert "PATHS" in ids("/projects")
    assert {"A1", "A2", "B1"} <= set(ids("//subjects"))
    assert {"MR_A1", "CT_B1"} <= set(ids("//experiments"))


def collections(archive: Interface) -> None:
    project = archive.select.project("COLLECTED")
    for label in ("S1", "S2", "S3"):
        project.subject(label).create(use_label=True)
        project.subject(label).experiment(f"MR_{label}").create(use_label=True)

    assert project.subjects().get() == ["S1", "S2", "S3"]
    assert project.subjects("*2").get() == ["S2"]
    assert project.subjects().first().id() == "S1"
    assert project.subjects()[1].id() == "S2"
    assert [one.id() for one in project.subjects()[1:]] == ["S2", "S3"]
    assert project.subjects().get("id", "label")[0][0] == "S1"
    assert sorted(project.subjects().experiments().get()) == ["MR_S1", "MR_S2", "MR_S3"]
    assert sorted(project.experiments().get()) == ["MR_S1", "MR_S2", "MR_S3"]
    assert project.experiment("MR_S2").exists()
    assert "COLLECTED" in archive.select.projects("COLL*").get()
    assert archive.select.projects("COLL*").subjects().get() == ["S1", "S2", "S3"]


def scans_assessors_and_reconstructions_are_listed(archive: Interface) -> None:
    session = archive.select(LEVELS.format("LISTED"))
    for identifier in ("1", "2"):
        session.scan(identifier).create()
        session.reconstruction(f"R{identifier}").create()
        session.assessor(f"LISTED_QC{identifier}").create(assessors="xnat:qcManualAssessorData", use_label=True)

    assert session.scans().get() == ["1", "2"]
    assert session.scans("2").get() == ["2"]
    assert session.reconstructions().get() == ["R1", "R2"]
    assert session.assessors().get() == ["LISTED_QC1", "LISTED_QC2"]
    assert archive.select("/project/LISTED//scans").get() == ["1", "2"]
    assert archive.select("/project/LISTED//assessors/*QC2").get() == ["LISTED_QC2"]


def a_label_finds_a_session_of_a_project(archive: Interface) -> None:
    session = archive.select(LEVELS.format("BY_LABEL")).create()

    assert archive.select.project("BY_LABEL").experiment("MR1").id() == session.id()
    assert archive.select.project("BY_LABEL").experiment(session.id()).label() == "MR1"


def what_they_say_of_themselves(archive: Interface) -> None:
    scan = archive.select(LEVELS.format("SAYS") + "/scan/1")
    scan.create(**{"scans": "xnat:mrScanData", "type": "T1", "xnat:mrScanData/frames": "176"})
    session, project = scan.parent(), archive.select.project("SAYS")
    project.attrs.set("name", "What they say")

    assert str(project).startswith("<Project Object> SAYS `What they say` (protected) 1 subject 1 MR experiment"), (
        project
    )
    assert str(session.parent()).startswith(f"<Subject Object> {session.parent().id()} `S1` (project: SAYS)")
    assert str(session).startswith(f"<Experiment Object> {session.id()} `MR1` (subject: "), session
    assert " 1 scan " in str(session), session
    assert str(scan).startswith("<Scan Object> 1 (`T1` 176 frames)"), scan
    assert str(archive.select.project("NOBODY")) == "<Project Object> NOBODY"


def when_a_subject_was_changed(archive: Interface) -> None:
    project = archive.select.project("CHANGED")
    subject = project.subject("S1").create()
    before = project.last_modified()[subject.id()]

    subject.attrs.set("age", "27")

    assert project.last_modified()[subject.id()] != before


def the_alias_and_description_of_a_project(archive: Interface) -> None:
    project = archive.select.project("ALIASED").create()
    archive.put("/data/projects/ALIASED", params={"alias": "other_name", "description": "What it is for"})

    assert project.aliases() == ["other_name"]
    assert project.description() == "What it is for"
    assert archive.select.project("other_name").subject("S1").create().exists()
    assert project.subject("S1").exists()
