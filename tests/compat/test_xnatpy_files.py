"""xnatpy 0.8.1 puts files into resources of every kind of thing, in each of its ways, and gets the same bytes back."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from compat.xnatpy import CLIENT, LEVELS, md5, plant, read, read_tree, stored, write_tree

FILES = "GET /data/{thing}/resources/{resource}/files"
GET = "GET /data/{thing}/resources/{resource}/files/{path}"
PUT = "PUT /data/{thing}/resources/{resource}/files/{path}"
TREE = {
    "a.txt": b"first",
    "sub/b.bin": bytes(range(256)) * 40,
    "sub/deeper/c d.txt": b"with a blank",
    "Gr\u00f6\u00dfe/\u65e5\u672c.txt": b"beyond ASCII",
}
METHODS = ("per_file", "tar_memory", "tar_file", "tgz_memory", "tgz_file")
NAMES = [
    "plain.txt",
    "deep/er/still/a.txt",
    "a name with blanks.txt",
    "gr\u00f6\u00dfer/\u65e5\u672c\u8a9e.nii.gz",
    "a+b&c=d;e,f@g~h!i(j)[k]'l'.txt",
    "100% sure.txt",
    ".hidden",
    "x" * 200,
]
_NUMBERS = count()


@pytest.fixture(scope="module")
def things(session: Any) -> dict[str, Any]:
    return plant(session, "FILES")


@pytest.fixture
def make(things: dict[str, Any]) -> Callable[..., Any]:
    """A new resource of the thing of a level."""

    def new(level: str = "scan", **how: Any) -> Any:
        return things[level].create_resource(f"R_{next(_NUMBERS)}_", **how)

    return new


@pytest.mark.client(
    CLIENT, "a resource is made, and found by its label and by its number", "PUT /data/{thing}/resources/{resource}"
)
@pytest.mark.parametrize("level", LEVELS)
def test_a_resource_is_made_and_found(things: dict[str, Any], level: str) -> None:
    made = things[level].create_resource("NIFTI", format="NIFTI")

    assert (made.label, made.format, made.file_count, made.file_size) == ("NIFTI", "NIFTI", 0, 0)
    listed = things[level].resources
    assert listed["NIFTI"].id == listed[made.id].id == made.id
    assert made.id.isdigit()


@pytest.mark.client(CLIENT, "a resource is made by its class", "GET /data/{thing}/resources")
@pytest.mark.parametrize("level", LEVELS)
def test_a_resource_is_made_by_its_class(session: Any, things: dict[str, Any], level: str) -> None:
    session.classes.ResourceCatalog(parent=things[level], label="MADE")

    things[level].clearcache()
    assert "MADE" in things[level].resources


@pytest.mark.client(CLIENT, "a resource that is there is not made again: 409", "PUT /data/{thing}/resources/{resource}")
def test_a_resource_is_not_made_twice(things: dict[str, Any], make: Callable[..., Any]) -> None:
    import xnat

    label = make("subject").label

    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        things["subject"].create_resource(label)

    assert refused.value.status_code == 409


@pytest.mark.client(CLIENT, "upload of a file; reading, size, digest and names of it", PUT, GET, FILES)
@pytest.mark.parametrize("level", LEVELS)
def test_a_file_is_uploaded_and_read(make: Callable[..., Any], tmp_path: Path, level: str) -> None:
    resource, content = make(level), bytes(range(256)) * 1000
    write_tree(tmp_path, {"brain.nii": content})

    resource.upload(tmp_path / "brain.nii", "deep/brain.nii", file_content="T1", file_format="NIFTI", file_tags="a,b")

    file = resource.files["deep/brain.nii"]
    assert read(file) == content
    assert (file.id, file.name, file.path) == ("deep/brain.nii", "brain.nii", "deep/brain.nii")
    assert (file.size, file.digest) == (str(len(content)), md5(content))
    assert (file.file_content, file.file_format, file.file_tags) == ("T1", "NIFTI", "a,b")
    resource.clearcache()
    assert (resource.file_count, resource.file_size) == (1, len(content))


@pytest.mark.client(CLIENT, "upload of a path, of text, of bytes and of streams", PUT)
@pytest.mark.parametrize("way", ["path", "name", "text", "bytes", "stream", "open file"])
def test_a_file_is_uploaded_in_each_way(make: Callable[..., Any], tmp_path: Path, way: str) -> None:
    resource, path = make(), tmp_path / "a.txt"
    path.write_bytes(b"voxels")

    with path.open("rb") as opened:
        ways: dict[str, Callable[[], Any]] = {
            "path": lambda: resource.upload(path),
            "name": lambda: resource.upload(str(path), "/a.txt"),
            "text": lambda: resource.upload_data("voxels", "a.txt"),
            "bytes": lambda: resource.upload_data(b"voxels", "a.txt"),
            "stream": lambda: resource.upload_data(io.BytesIO(b"voxels"), "a.txt"),
            "open file": lambda: resource.upload_data(opened, "a.txt"),
        }
        ways[way]()

    assert stored(resource) == {"a.txt": b"voxels"}


@pytest.mark.client(
    CLIENT,
    "the session's own upload methods, with PUT and with POST",
    PUT,
    "POST /data/{thing}/resources/{resource}/files/{path}",
)
@pytest.mark.parametrize("way", ["upload_file", "upload_string", "upload_stream", "upload"])
def test_the_session_uploads(session: Any, make: Callable[..., Any], tmp_path: Path, way: str) -> None:
    resource, path = make(), tmp_path / "a.txt"
    path.write_bytes(b"voxels")
    what = {"upload_file": path, "upload": path, "upload_string": b"voxels", "upload_stream": io.BytesIO(b"voxels")}

    for method in ("put", "post"):
        getattr(session, way)(f"{resource.uri}/files/{method}.txt", what[way], method=method)

    assert stored(resource) == {"put.txt": b"voxels", "post.txt": b"voxels"}


@pytest.mark.client(CLIENT, "upload of a folder in all five methods, and download of it as a folder", PUT, FILES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_folder_is_uploaded_and_downloaded(make: Callable[..., Any], tmp_path: Path, level: str, method: str) -> None:
    resource, folder = make(level), write_tree(tmp_path / "up", TREE)

    resource.upload_dir(folder, method=method)

    assert stored(resource) == TREE
    resource.download_dir(str(tmp_path / "down"), verbose=False)
    assert read_tree(tmp_path / "down") == TREE


@pytest.mark.client(CLIENT, "a resource made from a folder at once", PUT)
@pytest.mark.parametrize("level", LEVELS)
def test_a_resource_is_made_from_a_folder(make: Callable[..., Any], tmp_path: Path, level: str) -> None:
    folder = write_tree(tmp_path / "up", TREE)

    resource = make(level, data_dir=folder, method="tar_memory")

    assert stored(resource) == TREE


@pytest.mark.client(CLIENT, "a folder that is uploaded again, with and without overwriting", PUT)
@pytest.mark.parametrize("method", METHODS)
def test_a_folder_is_overwritten_when_that_is_said(make: Callable[..., Any], tmp_path: Path, method: str) -> None:
    resource = make()
    resource.upload_dir(write_tree(tmp_path / "1", {"a.txt": b"old", "sub/b.txt": b"kept"}), method=method)
    again = write_tree(tmp_path / "2", {"a.txt": b"new"})

    resource.upload_dir(again, method=method)
    before = stored(resource)
    resource.upload_dir(again, method=method, overwrite=True)

    assert before == {"a.txt": b"old", "sub/b.txt": b"kept"}
    assert stored(resource) == {"a.txt": b"new", "sub/b.txt": b"kept"}


@pytest.mark.client(CLIENT, "empty files, alone and in folders", PUT)
@pytest.mark.parametrize("method", ["upload", *METHODS])
def test_empty_files_are_kept(make: Callable[..., Any], tmp_path: Path, method: str) -> None:
    """By ``per_file`` the client itself leaves them out."""
    resource, folder = make(), write_tree(tmp_path / "up", {"empty.txt": b"", "full.txt": b"x"})

    if method == "upload":
        resource.upload(folder / "empty.txt")
    else:
        resource.upload_dir(folder, method=method)

    assert stored(resource).get("empty.txt") == (None if method == "per_file" else b"")


@pytest.mark.client(CLIENT, "names with folders, blanks, signs and letters beyond ASCII", PUT, GET, FILES)
@pytest.mark.parametrize("name", NAMES)
def test_names_are_kept_as_they_are(make: Callable[..., Any], tmp_path: Path, name: str) -> None:
    resource = make("experiment")

    resource.upload_data(b"voxels", name)

    assert stored(resource) == {name: b"voxels"}
    resource.download_dir(str(tmp_path), verbose=False)
    assert read_tree(tmp_path) == {name: b"voxels"}


@pytest.mark.client(CLIENT, "archives that are taken apart: zip, tar, tar.gz", PUT)
@pytest.mark.parametrize("name", ["all.zip", "all.tar", "all.tar.gz"])
def test_an_archive_is_taken_apart(make: Callable[..., Any], tmp_path: Path, name: str) -> None:
    resource, archive = make(), tmp_path / name
    _pack(archive)

    resource.upload(archive, extract=True)

    assert stored(resource) == TREE


def _pack(path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, content in TREE.items():
                zipped.writestr(name, content)
        return
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as packed:
        for name, content in TREE.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


@pytest.mark.client(CLIENT, "an archive that is kept as a file", PUT)
def test_an_archive_is_kept_when_nobody_says_otherwise(make: Callable[..., Any], tmp_path: Path) -> None:
    resource, archive = make(), tmp_path / "all.zip"
    _pack(archive)

    resource.upload(archive)

    assert stored(resource) == {"all.zip": archive.read_bytes()}


@pytest.mark.client(CLIENT, "a file that is there stays, unless overwriting is said", PUT)
@pytest.mark.parametrize("level", LEVELS)
def test_a_file_is_overwritten_when_that_is_said(make: Callable[..., Any], level: str) -> None:
    resource = make(level)
    resource.upload_data(b"old", "a.txt")

    resource.upload_data(b"other", "a.txt")
    before = stored(resource)
    resource.upload_data(b"new", "a.txt", overwrite=True)

    assert before == {"a.txt": b"old"}
    assert stored(resource) == {"a.txt": b"new"}
    assert resource.files["a.txt"].digest == md5(b"new")


@pytest.mark.client(
    CLIENT,
    "files and resources are deleted",
    "DELETE /data/{thing}/resources/{resource}/files/{path}",
    "DELETE /data/{thing}/resources/{resource}",
)
@pytest.mark.parametrize("level", LEVELS)
def test_files_and_resources_are_deleted(things: dict[str, Any], make: Callable[..., Any], level: str) -> None:
    resource = make(level)
    resource.upload_data(b"1", "a.txt")
    resource.upload_data(b"2", "sub/b.txt")
    label = resource.label

    resource.files["a.txt"].delete()
    left = stored(resource)
    things[level].clearcache()
    doomed = things[level].resources[label]
    assert doomed.id  # or the client asks for it when the resource is gone
    doomed.delete()

    assert left == {"sub/b.txt": b"2"}
    things[level].clearcache()
    assert label not in things[level].resources


@pytest.mark.client(
    CLIENT, "a refresh of a resource's catalogue, with each option", "POST /data/services/refresh/catalog"
)
@pytest.mark.parametrize("level", LEVELS)
def test_a_catalogue_is_refreshed(session: Any, make: Callable[..., Any], level: str) -> None:
    resource = make(level)
    resource.upload_data(b"voxels", "a.txt")

    resource.refresh_catalog()
    session.services.refresh_catalog(resource, checksum=True, delete=True, append=True, populate_stats=True)

    assert stored(resource) == {"a.txt": b"voxels"}
    assert (resource.file_count, resource.files["a.txt"].digest) == (1, md5(b"voxels"))
