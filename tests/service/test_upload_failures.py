"""When something fails: nothing half is ever listed, and bytes go or stay as the commit protocol says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.leases import fence_lease
from filmroom.model.errors import ArchiveError, LeaseLost, MissingBytes, StorageFailed, StorageFull
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from service.desk import Desk, open_desk
from service.failing_blobs import FailingBlobs

DISK_ERRORS: Final[dict[str, Callable[[], ArchiveError]]] = {
    "full": StorageFull,
    "broken": lambda: StorageFailed("blobs: Input/output error"),
}


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


@pytest.fixture(params=DISK_ERRORS)
def error(request: pytest.FixtureRequest) -> ArchiveError:
    """What the disk says."""
    return DISK_ERRORS[request.param]()


@pytest.fixture(params=["create", "write", "finish"])
def failing(
    request: pytest.FixtureRequest,
    database: Database,
    blobs: LocalStore,
    clock: Clock,
    people: dict[str, Viewer],
    error: ArchiveError,
    tmp_path: Path,
) -> Iterator[Desk]:
    """Alice before a server whose disk fails at one step."""
    broken = FailingBlobs(blobs, step=request.param, error=error)
    archive = Archive(database, broken, clock=clock, rules=RULES, spool_dir=tmp_path)
    yield open_desk(archive, people["alice"])
    archive.close()


def _fence(database: Database, clock: Clock, key: str) -> None:
    database.write(lambda connection: fence_lease(connection, key.split("-", maxsplit=1)[0], now=clock()))


def _upload_like_a_door(desk: Desk, path: str) -> None:
    """Stage and put as every door must: what cannot be staged whole is aborted and not put."""
    receiver = desk.archive.arrivals.receive(path)
    try:
        receiver.write([b"first half", b"second half"])
        arrivals = receiver.finish()
    except ArchiveError:
        receiver.abort()
        raise
    desk.put(arrivals)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disk_that_fails_lists_nothing_and_leaves_nothing(
    failing: Desk, blobs: LocalStore, error: ArchiveError
) -> None:
    with pytest.raises(type(error)) as raised:
        _upload_like_a_door(failing, "a")

    assert raised.value is error
    assert failing.resources() == ()
    assert list(blobs.iter_keys()) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disk_that_fails_lets_others_be_read(desk: Desk, failing: Desk) -> None:
    desk.upload("there", b"kept")

    with pytest.raises(ArchiveError):
        _upload_like_a_door(failing, "a")

    assert failing.read("there") == b"kept"


def test_an_aborted_body_leaves_nothing(desk: Desk, blobs: LocalStore) -> None:
    receiver = desk.archive.arrivals.receive("a")
    receiver.write([b"half"])

    receiver.abort()

    assert list(blobs.iter_keys()) == []
    assert desk.resources() == ()


def test_staged_bytes_are_nothing_until_they_are_put(desk: Desk, blobs: LocalStore) -> None:
    staged = desk.stage()

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == [staged.key]


def test_staged_bytes_can_be_forgotten(desk: Desk, blobs: LocalStore) -> None:
    arrivals = [desk.arrival("a"), desk.arrival("b")]

    desk.archive.arrivals.forget(arrivals)

    assert list(blobs.iter_keys()) == []


def test_a_fenced_lease_commits_nothing(desk: Desk, database: Database, clock: Clock, blobs: LocalStore) -> None:
    arrivals = [desk.arrival("a"), desk.arrival("b")]
    _fence(database, clock, arrivals[0].staged.key)

    with pytest.raises(LeaseLost):
        desk.put(arrivals)

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == []


def test_one_fenced_lease_among_several_is_enough(desk: Desk, database: Database, clock: Clock) -> None:
    first = desk.arrival("a")
    _fence(database, clock, first.staged.key)
    clock.move(minutes=1)
    desk.archive._leases.renew()
    second = desk.arrival("b")

    with pytest.raises(LeaseLost):
        desk.put([second, first])

    assert first.staged.key.split("-")[0] != second.staged.key.split("-")[0]
    assert desk.resources() == ()


def test_what_was_committed_before_a_fence_stays(desk: Desk, database: Database, clock: Clock) -> None:
    arrival = desk.arrival("a", b"kept")
    desk.put([arrival])

    _fence(database, clock, arrival.staged.key)

    assert desk.read("a") == b"kept"


def test_a_closed_archive_commits_nothing(desk: Desk, blobs: LocalStore) -> None:
    arrival = desk.arrival("a")
    desk.archive._leases.close()

    with pytest.raises(LeaseLost):
        desk.put([arrival])

    assert list(blobs.iter_keys()) == []


def test_bytes_stay_when_it_is_unknown_whether_the_commit_was_kept(
    desk: Desk, database: Database, blobs: LocalStore
) -> None:
    """design.md, section 4: answer 5xx and never delete the bytes inline."""
    arrival = desk.arrival("a", b"voxels")
    database.write(lambda connection: connection.execute(text("ALTER TABLE file RENAME TO lost")))

    with pytest.raises(StorageFailed):
        desk.put([arrival])

    assert list(blobs.iter_keys()) == [arrival.staged.key]


def test_an_upload_that_failed_for_the_database_can_be_sent_again(desk: Desk, database: Database) -> None:
    arrival = desk.arrival("a", b"voxels")
    database.write(lambda connection: connection.execute(text("ALTER TABLE file RENAME TO lost")))
    with pytest.raises(StorageFailed):
        desk.put([arrival])
    database.write(lambda connection: connection.execute(text("ALTER TABLE lost RENAME TO file")))

    desk.upload("a", b"voxels")

    assert desk.read("a") == b"voxels"
    assert desk.counters() == (1, 6)


def test_a_file_whose_bytes_are_gone_says_so(desk: Desk, blobs: LocalStore) -> None:
    arrival = desk.arrival("a")
    desk.put([arrival])
    blobs.delete([arrival.staged.key])

    with pytest.raises(MissingBytes) as raised:
        desk.read("a")

    assert raised.value.key == arrival.staged.key
    assert desk.paths() == ["a"]
