"""What the session object of xnatpy 0.8.1 offers beside things and files: people, searches, the site itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xnat
from pydicom.data import get_testdata_file

from compat.xnatpy import CLIENT, connect, plant
from server.process import PASSWORD


@pytest.fixture(scope="module")
def things(session: Any) -> dict[str, Any]:
    things = plant(session, "ABOUT")
    things["second"] = session.classes.MrScanData(parent=things["experiment"], id="2", type="T2")
    things["ct"] = session.classes.CtSessionData(parent=things["subject"], label="CT1")
    things["mr2"] = session.classes.MrSessionData(parent=things["subject"], label="MR2")
    things["experiment"].mset({"scanner": "SCANNER_1", "date": "2026-11-21"})
    return things


def _add_user(session: Any, login: str) -> None:
    told = {"username": login, "password": PASSWORD, "enabled": True, "verified": True, "email": f"{login}@lab.org"}
    session.post("/xapi/users", json={**told, "firstName": login.title(), "lastName": "Doe"})
    session.users.clearcache()


@pytest.mark.client(
    CLIENT,
    "the version, build and uptime of the site",
    "GET /xapi/siteConfig/buildInfo",
    "GET /data/version",
    "GET /xapi/siteConfig/uptime",
)
def test_the_site_says_what_it_is(session: Any) -> None:
    assert session.xnat_version_tuple[:2] == (1, 8)
    assert session.xnat_build_info["version"] == session.xnat_version
    assert set(session.xnat_uptime) >= {"days", "hours", "minutes", "seconds"}


@pytest.mark.client(
    CLIENT,
    "a session that is kept alive, looked at, and ended by its context",
    "GET /data/JSESSION",
    "DELETE /data/JSESSION",
)
def test_a_session_ends_with_its_context(url: str) -> None:
    with connect(url, no_parse_model=True) as session:
        session.heartbeat()
        session_id, login, until = session.jsession, session.logged_in_user, session.session_expiration_time

    assert (len(session_id), login, until is None or until[1] > 0) == (32, "admin", True)
    with pytest.raises(xnat.exceptions.XNATAuthError):
        connect(url, user=None, password=None, jsession=session_id, no_parse_model=True)


@pytest.mark.client(CLIENT, "the source code of its classes", "GET /xapi/schemas/{name}")
def test_its_classes_are_written_to_a_file(session: Any, tmp_path: Path) -> None:
    session.write_source_code(str(tmp_path / "classes.py"))

    assert "class MrSessionData" in (tmp_path / "classes.py").read_text()


@pytest.mark.client(
    CLIENT,
    "users of the site and of a project; access given and taken away",
    "GET /data/users",
    "GET /data/{project}/users",
    "PUT /data/{project}/users/{name}/{login}",
    "DELETE /data/{project}/users/{name}/{login}",
)
def test_people_get_into_projects_and_out(session: Any, things: dict[str, Any]) -> None:
    _add_user(session, "dora")
    project = things["project"]

    project.set_access("dora", "Members")
    member = project.users["dora"]
    project.remove_access(member)

    assert (session.users["dora"].email, session.users["dora"].last_name) == ("dora@lab.org", "Doe")
    assert (member.login, member.first_name, member.access_level) == ("dora", "Dora", "Members")
    assert member.group == "ABOUT_member"
    assert "dora" not in project.users


@pytest.mark.client(CLIENT, "one's own access to projects", "GET /xapi/access/projects")
def test_somebody_sees_their_own_access(session: Any, url: str, things: dict[str, Any]) -> None:
    _add_user(session, "emil")
    things["project"].set_access("emil", "Collaborators")

    with connect(url, user="emil", password=PASSWORD) as emil:
        level, levels = emil.projects["ABOUT"].access_level, emil.access_levels

    assert (level, levels) == ("Collaborators", {"ABOUT": "Collaborators"})
    assert session.access_levels


@pytest.mark.client(CLIENT, "scanners and types of scans", "GET /data/scanners", "GET /data/scan_types")
@pytest.mark.usefixtures("things")
def test_scanners_and_types_of_scans_are_listed(session: Any) -> None:
    assert session.scanners == ["SCANNER_1"]
    assert {"T1", "T2"} <= {row["type"] for row in session.scan_types}


@pytest.mark.client(CLIENT, "plugins, of which there are none", "GET /xapi/plugins/")
def test_there_are_no_plugins(session: Any) -> None:
    assert dict(session.plugins) == {}


@pytest.mark.client(
    CLIENT, "the prearchive, which is empty", "GET /data/prearchive/projects", "GET /data/prearchive/projects/{name}"
)
@pytest.mark.usefixtures("things")
def test_the_prearchive_is_empty(session: Any) -> None:
    assert session.prearchive.sessions() == session.prearchive.sessions(project="ABOUT") == []
    assert session.prearchive.find(subject="S1") == []


@pytest.mark.client(
    CLIENT, "types and fields that can be searched for", "GET /data/search/elements", "GET /data/search/elements/{name}"
)
@pytest.mark.usefixtures("things")
def test_types_and_fields_are_inspected(session: Any) -> None:
    from xnat.inspect import Inspect

    inspected = Inspect(session)

    assert {"xnat:mrSessionData", "xnat:ctSessionData"} <= set(inspected.datatypes("xnat:*SessionData"))
    assert "xnat:mrSessionData/LABEL" in inspected.datafields("xnat:mrSessionData", pattern="LAB*")


@pytest.fixture
def searcher(url: str, things: dict[str, Any]) -> Iterator[Any]:
    """A session that asked what can be searched for when the things were there."""
    assert things
    with connect(url) as session:
        yield session


@pytest.mark.client(CLIENT, "a search by label, as a table in each form", "POST /data/search")
def test_a_search_makes_a_table(searcher: Any) -> None:
    session_type = searcher.classes.MrSessionData
    query = session_type.query().filter(session_type.label == "MR1").view(session_type.project, session_type.label)

    (row,) = query.tabulate_dict()
    shown = json.loads(query.tabulate_json())["ResultSet"]

    assert {"ABOUT", "MR1"} <= set(row.values())
    assert (shown["rootElementName"], shown["totalRecords"]) == ("xnat:mrSessionData", "1")
    assert shown["Result"] == [row]


@pytest.mark.client(CLIENT, "searches that give objects: all, first, last, one; like, or, dates", "POST /data/search")
def test_a_search_finds_objects(searcher: Any) -> None:
    kind = searcher.classes.MrSessionData
    everything = kind.query().filter(kind.project == "ABOUT")

    assert [found.label for found in everything.all()] == ["MR1", "MR2"]
    assert (everything.first().label, everything.last().label) == ("MR1", "MR2")
    assert kind.query().filter(kind.label == "MR2").one().label == "MR2"
    assert [found.label for found in kind.query().filter(kind.label.like("%2")).all()] == ["MR2"]
    either = kind.query().filter((kind.label == "MR1") | (kind.label == "MR2"))
    assert [found.label for found in either.all()] == ["MR1", "MR2"]
    dated = kind.query().filter(kind.project == "ABOUT").filter(kind.date >= "2026-11-20")
    assert [found.label for found in dated.all()] == ["MR1"]


@pytest.mark.client(CLIENT, "a search for subjects and for sessions of another type", "POST /data/search")
def test_a_search_is_for_a_type(searcher: Any) -> None:
    subject, ct = searcher.classes.SubjectData, searcher.classes.CtSessionData

    found = subject.query().filter(subject.project == "ABOUT").view(subject.project, subject.label).tabulate_dict()

    assert [sorted({"ABOUT", "S1"} & set(row.values())) for row in found] == [["ABOUT", "S1"]]
    assert [one.label for one in ct.query().filter(ct.project == "ABOUT").all()] == ["CT1"]


@pytest.mark.client(CLIENT, "a search through the tree, and a function mapped over it", "GET /data/{experiment}/scans")
def test_the_tree_is_searched_and_mapped(session: Any, things: dict[str, Any]) -> None:
    session.clearcache()

    found = session.search(project="ABOUT*", scan="T*")
    labels = things["project"].map(lambda subject: subject.label, level=xnat.MappingLevel.SUBJECT)

    assert sorted(scan.id for scan in found) == ["1", "2"]
    assert list(labels.values()) == ["S1"]


@pytest.mark.client(
    CLIENT,
    "a token, for oneself and (for administrators) for somebody else",
    "GET /data/services/tokens/issue",
    "GET /data/services/tokens/issue/user/{login}",
)
def test_a_token_is_issued_and_signs_in(session: Any, url: str) -> None:
    _add_user(session, "fritz")

    own, theirs = session.services.issue_token(), session.services.issue_token("fritz")

    for token, login in ((own, "admin"), (theirs, "fritz")):
        with connect(url, user=token[0], password=token[1], no_parse_model=True) as tokened:
            assert tokened.logged_in_user == login


@pytest.mark.client(CLIENT, "addresses of things, for a browser and for the session", "GET /data/{experiment}")
def test_addresses_lead_to_things(session: Any, things: dict[str, Any], url: str) -> None:
    experiment = things["experiment"]

    external = experiment.external_uri()
    again = session.create_object(experiment.uri)

    assert external.startswith(url)
    assert session.url_for(experiment).startswith(url)
    assert (again.id, again.label) == (experiment.id, "MR1")


@pytest.mark.client(
    CLIENT,
    "requests made by hand: GET, HEAD, PUT, POST, DELETE",
    "HEAD /data/projects",
    "PUT /data/{subject}",
    "DELETE /data/{subject}",
    "POST /data/projects",
)
@pytest.mark.usefixtures("things")
def test_requests_are_made_by_hand(session: Any) -> None:
    listed = session.get("/data/projects", format="csv")
    headers = session.head("/data/projects").headers
    session.put("/data/projects/ABOUT/subjects/BYHAND", query={"gender": "female"})
    xml = (
        '<xnat:Project xmlns:xnat="http://nrg.wustl.edu/xnat" ID="POSTED"><xnat:name>Posted</xnat:name></xnat:Project>'
    )
    session.post("/data/projects", data=xml, headers={"Content-Type": "text/xml"})

    assert "ABOUT" in listed.text
    assert headers["Content-Type"].startswith("application/json")
    assert session.get_json("/data/projects/ABOUT/subjects/BYHAND")["items"][0]["data_fields"]["label"] == "BYHAND"
    assert session.get_json("/data/projects/POSTED")["items"][0]["data_fields"]["name"] == "Posted"
    session.delete("/data/projects/ABOUT/subjects/BYHAND")
    session.delete("/data/projects/POSTED")


@pytest.mark.client(
    CLIENT,
    "what is not for everybody is refused: 403",
    "GET /data/services/tokens/issue/user/{login}",
    "PUT /data/{project}/users/{name}/{login}",
)
def test_what_is_not_for_everybody_is_refused(session: Any, url: str, things: dict[str, Any]) -> None:
    _add_user(session, "greta")
    things["project"].set_access("greta", "Members")

    with connect(url, user="greta", password=PASSWORD) as greta:
        asked: list[Callable[[], Any]] = [
            lambda: greta.services.issue_token("admin"),
            lambda: greta.projects["ABOUT"].set_access("greta", "Owners"),
            lambda: greta.delete("/data/projects/ABOUT"),
        ]
        statuses = [_status(act) for act in asked]

    assert statuses == [403, 403, 403]


def _status(act: Callable[[], Any]) -> int:
    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        act()
    return int(refused.value.status_code)


@pytest.mark.client(
    CLIENT,
    "the header of a scan's first DICOM file: `dicom_dump`, `read_dicom`",
    "GET /data/services/dicomdump",
)
def test_the_header_of_a_scan_is_shown(session: Any, things: dict[str, Any]) -> None:
    sample = str(get_testdata_file("CT_small.dcm", download=False))
    scan = session.classes.CtScanData(parent=things["ct"], id="1", type="CT")
    scan.create_resource("DICOM").upload(sample, "1.dcm")

    rows = scan.dicom_dump(fields=["PatientName", "00080060"])

    assert [row["value"] for row in rows] == ["CT", "CompressedSamples^CT1"]
    assert str(scan.read_dicom().PatientName) == "CompressedSamples^CT1"
