"""What is inside a stored zip, over HTTP (F-112, F-126)."""

import io
import os
import struct
import zipfile
from collections.abc import Callable, Mapping

import pytest
from starlette.testclient import TestClient

from filmroom.model.errors import UnreadableZip
from zips import saying

FILES = {"readme.TXT": b"read me", "sub/deep/a.dcm": b"voxels", "sub/page.html": b"<p>", "caf\u00e9 100%.png": b"png"}
LARGE = os.urandom(3_000_000)


def _zip(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.mkdir("sub")
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _encrypted(files: Mapping[str, bytes]) -> bytes:
    raw = bytearray(_zip(files))
    raw[raw.rindex(b"PK\1\2") + 8] |= 1  # APPNOTE 4.4.4
    return bytes(raw)


@pytest.fixture
def files(alice: TestClient, demo: str) -> str:
    """The URL of files among which are zips."""
    url = f"{demo}/resources/R/files"
    for path in ("a.zip", "folder/B.ZIP", "c.jar"):
        assert alice.put(f"{url}/{path}?inbody=true", content=_zip(FILES)).status_code == 200
    return url


@pytest.mark.parametrize("zip_path", ["a.zip", "folder/B.ZIP", "c.jar"])
@pytest.mark.parametrize("into", ["!/", "!", "/"])
@pytest.mark.parametrize(
    ("member", "media_type"),
    [
        ("readme.TXT", "text/plain"),
        ("sub/deep/a.dcm", "application/octet-stream"),
        ("sub/page.html", "text/html"),
        ("caf%C3%A9%20100%25.png", "image/png"),
    ],
)
def test_a_member_of_a_zip_is_served_by_its_own_type(
    alice: TestClient, files: str, zip_path: str, into: str, member: str, media_type: str
) -> None:
    """F-126."""
    reply = alice.get(f"{files}/{zip_path}{into}{member}")

    assert reply.status_code == 200
    assert reply.content in FILES.values()
    assert reply.headers["content-type"] == media_type
    assert reply.headers["content-length"] == str(len(reply.content))
    # Ours: upstream shows members in place, so that a page in a zip could act in the name of whoever opens it.
    assert reply.headers["content-disposition"].startswith("attachment; ")
    assert reply.headers["content-security-policy"].startswith("sandbox;")


def test_a_member_is_found_without_its_resource_too(alice: TestClient, demo: str, files: str) -> None:
    """F-100, F-126."""
    assert files == f"{demo}/resources/R/files"

    assert alice.get(f"{demo}/files/a.zip!/readme.TXT").content == b"read me"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_large_member_is_streamed(alice: TestClient, files: str, method: int) -> None:
    alice.put(f"{files}/large.zip?inbody=true", content=_zip({"x": b"", "large.bin": LARGE}, method))

    reply = alice.get(f"{files}/large.zip/large.bin")

    assert reply.content == LARGE
    assert reply.headers["content-length"] == "3000000"


def test_head_tells_of_a_member_without_its_bytes(alice: TestClient, files: str) -> None:
    alice.put(f"{files}/large.zip?inbody=true", content=_zip({"large.bin": LARGE}))

    small, large = alice.head(f"{files}/a.zip!/readme.TXT"), alice.head(f"{files}/large.zip!large.bin")

    assert (small.status_code, small.headers["content-length"], small.content) == (200, "7", b"")
    assert (large.status_code, large.headers["content-length"], large.content) == (200, "3000000", b"")


def test_a_stored_file_of_that_path_wins(alice: TestClient, files: str) -> None:
    alice.put(f"{files}/a.zip!/readme.TXT?inbody=true", content=b"stored")

    assert alice.get(f"{files}/a.zip!/readme.TXT").content == b"stored"
    assert alice.get(f"{files}/a.zip/readme.TXT").content == b"read me"


def test_a_folder_may_be_called_like_a_zip(alice: TestClient, demo: str) -> None:
    url = f"{demo}/resources/R/files"
    alice.put(f"{url}/x.zip/y.zip?inbody=true", content=_zip(FILES))

    assert alice.get(f"{url}/x.zip/y.zip/readme.TXT").content == b"read me"


@pytest.mark.parametrize(
    "path",
    [
        "a.zip!/none",
        "a.zip/none",
        "a.zip!README.txt",
        "a.zip!/sub",
        "a.zip/readme.TXT/x",
        "none.zip!/a",
        "a.zip!",
        "a.tar!/a",
    ],
)
def test_what_is_not_in_a_zip_is_not_found(alice: TestClient, files: str, path: str) -> None:
    """F-98, F-126: names are matched exactly, and a folder is no member."""
    assert alice.get(f"{files}/{path}").status_code == 404
    assert alice.get(f"{files}/{path}?accept-not-found=true").status_code == 204


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("said_bytes", [2 * 2**20, 2 * 2**20 + 2, len(LARGE) - 1, len(LARGE) + 1])
def test_a_large_member_that_is_longer_or_shorter_than_it_says_is_broken_off(
    alice: TestClient, files: str, method: int, said_bytes: int
) -> None:
    """As writers without zip64 leave behind what is larger than 4 GiB."""
    alice.put(f"{files}/bad.zip?inbody=true", content=saying(said_bytes, _zip({"large.bin": LARGE}, method)))

    with pytest.raises(UnreadableZip):
        alice.get(f"{files}/bad.zip!large.bin")


@pytest.mark.parametrize(
    "content",
    [
        _encrypted({"large.bin": LARGE}),
        _zip({"large.bin": LARGE}, zipfile.ZIP_BZIP2),
        _zip({"large.bin": LARGE}).replace(b"PK\3\4", b"PK\3\5"),
    ],
    ids=["encrypted", "another method", "elsewhere"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_member_that_cannot_be_opened_is_told_so_before_anything_is_sent(
    alice: TestClient, files: str, content: bytes, method: str
) -> None:
    """F-126."""
    alice.put(f"{files}/bad.zip?inbody=true", content=content)

    assert alice.request(method, f"{files}/bad.zip!large.bin").status_code == 415


UNREADABLE = {
    "text": b"no zip at all",
    "nothing": b"",
    "a cut zip": _zip(FILES)[:-30],
    "an encrypted member": _encrypted({"a": b"secret"}),
    "another method": _zip({"a": b"x" * 100}, zipfile.ZIP_BZIP2),
    "a broken member": _zip({"a": b"one"}, zipfile.ZIP_STORED).replace(b"one", b"oNe"),
    "a member that is longer than it says": saying(2, _zip({"a": b"one"})),
    "a member that is shorter than it says": saying(4, _zip({"a": b"one"})),
    "more entries than the limit": _zip({str(number): b"" for number in range(100)} | {"a": b""}),
    "an end without a directory": struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 2**31, 0, 0),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_looked_into_is_told_so(alice: TestClient, files: str, content: bytes) -> None:
    """F-126."""
    alice.put(f"{files}/bad.zip?inbody=true", content=content)

    reply = alice.get(f"{files}/bad.zip!/a")

    assert reply.status_code == 415
    assert "is no zip that can be looked into" in reply.text


def test_whoever_may_not_read_the_zip_may_not_look_into_it(client: Callable[[str], TestClient], files: str) -> None:
    client("alice").put("/data/projects/DEMO/accessibility/private")
    bob = client("bob")

    replies = [bob.get(f"{files}/{path}") for path in ("a.zip", "a.zip!/readme.TXT", "a.zip?listContents=true")]

    assert [reply.status_code for reply in replies] == [404, 404, 404]


def test_contents_are_listed_byte_for_byte(alice: TestClient, demo: str) -> None:
    """F-112, F-171 to F-175: folders are left out."""
    url = f"{demo}/resources/R/files/a.zip"
    alice.put(f"{url}?inbody=true", content=_zip({"b/a.txt": b"test", "c": b""}))

    as_json = alice.get(f"{url}?listContents=true").text
    as_csv = alice.get(f"{url}?listContents=true&format=csv").text
    as_xml = alice.get(f"{url}?listContents=true&format=xml").text
    as_html = alice.get(f"{url}?listContents=true&format=html").text

    assert as_json == (
        '{"ResultSet":{"Result":[{"Size":"4","File Name":"b/a.txt"},{"Size":"0","File Name":"c"}], "title": "Files"}}'
    )
    assert as_csv == "File Name,Size\nb/a.txt,4\nc,0\n"
    assert '<ResultSet title="Files">' in as_xml
    assert "<row><cell>b/a.txt</cell><cell>4</cell></row>" in as_xml
    assert "<th>File Name</th><th>Size</th>" in as_html


def test_contents_can_be_sorted(alice: TestClient, files: str) -> None:
    listed = alice.get(f"{files}/a.zip?listContents=true&sortBy=Size&sortOrder=desc").json()["ResultSet"]["Result"]

    assert [int(row["Size"]) for row in listed] == [7, 6, 3, 3]


def test_contents_are_listed_of_a_file_by_its_number(alice: TestClient, demo: str) -> None:
    """F-103, F-112."""
    alice.put(f"{demo}/resources/R/files/a.ZIP?inbody=true", content=_zip({"x": b""}))

    reply = alice.get(f"{demo}/resources/R/files?index=0&listContents=true&format=csv")

    assert reply.text == "File Name,Size\nx,0\n"


def test_contents_of_what_is_no_zip_cannot_be_listed(alice: TestClient, files: str) -> None:
    alice.put(f"{files}/bad.mrb?inbody=true", content=b"no zip")

    assert alice.get(f"{files}/bad.mrb?listContents=true").status_code == 415
    assert alice.get(f"{files}/bad.mrb?listContents=false").content == b"no zip"


def test_a_file_of_another_name_is_served_as_it_is(alice: TestClient, files: str) -> None:
    """Ours: by the end of the name, so that notes about a zip are no zip."""
    alice.put(f"{files}/a.zip.txt?inbody=true", content=b"notes")

    reply = alice.get(f"{files}/a.zip.txt?listContents=true")

    assert reply.content == b"notes"
    assert reply.headers["filmroom-ignored"] == "listContents"
