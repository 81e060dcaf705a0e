"""A tree of things that xnatpy 0.8.1 made itself: one of each kind, for the tests that drive it."""

import hashlib
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import xnat

from server.process import PASSWORD

CLIENT: Final = "xnatpy 0.8.1"
LEVELS: Final = ("project", "subject", "experiment", "scan", "assessor")


def connect(url: str, **how: Any) -> Any:
    told = {"user": "admin", "password": PASSWORD, "loglevel": "ERROR", "detect_redirect": True, **how}
    return xnat.connect(url, **told)


def plant(session: Any, project_id: str) -> dict[str, Any]:
    """A project and, one below the other, what else has resources."""
    made = session.classes
    project = made.ProjectData(parent=session, id_=project_id, name=f"{project_id} study")
    subject = made.SubjectData(parent=project, label="S1")
    experiment = made.MrSessionData(parent=subject, label="MR1")
    scan = made.MrScanData(parent=experiment, id="1", type="T1")
    assessor = made.QcManualAssessorData(parent=experiment, label="QC1")
    return dict(zip(LEVELS, (project, subject, experiment, scan, assessor), strict=True))


def write_netrc(home: Path, url: str) -> None:
    """Where the client finds a password that nobody typed."""
    path = home / ".netrc"
    path.write_text(f'machine {urlsplit(url).netloc}\nlogin admin\npassword "{PASSWORD}"\n')
    path.chmod(0o600)


def write_tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read_tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by what follows the folder called ``files`` where there is one."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)).rpartition("/files/")[2]: path.read_bytes() for path in files}


def stored(resource: Any) -> dict[str, bytes]:
    """What a resource holds, each file read through the client."""
    resource.clearcache()
    return {name: read(file) for name, file in ((file.id, file) for file in resource.files.values())}


def read(file: Any) -> bytes:
    with file.open() as stream:
        return bytes(stream.read())


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
