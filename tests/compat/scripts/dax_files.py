"""Uploads and downloads by the functions of dax 2.21.0."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from dax import XnatUtils
from dax.errors import XnatAuthentificationError


class Desk(NamedTuple):
    archive: Any
    folder: Path
    url: str

    def resource(self, label: str) -> Any:
        return self.archive.select_scan_resource("UPLOADS", "S1", "MR1", "1", label)


def _connect(url: str, password: str, folder: Path) -> Desk:
    archive = XnatUtils.get_interface(url, "admin", password)
    (folder / ".netrc").write_text(f'machine 127.0.0.1\nlogin admin\npassword "{password}"\n')
    (folder / ".netrc").chmod(0o600)
    archive.select("/project/UPLOADS/subject/S1/experiment/MR1/scan/1").create()
    return Desk(archive, folder, url)


def _read(resource: Any, path: str, folder: Path) -> bytes:
    resource.file(path).get(str(folder / "got"))
    return (folder / "got").read_bytes()


def _write(folder: Path, name: str, content: bytes) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


def a_file(desk: Desk) -> None:
    folder, resource = desk.folder / "file", desk.resource("ONE")
    assert XnatUtils.upload_file_to_obj(_write(folder, "a.txt", b"first"), resource)
    assert _read(resource, "a.txt", folder) == b"first"

    assert not XnatUtils.upload_file_to_obj(_write(folder, "a.txt", b"refused"), resource)
    assert _read(resource, "a.txt", folder) == b"first"
    assert XnatUtils.upload_file_to_obj(_write(folder, "a.txt", b"second"), resource, remove=True)
    assert _read(resource, "a.txt", folder) == b"second"
    assert XnatUtils.upload_file_to_obj(_write(folder, "a.txt", b"third"), resource, fname="b.txt")
    assert _read(resource, "b.txt", folder) == b"third"


def a_file_in_place_of_all(desk: Desk) -> None:
    folder, resource = desk.folder / "all", desk.resource("ALL")
    XnatUtils.upload_file_to_obj(_write(folder, "old.txt", b"old"), resource)

    assert XnatUtils.upload_file_to_obj(_write(folder, "new.txt", b"new"), resource, removeall=True)

    assert resource.files().get() == ["new.txt"]


def files(desk: Desk) -> None:
    folder, resource = desk.folder / "files", desk.resource("MANY")
    paths = [_write(folder, f"{number}.txt", f"content {number}".encode()) for number in range(5)]

    assert XnatUtils.upload_files_to_obj(paths, resource) == [True] * 5

    assert [_read(resource, f"{number}.txt", folder) for number in range(5)] == [
        f"content {number}".encode() for number in range(5)
    ]


def a_folder(desk: Desk) -> None:
    folder, resource = desk.folder / "folder", desk.resource("FOLDER")
    _write(folder, "a.txt", b"first")
    _write(folder / "deep/er", "b.bin", bytes(range(256)))

    assert XnatUtils.upload_folder_to_obj(str(folder), resource, "FOLDER")
    (folder / "FOLDER.zip").unlink()

    assert sorted(file.id() for file in resource.files()) == ["a.txt", "deep/er/b.bin"]
    assert _read(resource, "deep/er/b.bin", desk.folder) == bytes(range(256))
    assert not XnatUtils.upload_folder_to_obj(str(folder), resource, "FOLDER")
    _write(folder, "a.txt", b"second")
    assert XnatUtils.upload_folder_to_obj(str(folder), resource, "FOLDER", remove=True)
    assert _read(resource, "a.txt", desk.folder) == b"second"


def snapshots_of_an_assessor(desk: Desk) -> None:
    assessor = desk.archive.select("/project/UPLOADS/subject/S1/experiment/MR1/assessor/QC1")
    assessor.create(assessors="xnat:qcManualAssessorData")
    original = _write(desk.folder / "shots", "report_original.png", b"large picture")
    thumbnail = _write(desk.folder / "shots", "report_thumb.png", b"small picture")

    assert XnatUtils.upload_assessor_snapshots(assessor, original, thumbnail)

    shots = assessor.out_resource("SNAPSHOTS")
    assert shots.file("report_original.png").content() == "ORIGINAL"
    assert shots.file("report_thumb.png").content() == "THUMBNAIL"
    assert shots.file("report_thumb.png").format() == "PNG"
    assert _read(shots, "report_original.png", desk.folder) == b"large picture"


def a_reference_to_the_disk_of_the_server_is_refused(desk: Desk) -> None:
    """It would name any file that the server can read."""
    assessor = desk.archive.select("/project/UPLOADS/subject/S1/experiment/MR1/assessor/QC2")
    assessor.create(assessors="xnat:qcManualAssessorData")
    try:
        XnatUtils.upload_reference("/etc/passwd", assessor, "REFERENCE")
    except XnatUtils.XnatUtilsError:
        pass
    else:
        raise AssertionError
    assert not assessor.out_resource("REFERENCE").file("passwd").exists()


def when_a_resource_was_changed(desk: Desk) -> None:
    resource = desk.resource("CHANGED")
    XnatUtils.upload_file_to_obj(_write(desk.folder / "changed", "a.txt", b"first"), resource)

    assert re.fullmatch(r"20\d{12}", XnatUtils.get_resource_lastdate_modified(desk.archive, resource))


def a_whole_resource(desk: Desk) -> None:
    resource = desk.resource("WHOLE")
    XnatUtils.upload_file_to_obj(_write(desk.folder / "whole", "a.txt", b"whole"), resource)

    (got,) = resource.get(str(desk.folder), extract=True)

    assert Path(got).read_bytes() == b"whole"


def a_login_from_netrc(desk: Desk) -> None:
    with XnatUtils.InterfaceTemp(desk.url) as archive:
        assert archive.select_project("UPLOADS").exists()


def a_folder_with_a_login_from_the_surroundings(desk: Desk) -> None:
    session = desk.archive.select("/project/UPLOADS/subject/S1/experiment/MR1")
    session.assessor("QC3").create(assessors="xnat:qcManualAssessorData")
    with XnatUtils.get_interface(desk.url) as archive:
        resource = archive.select_assessor_resource("UPLOADS", "S1", "MR1", "QC3", "OUT")
        XnatUtils.upload_file_to_obj(_write(desk.folder / "around", "a.txt", b"around"), resource)
    assert session.assessor("QC3").out_resource("OUT").file("a.txt").exists()


def a_wrong_password(desk: Desk) -> None:
    try:
        XnatUtils.get_interface(desk.url, "admin", "wrong")
    except XnatAuthentificationError:
        return
    raise AssertionError
