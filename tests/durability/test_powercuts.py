"""Power cuts, a seeded sample: the disk loses what was only in memory while eight writers write."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psycopg
import pytest

from durability.campaigns import cut_powers
from durability.disks import Disk, find_obstacle
from durability.ground import Ground
from durability.nursery import Nursery
from durability.powercuts import cut_power, opened_ground_on_disk, opened_ground_with_postgresql_on_disk

OBSTACLE = find_obstacle()
pytestmark = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)


@pytest.fixture
def on_disk(nursery: Nursery, tmp_path: Path) -> Iterator[tuple[Ground, Disk]]:
    with opened_ground_on_disk(nursery, tmp_path) as pair:
        yield pair


def test_what_was_answered_survives_power_cuts(on_disk: tuple[Ground, Disk]) -> None:
    result = cut_powers(*on_disk, Random(5), rounds=4)

    assert result.faults == []
    assert result.operations >= 8 * 4


@pytest.fixture
def with_postgresql_on_disk(nursery: Nursery) -> Iterator[tuple[Ground, Disk]]:
    with TemporaryDirectory(prefix="filmroom-cut-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own, who must get there
        with opened_ground_with_postgresql_on_disk(nursery, folder) as pair:
            yield pair


def test_so_it_does_on_postgresql_unless_that_is_told_not_to_wait(
    with_postgresql_on_disk: tuple[Ground, Disk],
) -> None:
    ground, _ = with_postgresql_on_disk
    chance = Random(7)

    assert cut_power(*with_postgresql_on_disk, chance).faults == ()

    with psycopg.connect(ground.server.flags[1], autocommit=True) as connection:
        connection.execute("ALTER ROLE postgres SET synchronous_commit = off")
    ground.restart()

    assert any(cut_power(*with_postgresql_on_disk, chance).faults for _ in range(5))


def test_what_was_written_and_not_made_durable_is_lost(tmp_path: Path) -> None:
    """Of the disk itself: that a cut loses something at all, and nothing else."""
    with Disk(tmp_path) as disk:
        kept, lost = disk.root / "kept", disk.root / "lost"
        with kept.open("wb") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
        lost.write_bytes(b"x" * 5000)

        disk.cut()
        disk.come_back()

        assert kept.read_bytes() == b"x"
        assert not lost.exists() or lost.stat().st_size == 0
        assert disk.is_consistent()
