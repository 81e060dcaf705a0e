"""What a server is struck in: deeds that prepare, and then the one during which something befalls it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGTERM
from typing import Final

from durability import deeds
from durability.ground import Deed, Ground
from durability.ledger import Outcome
from durability.nursery import Process

Trace = Callable[[int], AbstractContextManager[None]]
"""Strikes the process of a number while inside."""

_PATIENCE_SECONDS: Final = 60.0
# The log has its line of a request just after the answer has gone out.
_AFTERMATH_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Scene:
    prepare: tuple[Deed, ...]
    act: Callable[[Ground, Trace], None]


def _serve(deed: Deed, *prepare: Deed) -> Scene:
    """A deed of the server's."""

    def act(ground: Ground, trace: Trace) -> None:
        with trace(ground.server.pid):
            ground.do(deed)
            ground.server.process.has_ended(_AFTERMATH_SECONDS)

    return Scene(prepare, act)


def _upload(chance: Random) -> Scene:
    return _serve(deeds.put("R/up", chance.randbytes(5000), overwrite=False), deeds.delete("R/up"))


def _upload_large(chance: Random) -> Scene:
    return _serve(deeds.put("R/large", chance.randbytes(3_500_000), overwrite=False), deeds.delete("R/large"))


def _overwrite(chance: Random) -> Scene:
    first, second = (deeds.put("R/over", chance.randbytes(20_000)) for _ in range(2))
    return _serve(second, first)


def _extract_zip(chance: Random) -> Scene:
    return _serve(deeds.extract("a.zip", deeds.make_members(chance, "zip", many=6)))


def _extract_tar_gz(chance: Random) -> Scene:
    return _serve(deeds.extract("a.tar.gz", deeds.make_members(chance, "tgz", many=6)))


def _delete(chance: Random) -> Scene:
    return _serve(deeds.delete("R/gone"), deeds.put("R/gone", chance.randbytes(100)))


def _delete_all(chance: Random) -> Scene:
    filled = (deeds.put(f"D/{name}", chance.randbytes(100)) for name in "ab")
    return _serve(deeds.delete_all("D", "a", "b"), *filled)


def _delete_resource(chance: Random) -> Scene:
    filled = (deeds.put(f"E/{name}", chance.randbytes(100)) for name in "ab")
    return _serve(deeds.delete_resource("E", "a", "b"), *filled)


def _relabel(chance: Random) -> Scene:
    return _serve(deeds.relabel(f"s{chance.randrange(10**9)}"))


def _move(chance: Random) -> Scene:
    body = chance.randbytes(3000)
    return _serve(deeds.move("moving", "R/moved", body), deeds.put("cache/moving", body))


def _clear_cache(chance: Random) -> Scene:
    """The operator's command, while the server runs. Files of which the archive has moved copies keep theirs."""
    body = chance.randbytes(3000)
    names = ("one", "two")
    prepare = (
        *(deeds.put(f"cache/{name}", chance.randbytes(2000)) for name in names),
        deeds.put("cache/moving", body),
        deeds.move("moving", "R/linked", body),
    )

    def act(ground: Ground, trace: Trace) -> None:
        attempt = ground.ledger.begin({f"cache/{name}": None for name in names}, is_atomic=False)
        flags = ("--older-than", "0m", "--data", str(ground.server.folder), *ground.server.flags)
        command = ground.server.nursery.fork("upkeep", "cache", *flags, is_stopped=True)
        with trace_from_the_start(command, trace):
            line = command.wait_for_line()
        assert command.has_ended(_PATIENCE_SECONDS)
        is_done = line.startswith("removed")
        ground.ledger.end(attempt, Outcome.ACKNOWLEDGED if is_done else Outcome.UNKNOWN)

    return Scene(prepare, act)


def _stop(chance: Random) -> Scene:
    def act(ground: Ground, trace: Trace) -> None:
        with trace(ground.server.pid):
            ground.server.process.send(SIGTERM)
            assert ground.server.process.has_ended(_PATIENCE_SECONDS)

    return Scene((deeds.put("R/before", chance.randbytes(100)),), act)


def _start(chance: Random) -> Scene:
    """After it was killed: what was committed is in the log of the database, and must be read from there."""

    def act(ground: Ground, trace: Trace) -> None:
        ground.server.kill()
        process = ground.server.begin(is_stopped=True)
        with trace_from_the_start(process, trace):
            has_started = "answers at" in process.wait_for_line()
        if has_started:
            ground.server.wait_until_up()

    return Scene((deeds.put("R/before", chance.randbytes(100)),), act)


@contextmanager
def trace_from_the_start(process: Process, trace: Trace) -> Iterator[None]:
    """Trace a process that waits to be let go on, and let it go on."""
    status = Path(f"/proc/{process.pid}/stat")
    while status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "T":
        time.sleep(0.002)
    with trace(process.pid):
        process.send(SIGCONT)
        yield


SCENES: Final[Mapping[str, Callable[[Random], Scene]]] = {
    "upload": _upload,
    "large upload": _upload_large,
    "overwrite": _overwrite,
    "extract zip": _extract_zip,
    "extract tar.gz": _extract_tar_gz,
    "delete a file": _delete,
    "delete all files": _delete_all,
    "delete a resource": _delete_resource,
    "rename": _relabel,
    "move from the cache": _move,
    "clear the caches": _clear_cache,
    "stop": _stop,
    "start": _start,
}
