"""The user cache (files-api section 12): what it does, and that it is one's own."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

CACHE = "/data/user/cache/resources"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _put(client: TestClient, path: str, content: bytes = b"voxels") -> None:
    assert client.put(f"{CACHE}/{path}?inbody=true", content=content).status_code == 200


def _names(client: TestClient, folder: str) -> list[str]:
    reply = client.get(f"{CACHE}/{folder}/files?format=json")
    return [row["Name"] for row in reply.json()["ResultSet"]["Result"]]


@pytest.fixture
def uploads(alice: TestClient) -> str:
    """A folder of Alice's with a file, a file in a folder, and an empty folder."""
    _put(alice, "uploads/files/test.txt", b"test")
    _put(alice, "uploads/files/sub/a,b.txt", b"comma")
    assert alice.put(f"{CACHE}/uploads/empty").status_code == 200
    return f"{CACHE}/uploads"


def test_folders_are_listed_in_four_formats(alice: TestClient, uploads: str) -> None:
    """F-263."""
    uri = uploads

    assert alice.get(f"{CACHE}?format=json").text == (
        '{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],'
        f'"Result":[{{"Resource":"uploads","URI":"{uri}"}}], "totalRecords": "1"}}}}'
    )
    assert alice.get(f"{CACHE}?format=csv").text == f"Resource,URI\nuploads,{uri}\n"
    assert alice.get(CACHE).text == (
        '<ResultSet totalRecords="1"><results><columns><column>Resource</column>'
        '<column serverRoot="">URI</column></columns>\n'
        f"<rows><row><cell>uploads</cell><cell>{uri}</cell></row>\n</rows></results></ResultSet>"
    )
    html = alice.get(CACHE, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}).text
    assert f"<td>uploads</td><td><a href='{uri}'>{uri}</a></td>" in html


@pytest.mark.parametrize("suffix", ["", "/files", "/", "/files/"])
def test_files_of_a_folder_are_listed_with_all_that_is_below(alice: TestClient, uploads: str, suffix: str) -> None:
    """F-264."""
    listed = alice.get(f"{uploads}{suffix}?format=json").text

    assert listed == (
        '{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":['
        f'{{"Size":"5","URI":"{uploads}/files/sub/a,b.txt","Name":"sub/a,b.txt"}},'
        f'{{"Size":"4","URI":"{uploads}/files/test.txt","Name":"test.txt"}}], "totalRecords": "2"}}}}'
    )


@ON_SQLITE
def test_uris_keep_the_mount_that_the_request_came_by(alice: TestClient, uploads: str) -> None:
    listed = alice.get("/REST/user/cache/resources/uploads/files?format=csv").text

    assert uploads in "/data/user/cache/resources/uploads"
    assert "/REST/user/cache/resources/uploads/files/test.txt\n" in listed
    assert "/REST/user/cache/resources/uploads\n" in alice.get("/REST/user/cache/resources?format=csv").text


def test_a_file_comes_back_as_it_was_put(alice: TestClient, uploads: str) -> None:
    """F-265, and section 7's headers."""
    reply = alice.get(f"{uploads}/files/test.txt")

    assert (reply.status_code, reply.content) == (200, b"test")
    assert reply.headers["content-disposition"] == 'attachment; filename="test.txt";'
    assert alice.get(f"{uploads}/files/sub/a,b.txt").content == b"comma"
    assert alice.head(f"{uploads}/files/test.txt").headers["content-length"] == "4"


def test_a_file_is_always_replaced(alice: TestClient, uploads: str) -> None:
    """F-267."""
    first = alice.put(f"{uploads}/files/test.txt?inbody=true", content=b"second")
    second = alice.put(f"{uploads}/files/test.txt", files={"file": ("other name.txt", b"third")})

    assert [(reply.status_code, reply.content) for reply in (first, second)] == [(200, b""), (200, b"")]
    assert alice.get(f"{uploads}/files/test.txt").content == b"third"
    assert _names(alice, "uploads") == ["sub/a,b.txt", "test.txt"]


def test_a_form_is_posted_under_its_own_names(alice: TestClient, uploads: str) -> None:
    """F-268."""
    parts = [("a", ("C:\\scans\\1.dcm", b"one")), ("b", ("2.dcm", b"two"))]

    reply = alice.post(f"{uploads}/files", files=parts)
    below = alice.post(f"{uploads}/files/sub/deep/", files=parts)

    assert [(one.status_code, one.content) for one in (reply, below)] == [(201, b""), (201, b"")]
    assert _names(alice, "uploads") == ["1.dcm", "2.dcm", "sub/a,b.txt", "sub/deep/1.dcm", "sub/deep/2.dcm", "test.txt"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/uploads/files?inbody=true", {"content": b"x"}),
        ("/uploads/files", {"content": b"x", "headers": {"Content-Type": "application/octet-stream"}}),
        ("/uploads/files/test.txt", {"files": {"file": ("1.dcm", b"x")}}),
        ("", {"files": {"file": ("1.dcm", b"x")}}),
    ],
)
@pytest.mark.usefixtures("uploads")
def test_what_cannot_be_posted_is_400(alice: TestClient, path: str, request_: dict[str, object]) -> None:
    """F-268."""
    assert alice.post(f"{CACHE}{path}", **request_).status_code == 400  # type: ignore[arg-type]
    assert _names(alice, "uploads") == ["sub/a,b.txt", "test.txt"]


def test_folders_and_folders_in_them_are_made_once(alice: TestClient) -> None:
    """F-266: 412 for what is there, whether it was made or came with a file."""
    made = [alice.put(f"{CACHE}/{path}").status_code for path in ("new", "new/a/b", "other/c")]
    again = [alice.put(f"{CACHE}/{path}").status_code for path in ("new", "new/a", "new/a/b/", "other/c")]
    _put(alice, "new/files/d/1.dcm")

    assert made == [200, 200, 200]
    assert again == [412, 412, 412, 412]
    assert alice.put(f"{CACHE}/new/d").status_code == 412
    assert _names(alice, "other") == []


def test_one_name_is_never_both_a_file_and_a_folder(alice: TestClient, uploads: str) -> None:
    statuses = [
        alice.put(f"{uploads}/test.txt").status_code,
        alice.put(f"{uploads}/test.txt/below").status_code,
        alice.put(f"{uploads}/files/empty?inbody=true", content=b"x").status_code,
        alice.put(f"{uploads}/files/sub?inbody=true", content=b"x").status_code,
        alice.put(f"{uploads}/files/test.txt/below?inbody=true", content=b"x").status_code,
    ]

    assert statuses == [409, 409, 409, 409, 409]
    assert _names(alice, "uploads") == ["sub/a,b.txt", "test.txt"]


def test_a_label_of_digits_is_a_label_here(alice: TestClient) -> None:
    _put(alice, "2024/files/a.txt")

    assert _names(alice, "2024") == ["a.txt"]
    assert alice.delete(f"{CACHE}/2024").status_code == 200
    assert alice.get(f"{CACHE}/2024").status_code == 404


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("test.txt", ["sub/a,b.txt"]),
        ("sub/a,b.txt", ["test.txt"]),
        ("sub", ["test.txt"]),
        ("sub/", ["test.txt"]),
        ("empty", ["sub/a,b.txt", "test.txt"]),
        ("test.txt,sub", []),
        ("test.txt, empty", ["sub/a,b.txt"]),
    ],
)
def test_files_folders_and_lists_of_them_are_deleted(
    alice: TestClient, uploads: str, path: str, left: list[str]
) -> None:
    """F-270."""
    reply = alice.delete(f"{uploads}/files/{path}")

    assert (reply.status_code, reply.content) == (200, b"")
    assert _names(alice, "uploads") == left
    assert alice.delete(f"{uploads}/files/{path}").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/uploads/files/test.txt,nothing", 404),
        ("/uploads/files/tes", 404),
        ("/uploads/files/nothing", 404),
        ("/nothing/files/test.txt", 404),
        ("/nothing", 404),
        ("/uploads/files", 400),
        ("", 400),
    ],
)
@pytest.mark.usefixtures("uploads")
def test_a_deletion_that_cannot_be_done_whole_does_nothing(alice: TestClient, path: str, status: int) -> None:
    """F-270."""
    assert alice.delete(f"{CACHE}{path}").status_code == status
    assert _names(alice, "uploads") == ["sub/a,b.txt", "test.txt"]


def test_a_folder_is_deleted_with_all_in_it_and_its_name_is_free(alice: TestClient, uploads: str) -> None:
    assert alice.delete(uploads).status_code == 200
    assert alice.get(uploads).status_code == 404
    assert alice.put(uploads).status_code == 200
    assert _names(alice, "uploads") == []


@pytest.mark.parametrize("path", ["files/nothing", "files/sub", "files/empty", "files/test.txt/x"])
def test_what_is_no_file_is_404(alice: TestClient, uploads: str, path: str) -> None:
    """F-265."""
    assert alice.get(f"{uploads}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("", ["sub/a,b.txt", "test.txt"]),
        ("/files", ["sub/a,b.txt", "test.txt"]),
        ("/files/sub", ["sub/a,b.txt"]),
        ("/files/sub/a,b.txt", ["sub/a,b.txt"]),
        ("/files/test.txt,nothing,sub", ["sub/a,b.txt", "test.txt"]),
    ],
)
def test_a_folder_or_parts_of_it_leave_as_a_zip(alice: TestClient, uploads: str, path: str, members: list[str]) -> None:
    """F-264, F-265."""
    reply = alice.get(f"{uploads}{path}?format=zip")

    assert reply.headers["content-disposition"] == 'attachment; filename="uploads.zip";'
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.namelist() == members


@ON_SQLITE
@pytest.mark.parametrize("path", ["uploads/files/nothing", "nothing", "uploads/empty/files"])
@pytest.mark.usefixtures("uploads")
def test_a_zip_of_nothing_is_404(alice: TestClient, path: str) -> None:
    assert alice.get(f"{CACHE}/{path}?format=zip").status_code in {404, 405}


def _tar_gz(names: list[str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return out.getvalue()


def _zip(names: list[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return out.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("a.tar.gz", _tar_gz), ("a.zip", _zip)])
@pytest.mark.parametrize("said", ["query", "field"])
def test_an_archive_is_unpacked_into_the_folder(
    alice: TestClient, name: str, pack: Callable[[list[str]], bytes], said: str
) -> None:
    """F-269."""
    query, data = ("?extract=true", {}) if said == "query" else ("", {"extract": "true"})

    reply = alice.post(f"{CACHE}/mr/files{query}", data=data, files={"file": (name, pack(["1.dcm", "d/2.dcm"]))})

    assert reply.status_code == 201
    assert _names(alice, "mr") == ["1.dcm", "d/2.dcm"]


def test_a_broken_archive_leaves_nothing(alice: TestClient) -> None:
    reply = alice.put(f"{CACHE}/mr/files/a.tar.gz?extract=true&inbody=true", content=_tar_gz(["1.dcm"])[:-20])

    assert reply.status_code == 422
    assert alice.get(f"{CACHE}/mr").status_code == 404


def test_nobody_sees_the_cache_of_another(alice: TestClient, client: Callable[[str], TestClient], uploads: str) -> None:
    """F-261: not even an administrator reaches it by this address."""
    for login in ("bob", "admin"):
        other = client(login)
        assert other.get(f"{CACHE}?format=csv").text == "Resource,URI\n"
        assert other.get(f"{uploads}/files/test.txt").status_code == 404
        assert other.delete(uploads).status_code == 404
        _put(other, "uploads/files/test.txt", login.encode())
    assert alice.get(f"{uploads}/files/test.txt").content == b"test"


@ON_SQLITE
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_nobody_has_no_cache(client: Callable[[str], TestClient], method: str) -> None:
    assert client("").request(method, f"{CACHE}/uploads").status_code == 401


@ON_SQLITE
@pytest.mark.parametrize("label", ["%2e%2e", "%2e", "a%5Cb", "NULL", "x" * 65, "a%2Fb", "a,b"])
def test_a_folder_cannot_be_called_so(alice: TestClient, label: str) -> None:
    assert alice.put(f"{CACHE}/{label}").status_code == 400
    assert alice.put(f"{CACHE}/{label}/files/a?inbody=true", content=b"x").status_code == 400
    assert alice.get(f"{CACHE}?format=csv").text == "Resource,URI\n"


@ON_SQLITE
@pytest.mark.parametrize("path", ["%2e%2e/x", "a/%2e%2e/%2e%2e/x", "a//b", "%2e/x", "a%2F%2e%2e%2Fx"])
def test_no_path_leads_out_of_a_folder(alice: TestClient, uploads: str, path: str) -> None:
    statuses = {
        alice.put(f"{uploads}/files/{path}?inbody=true", content=b"x").status_code,
        alice.delete(f"{uploads}/files/{path}").status_code,
    }

    assert statuses <= {400, 404, 405}
    assert _names(alice, "uploads") == ["sub/a,b.txt", "test.txt"]


def test_sub_folders_of_a_new_folder_can_be_made_at_once(alice: TestClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = pool.map(lambda number: alice.put(f"{CACHE}/new/sub{number}").status_code, range(4))

    assert list(statuses) == [200] * 4
