"""A change says that it is about to write, so that others share its transaction (decision 0019)."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import NAMED, PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import SQLiteDatabase
from filmroom.service.archive import Archive
from filmroom.settings import Settings

RESOURCE = "/data/projects/DEMO/resources/R"


class Told(SQLiteDatabase):
    """Counts how often it was told of a change."""

    announced = 0

    def announce(self) -> AbstractContextManager[None]:
        self.announced += 1
        return super().announce()


@pytest.fixture
def told(sqlite_template: Path, tmp_path: Path) -> Told:
    shutil.copy(sqlite_template, tmp_path / "told.db")
    return Told(tmp_path / "told.db")


@pytest.fixture
def alice(told: Told, tmp_path: Path) -> Iterator[TestClient]:
    archive = Archive(told, LocalStore(tmp_path / "blobs"), clock=Clock(), rules=RULES, spool_dir=tmp_path)
    with TestClient(create_app(archive, Settings()), headers=NAMED) as client:  # which closes the archive at its end
        client.auth = ("alice", PASSWORD)
        assert client.put("/data/projects/DEMO").status_code == 200
        assert client.put(f"{RESOURCE}/files/there?inbody=true", content=b"there").status_code == 200
        yield client


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("PUT", "files/new?inbody=true", b"new"),
        ("PUT", "files/empty?inbody=true", b""),
        ("PUT", "files/there?inbody=true", b"refused"),
        ("DELETE", "files/there", b""),
        ("DELETE", "files/nowhere", b""),
    ],
)
def test_a_change_is_announced(alice: TestClient, told: Told, method: str, below: str, body: bytes) -> None:
    before = told.announced

    alice.request(method, f"{RESOURCE}/{below}", content=body)

    assert told.announced == before + 1
    assert not told._writer._announced._said_at


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_is_not_announced(alice: TestClient, told: Told, method: str) -> None:
    before = told.announced

    assert alice.request(method, f"{RESOURCE}/files/there").status_code == 200

    assert told.announced == before
