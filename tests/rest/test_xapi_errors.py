"""What errors look like below /xapi (C-22)."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.db.engine import Database
from filmroom.service.archive import Archive
from filmroom.settings import Settings

Clients = Callable[[str], TestClient]


@pytest.mark.parametrize("path", ["/xapi/users", "/xapi/users/profile", "/xapi/users/nobody", "/xapi", "/xapi/nothing"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_asked_to_sign_in_without_a_word(client: Clients, path: str) -> None:
    reply = client("").get(path)

    assert (reply.status_code, reply.content) == (401, b"")
    assert reply.headers["www-authenticate"].startswith('Basic realm="XNAT"')


def test_errors_below_xapi_are_plain_text_and_others_the_page(alice: TestClient) -> None:
    plain, page = alice.get("/xapi/nothing"), alice.get("/data/nothing")

    assert (plain.status_code, plain.text) == (404, "Unable to find anything at this address.")
    assert plain.headers["content-type"].startswith("text/plain")
    assert page.headers["content-type"].startswith("text/html")
    assert alice.get("/xapix/users").headers["content-type"].startswith("text/html")


def test_a_wrong_method_names_the_right_ones(alice: TestClient) -> None:
    reply = alice.post("/xapi/users/profile", json={})

    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert reply.headers["content-type"].startswith("text/plain")


def test_errors_are_plain_below_a_context_path_too(archive: Archive) -> None:
    made = TestClient(create_app(archive, Settings(root_path="/xnat")))
    made.auth = ("alice", PASSWORD)

    replies = [made.get(f"{path}/xapi/nothing") for path in ("/xnat", "")]

    assert [(reply.status_code, reply.text[0]) for reply in replies] == [(404, "U")] * 2
    assert made.get("/xnat/xapi/users/username").text == "alice"


def test_a_fault_of_ours_is_told_in_plain_text(alice: TestClient, database: Database) -> None:
    alice.get("/xapi/users/profile")  # which signs her in
    database.write(lambda connection: connection.exec_driver_sql("DROP TABLE login_failure").close())

    reply = alice.get("/xapi/users/profile")

    assert reply.status_code == 500
    assert reply.headers["content-type"].startswith("text/plain")
    assert "login_failure" not in reply.text
