"""Files moved out of a user's cache, and catalogs refreshed (F-273 to F-276)."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rest.session import SESSION, make_session, put_file, results

CACHE = "/data/user/cache/resources"
MOVE = "/data/services/move-files"
REFRESH = "/data/services/refresh/catalog"
NII = "/archive/projects/DEMO/resources/NII"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def cached(alice: TestClient, demo: str) -> str:
    """Two files of Alice's cache, one in a folder, and a project of hers."""
    for path, content in {"a.nii": b"one", "sub/b.nii": b"two"}.items():
        put_file(alice, f"{CACHE}/up/files/{path}", content)
    return demo


def _in_cache(alice: TestClient) -> list[str]:
    return [row["Name"] for row in alice.get(f"{CACHE}/up?format=json").json()["ResultSet"]["Result"]]


def _in_resource(alice: TestClient, demo: str) -> dict[str, bytes]:
    rows = results(alice, f"{demo}/resources/NII/files")
    return {row["URI"].split("/files/", 1)[1]: alice.get(row["URI"]).content for row in rows}


@pytest.mark.parametrize(
    ("source", "target", "moved", "left"),
    [
        ("a.nii", "files/a.nii", {"a.nii": b"one"}, ["sub/b.nii"]),
        ("a.nii", "files/new/name.nii", {"new/name.nii": b"one"}, ["sub/b.nii"]),
        ("a.nii", "files/new/", {"new/a.nii": b"one"}, ["sub/b.nii"]),
        ("a.nii", "", {"a.nii": b"one"}, ["sub/b.nii"]),
        ("sub/b.nii", "files", {"b.nii": b"two"}, ["a.nii"]),
        ("sub", "files/in", {"in/b.nii": b"two"}, ["a.nii"]),
        ("", "files", {"a.nii": b"one", "sub/b.nii": b"two"}, []),
    ],
)
def test_files_and_folders_move_into_a_resource(
    alice: TestClient, cached: str, source: str, target: str, moved: dict[str, bytes], left: list[str]
) -> None:
    """F-276."""
    data = {"src": f"/user/cache/resources/up/files/{source}", "dest": f"{NII}/{target}"}

    reply = alice.post(MOVE, data=data)

    assert (reply.status_code, reply.content) == (200, b"")
    assert _in_resource(alice, cached) == moved
    assert _in_cache(alice) == left
    [resource] = results(alice, f"{cached}/resources")
    assert resource["file_count"] == str(len(moved))


@pytest.mark.parametrize("prefix", ["", "/data", "/REST"])
def test_pairs_and_prefixes_are_understood(alice: TestClient, cached: str, prefix: str) -> None:
    pairs = {
        f"{prefix}/user/cache/resources/up/files/a.nii": f"{prefix}{NII}/files/a.nii",
        f"{prefix}/user/cache/resources/up/files/sub/b.nii": f"{prefix}{NII}/files/b.nii",
    }

    reply = alice.post(MOVE, params=pairs)

    assert reply.status_code == 200
    assert "filmroom-ignored" not in reply.headers
    assert _in_resource(alice, cached) == {"a.nii": b"one", "b.nii": b"two"}


def test_a_path_is_taken_as_it_is_written_and_else_as_a_url(alice: TestClient, demo: str) -> None:
    """F-232: as listings write it."""
    for path, content in {"a%2541.nii": b"percent", "aA.nii": b"plain", "b c.nii": b"blank"}.items():
        put_file(alice, f"{CACHE}/up/files/{path}", content)
    names = ["a%41.nii", "b%20c.nii"]
    pairs = {f"/user/cache/resources/up/files/{name}": f"{NII}/files/{name}" for name in names}

    reply = alice.post(MOVE, data=pairs)

    listed = alice.get(f"{demo}/resources/NII/files?format=csv").text
    assert reply.status_code == 200
    assert [line.split(",")[0] for line in listed.splitlines()[1:]] == ["a%41.nii", "b c.nii"]
    assert _in_cache(alice) == ["aA.nii"]


def test_nothing_is_moved_when_a_part_of_it_is_not_there(alice: TestClient, cached: str) -> None:
    pairs = {f"/user/cache/resources/up/files/{name}": f"{NII}/files/{name}" for name in ("a.nii", "nothing")}

    assert alice.post(MOVE, data=pairs).status_code == 404
    assert _in_cache(alice) == ["a.nii", "sub/b.nii"]
    assert results(alice, f"{cached}/resources") == []


def test_what_is_there_is_kept_and_so_is_what_did_not_move(alice: TestClient, cached: str) -> None:
    put_file(alice, f"{cached}/resources/NII/files/a.nii", b"old")
    data = {"src": "/user/cache/resources/up/files/a.nii", "dest": f"{NII}/files"}

    kept = alice.post(MOVE, data=data)
    after_kept = (_in_resource(alice, cached), _in_cache(alice))
    replaced = alice.post(MOVE, data={**data, "overwrite": "true"})

    assert kept.json() == {"duplicates": ["a.nii"]}
    assert after_kept == ({"a.nii": b"old"}, ["a.nii", "sub/b.nii"])
    assert (replaced.status_code, replaced.content) == (200, b"")
    assert (_in_resource(alice, cached), _in_cache(alice)) == ({"a.nii": b"one"}, ["sub/b.nii"])


def test_an_archive_is_taken_apart_if_so_asked(alice: TestClient, cached: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("d/1.dcm", b"slice")
    put_file(alice, f"{CACHE}/up/files/a.zip", out.getvalue())
    data = {"src": "/user/cache/resources/up/files/a.zip", "dest": f"{NII}/files", "extract": "true"}

    reply = alice.post(MOVE, data=data)

    assert reply.status_code == 200
    assert _in_resource(alice, cached) == {"d/1.dcm": b"slice"}
    assert _in_cache(alice) == ["a.nii", "sub/b.nii"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"src": "/user/cache/resources/up/files/a.nii"}, 400),
        ({"dest": f"{NII}/files"}, 400),
        ({"src": f"{NII}/files/a.nii", "dest": f"{NII}/files"}, 400),
        ({"src": "/user/cache/resources/up/files/a.nii", "dest": "/user/cache/resources/other/files"}, 400),
        ({"src": "/user/cache/resources/up/files/a.nii", "dest": "/archive/projects/DEMO"}, 400),
        ({"src": "nonsense", "dest": f"{NII}/files"}, 400),
        ({"src": "/user/cache/resources/up/files/../a.nii", "dest": f"{NII}/files"}, 400),
        ({"src": "/user/cache/resources/up/files/nothing", "dest": f"{NII}/files"}, 404),
        ({"src": "/user/cache/resources/nothing/files/a.nii", "dest": f"{NII}/files"}, 404),
        ({"src": "/user/cache/resources/up/files/a.nii", "dest": "/archive/projects/NONE/resources/NII/files"}, 404),
        ({"src": "/user/cache/resources/up/files/a.nii", "dest": f"{NII}/files/x_catalog.xml"}, 400),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(
    alice: TestClient, cached: str, tmp_path: Path, data: dict[str, str], status: int
) -> None:
    """F-276."""
    assert alice.post(MOVE, data=data).status_code == status
    assert _in_cache(alice) == ["a.nii", "sub/b.nii"]
    assert results(alice, f"{cached}/resources") == []
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 2


def test_nobody_moves_into_what_is_not_theirs(client: Callable[[str], TestClient], cached: str) -> None:
    bob = client("bob")
    put_file(bob, f"{CACHE}/up/files/a.nii", b"bob's")

    reply = bob.post(MOVE, data={"src": "/user/cache/resources/up/files/a.nii", "dest": f"{NII}/files"})

    assert reply.status_code in {403, 404}
    assert bob.get(f"{CACHE}/up/files/a.nii").content == b"bob's"
    assert results(client("alice"), f"{cached}/resources") == []


def _damage(tmp_path: Path, content: bytes) -> Path:
    """Change the bytes of a file behind the archive's back."""
    [path] = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file() and path.read_bytes() == content]
    path.write_bytes(content.swapcase())
    return path


@pytest.fixture
def filled(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    put_file(alice, f"{SESSION}/resources/TEST/files/a.txt", b"text", "tags=t")
    put_file(alice, f"{SESSION}/scans/4/resources/DICOM/files/1.dcm", b"slice")
    return demo


@pytest.mark.parametrize("prefix", ["/archive", "/data/archive", "/REST/archive", "/data", "/REST", ""])
def test_a_damaged_file_is_told_and_marked_and_keeps_its_digest(
    alice: TestClient, filled: str, tmp_path: Path, prefix: str
) -> None:
    """F-273, F-274: a session's catalogs are those of its scans too."""
    digest = results(alice, f"{SESSION}/scans/4/files")[0]["digest"]
    path = _damage(tmp_path, b"slice")
    session = f"{prefix}/experiments/XNAT_E00001"

    found = alice.post(REFRESH, params={"resource": session})
    [row] = results(alice, f"{SESSION}/scans/4/files")
    catalog = alice.get(f"{SESSION}/scans/4/resources/DICOM").text
    path.write_bytes(b"slice")
    mended = alice.post(REFRESH, params={"resource": session, "options": "checksum"})

    assert filled
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["filmroom-damaged"] == "1 of 2 files"
    assert row["digest"] == digest
    assert row["file_tags"] == "DAMAGED=2026-11-21T12:00:00.123"
    assert '<cat:metaField name="DAMAGED">2026-11-21T12:00:00.123</cat:metaField>' in catalog
    assert "filmroom-damaged" not in mended.headers
    assert results(alice, f"{SESSION}/scans/4/files")[0]["file_tags"] == ""


@pytest.mark.usefixtures("filled")
def test_a_file_whose_bytes_are_gone_is_damaged_and_stays_listed(alice: TestClient, tmp_path: Path) -> None:
    _damage(tmp_path, b"text").unlink()

    reply = alice.post(REFRESH, data={"resource": "/archive/experiments/XNAT_E00001/resources/TEST", "checksum": "1"})

    assert reply.headers["filmroom-damaged"] == "1 of 1 files"
    assert results(alice, f"{SESSION}/files")[0]["file_tags"] == "DAMAGED=2026-11-21T12:00:00.123,t"


@pytest.mark.usefixtures("filled")
def test_new_bytes_are_not_damaged(alice: TestClient, tmp_path: Path) -> None:
    _damage(tmp_path, b"slice")
    alice.post(REFRESH, params={"resource": "/archive/experiments/XNAT_E00001"})

    put_file(alice, f"{SESSION}/scans/4/resources/DICOM/files/1.dcm", b"new", "overwrite=true")

    assert results(alice, f"{SESSION}/scans/4/files")[0]["file_tags"] == ""


@pytest.mark.usefixtures("filled")
def test_counters_are_counted_again(alice: TestClient) -> None:
    """F-274: and an empty resource gets its own."""
    alice.put(f"{SESSION}/resources/EMPTY")

    parts = {"resource": (None, "/archive/experiments/XNAT_E00001"), "options": (None, "populateStats,append")}
    reply = alice.post(REFRESH, files=parts)

    counts = {row["label"]: (row["file_count"], row["file_size"]) for row in results(alice, f"{SESSION}/resources")}
    assert reply.status_code == 200
    assert counts == {"TEST": ("1", "4"), "EMPTY": ("0", "0")}


@ON_SQLITE
@pytest.mark.parametrize(
    "query",
    [
        "",
        "resource=",
        "resource=nonsense",
        "resource=/archive/projects/NONE",
        "resource=/archive/experiments/XNAT_E00001/resources/NONE",
        "resource=/archive/experiments/XNAT_E00001/resources/99",
        "resource=/archive/experiments/XNAT_E00001/resources/TEST/files/a.txt",
        "resource=/user/cache/resources/up",
        "resource=/archive/experiments/XNAT_E00001&options=everything",
    ],
)
@pytest.mark.usefixtures("filled")
def test_what_cannot_be_refreshed_is_400(alice: TestClient, query: str) -> None:
    """F-275."""
    assert alice.post(f"{REFRESH}?{query}").status_code == 400


@pytest.mark.usefixtures("filled")
def test_nobody_refreshes_what_is_not_theirs(client: Callable[[str], TestClient]) -> None:
    assert client("bob").post(f"{REFRESH}?resource=/archive/experiments/XNAT_E00001").status_code in {400, 403}


@ON_SQLITE
@pytest.mark.parametrize("field", [b"files/\xff", b"caf\xe9"])
@pytest.mark.parametrize("url", [MOVE, REFRESH])
def test_a_form_that_cannot_be_read_is_400(alice: TestClient, url: str, field: bytes) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="src"\r\n\r\n' + field + b"\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    assert alice.post(url, content=body, headers=headers).status_code == 400


@ON_SQLITE
def test_no_more_is_refreshed_at_once_than_can_be_meant(alice: TestClient, demo: str) -> None:
    same = {"resource": ["/archive/projects/DEMO"] * 500}
    many = {"resource": [f"/archive/projects/DEMO{number}" for number in range(101)]}

    assert demo
    assert [alice.post(REFRESH, params=params).status_code for params in (same, many)] == [200, 400]


def test_the_number_of_a_resource_that_one_may_only_read_refreshes_nothing(
    alice: TestClient, demo: str, client: Callable[[str], TestClient]
) -> None:
    """F-54 lets a number lead anywhere that one may read; a refresh takes the right to edit (F-283)."""
    alice.put(f"{demo}/accessibility/public")
    put_file(alice, f"{demo}/resources/R/files/a")
    number = results(alice, f"{demo}/resources")[0]["xnat_abstractresource_id"]
    client("bob").put("/data/projects/BOBS")

    reply = client("bob").post(f"{REFRESH}?resource=/archive/projects/BOBS/resources/{number}")

    assert reply.status_code == 403
