"""The lease of a server process and the keys it gives out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from conftest import Clock
from filmroom.blobs.base import split_key
from filmroom.db.engine import Database
from filmroom.db.leases import fence_lease
from filmroom.db.schema import AnyRow, lease
from filmroom.model.errors import LeaseLost
from filmroom.service.leases import Leases, check_leases


@pytest.fixture
def leases(database: Database, clock: Clock) -> Iterator[Leases]:
    leases = Leases(database, clock)
    yield leases
    leases.close()


def _rows(database: Database) -> list[AnyRow]:
    with database.read() as connection:
        return list(connection.execute(lease.select().order_by(lease.c.id)))


def _lease_of(key: str) -> str:
    return split_key(key)[0]


def _fence(database: Database, lease_id: str, clock: Clock) -> None:
    database.write(lambda connection: fence_lease(connection, lease_id, now=clock()))


def test_no_lease_is_taken_before_it_is_needed(leases: Leases, database: Database) -> None:
    leases.renew()

    assert _rows(database) == []


def test_a_lease_says_whose_it_is_and_since_when(leases: Leases, database: Database, clock: Clock) -> None:
    key = leases.new_key()

    [row] = _rows(database)
    host, process = row.owner.rsplit(":", 1)
    assert row.id == _lease_of(key)
    assert host
    assert process.isdigit()
    assert (row.started_at, row.renewed_at, row.fenced_at) == (clock.now, clock.now, None)


def test_later_keys_sort_after_earlier_ones(leases: Leases) -> None:
    keys = [leases.new_key() for _ in range(3000)]

    assert keys == sorted(keys)
    assert len({_lease_of(key) for key in keys}) == 1


def test_a_folder_of_blobs_stays_small(leases: Leases) -> None:
    batches = [split_key(leases.new_key())[1] for _ in range(2500)]

    assert [batches.count(batch) for batch in dict.fromkeys(batches)] == [1000, 1000, 500]


def test_keys_are_unique_across_threads(leases: Leases, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = [key for some in pool.map(lambda _: [leases.new_key() for _ in range(200)], range(16)) for key in some]

    assert len(set(keys)) == 3200
    assert len(_rows(database)) == 1


def test_keys_of_two_processes_differ_at_the_same_moment(database: Database, clock: Clock) -> None:
    first, second = Leases(database, clock), Leases(database, clock)

    keys = [one.new_key() for one in (first, second) for _ in range(100)]

    assert len(set(keys)) == 200
    assert len({_lease_of(key) for key in keys}) == 2


def test_renewing_says_that_the_process_lives(leases: Leases, database: Database, clock: Clock) -> None:
    leases.new_key()
    started = clock.now
    clock.move(minutes=1)

    leases.renew()

    [row] = _rows(database)
    assert (row.started_at, row.renewed_at) == (started, clock.now)


def test_a_fenced_lease_is_replaced_when_it_is_found_out(leases: Leases, database: Database, clock: Clock) -> None:
    old = leases.new_key()
    _fence(database, _lease_of(old), clock)
    clock.move(minutes=1)
    leases.renew()

    new = leases.new_key()

    assert _lease_of(new) != _lease_of(old)
    assert new > old
    assert [row.fenced_at is None for row in _rows(database)] == [False, True]


def test_keys_of_a_living_lease_may_be_committed(leases: Leases, database: Database) -> None:
    keys = [leases.new_key() for _ in range(3)]

    database.write(lambda connection: check_leases(connection, keys))


def test_no_keys_need_no_lease(database: Database) -> None:
    database.write(lambda connection: check_leases(connection, []))


@pytest.mark.parametrize("end", ["fence", "close"])
def test_keys_of_an_ended_lease_may_not(leases: Leases, database: Database, clock: Clock, end: str) -> None:
    key = leases.new_key()
    ends = {"fence": lambda: _fence(database, _lease_of(key), clock), "close": leases.close}
    ends[end]()

    def unit(connection: Connection) -> None:
        check_leases(connection, [key])

    with pytest.raises(LeaseLost):
        database.write(unit)


def test_an_unknown_lease_is_lost(database: Database) -> None:
    with pytest.raises(LeaseLost):
        database.write(lambda connection: check_leases(connection, ["never-0-1"]))


def test_closing_fences_the_lease(leases: Leases, database: Database, clock: Clock) -> None:
    leases.new_key()
    clock.move(minutes=5)

    leases.close()

    assert [row.fenced_at for row in _rows(database)] == [clock.now]


def test_closing_without_a_lease_is_no_error(database: Database, clock: Clock) -> None:
    Leases(database, clock).close()

    assert _rows(database) == []
