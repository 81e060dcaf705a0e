"""Files over HTTP: listed, folded, deleted (files-api sections 6 and 9)."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest
from starlette.testclient import TestClient

from conftest import Clock


@pytest.fixture
def filled(alice: TestClient, demo: str) -> str:
    """The URL of a resource with files in folders."""
    url = f"{demo}/resources/R"
    for path in ("sub/2.dcm", "sub/folder/3.dcm", "1.dcm", "subway.dcm", "scan1/a", "scan10.dcm"):
        alice.put(f"{url}/files/{path}?inbody=true", content=path.encode())
    return url


def _paths(alice: TestClient, url: str) -> list[str]:
    return [row["URI"].split("/files/", 1)[1] for row in alice.get(url).json()["ResultSet"]["Result"]]


def test_the_list_is_what_the_wire_says_byte_for_byte(alice: TestClient, demo: str) -> None:
    """F-104 to F-109, F-322, F-324."""
    alice.put(f"{demo}/resources/TEST/files/a.txt?inbody=true", content=b"test")

    as_json = alice.get(f"{demo}/files").text
    as_csv = alice.get(f"{demo}/resources/TEST/files?format=csv").text

    assert as_json == (
        '{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":[{"file_content":"","Size":"4",'
        '"file_tags":"","cat_ID":"1","digest":"098f6bcd4621d373cade4e832627b4f6","collection":"TEST",'
        '"URI":"/data/projects/DEMO/resources/1/files/a.txt","file_format":"","Name":"a.txt"}], "title": "Files"}}'
    )
    assert as_csv == (
        "Name,Size,URI,collection,file_tags,file_format,file_content,cat_ID,digest\n"
        "a.txt,4,/data/projects/DEMO/resources/1/files/a.txt,TEST,,,,1,098f6bcd4621d373cade4e832627b4f6\n"
    )


def test_files_come_by_resource_and_path(alice: TestClient, demo: str) -> None:
    """F-108, in a fixed order: by code point, whatever the language of the host."""
    for path in ("2/b", "2/B", "2/\u00e9", "1/z", "2/a"):
        alice.put(f"{demo}/resources/R{path[0]}/files/{path[2:]}?inbody=true", content=b"")

    assert _paths(alice, f"{demo}/files") == ["B", "a", "b", "\u00e9", "z"]


def test_an_unknown_label_lists_nothing_and_holds_nothing(alice: TestClient, demo: str) -> None:
    """F-95a, F-98, F-240."""
    listed = alice.get(f"{demo}/resources/NONE/files")

    assert (listed.status_code, listed.json()["ResultSet"]["Result"]) == (200, [])
    assert alice.get(f"{demo}/resources/NONE/files/a").status_code == 404
    assert alice.get(f"{demo}/resources/NONE/files/a?accept-not-found=true").status_code == 204


def test_a_trailing_slash_lists_a_folder(alice: TestClient, filled: str) -> None:
    """F-97."""
    assert _paths(alice, f"{filled}/files/sub/") == ["sub/2.dcm", "sub/folder/3.dcm"]
    assert _paths(alice, f"{filled}/files/sub/?recursive=false") == ["sub/2.dcm"]
    assert _paths(alice, f"{filled}/files/none/") == []
    assert alice.get(f"{filled}/files/sub").status_code == 404


@pytest.mark.parametrize("name", ["100%25", "a_b", "x*y"])
def test_folders_are_matched_literally(alice: TestClient, demo: str, name: str) -> None:
    """What a database takes for a wildcard is a letter like any other here."""
    for folder in (name, "100x", "aXb", "xzy"):
        alice.put(f"{demo}/resources/R/files/{folder}/f?inbody=true", content=b"")

    assert len(_paths(alice, f"{demo}/resources/R/files/{name}/")) == 1


def test_a_path_without_a_resource_is_searched_in_all(alice: TestClient, demo: str) -> None:
    """F-100."""
    alice.put(f"{demo}/resources/A/files/a?inbody=true", content=b"A")
    alice.put(f"{demo}/resources/B/files/b?inbody=true", content=b"B")

    assert alice.get(f"{demo}/files/b").content == b"B"
    assert alice.get(f"{demo}/files/c").status_code == 404


def test_sizes_sort_as_numbers(alice: TestClient, demo: str) -> None:
    """F-113."""
    for name, size in (("a", 9), ("b", 100), ("c", 20)):
        alice.put(f"{demo}/resources/R/files/{name}?inbody=true", content=b"x" * size)

    assert _paths(alice, f"{demo}/files?sortBy=size") == ["a", "c", "b"]
    assert _paths(alice, f"{demo}/files?sortBy=Size&sortOrder=DESC") == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("sub", ["1.dcm", "scan1/a", "scan10.dcm", "subway.dcm"]),
        ("sub/", ["1.dcm", "scan1/a", "scan10.dcm", "subway.dcm"]),
        ("sub/folder", ["1.dcm", "scan1/a", "scan10.dcm", "sub/2.dcm", "subway.dcm"]),
        ("scan1", ["1.dcm", "scan10.dcm", "sub/2.dcm", "sub/folder/3.dcm", "subway.dcm"]),
        ("sub*", ["1.dcm", "scan1/a", "scan10.dcm"]),
        ("sub/*", ["1.dcm", "scan1/a", "scan10.dcm", "subway.dcm"]),
        ("*", []),
    ],
)
def test_a_file_a_folder_or_a_prefix_is_deleted_and_its_neighbours_are_not(
    alice: TestClient, filled: str, path: str, left: list[str]
) -> None:
    """F-162 to F-164."""
    reply = alice.delete(f"{filled}/files/{path}")

    resource = alice.get(f"{filled.rsplit('/', 1)[0]}").json()["ResultSet"]["Result"][0]
    assert (reply.status_code, reply.content) == (200, b"")
    assert _paths(alice, f"{filled}/files") == left
    assert resource["file_count"] == str(len(left))
    assert resource["file_size"] == str(sum(map(len, left)))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/resources/R/files", 400),
        ("/resources/R/files/", 400),
        ("/resources/R/files/none", 404),
        ("/resources/R/files/none*", 404),
        ("/resources/R/files/none?accept-not-found=true", 204),
        ("/resources/NONE/files/a", 400),
        ("/resources/99/files/a", 404),
        ("/files/1.dcm", 400),
        ("/resources/R/files/..%2F..%2Fx", 400),
    ],
)
def test_a_deletion_that_names_nothing_deletes_nothing(
    alice: TestClient, demo: str, filled: str, path: str, status: int
) -> None:
    """F-161, F-163."""
    reply = alice.delete(f"{demo}{path}")

    assert reply.status_code == status
    assert len(_paths(alice, f"{filled}/files")) == 6


def test_a_name_is_free_again_after_deletion(alice: TestClient, filled: str) -> None:
    alice.delete(f"{filled}/files/1.dcm")

    alice.put(f"{filled}/files/1.dcm?inbody=true", content=b"new")

    assert alice.get(f"{filled}/files/1.dcm").content == b"new"


def test_a_file_is_sent_with_what_clients_read(alice: TestClient, filled: str) -> None:
    """F-121 to F-123, F-330."""
    reply = alice.get(f"{filled}/files/sub/2.dcm")

    assert reply.headers["content-length"] == "9"
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"] == 'attachment; filename="2.dcm";'
    assert reply.headers["cache-control"] == "must-revalidate"
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["last-modified"] == "Sat, 21 Nov 2026 12:00:00 GMT"
    assert re.fullmatch('"[0-9a-f]{32}"', reply.headers["etag"])


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.txt", "text/plain"), ("a.xml", "text/xml"), ("a.XML", "application/octet-stream"), ("jpeg", "image/jpeg")],
)
def test_the_type_is_told_by_the_extension(alice: TestClient, demo: str, name: str, media_type: str) -> None:
    """F-123."""
    alice.put(f"{demo}/resources/R/files/{name}?inbody=true", content=b"x")

    reply = alice.get(f"{demo}/resources/R/files/{name}?format=json", headers={"Accept": "application/json"})

    assert reply.headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("\u00e9.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ('a"b', "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"),
        ("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
    ],
)
def test_a_name_cannot_break_the_header_it_is_sent_in(alice: TestClient, demo: str, name: str, header: str) -> None:
    """F-122, RFC 6266."""
    url = f"{demo}/resources/R/files/{name.replace(chr(13), '%0D').replace(chr(10), '%0A')}"
    alice.put(f"{url}?inbody=true", content=b"x")

    assert alice.get(url).headers["content-disposition"] == header


@pytest.mark.parametrize("kind", ["file", "list"])
def test_head_is_get_without_the_body(alice: TestClient, filled: str, kind: str) -> None:
    """F-9."""
    url = {"file": f"{filled}/files/1.dcm", "list": f"{filled}/files"}[kind]

    head, get = alice.head(url), alice.get(url)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_a_change_shows_in_the_validators(alice: TestClient, filled: str, clock: Clock) -> None:
    before = alice.head(f"{filled}/files/1.dcm").headers

    clock.move(seconds=2)
    alice.put(f"{filled}/files/1.dcm?inbody=true&overwrite=true", content=b"changed")
    after = alice.head(f"{filled}/files/1.dcm").headers

    assert before["etag"] != after["etag"]
    assert parsedate_to_datetime(before["last-modified"]) < parsedate_to_datetime(after["last-modified"])


def test_what_one_may_not_see_is_404_in_every_way(client: Callable[[str], TestClient], demo: str, filled: str) -> None:
    """C-21."""
    client("alice").put(f"{demo}/accessibility/private")
    bob = client("bob")
    paths = (f"{filled}/files/1.dcm", f"{filled}/files/*", f"{filled}/files/sub/", filled, f"{demo}/resources", demo)

    statuses = {bob.request(method, path).status_code for path in paths for method in ("GET", "HEAD", "DELETE")}

    assert statuses == {404, 405}


def test_words_of_the_api_may_be_names(alice: TestClient) -> None:
    """A project and a folder called ``files``, a resource called ``resources``."""
    url = "/data/projects/files/resources/resources/files"
    alice.put("/data/projects/files")
    alice.put(f"{url}/files/a%2Fb%2520c?inbody=true", content=b"x")

    assert _paths(alice, f"{url}/files/?recursive=false") == []
    assert _paths(alice, f"{url}/files/a/?recursive=false") == ["resources/1/files/files/a/b%20c"]
    assert alice.get(f"{url}/files/a/b%20c").content == b"x"
