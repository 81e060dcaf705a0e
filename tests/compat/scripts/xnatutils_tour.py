"""What xnatpy 0.7.2 does with files and things of every kind: ``xnatutils_tour.py URL PASSWORD``."""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import xnat

from telling import attempt, tell

METHODS = ("per_file", "tar_memory", "tar_file", "tgz_memory", "tgz_file")
FLAT = {"a.txt": b"first", "b c.bin": bytes(range(256))}
TREE = {**FLAT, "sub/d/\u65e5.txt": b"beyond ASCII"}


def main(url: str, password: str) -> None:
    _write("flat", FLAT)
    _write("tree", TREE)
    with xnat.connect(url, user="admin", password=password, loglevel="ERROR") as session:
        things = _plant(session, "TOUR")
        for level, thing in things.items():
            tell(level, _tour(level, thing))
        _change(session, things)
        _fail(session, things)
    attempt("wrong password", lambda: xnat.connect(url, user="admin", password="wrong", loglevel="CRITICAL"))


def _write(folder: str, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _plant(session: Any, project_id: str) -> dict[str, Any]:
    session.put(f"/data/projects/{project_id}")
    project, made = session.projects[project_id], session.classes
    subject = made.SubjectData(parent=project, label="S1")
    experiment = made.MrSessionData(parent=subject, label="MR1")
    scan = made.MrScanData(parent=experiment, id="1", type="T1")
    assessor = made.QcManualAssessorData(parent=experiment, label="QC1")
    return {"project": project, "subject": subject, "experiment": experiment, "scan": scan, "assessor": assessor}


def _tour(level: str, thing: Any) -> dict[str, Any]:
    """What differs from what it should be."""
    resource = _make(thing, "ONE")
    resource.upload("tree/a.txt", "one.txt", file_content="T1", file_format="TEXT", file_tags="x")
    file, stream = resource.files["one.txt"], io.BytesIO()
    file.download_stream(stream)
    file.download(f"{level}.txt")
    resource.upload("tree/b c.bin", "one.txt", overwrite=True)
    folders = {method: _send(level, thing, method) for method in METHODS}
    resource.download(f"{level}.zip")
    return {
        "read": stream.getvalue() == Path(f"{level}.txt").read_bytes() == TREE["a.txt"],
        "told": [file.file_content, file.file_format, file.file_tags, file.file_size, file.digest],
        "overwritten": _read(resource) == {"one.txt": TREE["b c.bin"]},
        "folders": folders,
        "zipped": list(_unzip(f"{level}.zip").values()) == [TREE["b c.bin"]],
        "deleted": _delete(resource),
    }


def _make(thing: Any, label: str) -> Any:
    """By its class, as sessions have no other way in this client."""
    return thing.xnat_session.classes.ResourceCatalog(parent=thing, label=label)


def _send(level: str, thing: Any, method: str) -> bool:
    """Whether a folder came there and back; file by file, this client stumbles over folders in it."""
    folder, files = ("flat", FLAT) if method == "per_file" else ("tree", TREE)
    resource = _make(thing, method)
    resource.upload_dir(folder, method=method)
    target = Path(f"down_{level}_{method}")
    target.mkdir()
    resource.download_dir(str(target), verbose=False)
    back = {str(path).partition("/files/")[2]: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    return _read(resource) == back == files


def _read(resource: Any) -> dict[str, bytes]:
    resource.xnat_session.clearcache()
    resource.clearcache()
    return {str(file.id): _bytes(file) for file in resource.files.values()}


def _bytes(file: Any) -> bytes:
    stream = io.BytesIO()
    file.download_stream(stream)
    return stream.getvalue()


def _unzip(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def _delete(resource: Any) -> bool:
    resource.files["one.txt"].delete()
    return _read(resource) == {}


def _change(session: Any, things: dict[str, Any]) -> None:
    subject, experiment, scan = things["subject"], things["experiment"], things["scan"]
    subject.demographics.gender = "female"
    subject.fields["cohort"] = "first"
    experiment.note = "as it should be"
    scan.quality = "usable"
    session.put("/data/projects/SECOND")
    experiment.share("SECOND", label="SHARED")
    subject.label = "S2"
    session.clearcache()
    project = session.projects[things["project"].id]
    subject = project.subjects["S2"]
    experiment = subject.experiments["MR1"]
    tell("changed", [subject.demographics.gender, subject.fields["cohort"], experiment.note])
    tell("scans", [[scan.id, scan.type, scan.quality] for scan in experiment.scans.values()])
    tell("assessors", [assessor.label for assessor in experiment.assessors.values()])
    experiment.scans["1"].resources["tgz_file"].download_dir("of the scan", verbose=False)
    experiment.download_dir("of the session", verbose=False)
    tell("session downloaded", sorted({path.name for path in Path("of the session").rglob("*") if path.is_file()}))
    tell("filtered", [one.label for one in project.subjects.filter(label="S*").values()])
    tell("tabulated", [row.label for row in project.subjects.tabulate(columns=("ID", "label"))])
    session.clearcache()
    tell("shared", [one.label for one in session.projects["SECOND"].experiments.values()])


def _fail(session: Any, things: dict[str, Any]) -> None:
    attempt("taken", lambda: things["subject"].create_resource("ONE"))
    attempt("missing", lambda: session.get("/data/projects/NONE"))
    session.delete("/data/projects/SECOND/experiments/SHARED/projects/SECOND")
    session.delete(things["experiment"].fulluri, query={"removeFiles": "true"})
    attempt("deleted", lambda: session.get(things["experiment"].fulluri))


main(*sys.argv[1:])
