"""Servers that are killed in the midst of eight writers, a seeded sample on both databases."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from durability.campaigns import Kill, kill_crowds
from durability.crowds import kill_all, kill_one
from durability.ground import Ground
from durability.nursery import ForkedServer, Nursery


@pytest.fixture
def open_ground(nursery: Nursery, tmp_path: Path, empty_database_url: str) -> Iterator[Callable[[int], Ground]]:
    """An archive on each database, with so many servers."""
    with ExitStack() as stack:

        def open_with(servers: int) -> Ground:
            flags = ("--database", empty_database_url)
            ground = Ground(*(ForkedServer(nursery, tmp_path / "data", *flags) for _ in range(servers)))
            stack.callback(ground.kill)
            ground.open()
            return ground

        yield open_with


@pytest.mark.parametrize(("servers", "kills", "rounds"), [(1, [kill_all], 3), (2, [kill_one, kill_all], 2)])
def test_what_a_crowd_was_answered_survives_kill_9(
    open_ground: Callable[[int], Ground], servers: int, kills: Sequence[Kill], rounds: int
) -> None:
    ground = open_ground(servers)

    result = kill_crowds(ground, Random(servers), kills, rounds=rounds)

    assert result.faults == []
    assert result.operations >= 8 * rounds
