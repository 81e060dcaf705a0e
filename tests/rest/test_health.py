"""``/healthz`` and ``/readyz``: what whoever watches over a server is told, without signing in."""

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.counters import next_number
from filmroom.db.engine import Database
from filmroom.model.errors import StorageFailed
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from service.failing_blobs import FailingBlobs

GOOD = {"database": "ok", "migrations": "ok", "blobs": "ok", "space": "ok"}


@pytest.fixture
def nobody(client: Callable[[str], TestClient]) -> TestClient:
    return client("")


def test_a_server_that_works_is_alive_and_ready(nobody: TestClient) -> None:
    alive, ready = nobody.get("/healthz"), nobody.get("/readyz")

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "checks": GOOD})
    assert {reply.headers["Cache-Control"] for reply in (alive, ready)} == {"no-store"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_looking_is_possible(nobody: TestClient, path: str) -> None:
    assert nobody.head(path).status_code == 200
    assert nobody.put(path).status_code == 405


def test_both_are_below_the_context_path_too(archive: Archive) -> None:
    client = TestClient(create_app(archive, Settings(root_path="/xnat")))

    assert [client.get(path).status_code for path in ("/xnat/healthz", "/healthz", "/xnat/readyz")] == [200, 200, 200]


def test_a_store_that_fails_is_told_without_how(archive: Archive, blobs: LocalStore, nobody: TestClient) -> None:
    error = StorageFailed("/srv/secret: Read-only file system")
    failing = FailingBlobs(blobs, step="check", error=error)
    archive.health._probes["blobs"].trial = failing.check

    reply = nobody.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]) == (503, {**GOOD, "blobs": "failed"})
    assert "secret" not in reply.text
    assert nobody.get("/healthz").status_code == 200


def test_a_schema_of_another_program_is_told(database: Database, nobody: TestClient) -> None:
    database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0001'")))

    reply = nobody.get("/readyz")

    assert (reply.status_code, reply.json()["checks"]["migrations"]) == (503, "failed")


def test_a_database_that_hangs_is_not_waited_for(database: Database, nobody: TestClient) -> None:
    may_end = threading.Event()
    hanging = threading.Thread(
        target=lambda: database.write(
            lambda connection: (
                next_number(connection, "health"),
                may_end.wait(30),
            )
        )
    )
    hanging.start()
    try:
        time.sleep(0.2)
        started = time.monotonic()
        first, second = nobody.get("/readyz"), nobody.get("/readyz")
        took_seconds = time.monotonic() - started
    finally:
        may_end.set()
        hanging.join()

    assert (first.status_code, first.json()["checks"]["database"]) == (503, "does not answer")
    assert second.json() == first.json()
    assert took_seconds < 8
    time.sleep(1.1)
    assert nobody.get("/readyz").json()["checks"]["database"] == "ok"
