"""How much of each proof is done, and what came of it: the same for the sample in ``make test`` and for the whole."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random

from durability.crowds import Round, run_round
from durability.disks import Disk
from durability.ground import Ground
from durability.nursery import Nursery
from durability.powercuts import cut_power
from durability.scenes import SCENES
from durability.strikes import Strike, find_first_start_strikes, find_strikes, strike, strike_first_start

Told = Callable[[str], None]
Kill = Callable[[Ground, Random], None]


@dataclass(slots=True)
class Result:
    """``times`` is how often each thing was done; ``operations`` how many were acknowledged in the course of it."""

    times: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, what: str, faults: Sequence[str], operations: int = 0) -> None:
        self.times[what] += 1
        self.operations += operations
        self.faults += faults


def strike_at(ground: Ground, strikes: Sequence[Strike], chance: Random, *, most: int) -> Result:
    """In this order, until so many were reached."""
    result = Result()
    for blow in strikes:
        if result.times.total() == most:
            break
        struck = strike(ground, blow, chance)
        if struck.is_reached or struck.faults:
            result.add(blow.scene, struck.faults)
    return result


def find_all_strikes(
    ground: Ground, effects: Sequence[str], chance: Random, *, scenes: Iterable[str] = tuple(SCENES)
) -> list[Strike]:
    """Scene after scene has its turn, and within each of them call after call, so that a beginning is a sample."""
    return _take_turns(_shuffle(find_strikes(ground, name, effects, chance), chance) for name in scenes)


def _shuffle(found: Iterable[Strike], chance: Random) -> list[Strike]:
    by_call: dict[str, list[Strike]] = {}
    for blow in found:
        by_call.setdefault(blow.call, []).append(blow)
    return _take_turns(chance.sample(blows, len(blows)) for blows in chance.sample([*by_call.values()], len(by_call)))


def _take_turns(series: Iterable[Iterable[Strike]]) -> list[Strike]:
    return [blow for turn in zip_longest(*series) for blow in turn if blow is not None]


def strike_first_starts(nursery: Nursery, folder: Path, chance: Random, *, most: int) -> Result:
    result = Result()
    places = (folder / str(number) for number in range(10**6))

    def place() -> Path:
        made = next(places)
        made.mkdir(parents=True)
        return made

    strikes = find_first_start_strikes(nursery, place())
    for blow in chance.sample(strikes, min(most, len(strikes))):
        struck = strike_first_start(nursery, place(), blow.call, blow.effect)
        if struck.is_reached or struck.faults:
            result.add(blow.scene, struck.faults)
    return result


def kill_crowds(ground: Ground, chance: Random, kills: Sequence[Kill], *, rounds: int) -> Result:
    result = Result()
    for number in range(rounds):
        _add_round(result, run_round(ground, chance, kills[number % len(kills)]))
    return result


def cut_powers(ground: Ground, disk: Disk, chance: Random, *, rounds: int) -> Result:
    result = Result()
    for _ in range(rounds):
        _add_round(result, cut_power(ground, disk, chance))
        if not disk.is_consistent():
            result.faults.append("the file system itself is damaged, so nothing was proven")
    return result


def _add_round(result: Result, done: Round) -> None:
    result.add("rounds", done.faults, done.acknowledged)
