"""Kill points and I/O errors: a server is killed, or its disk fails, at the n-th call of a kind during a scene."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from durability import deeds
from durability.ground import Ground
from durability.ledger import Outcome
from durability.nursery import ForkedServer, Nursery
from durability.scenes import SCENES, Scene, trace_from_the_start
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
    "sendto",
    "syncfs",
    "unlink",
    "write",
    "writev",
)
"""By which a server changes what is on its disk, or says something, to PostgreSQL (``sendto``) as to clients."""

KILL: Final = "signal=SIGKILL:when={}"
EFFECTS: Final = (KILL, "error=EIO:when={}", "error=ENOSPC:when={}+")
"""Killed at the n-th call; that call fails; that call and all after it fail, as on a disk that is full."""

ERRORS: Final = EFFECTS[1:]
FIRST_START: Final = "first start"


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
    scene = SCENES[scene_name](chance)
    log = _play(ground, scene, calls=CHANGING_CALLS)
    faults = ground.restart() + scene.look_after(ground)
    assert not faults, faults
    return _list_strikes(scene_name, log, effects)


def _list_strikes(scene_name: str, log: Path, effects: Sequence[str]) -> list[Strike]:
    return [
        Strike(scene_name, call, effect.format(number))
        for call, times in sorted(tally(log).items())
        for number in range(1, times + 1)
        for effect in effects
    ]


def strike(ground: Ground, blow: Strike, chance: Random) -> Struck:
    """Play the scene with the blow in it, and look: while the server still runs, and after it was started again."""
    told_before = ground.server.nursery.log.stat().st_size
    scene = SCENES[blow.scene](chance)
    log = _play(ground, scene, calls=(blow.call,), effect=blow.effect)
    faults: list[str] = []
    if ground.server.is_running():
        faults += ground.judge()
        faults += _use_again(ground, chance)
    faults += ground.restart()
    faults += scene.look_after(ground)
    faults += _list_surprises(ground.server.nursery.log, told_before)
    return Struck(blow, was_struck(log), tuple(f"{blow}: {fault}" for fault in faults))


def _play(ground: Ground, scene: Scene, *, calls: Sequence[str], effect: str = "") -> Path:
    """The log of what was traced."""
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


def _list_surprises(log: Path, start: int) -> list[str]:
    """What the server told of that it has no name for."""
    with log.open(encoding="utf-8") as lines:
        lines.seek(start)
        return [line.strip()[-600:] for line in lines if '"event":"unexpected"' in line]


def strike_first_start(nursery: Nursery, folder: Path, call: str, effect: str) -> Struck:
    """A server that makes its archive is struck; the next one must find a way from there."""
    server = ForkedServer(nursery, folder / "data")
    process = server.begin(is_stopped=True)
    log = folder / "strace.log"
    with trace_from_the_start(process, lambda pid: traced(pid, log, calls=(call,), effect=effect)):
        process.wait_for_line()
    if server.is_running():
        server.kill()
    server.start()
    status, _ = server.request("GET", "/data/projects")
    server.kill()
    blow = Strike(FIRST_START, call, effect)
    return Struck(blow, was_struck(log), () if status == 200 else (f"{blow}: it answers {status}",))


def find_first_start_strikes(nursery: Nursery, folder: Path) -> list[Strike]:
    server = ForkedServer(nursery, folder / "data")
    process = server.begin(is_stopped=True)
    log = folder / "strace.log"
    with trace_from_the_start(process, lambda pid: traced(pid, log, calls=CHANGING_CALLS)):
        process.wait_for_line()
    server.kill()
    return _list_strikes(FIRST_START, log, [KILL])
