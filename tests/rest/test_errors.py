"""Addresses, methods, error pages, and a storage that fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.base import BlobWriter
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import open_database
from filmroom.model.errors import ArchiveError, StorageFailed, StorageFull
from filmroom.service.archive import Archive
from filmroom.settings import Settings


@pytest.mark.parametrize("mount", ["/data", "/REST", "/data/archive", "/REST/archive"])
def test_the_same_is_under_every_mount(alice: TestClient, mount: str) -> None:
    """F-1, C-1, C-2: and what listings say always begins with /data."""
    alice.put(f"{mount}/projects/DEMO")
    alice.put(f"{mount}/projects/DEMO/resources/R/files/a?inbody=true", content=b"x")

    rows = alice.get(f"{mount}/projects/DEMO/files").json()["ResultSet"]["Result"]

    assert [row["URI"] for row in rows] == ["/data/projects/DEMO/resources/1/files/a"]
    assert alice.get(f"{mount}/projects/DEMO/resources/R/files/a").content == b"x"
    assert alice.get(f"{mount}/JSESSION").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/data",
        "/data/",
        "/data/nothing",
        "/data/Projects",
        "/nothing",
        "/data/version",
        "/data/subjects/S/resources",
        "/data/projects/DEMO/subjects/S/files",
        "/datax/projects",
    ],
)
def test_an_address_of_nothing_is_404(alice: TestClient, demo: str, path: str) -> None:
    """C-6, C-161."""
    reply = alice.get(path)

    assert demo
    assert reply.status_code == 404


@pytest.mark.parametrize(
    "path", ["/data/projects//resources", "/data//projects", "/data/projects/%00", "/data/projects/a%2Fb"]
)
def test_an_address_that_cannot_be_is_an_error_of_the_client(alice: TestClient, path: str) -> None:
    assert alice.get(f"/data{path}").status_code in {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/resources", "GET, PUT, POST, HEAD, OPTIONS"),
        ("PATCH", "", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("GET", "/accessibility/public", "PUT, OPTIONS"),
        ("PATCH", "/resources/R/files/a", "GET, PUT, POST, DELETE, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_possible_is_405_and_names_those_that_are(
    alice: TestClient, demo: str, method: str, path: str, allowed: str
) -> None:
    """F-8, F-31."""
    refused = alice.request(method, f"{demo}{path}")
    asked = alice.options(f"{demo}{path}")

    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
    assert (asked.status_code, asked.headers["allow"]) == (200, allowed)


def test_a_post_can_stand_for_another_method(alice: TestClient, demo: str) -> None:
    """F-10, C-10."""
    reply = alice.post(f"{demo}?method=DELETE")

    assert reply.status_code == 200
    assert alice.get(demo).status_code == 404


def test_an_error_page_is_what_clients_know(alice: TestClient) -> None:
    """F-13, C-17, C-18: not well-formed, ASCII, without two words that pyxnat takes for a lost connection."""
    reply = alice.get("/data/projects/%3Cb%3E%C3%A9%20Not%20Found")

    assert reply.content.startswith(b"<html>\n<head>")
    assert reply.content.isascii()
    assert b"<br>\n" in reply.content
    assert "<h3>Unable to find project '&lt;b&gt;&#233; not found'.</h3>" in reply.text
    assert reply.headers["content-type"] == "text/html; charset=ISO-8859-1"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_the_root_says_where_the_api_is(client: Callable[[str], TestClient]) -> None:
    """C-176."""
    reply = client("").get("/")

    assert reply.status_code == 200
    assert "/data" in reply.text


def test_a_site_below_a_context_path_answers_with_and_without_it(archive: Archive) -> None:
    """F-1, F-106: a proxy may hand the path on or take it off."""
    browser = TestClient(create_app(archive, Settings(root_path="/xnat")))
    browser.auth = ("alice", PASSWORD)

    browser.put("/xnat/data/projects/DEMO")
    listed = browser.get("/data/projects/DEMO/files").json()["ResultSet"]["Columns"]
    cookies = browser.get("/xnat/REST/JSESSION").headers.get_list("set-cookie")

    assert listed == [{"key": "URI", "serverRoot": "/xnat"}]
    assert all("Path=/xnat;" in f"{cookie};" for cookie in cookies)
    assert browser.get("/xnat/").status_code == 200


@dataclass
class FailingWriter:
    inner: BlobWriter
    error: ArchiveError

    def write(self, chunks: Sequence[bytes]) -> None:
        self.inner.write(chunks)
        raise self.error

    def finish(self) -> None:
        raise self.error

    def close(self) -> None:
        raise self.error

    def abort(self) -> None:
        self.inner.abort()


class FailingBlobs(LocalStore):
    """A store whose disk fails as soon as a byte is written, once it is told how."""

    error: ArchiveError | None = None

    def create(self, key: str) -> BlobWriter:  # type: ignore[override] # its writer fails
        writer = super().create(key)
        return FailingWriter(writer, self.error) if self.error else writer

    def open(self, key: str) -> BinaryIO:
        return super().open(key)


@pytest.fixture
def failing(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[tuple[TestClient, FailingBlobs, Path]]:
    blobs = FailingBlobs(tmp_path / "blobs")
    with closing(Archive(open_database(database_url), blobs, clock=clock, rules=RULES, spool_dir=tmp_path)) as archive:
        browser = TestClient(create_app(archive, Settings()))
        browser.auth = ("alice", PASSWORD)
        browser.put("/data/projects/DEMO")
        browser.put("/data/projects/DEMO/resources/R/files/before?inbody=true", content=b"kept")
        yield browser, blobs, tmp_path / "blobs"


@pytest.mark.parametrize(("error", "status"), [(StorageFull(), 507), (StorageFailed("blobs: Input/output error"), 500)])
@pytest.mark.parametrize("content", [b"small", b"x" * 3_000_000])
def test_a_failing_disk_stores_nothing_and_reading_goes_on(
    failing: tuple[TestClient, FailingBlobs, Path], error: ArchiveError, status: int, content: bytes
) -> None:
    browser, blobs, folder = failing
    url = "/data/projects/DEMO/resources/R/files"
    blobs.error = error

    bodily = browser.put(f"{url}/a?inbody=true", content=content)
    in_parts = browser.post(url, files=[("f", ("b", content)), ("f", ("c", content))])

    names = [row["Name"] for row in browser.get(url).json()["ResultSet"]["Result"]]
    assert [bodily.status_code, in_parts.status_code] == [status, status]
    assert names == ["before"]
    assert browser.get(f"{url}/before").content == b"kept"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_lost_bytes_are_404_and_never_a_shorter_file(failing: tuple[TestClient, FailingBlobs, Path]) -> None:
    """F-98."""
    browser, _, folder = failing
    blob = next(path for path in folder.rglob("*") if path.is_file())
    url = "/data/projects/DEMO/resources/R/files/before"

    blob.write_bytes(b"ke")
    torn = browser.get(url)
    blob.unlink()
    lost = browser.get(url)

    assert (torn.status_code, lost.status_code) == (404, 404)
    assert "missing" in lost.text


def test_a_body_beyond_its_limit_is_413(alice: TestClient) -> None:
    reply = alice.put("/data/projects/X", content=b" " * (16 * 1024 * 1024 + 1), headers={"Content-Type": "text/xml"})

    assert reply.status_code == 413
