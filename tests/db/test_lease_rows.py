"""Rows of leases: alive until fenced, and a fence waits for uploads that are being committed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from db.rows import LATER, NOW, read
from filmroom.db.engine import Database
from filmroom.db.leases import fence_lease, insert_lease, is_lease_alive, renew_lease
from filmroom.db.schema import lease
from waiting import PATIENCE_SECONDS


@pytest.fixture
def taken(database: Database) -> str:
    database.write(lambda connection: insert_lease(connection, "mine", owner="host:1", now=NOW))
    return "mine"


def _fence(database: Database, lease_id: str) -> None:
    database.write(lambda connection: fence_lease(connection, lease_id, now=LATER))


def _is_alive(database: Database, lease_id: str) -> bool:
    return database.write(lambda connection: is_lease_alive(connection, lease_id))


def test_a_new_lease_is_alive(database: Database, taken: str) -> None:
    assert _is_alive(database, taken)


def test_an_unknown_lease_is_not_alive(database: Database) -> None:
    assert not _is_alive(database, "mine")


def test_a_lease_is_renewed(database: Database, taken: str) -> None:
    is_renewed = database.write(lambda connection: renew_lease(connection, taken, now=LATER))

    row = read(database, lambda connection: connection.execute(lease.select()).one())
    assert is_renewed
    assert tuple(row) == ("mine", "host:1", NOW, LATER, None, None)


def test_a_fenced_lease_is_neither_alive_nor_renewed(database: Database, taken: str) -> None:
    _fence(database, taken)

    is_renewed = database.write(lambda connection: renew_lease(connection, taken, now=LATER))

    assert not is_renewed
    assert not _is_alive(database, taken)


def test_a_fence_is_set_once(database: Database, taken: str) -> None:
    database.write(lambda connection: fence_lease(connection, taken, now=NOW))

    _fence(database, taken)

    assert read(database, lambda connection: connection.execute(lease.select()).one()).fenced_at == NOW


def test_other_leases_stay_alive(database: Database, taken: str) -> None:
    database.write(lambda connection: insert_lease(connection, "other", owner="host:2", now=NOW))

    _fence(database, "other")

    assert _is_alive(database, taken)


def test_a_fence_waits_for_uploads_that_are_being_committed(database: Database, taken: str) -> None:
    looked, may_commit = threading.Event(), threading.Event()

    def commit(connection: Connection) -> bool:
        is_alive = is_lease_alive(connection, taken)
        looked.set()
        assert may_commit.wait(PATIENCE_SECONDS)
        return is_alive

    with ThreadPoolExecutor(2) as pool:
        committing = pool.submit(database.write, commit)
        assert looked.wait(PATIENCE_SECONDS)
        fencing = pool.submit(_fence, database, taken)
        with pytest.raises(TimeoutError):
            fencing.result(0.2)
        may_commit.set()
        fencing.result(PATIENCE_SECONDS)

    assert committing.result()
    assert not _is_alive(database, taken)
