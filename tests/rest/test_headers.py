"""What every answer tells browsers and caches to do, and not to do."""

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from rest.session import put_file

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]
PAGE = b"<script>alert(document.cookie)</script>"


@pytest.fixture
def files(alice: TestClient, demo: str) -> str:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as writer:
        writer.writestr("sub/page.html", PAGE)
    put_file(alice, f"{demo}/resources/R/files/a.zip", buffer.getvalue())
    for name in ("page.html", "image.svg", "a.xml", "a.txt", "a.png"):
        put_file(alice, f"{demo}/resources/R/files/{name}", PAGE)
    return f"{demo}/resources/R/files"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/data/JSESSION", "/data/projects", "/data/projects?format=html", "/xapi/siteConfig"]
)
def test_no_answer_may_be_framed_or_guessed_at_or_named_to_others(client: Clients, path: str) -> None:
    headers = client("alice").get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/nothing", "/data/projects?format=html"])
def test_pages_may_run_and_load_nothing(client: Clients, path: str) -> None:
    reply = client("alice").get(path)

    assert reply.headers["content-type"].startswith("text/html")
    assert reply.headers["content-security-policy"].startswith(
        "default-src 'none'; base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("name", ["page.html", "image.svg", "a.xml", "a.txt", "a.png", "a.zip!/sub/page.html"])
@pytest.mark.parametrize("query", ["", "?format=html", "?index=0&file_format=NULL"])
def test_a_stored_page_is_saved_and_not_shown(alice: TestClient, files: str, name: str, query: str) -> None:
    reply = alice.get(f"{files}/{name}{query}", headers={"Accept": "text/html"})

    assert reply.status_code == 200
    assert reply.headers["content-disposition"].startswith("attachment; ")
    assert reply.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_an_archive_of_files_is_saved(alice: TestClient, files: str) -> None:
    assert alice.get(f"{files}?format=zip").headers["content-disposition"].startswith("attachment; ")


def test_a_file_in_a_cache_is_saved(alice: TestClient) -> None:
    put_file(alice, "/data/user/cache/resources/R/files/page.html", PAGE)

    reply = alice.get("/data/user/cache/resources/R/files/page.html")

    assert reply.headers["content-disposition"].startswith("attachment; ")
    assert reply.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/data/projects", "private"),
        ("/data/projects/NONE", "private"),
        ("/xapi/siteConfig", "private"),
        ("/data/JSESSION", "no-store"),
        ("/data/auth", "no-store"),
        ("/data/services/tokens/issue", "no-store"),
        ("/data/user/alice/sessions", "no-store"),
    ],
)
def test_no_cache_gives_to_others_what_somebody_was_answered(client: Clients, path: str, cache: str) -> None:
    assert client("alice").get(path).headers["cache-control"] == cache


def test_a_cache_tells_people_apart_where_files_may_be_kept(alice: TestClient, files: str) -> None:
    """F-121 has ``must-revalidate``, which alone lets a shared cache keep them (RFC 9111 section 3.5)."""
    reply = alice.get(f"{files}/a.txt")

    assert reply.headers["cache-control"] == "must-revalidate"
    assert "Authorization, Cookie" in reply.headers.get_list("vary")


def test_cookies_are_for_this_site_alone(archive: Archive) -> None:
    client = TestClient(create_app(archive, Settings()), base_url="https://archive.example")
    client.auth = ("alice", PASSWORD)

    session, expiration = client.get("/data/JSESSION").headers.get_list("set-cookie")

    assert session.partition("; ")[2] == "Path=/; SameSite=Lax; Secure; HttpOnly"
    assert expiration.partition("; ")[2] == "Path=/; SameSite=Lax; Secure"
