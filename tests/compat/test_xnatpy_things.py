"""xnatpy 0.8.1 makes, lists, changes, shares, renames and deletes things."""

import datetime as dt
import gc
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import xnat

from compat.xnatpy import CLIENT, LEVELS, connect, plant

PROTOCOL = """\
<xnat:Project ID="THINGS" xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <xnat:name>THINGS study</xnat:name>
  <xnat:studyProtocol ID="THINGS_xnat_mrSessionData" name="MR Sessions" data-type="xnat:mrSessionData"
      xsi:type="xnat:datatypeProtocol">
    <xnat:definitions>
      <xnat:definition ID="visit" data-type="xnat:mrSessionData" description="What is noted at a visit">
        <xnat:fields>
          {fields}
        </xnat:fields>
      </xnat:definition>
    </xnat:definitions>
  </xnat:studyProtocol>
</xnat:Project>
"""
FIELD = '<xnat:field name="{name}" datatype="{kind}" type="custom" required="0" xmlPath="{path}">{values}</xnat:field>'
VARIABLES = {
    "room": ("string", "B 12"),
    "dose": ("float", 1.5),
    "count": ("integer", 42),
    "fasting": ("boolean", True),
    "day": ("date", dt.date(2026, 11, 21)),
    "arm": ("string", "placebo"),
}
_NUMBERS = count()


@pytest.fixture(scope="module")
def things(session: Any) -> dict[str, Any]:
    return plant(session, "THINGS")


@pytest.fixture(scope="module")
def other(session: Any) -> Any:
    return session.classes.ProjectData(parent=session, id_="OTHER", name="OTHER")


@pytest.fixture
def make_subject(session: Any, things: dict[str, Any]) -> Callable[[], Any]:
    return lambda: session.classes.SubjectData(parent=things["project"], label=f"new_{next(_NUMBERS)}")


@pytest.fixture
def make_session(session: Any, make_subject: Callable[[], Any]) -> Callable[..., Any]:
    def make(kind: str = "MrSessionData", subject: Any = None) -> Any:
        return getattr(session.classes, kind)(parent=subject or make_subject(), label=f"session_{next(_NUMBERS)}")

    return make


@pytest.mark.client(
    CLIENT,
    "custom variables of a project's protocol: of every kind, with choices",
    "PUT /data/{project}",
    "PUT /data/{experiment}",
)
@pytest.mark.usefixtures("things")
def test_custom_variables_are_set_and_read(session: Any) -> None:
    session.put("/data/projects/THINGS", data=_protocol(), headers={"Content-Type": "text/xml"})
    session.clearcache()
    experiment = session.projects["THINGS"].experiments["MR1"]

    group = experiment.custom_variables["visit"]
    assert sorted(group) == sorted(VARIABLES)
    for name, (_, value) in VARIABLES.items():
        group[name] = value

    session.clearcache()
    read = session.projects["THINGS"].experiments["MR1"].custom_variables["visit"]
    assert dict(read) == {name: value for name, (_, value) in VARIABLES.items()}
    with pytest.raises(xnat.exceptions.XNATValueError, match="should be one of"):
        read["arm"] = "neither"


def _protocol() -> str:
    fields = (
        FIELD.format(
            name=name,
            kind=kind,
            path=f"xnat:mrSessionData/fields/field[name={name}]/field",
            values="<xnat:possibleValues><xnat:possibleValue>placebo</xnat:possibleValue>"
            "<xnat:possibleValue>verum</xnat:possibleValue></xnat:possibleValues>"
            if name == "arm"
            else "",
        )
        for name, (kind, _) in VARIABLES.items()
    )
    return PROTOCOL.format(fields="".join(fields))


@pytest.mark.client(
    CLIENT, "fields of a project, a subject, a session and an assessor", "PUT /data/{thing}", "GET /data/{thing}"
)
@pytest.mark.parametrize("level", ["project", "subject", "experiment", "assessor"])
def test_fields_are_set_read_and_taken_away(things: dict[str, Any], level: str) -> None:
    thing = things[level]
    thing.fields["kept"] = "with a blank & a sign"
    thing.fields["gone"] = "soon"
    thing.clearcache()

    del thing.fields["gone"]

    thing.clearcache()
    assert thing.fields["kept"] == "with a blank & a sign"
    assert "gone" not in thing.fields


@pytest.mark.client(
    CLIENT, "several attributes at once, and attributes taken away", "PUT /data/{experiment}", "PUT /data/{scan}"
)
def test_attributes_are_set_together_and_taken_away(session: Any, make_session: Callable[..., Any]) -> None:
    experiment = make_session()
    scan = session.classes.MrScanData(parent=experiment, id="9", type="T1")
    experiment.mset({"note": "first", "acquisition_site": "here", "date": "2026-11-21"})
    scan.mset({"quality": "usable", "parameters/te": "2.5", "parameters/voxelRes/x": "0.8"})
    experiment.clearcache()
    scan.clearcache()
    before = (experiment.note, experiment.acquisition_site, experiment.date)

    del experiment.note

    experiment.clearcache()
    assert before == ("first", "here", dt.date(2026, 11, 21))
    assert (experiment.note or "", experiment.acquisition_site) == ("", "here")
    assert (scan.quality, scan.parameters.te, scan.parameters.voxel_res.x) == ("usable", 2.5, 0.8)
    assert scan.parameters.data["te"] == 2.5


@pytest.mark.client(CLIENT, "every column of demographics", "PUT /data/{subject}")
def test_demographics_are_copied(make_subject: Callable[[], Any]) -> None:
    """As the client's script that copies projects does it: all at once."""
    subject = make_subject()
    values = {"age": 36, "gender": "female", "handedness": "left", "education": 5, "race": "x", "yob": 1990}

    subject.demographics.mset(values)
    subject.demographics.dob = dt.date(1990, 3, 14)

    subject.clearcache()
    read = {name: getattr(subject.demographics, name) for name in values}
    assert read == values
    assert subject.demographics.dob == dt.date(1990, 3, 14)


@pytest.mark.client(CLIENT, "rename of a subject, a session and an assessor", "PUT /data/{thing}")
@pytest.mark.parametrize("level", ["subject", "experiment", "assessor"])
def test_things_are_renamed(session: Any, make_session: Callable[..., Any], level: str) -> None:
    experiment = make_session()
    assessor = session.classes.QcManualAssessorData(parent=experiment, label=f"qc_{next(_NUMBERS)}")
    thing = {"subject": experiment.subject, "experiment": experiment, "assessor": assessor}[level]
    kept, new = thing.id, f"renamed_{next(_NUMBERS)}"

    thing.label = new

    session.clearcache()
    read = session.create_object(thing.fulluri)
    assert (read.id, read.label) == (kept, new)


@pytest.mark.client(
    CLIENT,
    "sharing of subjects and sessions under another label, and taking them out again",
    "PUT /data/{subject}/projects/{name}",
    "PUT /data/{experiment}/projects/{name}",
    "DELETE /data/{subject}/projects/{name}",
    "DELETE /data/{experiment}/projects/{name}",
)
@pytest.mark.usefixtures("other")
def test_things_are_shared_and_taken_out_again(session: Any, make_session: Callable[..., Any]) -> None:
    experiment = make_session()
    subject, own = experiment.subject, experiment.label
    addresses = (experiment.fulluri, subject.fulluri)

    subject.share("OTHER", label="shared_subject")
    experiment.share("OTHER", label="shared_session")

    session.clearcache()
    listed = session.projects["OTHER"]
    assert "shared_subject" in listed.subjects
    assert listed.experiments["shared_session"].id == experiment.id
    session.clearcache()
    assert session.projects["THINGS"].experiments[own].label == own
    assert [share.project for share in experiment.sharing] == ["OTHER"]
    for address in addresses:
        session.delete(f"{address}/projects/OTHER")
    session.clearcache()
    assert len(session.projects["OTHER"].experiments) == len(session.projects["OTHER"].subjects) == 0


@pytest.mark.client(
    CLIENT,
    "deletion of things of every kind",
    "DELETE /data/{project}",
    "DELETE /data/{subject}",
    "DELETE /data/{experiment}",
    "DELETE /data/{scan}",
    "DELETE /data/{assessor}",
)
def test_things_are_deleted(url: str, session: Any) -> None:
    """With a session of its own, which goes on reading the lists it knows, also those that are gone."""
    with connect(url) as own:
        addresses = {level: thing.fulluri for level, thing in plant(own, "DOOMED").items()}
    left = []

    for level in reversed(LEVELS):
        session.delete(addresses[level], query={"removeFiles": "true"})
        left.append([other for other in LEVELS if _is_there(session, addresses[other])])

    assert left == [
        ["project", "subject", "experiment", "scan"],
        ["project", "subject", "experiment"],
        ["project", "subject"],
        ["project"],
        [],
    ]


def _is_there(session: Any, address: str) -> bool:
    try:
        session.get(address)
    except xnat.exceptions.XNATResponseError:
        return False
    return True


@pytest.mark.client(CLIENT, "an object deletes itself", "DELETE /data/{experiment}")
def test_an_object_deletes_itself(session: Any, make_session: Callable[..., Any]) -> None:
    gc.collect()  # the client asks anew for every list that it still has, those of sessions that are over too
    label = make_session().label
    session.clearcache()
    project = session.projects["THINGS"]

    project.experiments[label].delete()

    session.clearcache()
    assert label not in session.projects["THINGS"].experiments


@pytest.mark.client(
    CLIENT, "quarantine, activation and status of a session", "PUT /data/{experiment}", "GET /data/{experiment}/status"
)
def test_a_session_is_put_into_quarantine(make_session: Callable[..., Any]) -> None:
    experiment = make_session()
    seen = [experiment.status]

    experiment.quarantine()
    seen.append(experiment.status)
    experiment.status = "active"
    seen.append(experiment.status)

    assert seen == ["active", "quarantine", "active"]


@pytest.mark.client(
    CLIENT,
    "lists: by label, by ID, by number, looped over",
    "GET /data/{project}/subjects",
    "GET /data/{project}/experiments",
    "GET /data/projects",
    "GET /data/subjects",
    "GET /data/experiments",
)
@pytest.mark.usefixtures("things")
def test_lists_are_walked(session: Any) -> None:
    session.clearcache()
    project = session.projects["THINGS"]
    subject = project.subjects["S1"]

    assert project is session.projects["THINGS study"]
    assert subject is project.subjects[subject.id] is session.subjects["S1"]
    assert subject.experiments["MR1"].id == project.experiments["MR1"].id == session.experiments["MR1"].id
    assert [scan.type for scan in project.experiments["MR1"].scans] == ["T1"]
    assert project.experiments["MR1"].scans[0].id == "1"
    assert len(project.subjects) == len(project.subjects.keys()) == len(project.subjects.values())
    assert project.experiments["MR1"].subject.label == "S1"
    assert project.experiments["MR1"].parent is not None


@pytest.mark.client(CLIENT, "lists that are filtered", "GET /data/{project}/subjects", "GET /data/{experiment}/scans")
@pytest.mark.usefixtures("things")
def test_lists_are_filtered(session: Any) -> None:
    session.clearcache()
    project = session.projects["THINGS"]

    assert [subject.label for subject in project.subjects.filter(label="S1").values()] == ["S1"]
    assert [subject.label for subject in project.subjects.filter(label="S*").values()] == ["S1"]
    assert len(project.subjects.filter(label="nobody")) == 0
    assert [scan.id for scan in project.experiments["MR1"].scans.filter({"type": "T*"}).values()] == ["1"]


@pytest.mark.client(
    CLIENT,
    "tables of lists, with the columns asked for, and as CSV",
    "GET /data/{project}/experiments",
    "GET /data/{project}/subjects",
)
def test_lists_become_tables(session: Any, make_session: Callable[..., Any]) -> None:
    experiment = make_session("CtSessionData")
    project = session.projects["THINGS"]

    (row,) = project.experiments.tabulate(
        columns=("ID", "label", "xsiType", "project", "subject_ID"), filter={"label": experiment.label}
    )
    default = project.subjects.tabulate()
    text = project.experiments.tabulate_csv(columns=("label", "ID"), filter={"label": experiment.label})

    assert (row.ID, row.label, row.xsiType) == (experiment.id, experiment.label, "xnat:ctSessionData")
    assert (row.project, row.subject_ID) == ("THINGS", experiment.subject_id)
    assert {"ID", "label", "project", "URI"} <= set(default[0]._fields)
    assert text.splitlines() == ["label,ID", f"{experiment.label},{experiment.id}"]
