"""Kill points and I/O errors, a seeded sample: after each blow the archive holds what it answered for.

``make test-durability`` strikes everywhere.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from durability.campaigns import find_all_strikes, strike_at, strike_first_starts
from durability.ground import Ground, opened
from durability.nursery import ForkedServer, Nursery
from durability.scenes import SCENES
from durability.strikes import ERRORS, KILL, find_strikes
from durability.tracing import MISSING, STRACE
from postgresql import PostgreSQL

pytestmark = pytest.mark.skipif(STRACE is None, reason=MISSING)


ON_POSTGRESQL: Final = (
    "upload",
    "extract zip",
    "move from the cache",
    "the last stretch of an upload",
    "undelete a resource",
)


@pytest.fixture
def ground(nursery: Nursery, tmp_path: Path) -> Iterator[Ground]:
    with opened(Ground(ForkedServer(nursery, tmp_path / "data"))) as ground:
        yield ground


def test_a_server_killed_at_any_call_has_lost_nothing_and_torn_nothing(ground: Ground) -> None:
    chance = Random(1)
    scenes = [name for name in SCENES if name not in ON_POSTGRESQL]

    result = strike_at(ground, find_all_strikes(ground, [KILL], chance, scenes=scenes), chance, most=28)

    assert result.faults == []
    assert result.times.total() == 28
    assert set(result.times) == set(scenes)


def test_so_it_is_on_postgresql(nursery: Nursery, tmp_path: Path, postgresql: PostgreSQL) -> None:
    chance = Random(2)
    server = ForkedServer(nursery, tmp_path / "data", "--database", postgresql.url(postgresql.create()))
    with opened(Ground(server)) as ground:
        strikes = find_all_strikes(ground, [KILL], chance, scenes=ON_POSTGRESQL)

        result = strike_at(ground, strikes, chance, most=18)

    assert result.faults == []
    assert result.times.total() == 18
    assert set(result.times) == set(ON_POSTGRESQL)


def test_a_server_killed_while_it_makes_its_archive_can_be_started_again(nursery: Nursery, tmp_path: Path) -> None:
    result = strike_first_starts(nursery, tmp_path, Random(3), most=4)

    assert result.faults == []
    assert result.times.total() >= 2


def test_a_server_whose_disk_fails_answers_the_truth_and_works_again(ground: Ground) -> None:
    chance = Random(9)
    scenes = chance.sample(list(SCENES), 8)

    result = strike_at(ground, find_all_strikes(ground, ERRORS, chance, scenes=scenes), chance, most=20)

    assert result.faults == []
    assert result.times.total() == 20


def test_a_zip_for_which_there_is_no_room_is_no_surprise(ground: Ground) -> None:
    """It is spooled before it is taken apart; that the spool could not be made or written was an error without name."""
    chance = Random(5)
    found = find_strikes(ground, "extract zip", ERRORS, chance)
    strikes = [blow for blow in found if blow.call in {"openat", "write"}]

    result = strike_at(ground, strikes[:8], chance, most=8)

    assert result.faults == []
