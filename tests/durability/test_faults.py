"""Are the proofs worth anything? Each fault that is planted into a server must be found, and none in one without."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

import pytest

from durability import faults
from durability.crowds import kill_all, run_round
from durability.disks import find_obstacle
from durability.ground import Ground, opened
from durability.nursery import ForkedServer, Nursery
from durability.powercuts import cut_power, opened_ground_on_disk
from durability.strikes import KILL, find_strikes, strike
from durability.tracing import MISSING, STRACE

# By far more than it takes.
ROUNDS: Final = 5
OBSTACLE = find_obstacle()


@pytest.fixture
def ground(nursery: Nursery, tmp_path: Path) -> Iterator[Ground]:
    with opened(Ground(ForkedServer(nursery, tmp_path / "data"))) as ground:
        yield ground


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Callable[[Ground, str], None]]:
    """Have a server without fault make way for one with a fault."""
    nurseries: list[Nursery] = []

    def start_with(ground: Ground, fault: str) -> None:
        nurseries.append(Nursery(tmp_path / "faulty", fault))
        ground.server.nursery = nurseries[-1].__enter__()
        assert ground.restart() == []

    yield start_with
    for nursery in nurseries:
        nursery.__exit__(None, None, None)


@pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)
@pytest.mark.parametrize("fault", ["fsync off", "synchronous=NORMAL"])
def test_power_cuts_find_what_is_not_made_durable(
    nursery: Nursery, tmp_path: Path, plant: Callable[[Ground, str], None], fault: str
) -> None:
    with opened_ground_on_disk(nursery, tmp_path) as (ground, disk):
        plant(ground, fault)

        assert find(lambda chance: list(cut_power(ground, disk, chance).faults))


def test_kill_9_finds_an_answer_before_commit(ground: Ground, plant: Callable[[Ground, str], None]) -> None:
    plant(ground, "answer before commit")

    assert find(lambda chance: list(run_round(ground, chance, kill_all).faults))


@pytest.mark.skipif(STRACE is None, reason=MISSING)
def test_kill_points_find_what_does_not_appear_together(ground: Ground, plant: Callable[[Ground, str], None]) -> None:
    plant(ground, "members one by one")
    chance = Random(1)
    commits = [blow for blow in find_strikes(ground, "extract zip", [KILL], chance) if blow.call == "fdatasync"]

    found = strike(ground, commits[len(commits) // 2], chance).faults

    assert any("torn" in fault for fault in found)


@pytest.mark.skipif(STRACE is None, reason=MISSING)
def test_kill_points_find_an_upload_that_ends_later_than_its_file(
    ground: Ground, plant: Callable[[Ground, str], None]
) -> None:
    plant(ground, "uploads end later")
    chance = Random(1)
    strikes = find_strikes(ground, "the last stretch of an upload", [KILL], chance)
    last_first = [blow for blow in reversed(strikes) if blow.call == "pwrite64"]

    found = (strike(ground, blow, chance).faults for blow in last_first)

    assert any("torn" in fault for faults in found for fault in faults)


def test_every_fault_that_can_be_planted_is_looked_for() -> None:
    text = Path(__file__).read_text(encoding="utf-8")

    assert all(f'"{fault}"' in text for fault in faults.FAULTS)


def find(look: Callable[[Random], list[str]]) -> list[str]:
    """What is found in the first round in which anything is."""
    chance = Random(6)
    return next((found for _ in range(ROUNDS) if (found := look(chance))), [])
