"""Crowds: eight writers over one resource, and a server that is killed in their midst."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

from durability import deeds
from durability.ground import Deed, Ground
from durability.ledger import Outcome
from waiting import wait_until

WRITERS: Final = 8
_NAMES: Final = [f"R/{letter}/{number}" for letter in "abc" for number in range(8)]
_LARGEST_BYTES: Final = 60_000
_MEMBERS: Final = 4
_EXTRACTED: Final = 3
_FOREVER: Final = 10**9


@dataclass(frozen=True, slots=True)
class Round:
    """How many attempts were acknowledged and how many got no answer, and what was wrong afterwards."""

    acknowledged: int
    unknown: int
    faults: tuple[str, ...]


def _make_deed(chance: Random) -> Deed:
    what = chance.random()
    if what < 0.75:
        return deeds.put(chance.choice(_NAMES), chance.randbytes(chance.randrange(_LARGEST_BYTES)))
    if what < 0.9:
        return deeds.delete(chance.choice(_NAMES))
    members = deeds.make_members(chance, f"x/{chance.randrange(_EXTRACTED)}", many=_MEMBERS)
    return deeds.extract(chance.choice(["x.zip", "x.tar.gz"]), members)


@contextmanager
def writing(ground: Ground, chance: Random) -> Iterator[None]:
    """Have the writers write while inside, and until each has its last answer or lost its connection."""
    is_over = threading.Event()
    seeds = [chance.randrange(_FOREVER) for _ in range(WRITERS)]

    def write(seed: int) -> None:
        own = Random(seed)
        while not is_over.is_set():
            if ground.do(_make_deed(own)) is Outcome.UNKNOWN:
                time.sleep(0.01)  # there may be nobody to ask any more

    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(write, seed) for seed in seeds]
        try:
            yield
        finally:
            is_over.set()
    for writer in running:
        writer.result()


def run_round(ground: Ground, chance: Random, kill: Callable[[Ground, Random], None], *, least: int = 8) -> Round:
    """Let the writers write, kill once at least so many attempts were acknowledged, start again, look."""
    with writing(ground, chance):
        _wait_for(ground, least + chance.randrange(3 * WRITERS))
        time.sleep(chance.random() * 0.05)
        kill(ground, chance)
    counts = [ground.ledger.count_attempts(outcome) for outcome in (Outcome.ACKNOWLEDGED, Outcome.UNKNOWN)]
    return Round(counts[0], counts[1], tuple(ground.restart()))


def _wait_for(ground: Ground, acknowledged: int) -> None:
    give_up_at = time.monotonic() + 60
    while ground.ledger.count_attempts(Outcome.ACKNOWLEDGED) < acknowledged:
        assert time.monotonic() < give_up_at, "nothing is acknowledged any more"
        time.sleep(0.005)


def kill_all(ground: Ground, _chance: Random) -> None:
    ground.kill()


def kill_one(ground: Ground, chance: Random) -> None:
    """One of several servers, while the others go on; they are killed a while later."""
    chance.choice(ground.servers).kill()
    time.sleep(0.1 + chance.random() * 0.2)
    ground.kill()


def kill_worker(ground: Ground, chance: Random) -> None:
    """One of the processes of a server, which starts another in its place; all are killed a while later."""
    wait_until(lambda: bool(ground.server.list_helpers()))
    with suppress(ProcessLookupError):
        os.kill(chance.choice(ground.server.list_helpers()), signal.SIGKILL)
    time.sleep(0.1 + chance.random() * 0.2)
    ground.kill()
