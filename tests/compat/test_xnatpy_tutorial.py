"""What xnatpy's README, its tutorial and its scripting tutorial show, done as shown on a server that has what they use.

Left out is what starts from DICOM: import, archiving from the prearchive, and the dump of tags.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import xnat

from compat.environments import OWN, run
from compat.xnatpy import connect, read_tree, write_netrc
from server.process import AUTHORIZATION, PASSWORD, Server

CLIENT = "xnatpy's tutorials"
# The script that closes the tutorial, in our words: it prints the files of one scan whose names fit a pattern.
SCRIPT = """\
import re, sys, xnat
host, project, subject, session, scan, pattern = sys.argv[1:]
with xnat.connect(host) as connection:
    found = connection.projects[project].subjects[subject].experiments[session].scans[scan]
    for file in found.files.values():
        if re.match(pattern, file.name):
            print(file.name)
"""


@pytest.fixture(scope="module")
def sandbox(url: str) -> None:
    """Project sandbox with subject test001 and a session of three scans, as the tutorials have them."""
    with connect(url) as session:
        made = session.classes
        project = made.ProjectData(parent=session, id_="sandbox", name="sandbox project")
        subject = made.SubjectData(parent=project, label="test001")
        experiment = made.MrSessionData(parent=subject, label="ANONYMIZ")
        for number, kind in enumerate(("PD", "FLAIR", "T1"), start=1):
            scan = made.MrScanData(parent=experiment, id=f"1001-MR{number}", type=kind)
            resource = scan.create_resource("DICOM")
            for name in ("IM2.dcm", "IM32.dcm"):
                resource.upload_data(f"{kind} {name}", name)
        experiment.fields["brain_volume"] = "0"


@pytest.fixture(scope="module")
def session(url: str, sandbox: None) -> Iterator[Any]:
    assert sandbox is None
    with connect(url) as session:
        yield session


@pytest.mark.client(CLIENT, "README: connect, and look at the subjects of a project", "GET /data/{project}/subjects")
def test_the_readme_is_followed(session: Any) -> None:
    assert re.fullmatch(
        r"<XNATListing \{\(XNAT_S\d+, test001\): <SubjectData test001 \(XNAT_S\d+\)>\}>",
        str(session.projects["sandbox"].subjects),
    )


@pytest.mark.client(
    CLIENT, "the REST API: the list of projects as a browser sees it, as XML and as JSON", "GET /data/projects"
)
@pytest.mark.parametrize(("query", "kind"), [("", "json"), ("?format=xml", "xml"), ("?format=json", "json")])
@pytest.mark.usefixtures("sandbox")
def test_projects_are_asked_by_hand(url: str, query: str, kind: str) -> None:
    request = Request(f"{url}/data/archive/projects{query}")
    request.add_header("Authorization", AUTHORIZATION.split(": ", 1)[1].strip())

    with urlopen(request) as reply:
        assert kind in reply.headers["Content-Type"]
        assert b"sandbox" in reply.read()


@pytest.mark.client(
    CLIENT,
    "connecting: with a user and a password, and with .netrc",
    "PUT /data/services/auth",
    "DELETE /data/JSESSION",
)
@pytest.mark.usefixtures("sandbox")
def test_connections_are_made(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_netrc(tmp_path, url)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    session = xnat.connect(url, user="admin", password=PASSWORD)
    session.disconnect()
    with xnat.connect(url) as session:
        assert "sandbox" in session.projects


@pytest.mark.client(
    CLIENT, "exploring: projects by ID and name, their subjects", "GET /data/projects", "GET /data/{project}/subjects"
)
def test_the_server_is_explored(session: Any) -> None:
    assert str(session.projects) == (
        "<XNATListing {(sandbox, sandbox project): <ProjectData sandbox project (sandbox)>}>"
    )
    assert session.projects["sandbox"] is session.projects["sandbox project"]
    session.clearcache()
    assert [subject.label for subject in session.projects["sandbox"].subjects.values()] == ["test001"]


@pytest.mark.client(CLIENT, "looping over data", "GET /data/{project}/subjects")
def test_data_is_looped_over(session: Any) -> None:
    subjects = session.projects["sandbox"].subjects

    assert [bool(re.fullmatch(r"XNAT_S\d+", key)) for key in subjects.keys()] == [True]  # noqa: SIM118 - it iterates over values
    assert [subject.label for subject in subjects.values()] == ["test001"]
    assert len(subjects) == 1


@pytest.mark.client(
    CLIENT,
    "downloading: a scan as a zip, a subject with all of its sessions",
    "GET /data/{scan}/files",
    "GET /data/{experiment}/scans/{name}/files",
)
def test_data_is_downloaded(session: Any, tmp_path: Path) -> None:
    subject = session.projects["sandbox"].subjects["test001"]
    experiment = subject.experiments["ANONYMIZ"]

    experiment.scans["T1"].download(str(tmp_path / "T1.zip"))
    subject.download_dir(str(tmp_path))

    files = tmp_path / "test001/ANONYMIZ/scans/1001-MR2-FLAIR/resources/DICOM/files"
    assert read_tree(files) == {name: f"FLAIR {name}".encode() for name in ("IM2.dcm", "IM32.dcm")}
    assert (tmp_path / "T1.zip").stat().st_size > 0


@pytest.mark.client(CLIENT, "the scans of a session, by ID and by type", "GET /data/{experiment}/scans")
def test_scans_are_listed(session: Any) -> None:
    scans = session.projects["sandbox"].experiments["ANONYMIZ"].scans

    assert str(scans["T1"]) == str(scans["1001-MR3"]) == "<MrScanData T1 (1001-MR3)>"
    assert [scan.type for scan in scans.values()] == ["PD", "FLAIR", "T1"]


@pytest.mark.client(CLIENT, "the prearchive, to which nothing was sent", "GET /data/prearchive/projects")
def test_the_prearchive_is_looked_at(session: Any) -> None:
    assert session.prearchive.sessions() == []


@pytest.mark.client(CLIENT, "making a subject; all classes", "PUT /data/{subject}")
def test_a_subject_is_made(session: Any) -> None:
    """In a project of its own, since the other examples count."""
    project = session.classes.ProjectData(parent=session, id_="myproject", name="myproject")

    subject = session.classes.SubjectData(parent=project, label="new_subject_label")

    assert str(subject).startswith("<SubjectData new_subject_label")
    assert {"MrSessionData", "CtSessionData", "SubjectData"} <= set(dir(session.classes))
    session.delete("/data/projects/myproject")
    session.clearcache()


@pytest.mark.client(CLIENT, "custom variables, as text", "PUT /data/{experiment}", "GET /data/{experiment}")
def test_a_custom_variable_is_changed(session: Any) -> None:
    experiment = session.projects["sandbox"].subjects["test001"].experiments["ANONYMIZ"]
    before = experiment.fields["brain_volume"]

    experiment.fields["brain_volume"] = 42.0

    assert (before, experiment.fields["brain_volume"]) == ("0", "42.0")
    experiment.fields["brain_volume"] = "0"


@pytest.mark.client(
    CLIENT, "the example script: the files of a scan whose names fit a pattern", "GET /data/{scan}/files"
)
@pytest.mark.usefixtures("sandbox")
def test_the_example_script_is_run(site: Server, tmp_path: Path) -> None:
    write_netrc(tmp_path, site.url)
    where = (site.url, "sandbox", "test001", "ANONYMIZ", "T1", r"IM3.*")

    done = run(OWN, "python", "-c", SCRIPT, *where, home=tmp_path)

    assert done.stdout.split() == ["IM32.dcm"], done.stderr
