"""Tables of what is there, through pyxnat 1.6.4: arrays, inspection, the search engine, saved searches, schemas."""

from pathlib import Path
from typing import Any

from pyxnat import Interface, jsonutil
from pyxnat.core import manage

SUBJECTS = ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/PROJECT"]


def _connect(url: str, password: str, _: Path) -> Interface:
    """A project with three subjects, two MR sessions with scans, an assessor, a PET; another with one session."""
    archive = Interface(server=url, user="admin", password=password)
    for number, (age, gender) in enumerate((("20", "female"), ("40", "male"), ("60", "female")), start=1):
        archive.select(f"/project/TABLE/subject/T{number}").create(use_label=True, age=age, gender=gender)
    _session(archive, "/project/TABLE/subject/T1/experiment/T_MR1", {"1": "T1", "2": "T2"})
    _session(archive, "/project/TABLE/subject/T2/experiment/T_MR2", {"1": "T1"})
    _session(archive, "/project/OTHER/subject/O1/experiment/O_MR1", {"1": "T1"})
    archive.select("/project/TABLE/subject/T1/experiment/T_PET1").create(
        experiments="xnat:petSessionData", use_label=True
    )
    assessor = archive.select("/project/TABLE/subject/T1/experiment/T_MR1/assessor/T_QC1")
    assessor.create(assessors="xnat:qcManualAssessorData", use_label=True)
    return archive


def _session(archive: Interface, path: str, scans: dict[str, str]) -> None:
    session = archive.select(path)
    session.create(**{"use_label": True, "experiments": "xnat:mrSessionData", "xnat:mrSessionData/date": "2026-11-21"})
    for identifier, kind in scans.items():
        session.scan(identifier).create(scans="xnat:mrScanData", type=kind, quality="usable")


def _column(table: Any, name: str) -> list[str]:
    return sorted(row[name] for row in table.data)


def arrays_of_experiments(archive: Interface) -> None:
    array = archive.array

    assert _column(array.experiments(project_id="TABLE"), "ID") == ["T_MR1", "T_MR2", "T_PET1"]
    assert _column(array.experiments(subject_id="T1"), "ID") == ["T_MR1", "T_PET1"]
    assert _column(array.experiments(subject_label="T1"), "ID") == ["T_MR1", "T_PET1"]
    assert _column(array.experiments(experiment_label="T_MR2"), "subject_ID") == ["T2"]
    assert _column(array.experiments(experiment_id="O_MR1"), "project") == ["OTHER"]
    assert _column(array.experiments(project_id="TABLE", experiment_type="xnat:petSessionData"), "ID") == ["T_PET1"]
    assert array.experiments(project_id="NOWHERE").data == []


def arrays_of_sessions_of_a_type(archive: Interface) -> None:
    found = archive.array.mrsessions(subject_id="T1").data

    assert [row["ID"] for row in found] == ["T_MR1"]
    assert found == archive.array.experiments(subject_id="T1", experiment_type="xnat:mrSessionData").data


def arrays_with_more_columns(archive: Interface) -> None:
    found = archive.array.experiments(experiment_id="T_MR1", columns=["label", "subject_label", "date"]).data[0]

    assert (found["label"], found["subject_label"], found["date"]) == ("T_MR1", "T1", "2026-11-21")


def arrays_with_constraints(archive: Interface) -> None:
    found = archive.array.mrsessions(project_id="TABLE", constraints={"xnat:mrSessionData/date": "2026-11-21"})

    assert _column(found, "ID") == ["T_MR1", "T_MR2"]


def arrays_of_scans(archive: Interface) -> None:
    array = archive.array
    found = array.scans(experiment_id="T_MR1")

    assert _column(found, "xnat:imagescandata/id") == ["1", "2"]
    assert len(array.scans(project_id="TABLE").data) == 3, "sessions without scans are left out"
    mr = array.mrscans(experiment_id="T_MR1").data
    same = array.scans(experiment_id="T_MR1", scan_type="xnat:mrScanData").data
    assert sorted(row["xnat:mrscandata/id"] for row in mr) == ["1", "2"]
    assert sorted(row["xnat:mrscandata/id"] for row in same) == ["1", "2"]


def arrays_from_the_search_engine(archive: Interface) -> None:
    array = archive.array
    columns = ["xnat:subjectData/SUBJECT_ID"]

    assert (
        len(array.search_experiments(project_id="TABLE", experiment_type="xnat:subjectData", columns=columns).data) == 3
    )
    found = array.search_experiments(
        subject_label="T2", experiment_type="xnat:mrSessionData", columns=["xnat:mrSessionData/SESSION_ID"]
    )
    assert len(found.data) == 1


def types_and_fields(archive: Interface) -> None:
    types = archive.inspect.datatypes()
    assert {"xnat:subjectData", "xnat:projectData", "xnat:mrSessionData", "xnat:petSessionData"} <= set(types)
    assert archive.inspect.datatypes("xnat:mrSess*") == ["xnat:mrSessionData"]

    fields = archive.inspect.datatypes("xnat:subjectData")
    assert {"xnat:subjectData/SUBJECT_ID", "xnat:subjectData/PROJECT", "xnat:subjectData/DOB"} <= set(fields)
    assert "xnat:subjectData/SUBJECT_ID" in archive.inspect.datatypes("xnat:subjectData", "*ID*")
    assert "xnat:subjectData/DOB" not in archive.inspect.datatypes("xnat:subjectData", "*ID*")


def values_of_a_field(archive: Interface) -> None:
    assert {"T1", "T2", "T3", "O1"} <= set(archive.inspect.field_values("xnat:subjectData/SUBJECT_ID"))


def values_on_each_level(archive: Interface) -> None:
    inspect = archive.inspect

    assert {"TABLE", "OTHER"} <= set(inspect.project_values())
    assert sorted(inspect.subject_values("TABLE")) == ["T1", "T2", "T3"]
    assert sorted(inspect.experiment_values("xnat:mrSessionData", "TABLE")) == ["T_MR1", "T_MR2"]
    assert "T_QC1" in inspect.assessor_values("xnat:mrSessionData", "TABLE")
    assert {"1", "2"} <= set(inspect.scan_values("xnat:mrSessionData", "TABLE"))
    assert isinstance(inspect.reconstruction_values("xnat:mrSessionData", "TABLE"), list)


def types_that_were_seen(archive: Interface) -> None:
    """The client learns them from the lists that it reads."""
    archive.select("/project/TABLE//experiments").get()
    archive.select("/project/TABLE/subject/T1/experiment/T_MR1/scans").get()

    assert "xnat:mrSessionData" in archive.inspect.experiment_types()
    assert "xnat:mrScanData" in archive.inspect.scan_types()
    archive.inspect.set_autolearn(tick=10)
    archive.inspect.structure()


def a_search_for_subjects(archive: Interface) -> None:
    found = archive.select("xnat:subjectData", SUBJECTS).where(
        [("xnat:subjectData/PROJECT", "=", "TABLE"), ("xnat:subjectData/SUBJECT_ID", "LIKE", "T%"), "AND"]
    )

    assert sorted(row["subject_id"] for row in found) == ["T1", "T2", "T3"], found.data
    assert {row["project"] for row in found} == {"TABLE"}


def a_search_with_a_query_inside(archive: Interface) -> None:
    found = archive.select("xnat:subjectData", ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/AGE"]).where(
        [
            ("xnat:subjectData/SUBJECT_ID", "LIKE", "*"),
            ("xnat:subjectData/PROJECT", "=", "TABLE"),
            [("xnat:subjectData/AGE", ">", "30"), ("xnat:subjectData/AGE", "<", "50"), "AND"],
            "AND",
        ]
    )

    assert [row["subject_id"] for row in found] == ["T2"], found.data


def a_search_written_in_reverse(archive: Interface) -> None:
    found = archive.select("xnat:subjectData", SUBJECTS).where(
        "xnat:subjectData/SUBJECT_ID = T1 xnat:subjectData/SUBJECT_ID = T3 OR"
    )

    assert sorted(row["subject_id"] for row in found) == ["T1", "T3"], found.data


def a_search_for_all(archive: Interface) -> None:
    everybody = {"T1", "T2", "T3", "O1"}
    assert everybody <= {row["subject_id"] for row in archive.select("xnat:subjectData", SUBJECTS).all()}
    sessions = archive.select("xnat:mrSessionData", ["xnat:mrSessionData/SESSION_ID"]).all()
    assert {"T_MR1", "T_MR2", "O_MR1"} <= {row["session_id"] for row in sessions}
    assert len(archive.select("xnat:subjectData").all().data) >= len(everybody)


def a_search_of_each_column(archive: Interface) -> None:
    found = archive.select("xnat:mrSessionData", archive.inspect.datatypes("xnat:mrSessionData")).where(
        [("xnat:mrSessionData/PROJECT", "=", "TABLE"), "AND"]
    )

    assert isinstance(found, jsonutil.JsonTable)
    assert len(found.data) == 2


def a_search_narrows_a_selection(archive: Interface) -> None:
    constraints = [("xnat:subjectData/PROJECT", "=", "TABLE"), ("xnat:subjectData/AGE", ">", "30"), "AND"]

    subjects = archive.select("//subjects").where(constraints)
    assert sorted(subject.id() for subject in subjects) == ["T2", "T3"]
    experiments = archive.select("//experiments").where(constraints)
    assert [experiment.id() for experiment in experiments] == ["T_MR2"]


def a_saved_search(archive: Interface) -> None:
    search = archive.manage.search
    constraints = [("xnat:subjectData/PROJECT", "=", "TABLE"), "AND"]
    search.save("young people", "xnat:subjectData", SUBJECTS, constraints, sharing="public", description="who is here")

    assert "young_people" in search.saved()
    assert ("young_people", "who is here") in search.saved(with_description=True)
    assert len(search.get("young_people").data) == 3
    assert search.get("young_people", "query")["row"] == "xnat:subjectData"
    assert b"xnat:subjectData" in search.get("young_people", "xml")
    assert len(list(archive.select("//subjects").where(query="young_people"))) == 3

    search.delete("young_people")
    assert "young_people" not in search.saved()


def a_saved_template(archive: Interface) -> None:
    """Using one with ``use_template`` is not for Python 3; as a template of a ``where`` neither."""
    search = archive.manage.search
    constraints = [("xnat:subjectData/PROJECT", "=", "project_id"), "AND"]
    search.save_template("of_a_project", "xnat:subjectData", SUBJECTS, constraints)

    assert "of_a_project" in search.saved_templates()
    assert search.get_template("of_a_project")[0] == "xnat:subjectData"
    assert b"%(project_id)s" in search.get_template("of_a_project", as_xml=True)

    search.delete_template("of_a_project")
    assert "of_a_project" not in search.saved_templates()


def schemas(archive: Interface) -> None:
    archive.manage.schemas.add("xapi/schemas/xnat")
    assert list(archive.manage.schemas()) == ["xnat"]

    attributes = archive.select.project("TABLE").attrs()
    assert {"xnat:projectData/name", "xnat:projectData/keywords", "xnat:projectData/aliases/alias"} <= set(attributes)

    archive.manage.schemas.remove("xnat")
    assert list(archive.manage.schemas()) == []


def the_prearchive_is_empty(archive: Interface) -> None:
    assert manage.PreArchive(archive).get() == []


def callbacks(archive: Interface) -> None:
    seen: list[str] = []
    archive.manage.register_callback(lambda _, element: seen.append(element.id()))

    listed = [project.id() for project in archive.select("/projects")]
    archive.manage.unregister_callback()

    assert seen == listed


def documents_of_subjects(archive: Interface) -> None:
    store = archive.xpath
    store.checkout(subjects=["T1", "T2"])

    assert {"T1", "T2"} <= set(store.subjects())
    assert {"ID"} <= set(store.keys())
    assert "T1" in store.values("ID")
    assert "xnat:experiment" in store.elements()
    assert "T_MR1" in store.element_values("xnat:experiment", "ID")
