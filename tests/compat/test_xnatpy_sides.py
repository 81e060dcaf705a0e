"""xnatpy 0.8.1 on what it has no classes for: the inputs of an assessor, and the user's cache."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xnat

from compat.xnatpy import CLIENT, connect, md5, plant

CACHE = "/data/user/cache/resources"


@pytest.fixture(scope="module")
def session(url: str) -> Iterator[Any]:
    with connect(url, no_parse_model=True) as session:
        yield session


@pytest.fixture(scope="module")
def assessor(url: str) -> str:
    """Its address."""
    with connect(url) as session:
        return str(plant(session, "SIDES")["assessor"].fulluri)


def _rows(session: Any, address: str) -> list[dict[str, str]]:
    return list(session.get_json(address)["ResultSet"]["Result"])


def _read(session: Any, address: str) -> bytes:
    stream = io.BytesIO()
    session.download_stream(address, stream)
    return stream.getvalue()


def _unzip(session: Any, address: str, path: Path) -> dict[str, bytes]:
    session.download_zip(address, str(path), verbose=False)
    with zipfile.ZipFile(path) as zipped:
        return {name.rpartition("/files/")[2] or name: zipped.read(name) for name in zipped.namelist()}


@pytest.mark.client(
    CLIENT,
    "inputs and outputs of an assessor, kept apart: upload, list, read, zip, overwrite, delete",
    "PUT /data/{assessor}/in/resources/{resource}/files/{path}",
    "PUT /data/{assessor}/out/resources/{resource}/files/{path}",
    "GET /data/{assessor}/in/resources",
    "GET /data/{assessor}/in/files",
    "GET /data/{assessor}/in/resources/{resource}/files/{path}",
    "DELETE /data/{assessor}/in/resources/{resource}/files/{path}",
)
def test_inputs_and_outputs_of_an_assessor_are_kept_apart(session: Any, assessor: str, tmp_path: Path) -> None:
    for side in ("in", "out"):
        session.put(f"{assessor}/{side}/resources/DATA")
        session.upload_string(f"{assessor}/{side}/resources/DATA/files/sub/a.txt", f"put {side}")

    rows = {side: _rows(session, f"{assessor}/{side}/resources/DATA/files") for side in ("in", "out")}
    read = {side: _read(session, rows[side][0]["URI"]) for side in rows}
    zipped = {side: _unzip(session, f"{assessor}/{side}/files", tmp_path / f"{side}.zip") for side in rows}

    assert read == {"in": b"put in", "out": b"put out"}
    assert {side: [row["digest"] for row in found] for side, found in rows.items()} == {
        side: [md5(content)] for side, content in read.items()
    }
    assert zipped == {side: {"sub/a.txt": content} for side, content in read.items()}
    assert [row["label"] for row in _rows(session, f"{assessor}/in/resources")] == ["DATA"]
    session.upload_string(f"{assessor}/in/resources/DATA/files/sub/a.txt", "new", overwrite=True)
    assert _read(session, f"{assessor}/in/resources/DATA/files/sub/a.txt") == b"new"
    session.delete(f"{assessor}/in/resources/DATA/files/sub/a.txt")
    assert (_rows(session, f"{assessor}/in/files"), len(_rows(session, f"{assessor}/out/files"))) == ([], 1)


@pytest.mark.client(
    CLIENT,
    "the user's cache: folders and files are put, listed, read, zipped and deleted",
    "PUT /data/user/cache/resources/{folder}",
    "PUT /data/user/cache/resources/{folder}/files/{path}",
    "GET /data/user/cache/resources",
    "GET /data/user/cache/resources/{folder}/files",
    "GET /data/user/cache/resources/{folder}/files/{path}",
    "DELETE /data/user/cache/resources/{folder}/files/{path}",
    "DELETE /data/user/cache/resources/{folder}",
)
def test_the_cache_keeps_files(session: Any, tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    (tmp_path / "a.bin").write_bytes(content)
    session.put(f"{CACHE}/folder")
    session.upload_file(f"{CACHE}/folder/files/sub/a.bin", tmp_path / "a.bin", query={"inbody": "true"})
    session.upload_string(f"{CACHE}/folder/files/b.txt", "text", query={"inbody": "true"})

    listed = {row["Name"]: row["Size"] for row in _rows(session, f"{CACHE}/folder/files")}
    zipped = _unzip(session, f"{CACHE}/folder/files", tmp_path / "all.zip")

    assert "folder" in [row["Resource"] for row in _rows(session, CACHE)]
    assert {name.rpartition("/")[2]: size for name, size in listed.items()} == {
        "a.bin": str(len(content)),
        "b.txt": "4",
    }
    assert _read(session, f"{CACHE}/folder/files/sub/a.bin") == content
    assert sorted(zipped.values(), key=len) == [b"text", content]
    session.delete(f"{CACHE}/folder/files/b.txt")
    assert len(_rows(session, f"{CACHE}/folder/files")) == 1
    session.delete(f"{CACHE}/folder")
    assert "folder" not in [row["Resource"] for row in _rows(session, CACHE)]


@pytest.mark.client(
    CLIENT, "a file of the cache that is not there: 404", "GET /data/user/cache/resources/{folder}/files/{path}"
)
def test_what_is_not_in_the_cache_is_an_error(session: Any) -> None:
    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        _read(session, f"{CACHE}/none/files/a.txt")

    assert refused.value.status_code == 404
