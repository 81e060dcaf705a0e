"""Uploads over HTTP (files-api section 8); what needs a real connection is in ``tests/server``."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient


def _files(alice: TestClient, demo: str, resource: str = "R") -> dict[str, str]:
    """Names by path, with their digests."""
    rows = alice.get(f"{demo}/resources/{resource}/files").json()["ResultSet"]["Result"]
    return {row["URI"].split("/files/", 1)[1]: row["digest"] for row in rows}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_body_is_stored_whole_under_its_path(alice: TestClient, demo: str, method: str) -> None:
    """F-138, F-143, F-241: sub-folders and resource come by themselves; the answer is 200 and nothing."""
    content = bytes(range(256)) * 10_000

    reply = alice.request(method, f"{demo}/resources/R/files/deep/er/a.bin?inbody=true", content=content)

    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-type"] == "text/plain; charset=ISO-8859-1"
    assert alice.get(f"{demo}/resources/R/files/deep/er/a.bin").content == content
    assert _files(alice, demo) == {"deep/er/a.bin": _md5(content)}


@pytest.mark.parametrize(
    "media_type", ["application/octet-stream", "application/json", "application/xml", "text/plain", "made/up; a=b"]
)
def test_any_type_that_is_no_form_needs_no_inbody(alice: TestClient, demo: str, media_type: str) -> None:
    """F-132, liberally."""
    reply = alice.put(f"{demo}/resources/R/files/a", content=b"{}", headers={"Content-Type": media_type})

    assert reply.status_code == 200
    assert _files(alice, demo) == {"a": _md5(b"{}")}


@pytest.mark.parametrize("query", ["?inbody=true", "?inbody=", "?inbody"])
def test_an_empty_body_makes_an_empty_file(alice: TestClient, demo: str, query: str) -> None:
    """F-134, F-125."""
    reply = alice.put(f"{demo}/resources/R/files/empty{query}", content=b"")

    assert reply.status_code == 200
    downloaded = alice.get(f"{demo}/resources/R/files/empty")
    assert (downloaded.content, downloaded.headers["content-length"]) == (b"", "0")


def test_a_form_body_with_inbody_is_the_file(alice: TestClient, demo: str) -> None:
    """What ``curl --data-binary`` sends."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"a=b", headers=headers)

    assert alice.get(f"{demo}/resources/R/files/a").content == b"a=b"


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 400),
        ("?inbody=false", {}, 400),
        ("", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("?inbody=true", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("", {"Content-Type": "multipart/form-data"}, 400),
        ("", {"Content-Type": "multipart/form-data; boundary="}, 400),
    ],
)
def test_a_body_that_is_no_upload_stores_nothing(
    alice: TestClient, demo: str, query: str, headers: dict[str, str], status: int
) -> None:
    """F-133, F-135, F-136."""
    reply = alice.put(f"{demo}/resources/R/files/a{query}", content=b"x", headers=headers)

    assert reply.status_code == status
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


def test_every_part_with_a_filename_is_a_file(alice: TestClient, demo: str) -> None:
    """F-135, F-139: whatever the fields are called; folders of either slash are dropped."""
    parts = [
        ("file", ("one.txt", b"1")),
        ("image_archive", ("C:\\dir\\two.txt", b"22")),
        ("x", ("a/b/three.txt", b"")),
    ]

    reply = alice.post(f"{demo}/resources/R/files", files=parts, data={"note": "not a file"})

    assert reply.status_code == 200
    assert _files(alice, demo) == {"one.txt": _md5(b"1"), "two.txt": _md5(b"22"), "three.txt": _md5(b"")}


def test_parts_that_are_large_arrive_whole(alice: TestClient, demo: str) -> None:
    contents = {f"{number}.bin": bytes([number]) * 3_000_000 + b"\r\n--" for number in range(3)}

    alice.post(f"{demo}/resources/R/files", files=[("f", pair) for pair in contents.items()])

    assert _files(alice, demo) == {name: _md5(content) for name, content in contents.items()}


@pytest.mark.parametrize(("query", "kept", "word"), [("", b"first", "partly"), ("?overwrite=true", b"second", None)])
def test_of_several_parts_for_one_path_one_wins(
    alice: TestClient, demo: str, query: str, kept: bytes, word: str | None
) -> None:
    """F-138: the first; with ``overwrite`` the last."""
    parts = [("f", ("a", b"first")), ("f", ("b", b"second"))]

    reply = alice.post(f"{demo}/resources/R/files/one{query}", files=parts)

    assert reply.status_code == 200
    assert alice.get(f"{demo}/resources/R/files/one").content == kept
    assert reply.headers.get("filmroom-stored") == word


def test_a_broken_multipart_body_stores_none_of_its_parts(alice: TestClient, demo: str) -> None:
    whole = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1\r\n'
    cut = b'--x\r\nContent-Disposition: form-data; name="f"; filename="b"\r\n\r\n2'

    reply = alice.post(
        f"{demo}/resources/R/files", content=whole + cut, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )

    assert reply.status_code == 400
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


def test_one_bad_name_among_parts_stores_none_of_them(alice: TestClient, demo: str) -> None:
    parts = [("f", ("good", b"1")), ("f", ("x_catalog.xml", b"2"))]

    reply = alice.post(f"{demo}/resources/R/files", files=parts)

    assert reply.status_code == 400
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("text/plain", "upload.txt"), ("application/dicom", "upload.dcm"), ("application/octet-stream", "upload")],
)
def test_a_body_without_a_name_is_called_by_its_type(alice: TestClient, demo: str, media_type: str, name: str) -> None:
    """F-139."""
    alice.put(f"{demo}/resources/R/files", content=b"x", headers={"Content-Type": media_type})

    assert list(_files(alice, demo)) == [name]


def test_a_name_that_is_taken_is_kept_and_told(alice: TestClient, demo: str) -> None:
    """F-142, F-326, byte for byte; and in headers what 200 does not say."""
    url = f"{demo}/resources/R/files/d/%3Ca%3E.txt?inbody=true"
    alice.put(url, content=b"old")

    other, same = alice.put(url, content=b"new"), alice.put(url, content=b"old")

    assert (other.status_code, other.text) == (200, '{"duplicates":["d/\\u003Ca\\u003E.txt"]}')
    assert other.headers["content-type"] == "text/html"
    assert [reply.headers["filmroom-stored"] for reply in (other, same)] == ["no", "same"]
    assert _files(alice, demo) == {"d/<a>.txt": _md5(b"old")}


def test_overwrite_replaces_and_says_no_more_than_creating(alice: TestClient, demo: str) -> None:
    """F-143, F-144, F-153."""
    url = f"{demo}/resources/R/files/a"
    alice.put(f"{url}?inbody=true", content=b"longer than before")

    reply = alice.put(f"{url}?inbody=true&overwrite=true", content=b"new")

    row = alice.get(f"{demo}/resources").json()["ResultSet"]["Result"][0]
    assert (reply.status_code, reply.content) == (200, b"")
    assert "filmroom-stored" not in reply.headers
    assert alice.get(url).content == b"new"
    assert (row["file_count"], row["file_size"]) == ("1", "3")


def test_what_is_said_goes_to_the_file_and_to_the_resource(alice: TestClient, demo: str) -> None:
    """F-151: tags of an upload are not split, and the resource collects them."""
    alice.put(f"{demo}/resources/R/files/a?inbody=true&format=U&content=U&tags=a,b", content=b"")
    alice.put(f"{demo}/resources/R/files/b?inbody=true&format=V&tags=c", content=b"")

    files = alice.get(f"{demo}/files").json()["ResultSet"]["Result"]
    resource = alice.get(f"{demo}/resources").json()["ResultSet"]["Result"][0]

    assert [(row["file_format"], row["file_content"], row["file_tags"]) for row in files] == [
        ("U", "U", "a,b"),
        ("V", "", "c"),
    ]
    assert (resource["format"], resource["content"], resource["tags"]) == ("V", "U", "a,b,c")


def test_a_file_without_a_resource_goes_to_the_first_one(alice: TestClient, demo: str) -> None:
    """F-147."""
    alice.put(f"{demo}/files/a?inbody=true", content=b"x")
    alice.put(f"{demo}/files/b?inbody=true", content=b"y")

    assert list(_files(alice, demo, "NO_LABEL")) == ["a", "b"]
    assert alice.get(f"{demo}/files/b").content == b"y"


def test_an_upload_to_a_number_that_is_none_is_404(alice: TestClient, demo: str) -> None:
    """F-148."""
    reply = alice.put(f"{demo}/resources/77/files/a?inbody=true", content=b"x")

    assert reply.status_code == 404


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("%2E%2E/x", ". or .."),
        ("a/%2e%2e/x", ". or .."),
        ("a%2F..%2F..%2Fx", ". or .."),
        ("a//b", "empty"),
        ("//a", "empty"),
        ("a%2F%2Fb", "empty"),
        ("a%00b", "NUL"),
        ("%FF%FE", "UTF-8"),
        ("x" * 256, "255 bytes"),
        ("%C3%A9" * 128, "255 bytes"),
        ("/".join(["x" * 200] * 11), "2048 bytes"),
        ("DICOM_catalog.xml", "_catalog.xml"),
        ("a/.~lock-x", ".~lock-"),
        ("folder/", "folder"),
    ],
)
def test_a_bad_path_is_400_and_says_which_rule(alice: TestClient, demo: str, path: str, rule: str) -> None:
    reply = alice.put(f"{demo}/resources/R/files/{path}?inbody=true", content=b"x")

    assert reply.status_code == 400
    assert rule in reply.text
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


@pytest.mark.parametrize("query", ["inbody=true&format=%FF", "inbody=true&x=%00", "inbody=true&%FE=1"])
def test_a_parameter_that_is_no_text_is_400(alice: TestClient, demo: str, query: str) -> None:
    reply = alice.put(f"{demo}/resources/R/files/a?{query}", content=b"x")

    assert reply.status_code == 400
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_name_cannot_be_both_file_and_folder(alice: TestClient, demo: str, first: str, second: str) -> None:
    alice.put(f"{demo}/resources/R/files/{first}?inbody=true", content=b"x")

    reply = alice.put(f"{demo}/resources/R/files/{second}?inbody=true", content=b"y")

    assert reply.status_code == 409
    assert list(_files(alice, demo)) == [first]


@pytest.mark.parametrize(
    "path",
    [
        "a b.txt",
        "a+b.txt",
        "a&b.txt",
        "a;b,c=d.txt",
        "100%25.txt",
        "a%2523b",
        "%C3%A9%F0%9F%A7%A0.nii",
        "~$x'\"",
        "-",
        "...",
    ],
)
def test_an_unusual_name_is_stored_listed_and_found_as_listed(alice: TestClient, demo: str, path: str) -> None:
    """F-6, F-109, F-232: a URI of a listing, sent back as it is, finds its file."""
    alice.put(f"{demo}/resources/R/files/{path}?inbody=true", content=path.encode())

    uri = alice.get(f"{demo}/files").json()["ResultSet"]["Result"][0]["URI"]

    assert alice.get(f"{demo}/resources/R/files/{path}").content == path.encode()
    assert alice.get(uri).content == path.encode()
    assert alice.delete(uri).status_code == 200


def test_files_of_the_server_itself_cannot_be_named(alice: TestClient, demo: str) -> None:
    """F-160."""
    reply = alice.put(f"{demo}/resources/R/files?reference=/etc/passwd&overwrite=True")

    assert reply.status_code == 403
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


def test_an_upload_to_what_one_may_not_see_is_404_and_stores_nothing(
    client: Callable[[str], TestClient], alice: TestClient, demo: str
) -> None:
    alice.put(f"{demo}/accessibility/private")

    reply = client("bob").put(f"{demo}/resources/R/files/a?inbody=true", content=b"x")

    assert reply.status_code == 404
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []


def test_a_part_of_a_file_is_not_taken_for_the_whole(alice: TestClient, demo: str) -> None:
    """RFC 9110 section 14.5."""
    headers = {"Content-Range": "bytes 5-9/10"}

    reply = alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"world", headers=headers)

    assert reply.status_code == 400


def test_a_filename_in_the_other_spelling_is_heard(alice: TestClient, demo: str) -> None:
    """Older clients send ``filename*``; a file must not get lost in a 200."""
    body = b"--x\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''h%C3%A9.txt\r\n\r\nhello\r\n--x--\r\n"

    alice.post(f"{demo}/resources/R/files", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})

    assert list(_files(alice, demo)) == ["h\u00e9.txt"]


@pytest.mark.parametrize("name", ["..", "x_catalog.xml", "y" * 300])
def test_a_part_with_a_bad_name_leaves_no_bytes_behind(alice: TestClient, demo: str, tmp_path: Path, name: str) -> None:
    alice.post(f"{demo}/resources/R/files", files=[("f", ("good", b"1")), ("f", (name, b"2"))])

    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("query", ["method=x", "format=DICOM&tags=T", "xnat:resourceCatalog/content=C"])
def test_what_an_upload_asks_for_is_not_called_ignored(alice: TestClient, demo: str, query: str) -> None:
    reply = alice.put(f"{demo}/resources/R/files/a?inbody=true&{query}&nonsense=1", content=b"scan")

    assert (reply.status_code, reply.headers["filmroom-ignored"]) == (200, "nonsense")
