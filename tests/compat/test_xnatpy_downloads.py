"""xnatpy 0.8.1 downloads: files, streams, zips and folders, from every kind of thing; and it notices damage."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xnat

from compat.xnatpy import CLIENT, LEVELS, plant, read_tree
from server.process import Server

FILES = "GET /data/{thing}/resources/{resource}/files"
GET = "GET /data/{thing}/resources/{resource}/files/{path}"
SCANS = "GET /data/{experiment}/scans/{name}/files"
# Larger than what the client takes at once, and of a length that says nothing.
LARGE = bytes(range(251)) * 5000


@pytest.fixture(scope="module")
def things(session: Any) -> dict[str, Any]:
    """Each has a resource DATA with two files; the session has a second scan of another type."""
    things = plant(session, "DOWN")
    things["second"] = session.classes.MrScanData(parent=things["experiment"], id="2", type="T2")
    for level, thing in things.items():
        resource = thing.create_resource("DATA")
        resource.upload_data(LARGE, "large.bin")
        resource.upload_data(level, "sub/name.txt")
    return things


def _expected(level: str) -> dict[str, bytes]:
    return {"large.bin": LARGE, "sub/name.txt": level.encode()}


def _unzip(path: Path, target: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as zipped:
        zipped.extractall(target)
    return read_tree(target)


@pytest.mark.client(CLIENT, "download of a file: to a path, to a stream, and read in pieces", GET)
@pytest.mark.parametrize("level", LEVELS)
def test_a_file_is_downloaded(things: dict[str, Any], tmp_path: Path, level: str) -> None:
    file, stream = things[level].resources["DATA"].files["large.bin"], io.BytesIO()

    file.download(str(tmp_path / "a.bin"))
    file.download_stream(stream)
    with file.open() as opened:
        pieces = [opened.read(1000), opened.read(7), opened.read()]

    assert (tmp_path / "a.bin").read_bytes() == LARGE
    assert stream.getvalue() == b"".join(pieces) == LARGE


@pytest.mark.client(
    CLIENT, "the size of a file without its bytes", "HEAD /data/{thing}/resources/{resource}/files/{path}"
)
@pytest.mark.parametrize("level", LEVELS)
def test_the_size_of_a_file_is_asked(things: dict[str, Any], level: str) -> None:
    assert things[level].resources["DATA"].files["large.bin"].size == str(len(LARGE))


@pytest.mark.client(CLIENT, "download of a resource as a zip", FILES)
@pytest.mark.parametrize("level", LEVELS)
def test_a_resource_is_downloaded_as_a_zip(things: dict[str, Any], tmp_path: Path, level: str) -> None:
    things[level].resources["DATA"].download(str(tmp_path / "all.zip"))

    assert _unzip(tmp_path / "all.zip", tmp_path / "out") == _expected(level)


@pytest.mark.client(CLIENT, "download of a resource as a folder, also without its folders", FILES)
@pytest.mark.parametrize("level", LEVELS)
def test_a_resource_is_downloaded_as_a_folder(things: dict[str, Any], tmp_path: Path, level: str) -> None:
    resource = things[level].resources["DATA"]

    resource.download_dir(str(tmp_path / "deep"))
    resource.download_dir(str(tmp_path / "flat"), flatten_dirs=True)

    assert read_tree(tmp_path / "deep") == _expected(level)
    flat = {path.name: path.read_bytes() for path in (tmp_path / "flat").rglob("*") if path.is_file()}
    assert flat == {"large.bin": LARGE, "name.txt": level.encode()}


@pytest.mark.client(CLIENT, "the files of a thing, whatever resource they are in", "GET /data/{thing}/files")
@pytest.mark.parametrize("level", LEVELS)
def test_the_files_of_a_thing_are_listed(things: dict[str, Any], level: str) -> None:
    listed = things[level].files

    assert sorted(file.id for file in listed.values()) == ["large.bin", "sub/name.txt"]
    with listed["sub/name.txt"].open() as stream:
        assert stream.read() == level.encode()


@pytest.mark.client(
    CLIENT, "download of a scan and of an assessor as a zip", "GET /data/{scan}/files", "GET /data/{assessor}/files"
)
@pytest.mark.parametrize("level", ["scan", "assessor"])
def test_a_scan_and_an_assessor_are_downloaded_as_a_zip(things: dict[str, Any], tmp_path: Path, level: str) -> None:
    things["scan"].download(str(tmp_path / "scan.zip"))
    things["assessor"].download(str(tmp_path / "assessor.zip"))

    assert _unzip(tmp_path / f"{level}.zip", tmp_path / "out") == _expected(level)


@pytest.mark.client(CLIENT, "download of a scan as a folder", "GET /data/{scan}/files")
def test_a_scan_is_downloaded_as_a_folder(things: dict[str, Any], tmp_path: Path) -> None:
    things["scan"].download_dir(str(tmp_path))

    assert read_tree(tmp_path) == _expected("scan")


@pytest.mark.client(CLIENT, "download of all scans of a session, or of those of some types, as a zip", SCANS)
@pytest.mark.parametrize(
    ("wanted", "levels"), [("ALL", ["scan", "second"]), ("T2", ["second"]), ("1,2", ["scan", "second"])]
)
def test_the_scans_of_a_session_are_downloaded(
    things: dict[str, Any], tmp_path: Path, wanted: str, levels: list[str]
) -> None:
    things["experiment"].download(str(tmp_path / "all.zip"), scan_filter=wanted)

    with zipfile.ZipFile(tmp_path / "all.zip") as zipped:
        contents = {zipped.read(name).decode() for name in zipped.namelist() if name.endswith("name.txt")}
    assert contents == set(levels)


@pytest.mark.client(CLIENT, "download of a session as a folder", SCANS)
def test_a_session_is_downloaded_as_a_folder(things: dict[str, Any], tmp_path: Path) -> None:
    things["experiment"].download_dir(str(tmp_path))

    _holds_both_scans(tmp_path / "MR1/scans")


@pytest.mark.client(CLIENT, "a session without files makes an empty folder", SCANS)
def test_a_session_without_files_is_an_empty_folder(session: Any, things: dict[str, Any], tmp_path: Path) -> None:
    bare = session.classes.CtSessionData(parent=things["subject"], label="BARE")

    bare.download_dir(str(tmp_path / "out"))

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.client(CLIENT, "download of a subject and of a project: every session of theirs", SCANS)
def test_a_subject_and_a_project_are_downloaded(things: dict[str, Any], tmp_path: Path) -> None:
    things["subject"].download_dir(str(tmp_path))
    things["project"].download_dir(str(tmp_path))

    _holds_both_scans(tmp_path / "S1/MR1/scans")
    _holds_both_scans(tmp_path / "DOWN study/S1/MR1/scans")


def _holds_both_scans(folder: Path) -> None:
    texts = {path.parents[4].name: path.read_bytes() for path in folder.rglob("name.txt")}
    assert texts == {"1-T1": b"scan", "2-T2": b"second"}


@pytest.mark.client(CLIENT, "a batch of what fits: every resource of scans of a type", FILES)
def test_a_batch_is_downloaded(session: Any, things: dict[str, Any], tmp_path: Path) -> None:
    assert things["second"].type == "T2"

    session.batch_download(
        str(tmp_path), project="DOWN*", scan="T2", resource="DATA", level=xnat.MappingLevel.SCAN_RESOURCE
    )

    assert read_tree(tmp_path) == _expected("second")


@pytest.mark.client(CLIENT, "the session's own download methods", FILES, GET)
def test_the_session_downloads(session: Any, things: dict[str, Any], tmp_path: Path) -> None:
    uri, stream = things["scan"].resources["DATA"].uri, io.BytesIO()

    session.download(f"{uri}/files/large.bin", str(tmp_path / "a.bin"))
    session.download_stream(f"{uri}/files/large.bin", stream)
    session.download_zip(f"{uri}/files", str(tmp_path / "all.zip"))

    assert (tmp_path / "a.bin").read_bytes() == stream.getvalue() == LARGE
    assert _unzip(tmp_path / "all.zip", tmp_path / "out") == _expected("scan")


@pytest.mark.client(CLIENT, "bytes that are not those that were stored: the download fails", GET)
def test_damage_is_noticed(site: Server, session: Any) -> None:
    resource = plant(session, "DAMAGED")["scan"].create_resource("DATA")
    resource.upload_data(b"the bytes that were sent", "a.txt")
    file = resource.files["a.txt"]
    _damage(site.folder, b"the bytes that were sent", b"the bytes that are here!")

    with pytest.raises(xnat.exceptions.XNATResponseError, match="no longer those that were stored"):
        file.download_stream(io.BytesIO())


def _damage(folder: Path, content: bytes, instead: bytes) -> None:
    (blob,) = (path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content)
    blob.chmod(0o600)
    blob.write_bytes(instead)


@pytest.mark.client(CLIENT, "a file that is not there: 404", GET)
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_not_there_is_not_downloaded(session: Any, things: dict[str, Any], tmp_path: Path, level: str) -> None:
    uri = f"{things[level].resources['DATA'].uri}/files/none.txt"

    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        session.download(uri, str(tmp_path / "a"))

    assert refused.value.status_code == 404
