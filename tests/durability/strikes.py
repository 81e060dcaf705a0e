"""Kill points and I/O errors: a server is killed, or its disk fails, at the n-th call of a kind during a scene."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from durability import deeds
from durability.ground import Ground
from durability.ledger import Outcome
from durability.scenes import SCENES
from durability.tracing import tally, traced, was_struck

CHANGING_CALLS: Final = (
    "fdatasync",
    "fsync",
    "ftruncate",
    "link",
    "mkdir",
    "openat",
    "pwrite64",
    "rename",
    "syncfs",
    "unlink",
    "write",
    "writev",
)
"""By which a server changes what is on its disk, or says something."""

KILL: Final = "signal=SIGKILL:when={}"
EFFECTS: Final = (KILL, "error=EIO:when={}", "error=ENOSPC:when={}+")
"""Killed at the n-th call; that call fails; that call and all after it fail, as on a disk that is full."""

ERRORS: Final = EFFECTS[1:]


@dataclass(frozen=True, slots=True)
class Strike:
    scene: str
    call: str
    effect: str

    def __str__(self) -> str:
        return f"{self.scene}, {self.call}, {self.effect}"


@dataclass(frozen=True, slots=True)
class Struck:
    """Whether it came to it, and what was wrong afterwards."""

    strike: Strike
    is_reached: bool
    faults: tuple[str, ...]


def find_strikes(ground: Ground, scene_name: str, effects: Sequence[str], chance: Random) -> list[Strike]:
    """Every strike that is possible in a scene, which is played once to find them."""
    log = _play(ground, scene_name, chance, calls=CHANGING_CALLS)
    assert not ground.restart()
    return [
        Strike(scene_name, call, effect.format(number))
        for call, times in sorted(tally(log).items())
        for number in range(1, times + 1)
        for effect in effects
    ]


def strike(ground: Ground, blow: Strike, chance: Random) -> Struck:
    """Play the scene with the blow in it, and look: while the server still runs, and after it was started again."""
    log = _play(ground, blow.scene, chance, calls=(blow.call,), effect=blow.effect)
    faults: list[str] = []
    if ground.server.is_running():
        faults += ground.judge()
        faults += _use_again(ground, chance)
    faults += ground.restart()
    return Struck(blow, was_struck(log), tuple(f"{blow}: {fault}" for fault in faults))


def iter_struck(ground: Ground, strikes: Sequence[Strike], chance: Random) -> Iterator[Struck]:
    """Those that were reached."""
    for blow in strikes:
        if (struck := strike(ground, blow, chance)).is_reached:
            yield struck
        assert not struck.faults, struck.faults


def _play(ground: Ground, scene_name: str, chance: Random, *, calls: Sequence[str], effect: str = "") -> Path:
    """The log of what was traced."""
    scene = SCENES[scene_name](chance)
    for deed in scene.prepare:
        ground.do(deed)
    log = ground.server.folder.parent / "strace.log"

    def trace(pid: int) -> AbstractContextManager[None]:
        return traced(pid, log, calls=calls, effect=effect)

    scene.act(ground, trace)
    return log


def _use_again(ground: Ground, chance: Random) -> list[str]:
    """A server that outlives its disk's failing must work once the disk does."""
    outcome = ground.do(deeds.put("R/after", chance.randbytes(100)))
    return [] if outcome is Outcome.ACKNOWLEDGED else [f"the disk is well again, and an upload ends {outcome.name}"]


def count_by_scene(struck: Sequence[Struck]) -> Counter[str]:
    return Counter(item.strike.scene for item in struck)
