"""Files of the server's own disk, by reference (F-160)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from rest.session import results

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that is open, with files in it."""
    root = tmp_path / "open"
    (root / "out/deep").mkdir(parents=True)
    (root / "out/a.nii").write_bytes(b"one")
    (root / "out/deep/b.nii").write_bytes(b"two")
    (root / "out/DICOM_catalog.xml").write_bytes(b"<x/>")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return root


@pytest.fixture
def archive(database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path, root: Path) -> Iterator[Archive]:
    rules = replace(RULES, reference_roots=(root,))
    archive = Archive(database, blobs, clock=clock, rules=rules, spool_dir=tmp_path)
    yield archive
    archive.close()


def _stored(alice: TestClient, demo: str) -> dict[str, bytes]:
    rows = results(alice, f"{demo}/files")
    return {row["URI"].split("/files/", 1)[1]: alice.get(row["URI"]).content for row in rows}


@pytest.mark.parametrize(
    ("reference", "path", "stored"),
    [
        ("out", "", {"a.nii": b"one", "deep/b.nii": b"two"}),
        ("out/", "", {"a.nii": b"one", "deep/b.nii": b"two"}),
        ("out", "/sub", {"sub/a.nii": b"one", "sub/deep/b.nii": b"two"}),
        ("out/a.nii", "", {"a.nii": b"one"}),
        ("out/a.nii", "/d/new.nii", {"d/new.nii": b"one"}),
    ],
)
def test_a_file_or_a_folder_is_copied(
    alice: TestClient, demo: str, root: Path, reference: str, path: str, stored: dict[str, bytes]
) -> None:
    """As dax sends it."""
    url = f"{demo}/resources/R/files{path}?overwrite=True&label=R&reference={root}/{reference}"

    reply = alice.put(url)

    assert (reply.status_code, reply.content) == (200, b"")
    assert _stored(alice, demo) == stored
    assert (root / "out/a.nii").read_bytes() == b"one"


def test_what_is_there_is_told(alice: TestClient, demo: str, root: Path) -> None:
    alice.put(f"{demo}/resources/R/files?reference={root}/out")
    (root / "out/a.nii").write_bytes(b"new")

    kept = alice.put(f"{demo}/resources/R/files?reference={root}/out")
    replaced = alice.put(f"{demo}/resources/R/files?reference={root}/out&overwrite=true")

    assert kept.json() == {"duplicates": ["a.nii", "deep/b.nii"]}
    assert replaced.content == b""
    assert _stored(alice, demo) == {"a.nii": b"new", "deep/b.nii": b"two"}


def _link_to_a_file_outside(root: Path) -> None:
    (root / "out/link").symlink_to(root.parent / "secret.txt")


def _link_to_a_folder(root: Path) -> None:
    (root / "out/link").symlink_to(root.parent)


def _pipe(root: Path) -> None:
    os.mkfifo(root / "out/pipe")


@ON_SQLITE
@pytest.mark.parametrize("spoil", [_link_to_a_file_outside, _link_to_a_folder, _pipe])
def test_a_folder_that_leads_elsewhere_is_not_copied_at_all(
    alice: TestClient, demo: str, root: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(root)

    reply = alice.put(f"{demo}/resources/R/files?reference={root}/out")

    assert reply.status_code in {400, 403}
    assert _stored(alice, demo) == {}
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_a_link_within_the_open_folder_is_a_file(alice: TestClient, demo: str, root: Path) -> None:
    (root / "out/link.nii").symlink_to(root / "out/a.nii")

    alice.put(f"{demo}/resources/R/files?reference={root}/out/link.nii")

    assert _stored(alice, demo) == {"link.nii": b"one"}


@ON_SQLITE
@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("{root}/../secret.txt", 403),
        ("{root}/out/../../secret.txt", 403),
        ("/etc/passwd", 403),
        ("{root}2/x", 403),
        ("out/a.nii", 400),
        ("{root}/nothing", 400),
        ("{root}/out/DICOM_catalog.xml", 400),
        ("{root}/" + "x" * 5000, 400),
    ],
)
def test_what_is_not_open_or_not_there_is_refused(
    alice: TestClient, demo: str, root: Path, reference: str, status: int
) -> None:
    url = f"{demo}/resources/R/files?reference={reference.format(root=root)}"

    assert alice.put(url).status_code == status
    assert results(alice, f"{demo}/resources") == []


@ON_SQLITE
def test_nobody_copies_into_what_is_not_theirs(archive: Archive, demo: str, root: Path) -> None:
    bob = TestClient(create_app(archive, Settings()))
    bob.auth = ("bob", PASSWORD)

    reply = bob.put(f"{demo}/resources/R/files?reference={root}/out")

    assert (reply.status_code, reply.headers["filmroom-stored"]) == (200, "no")
