"""The page on user caches, under both mounts; what else a cache does is in ``tests/rest/test_cache.py``."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, Clock
from filmroom.app import create_app
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from pages.readers import READERS

ON_SQLITE: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVERY_MOUNT: Final = pytest.mark.parametrize("cache", ["/data/user/cache/resources", "/REST/user/cache/resources"])
# Parameters of a page that speak of format, content and tags and change nothing.
WORDS: Final = "format=NIFTI&content=x&tags=a,b"


def _upload(alice: TestClient) -> None:
    """A folder ``uploads`` with two files, one of them in a folder of its own."""
    for path, content in (("test.txt", b"test"), ("d/1.dcm", b"voxels")):
        alice.put(f"/data/user/cache/resources/uploads/files/{path}?inbody=true", content=content)


@pytest.fixture
def uploads(alice: TestClient) -> str:
    _upload(alice)
    return "uploads"


@pytest.fixture(scope="module")
def reader(shared: TestClient) -> TestClient:
    """Whose cache no test changes; it has a folder ``junk`` besides."""
    _upload(shared)
    shared.put("/data/user/cache/resources/junk")
    return shared


def _names(alice: TestClient, folder: str) -> list[str]:
    reply = alice.get(f"/data/user/cache/resources/{folder}/files?format=json")
    return [row["Name"] for row in reply.json()["ResultSet"]["Result"]]


def _folders(alice: TestClient) -> list[str]:
    reply = alice.get("/data/user/cache/resources?format=json")
    return [row["Resource"] for row in reply.json()["ResultSet"]["Result"]]


@pytest.mark.page("user-cache-resources:15")
def test_what_is_in_a_cache_stays_until_the_site_clears_it(
    alice: TestClient, uploads: str, archive: Archive, clock: Clock
) -> None:
    clock.move(days=400)
    before = _names(alice, uploads)

    archive.cache.clear(timedelta(days=30))

    assert before == ["d/1.dcm", "test.txt"]
    assert (_folders(alice), _names(alice, uploads)) == ([uploads], [])


@pytest.mark.page("user-cache-resources:23", "user-cache-resources:26", "user-cache-resources:58")
@EVERY_MOUNT
@ON_SQLITE
@pytest.mark.parametrize("slash", ["", "/"])
def test_everybody_has_folders_of_their_own(client: Callable[[str], TestClient], cache: str, slash: str) -> None:
    people = {login: client(login) for login in ("alice", "bob", "admin")}
    for login, person in people.items():
        person.put(f"{cache}/of-{login}")

    listed = {login: person.get(f"{cache}{slash}?format=csv").text for login, person in people.items()}

    assert listed == {login: f"Resource,URI\nof-{login},{cache}/of-{login}\n" for login in people}


@pytest.mark.page("user-cache-resources:31", "user-cache-resources:85")
@EVERY_MOUNT
@pytest.mark.parametrize("listed", ["", "/uploads/files"])
def test_a_list_of_a_cache_has_the_same_rows_in_each_format(reader: TestClient, cache: str, listed: str) -> None:
    replies = {name: reader.get(f"{cache}{listed}?format={name}") for name in READERS}

    types = [reply.headers["content-type"].partition(";")[0] for reply in replies.values()]
    rows = [read(replies[name].content) for name, (_, read) in READERS.items()]
    assert "uploads" in json.dumps(rows[0])
    assert types == [media_type for media_type, _ in READERS.values()]
    assert rows == [rows[0]] * len(READERS)


@pytest.mark.page("user-cache-resources:31", "user-cache-resources:85")
@EVERY_MOUNT
@pytest.mark.parametrize("listed", ["/", "/uploads/files"])
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/xml"),
        ("*/*", "text/xml"),
        ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
    ],
)
def test_a_list_of_a_cache_is_xml_for_whoever_asks_for_nothing_else(
    reader: TestClient, cache: str, listed: str, accept: str, media_type: str
) -> None:
    reply = reader.get(f"{cache}{listed}", headers={"Accept": accept})

    assert reply.headers["content-type"].partition(";")[0] == media_type


def _page(head: str, *rows: str) -> str:
    classes = ("odd", "even")
    shown = "".join(f'<tr class="x_rs_tr_data {classes[number % 2]}">\n{row}</tr>\n' for number, row in enumerate(rows))
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><body>'
        '<table class="x_rs_t" cellpadding="0" cellspacing="0">\n<thead class="x_rs_thead">\n'
        f'<tr class="x_rs_tr_head">{head}</tr>\n</thead>\n<tbody id="dataRows">\n{shown}'
        "</tbody>\n</table></body></html>"
    )


@pytest.mark.page("user-cache-resources:37-53")
@EVERY_MOUNT
@pytest.mark.parametrize("slash", ["", "/"])
def test_folders_are_shown_as_the_page_shows_them(reader: TestClient, cache: str, slash: str) -> None:
    """But for its line breaks, which are F-174's."""
    assert reader.get(f"{cache}{slash}?format=html").text == _page(
        "<th>Resource</th><th>URI</th>",
        f"<td>junk</td><td><a href='{cache}/junk'>{cache}/junk</a></td>",
        f"<td>uploads</td><td><a href='{cache}/uploads'>{cache}/uploads</a></td>",
    )


@pytest.mark.page("user-cache-resources:79", "user-cache-resources:84", "user-cache-resources:90-106")
@EVERY_MOUNT
@pytest.mark.parametrize("slash", ["", "/"])
def test_files_are_shown_as_the_page_shows_them(reader: TestClient, cache: str, slash: str) -> None:
    uri = f"{cache}/uploads/files"

    assert reader.get(f"{uri}{slash}?format=html").text == _page(
        "<th>Name</th><th>Size</th><th>URI</th>",
        f"<td>d/1.dcm</td><td>6</td><td><a href='{uri}/d/1.dcm'>{uri}/d/1.dcm</a></td>",
        f"<td>test.txt</td><td>4</td><td><a href='{uri}/test.txt'>{uri}/test.txt</a></td>",
    )


@pytest.mark.page("user-cache-resources:48", "user-cache-resources:100-101")
@EVERY_MOUNT
@ON_SQLITE
@pytest.mark.usefixtures("uploads")
def test_links_lead_below_the_context_path(archive: Archive, cache: str) -> None:
    browser = TestClient(create_app(archive, Settings(root_path="/xnat")))
    browser.auth = ("alice", PASSWORD)
    uri = f"{cache}/uploads/files/test.txt"

    assert f"<a href='/xnat{uri}'>{uri}</a>" in browser.get(f"/xnat{cache}/uploads/files?format=html").text
    assert f"<a href='/xnat{cache}/uploads'>" in browser.get(f"/xnat{cache}?format=html").text
    assert browser.get(f"/xnat{uri}").content == b"test"


@pytest.mark.page("user-cache-resources:61", "user-cache-resources:66-69", "user-cache-resources:73")
@EVERY_MOUNT
@pytest.mark.parametrize("query", ["", f"?{WORDS}"])
def test_a_folder_is_made_whatever_is_said_of_it(alice: TestClient, cache: str, query: str) -> None:
    reply = alice.put(f"{cache}/new{query}")

    assert (reply.status_code, reply.content) == (200, b"")
    assert (_folders(alice), _names(alice, "new")) == (["new"], [])


@pytest.mark.page("user-cache-resources:74")
@EVERY_MOUNT
def test_a_folder_that_is_there_is_412(alice: TestClient, uploads: str, cache: str) -> None:
    """Files-api S-2."""
    assert alice.put(f"{cache}/{uploads}").status_code == 412
    assert _names(alice, uploads) == ["d/1.dcm", "test.txt"]


@pytest.mark.page("user-cache-resources:74")
@EVERY_MOUNT
def test_whoever_is_not_signed_in_makes_no_folder(client: Callable[[str], TestClient], cache: str) -> None:
    assert client("").put(f"{cache}/new").status_code == 401


@pytest.mark.page("user-cache-resources:74")
@ON_SQLITE
@EVERY_MOUNT
def test_a_guest_makes_no_folder(archive: Archive, cache: str) -> None:
    guest = TestClient(create_app(archive, Settings(require_login=False)))

    assert guest.put(f"{cache}/new").status_code == 412


@pytest.mark.page("user-cache-resources:111", "user-cache-resources:114", "user-cache-resources:119-121")
@pytest.mark.page("user-cache-resources:123")
@EVERY_MOUNT
@pytest.mark.parametrize("content", [b"", b"\0new\xff", b"x" * 3_000_000])
def test_a_file_of_a_form_is_stored_under_the_name_in_its_address(
    alice: TestClient, cache: str, content: bytes
) -> None:
    reply = alice.put(f"{cache}/new/files/d/a.bin", files={"file": ("original.bin", content)})

    assert (reply.status_code, reply.content) == (200, b"")
    assert _names(alice, "new") == ["d/a.bin"]
    assert alice.get(f"{cache}/new/files/d/a.bin").content == content


@pytest.mark.page("user-cache-resources:111")
@EVERY_MOUNT
@ON_SQLITE
def test_a_form_of_another_encoding_brings_no_file(alice: TestClient, cache: str) -> None:
    reply = alice.put(f"{cache}/new/files/a.bin", data={"file": "original.bin"})

    assert reply.status_code == 415
    assert _folders(alice) == []


@pytest.mark.page("user-cache-resources:114", "user-cache-resources:121", "user-cache-resources:123")
@EVERY_MOUNT
@pytest.mark.parametrize("query", ["inbody=true", "inbody=true&overwrite=false"])
def test_a_file_that_is_there_is_replaced(alice: TestClient, uploads: str, cache: str, query: str) -> None:
    """F-267, files-api S-5."""
    reply = alice.put(f"{cache}/{uploads}/files/test.txt?{query}", content=b"newer")

    assert (reply.status_code, reply.content) == (200, b"")
    assert alice.get(f"{cache}/{uploads}/files/test.txt").content == b"newer"


@pytest.mark.page("user-cache-resources:128", "user-cache-resources:133-134")
@EVERY_MOUNT
def test_a_file_of_a_cache_goes_and_the_others_stay(alice: TestClient, uploads: str, cache: str) -> None:
    """Files-api S-4: the file goes, not its folder."""
    reply = alice.delete(f"{cache}/{uploads}/files/test.txt")

    assert (reply.status_code, reply.content) == (200, b"")
    assert _names(alice, uploads) == ["d/1.dcm"]
    assert alice.get(f"{cache}/{uploads}/files/test.txt").status_code == 404


@pytest.mark.page("user-cache-resources:84", "user-cache-resources:133-134")
@EVERY_MOUNT
@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "none/files"), ("DELETE", "none/files/test.txt"), ("DELETE", "uploads/files/none")]
)
def test_a_folder_or_file_that_is_not_there_is_404(
    alice: TestClient, uploads: str, cache: str, method: str, path: str
) -> None:
    assert alice.request(method, f"{cache}/{path}").status_code == 404
    assert _names(alice, uploads) == ["d/1.dcm", "test.txt"]
