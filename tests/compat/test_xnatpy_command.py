"""The command ``xnat`` of xnatpy 0.8.1, typed as its help says; ``logout`` and ``rest head`` are broken in it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compat.environments import OWN, run
from compat.xnatpy import LEVELS, connect, plant, read_tree, stored, write_netrc, write_tree
from server.process import Server

CLIENT = "xnat (command of xnatpy 0.8.1)"
FILE = "{thing}/resources/{resource}/files/{path}"


@pytest.fixture(scope="module")
def planted(url: str) -> None:
    """Project TYPED with a scan that has a file, and one with a description for the scripts."""
    with connect(url) as session:
        things = plant(session, "TYPED")
        things["scan"].create_resource("DATA").upload_data(b"voxels", "sub/a.txt")
        plant(session, "COPIED")["project"].description = "To be copied"


@pytest.fixture(scope="module")
def jsession(site: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    return _log_in(site, tmp_path_factory.mktemp("login"))


def _log_in(site: Server, home: Path) -> str:
    """The session that the command prints."""
    write_netrc(home, site.url)
    done = run(OWN, "xnat", "login", "--host", site.url, home=home)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def type_(site: Server, jsession: str, tmp_path: Path) -> Callable[..., str]:
    """Types a command and gives back what it printed."""

    def typed(*words: str) -> str:
        done = run(OWN, "xnat", *words, "--host", site.url, "--jsession", jsession, home=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return typed


@pytest.mark.client(
    CLIENT,
    "`login` with .netrc prints a session that the next commands use",
    "PUT /data/services/auth",
    "GET /data/JSESSION",
)
def test_login_prints_a_session(site: Server, jsession: str, tmp_path: Path) -> None:
    again = run(OWN, "xnat", "rest", "get", "/data/auth", "--host", site.url, "--jsession", jsession, home=tmp_path)

    assert re.fullmatch(r"[0-9A-F]{32}", jsession)
    assert "User 'admin' is logged in" in again.stdout


@pytest.mark.client(
    CLIENT,
    "`rest put`, `rest get`, `rest post`, `rest delete`",
    "PUT /data/{subject}",
    "GET /data/{subject}",
    "POST /data/services/refresh/catalog",
    "DELETE /data/{subject}",
)
@pytest.mark.usefixtures("planted")
def test_requests_are_typed(type_: Callable[..., str]) -> None:
    subject = "/data/projects/TYPED/subjects/S9"

    put = type_("rest", "put", subject, "--query", "gender=female")
    got = type_("rest", "get", subject, "--query", "format=json")
    type_("rest", "post", "/data/services/refresh/catalog", "--query", "resource=/archive/projects/TYPED")
    type_("rest", "delete", subject)

    assert re.search(r"Result: XNAT_S\d+", put)
    assert '"label":"S9"' in got
    assert f"Path {subject}" in got


@pytest.mark.client(
    CLIENT,
    "`list projects` and `list subjects`, for people and as CSV",
    "GET /data/projects",
    "GET /data/{project}/subjects",
)
@pytest.mark.usefixtures("planted")
def test_lists_are_typed(type_: Callable[..., str]) -> None:
    shown = type_("list", "projects", "--filter", "ID=TYPED")
    table = type_(
        "list", "projects", "--output-format", "csv", "--column", "ID", "--column", "name", "--filter", "ID=T*"
    )
    subjects = type_("list", "subjects", "--project", "TYPED")

    assert "Project TYPED study: id=TYPED" in shown
    assert table.splitlines()[-2:] == ["ID,name", "TYPED,TYPED study"]
    assert "Subject S1: id=XNAT_S" in subjects


@pytest.mark.client(
    CLIENT,
    "`upload` of files and of folders into resources that are there or not yet",
    f"PUT /data/{FILE}",
    "PUT /data/{thing}/resources/{resource}",
)
@pytest.mark.usefixtures("planted")
def test_files_and_folders_are_uploaded(type_: Callable[..., str], url: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "up", {"b.txt": b"in a folder", "sub/c.txt": b"below"})
    (tmp_path / "a.txt").write_bytes(b"alone")
    scan = ("--project", "TYPED", "--subject", "S1", "--experiment", "MR1", "--scan", "1")

    type_("upload", str(tmp_path / "a.txt"), *scan, "--resource", "UPLOADED")
    type_("upload", str(folder), *scan, "--resource", "UPLOADED")
    type_("upload", str(tmp_path / "a.txt"), "--names", "n.txt", "--project", "TYPED", "--resource", "UPLOADED")

    with connect(url) as session:
        project = session.projects["TYPED"]
        uploaded = stored(project.experiments["MR1"].scans["1"].resources["UPLOADED"])
        named = stored(project.resources["UPLOADED"])
    assert uploaded == {"a.txt": b"alone", "b.txt": b"in a folder", "sub/c.txt": b"below"}
    assert named == {"n.txt": b"alone"}


@pytest.mark.client(
    CLIENT,
    "`download project`, `download experiments` and `download batch`",
    "GET /data/{experiment}/scans/{name}/files",
    "GET /data/{scan}/resources/{resource}/files",
)
@pytest.mark.usefixtures("planted")
def test_projects_experiments_and_batches_are_downloaded(type_: Callable[..., str], tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("project", "experiments", "batch")]
    for folder in folders:
        folder.mkdir()

    type_("download", "project", "TYPED", str(folders[0]))
    type_("download", "experiments", "TYPED", "MR1", str(folders[1]))
    type_("download", "batch", str(folders[2]), "--project", "TYPED*", "--scan", "T1", "--resource", "DATA")

    assert [read_tree(folder).get("sub/a.txt") for folder in folders] == [b"voxels"] * 3


@pytest.mark.client(
    CLIENT, "`script copy-project` and `script delete-project`", "PUT /data/{subject}", "DELETE /data/{subject}"
)
@pytest.mark.usefixtures("planted")
def test_a_project_is_copied_and_deleted(type_: Callable[..., str], url: str, tmp_path: Path) -> None:
    with connect(url) as session:
        _fill(session.projects["COPIED"])
        session.put("/data/projects/TARGET")
    write_netrc(tmp_path, url)
    where = ("--source-host", url, "--source-project", "COPIED", "--dest-host", url, "--dest-project", "TARGET")

    copied = run(OWN, "xnat", "script", "copy-project", *where, home=tmp_path)
    with connect(url) as session:
        seen = _see(session.projects["TARGET"])
    type_("script", "delete-project", "--project", "TARGET", "--force", "--dry-run-false", "--remove")

    assert copied.returncode == 0, copied.stderr
    files = {level: {f"sub/{level}.txt": level.encode()} for level in LEVELS}
    assert seen == {**files, "cohort": "first", "gender": "female"}
    with connect(url) as session:
        assert "TARGET" not in session.projects


def _fill(project: Any) -> None:
    project.fields["cohort"] = "first"
    project.subjects["S1"].demographics.gender = "female"
    for name, owner in _owners(project).items():
        owner.create_resource("DATA").upload_data(name, f"sub/{name}.txt")


def _see(project: Any) -> dict[str, Any]:
    found = {name: stored(owner.resources["DATA"]) for name, owner in _owners(project).items()}
    return {**found, "cohort": project.fields["cohort"], "gender": project.subjects["S1"].demographics.gender}


def _owners(project: Any) -> dict[str, Any]:
    subject = project.subjects["S1"]
    experiment = subject.experiments["MR1"]
    things = (project, subject, experiment, experiment.scans["1"], experiment.assessors["QC1"])
    return dict(zip(LEVELS, things, strict=True))


@pytest.mark.client(CLIENT, "`prearchive list`, which is empty", "GET /data/prearchive/projects")
def test_the_prearchive_is_listed(type_: Callable[..., str]) -> None:
    assert "prearchive" not in type_("prearchive", "list").lower().replace("prearchive sessions", "")


@pytest.mark.client(CLIENT, "what goes wrong is said", "GET /data/{project}")
def test_what_goes_wrong_is_said(site: Server, jsession: str, tmp_path: Path) -> None:
    told = ("--host", site.url, "--jsession", jsession)

    missing = run(OWN, "xnat", "rest", "get", "/data/projects/NONE", *told, home=tmp_path)
    stale = run(OWN, "xnat", "rest", "get", "/data/auth", "--host", site.url, "--jsession", "0" * 32, home=tmp_path)

    assert missing.returncode != 0
    assert "status 404" in missing.stderr
    assert stale.returncode != 0
