"""Accounts below /data (C-156, C-157)."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from rest.searching import SEARCH, document, where

Clients = Callable[[str], TestClient]


@pytest.fixture
def admin(client: Clients) -> TestClient:
    return client("admin")


@pytest.fixture
def strict(database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path) -> Iterator[Archive]:
    """Where only administrators are told who has an account."""
    rules = replace(RULES, is_user_list_restricted=True)
    archive = Archive(database, blobs, clock=clock, rules=rules, spool_dir=tmp_path)
    yield archive
    with suppress(Exception):
        archive.close()


def test_people_are_a_table_by_last_name(admin: TestClient, alice: TestClient, people: dict[str, Viewer]) -> None:
    admin.put("/xapi/users/admin", json={"lastName": "Zuse", "firstName": "Konrad", "email": "k@example.org"})
    admin.put("/xapi/users/alice", json={"lastName": "Byron", "firstName": "Ada"})
    admin.put("/xapi/users/bob/enabled/false")

    reply = alice.get("/data/users?format=csv")

    assert reply.text.splitlines() == [
        "xdat_user_id,login,firstname,lastname,email",
        f"{people['alice'].pk},alice,Ada,Byron,",
        f"{people['admin'].pk},admin,Konrad,Zuse,k@example.org",
    ]


@pytest.mark.parametrize("word", ["json", "xml", "html", "csv"])
def test_people_are_listed_in_every_format(alice: TestClient, word: str) -> None:
    reply = alice.get(f"/data/users?format={word}")

    assert reply.status_code == 200
    assert [login in reply.text for login in ("admin", "alice", "bob")] == [True] * 3


@pytest.mark.parametrize(("login", "status"), [("admin", 200), ("alice", 403)])
def test_who_has_an_account_may_be_for_administrators_only(strict: Archive, login: str, status: int) -> None:
    made = TestClient(create_app(strict, Settings()))
    made.auth = (login, PASSWORD)

    statuses = [made.get(path).status_code for path in ("/data/users", "/xapi/users", "/xapi/users/profile")]

    assert statuses == [status, status, 200]


def _owners_told(client: TestClient, condition: str = "") -> list[tuple[str, str]]:
    """Each project that is found, with whom the server says to own it."""
    asked = document("xnat:projectData", "PROJECT_OWNERS", condition=condition)
    rows = client.post(SEARCH, content=asked).json()["ResultSet"]["Result"]
    return [(row["id"], row["project_owners"]) for row in rows]


@pytest.mark.parametrize(
    ("login", "owners"), [("alice", "alice <br/> bob"), ("bob", "alice <br/> bob"), ("carol", ""), ("dave", "")]
)
def test_who_owns_a_project_may_be_for_its_owners_only(
    archive: Archive, strict: Archive, alice: TestClient, demo: str, login: str, owners: str
) -> None:
    """C-152: like the list of its people."""
    for name in ("carol", "dave"):
        archive.accounts.add(name, PASSWORD)
    for group, name in (("Owners", "bob"), ("Collaborators", "carol")):
        assert alice.put(f"{demo}/users/{group}/{name}").status_code == 200
    made = TestClient(create_app(strict, Settings()))
    made.auth = (login, PASSWORD)

    told = _owners_told(made)

    assert told == [("DEMO", owners)]
    found = _owners_told(made, where("PROJECT_OWNERS", "LIKE", "%alice%"))
    assert found == [one for one in told if owners]


def test_a_guest_is_not_told_who_owns_a_project(archive: Archive, alice: TestClient, demo: str) -> None:
    assert alice.put(f"{demo}/accessibility/public").status_code == 200
    guest = TestClient(create_app(archive, Settings(require_login=False)))

    assert _owners_told(guest) == [("DEMO", "")]
    assert _owners_told(alice) == [("DEMO", "alice")]


def test_an_own_document_and_roles_are_shown(alice: TestClient) -> None:
    document, roles = alice.get("/data/user/alice"), alice.get("/data/user/alice/roles")

    assert document.json()["username"] == "alice"
    assert roles.json()["ResultSet"]["Result"] == []


@pytest.mark.parametrize("as_form", [True, False])
def test_roles_are_set_as_a_whole(admin: TestClient, *, as_form: bool) -> None:
    admin.put("/xapi/users/alice/roles/ALL_DATA_ACCESS")
    said = {"roles": "Administrator, ALL_DATA_ADMIN"}

    reply = admin.post("/data/user/alice/roles", **({"data": said} if as_form else {"params": said}))  # type: ignore[arg-type]

    rows = admin.get("/data/user/alice/roles").json()["ResultSet"]["Result"]
    assert (reply.status_code, [row["role"] for row in rows]) == (202, ["Administrator", "ALL_DATA_ADMIN"])


@pytest.mark.parametrize(("words", "status"), [("King", 400), ("", 202), ("Administrator,King", 400)])
def test_roles_that_there_are_not_change_nothing(admin: TestClient, words: str, status: int) -> None:
    reply = admin.post(f"/data/user/alice/roles?roles={words}")

    assert (reply.status_code, admin.get("/xapi/users/alice/roles").json()) == (status, [])


def test_the_cache_is_no_user(admin: TestClient, alice: TestClient) -> None:
    """Its address is that of whoever asks, and nobody can be called so."""
    alice.put("/data/user/cache/resources/A/files/a.txt?inbody=true", content=b"x")

    files = alice.get("/data/user/cache/resources/A/files?format=json").json()["ResultSet"]["Result"]

    assert [row["Name"] for row in files] == ["a.txt"]
    assert admin.post("/xapi/users", json={"username": "cache", "password": "a good password"}).status_code == 400
    assert admin.get("/data/user/cache").status_code == 404


@pytest.mark.parametrize("path", ["/data/users", "/data/user", "/data/user/alice", "/data/user/alice/roles"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_asked_to_sign_in(client: Clients, path: str) -> None:
    assert client("").get(path).status_code == 401


def test_a_user_who_is_not_there_is_404_for_administrators(admin: TestClient) -> None:
    assert admin.get("/data/user/nobody").status_code == 404
