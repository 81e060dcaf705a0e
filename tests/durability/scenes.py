"""What a server is struck in: deeds that prepare, and then the one during which something befalls it."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGTERM
from typing import Final

from durability import deeds
from durability.deeds import Resumable
from durability.ground import PROJECT, Deed, Ground, digest
from durability.ledger import Outcome, State
from durability.nursery import Process

Trace = Callable[[int], AbstractContextManager[None]]
"""Strikes the process of a number while inside."""

_PATIENCE_SECONDS: Final = 60.0
# The log has its line of a request just after the answer has gone out.
_AFTERMATH_SECONDS: Final = 0.02
_STRETCH_BYTES: Final = 30_000


def _untraced(_pid: int) -> AbstractContextManager[None]:
    return nullcontext()


def _find_nothing(_ground: Ground) -> list[str]:
    """Of a scene whose ledger says all that there is to say."""
    return []


@dataclass(frozen=True, slots=True)
class Scene:
    """``look_after`` tries what must work once the server was started again, and tells what is wrong."""

    prepare: tuple[Deed, ...]
    act: Callable[[Ground, Trace], None]
    look_after: Callable[[Ground], list[str]] = _find_nothing


def _serve(deed: Deed, *prepare: Deed, look_after: Callable[[Ground], list[str]] = _find_nothing) -> Scene:
    """A deed of the server's."""

    def act(ground: Ground, trace: Trace) -> None:
        with trace(ground.server.pid):
            ground.do(deed)
            ground.server.process.has_ended(_AFTERMATH_SECONDS)

    return Scene(prepare, act, look_after)


def _expect(ground: Ground, deed: Deed, what: str, *outcomes: Outcome) -> list[str]:
    """Do what must end in one of these ways."""
    outcome = ground.do(deed)
    return [] if outcome in outcomes else [f"{what} ends {outcome.name}"]


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


def _undelete(chance: Random) -> Scene:
    body = chance.randbytes(5000)
    deed = deeds.undelete("R", {"R/back": digest(body)}, path="back")
    return _serve(deed, deeds.put("R/back", body), deeds.delete("R/back"))


def _undelete_resource(chance: Random) -> Scene:
    bodies = {f"U/{name}": chance.randbytes(100) for name in "ab"}
    wants = {key: digest(body) for key, body in bodies.items()}
    filled = (deeds.put(key, body) for key, body in bodies.items())
    return _serve(deeds.undelete("U", wants), *filled, deeds.delete_resource("U", "a", "b"))


def _resume(chance: Random, *, at: int) -> Scene:
    """One of three stretches of an upload, which afterwards is where it says, and can be completed from there."""
    upload = Resumable(f"T/{at}", chance.randbytes(3 * _STRETCH_BYTES))
    stretches = [upload.send(begin, begin + _STRETCH_BYTES) for begin in range(0, len(upload.body), _STRETCH_BYTES)]

    def look_after(ground: Ground) -> list[str]:
        return _expect(ground, upload.complete(), "completing the upload", Outcome.ACKNOWLEDGED) + ground.judge()

    return _serve(stretches[at], upload.begin(), *stretches[:at], look_after=look_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Of the operator's, while the server runs. Its first line begins with ``says`` once it has done its deed."""

    words: tuple[str, ...]
    says: str
    wants: Mapping[str, State] = field(default_factory=dict)
    is_atomic: bool = True

    def deed(self, trace: Trace = _untraced) -> Deed:
        def ask(ground: Ground) -> Outcome:
            is_done = _run(ground, self.words, trace).startswith(self.says)
            return Outcome.ACKNOWLEDGED if is_done else Outcome.UNKNOWN

        return Deed(wants=self.wants, ask=ask, is_atomic=self.is_atomic)


def _run(ground: Ground, words: Sequence[str], trace: Trace) -> str:
    """The first line of what a command says, for which the time of all that was deleted is over."""
    settings = ground.server.folder.parent / "operator.toml"
    settings.write_text("undo_days = 0\n", encoding="utf-8")
    flags = ("--config", str(settings), "--data", str(ground.server.folder), *ground.server.flags)
    command = ground.server.nursery.fork(*words, *flags, is_stopped=True)
    with trace_from_the_start(command, trace):
        line = command.wait_for_line()
        assert command.has_ended(_PATIENCE_SECONDS)
    os.close(command.descriptor)
    return line


def _operate(command: Command, *prepare: Deed, look_after: Callable[[Ground], list[str]] = _find_nothing) -> Scene:
    def act(ground: Ground, trace: Trace) -> None:
        ground.do(command.deed(trace))

    return Scene(prepare, act, look_after)


def _clear_cache(chance: Random) -> Scene:
    """Files of which the archive has moved copies keep theirs."""
    body = chance.randbytes(3000)
    names = ("one", "two")
    command = Command(
        words=("upkeep", "cache", "--older-than", "0m"),
        says="removed",
        wants={f"cache/{name}": None for name in names},
        is_atomic=False,
    )
    return _operate(
        command,
        *(deeds.put(f"cache/{name}", chance.randbytes(2000)) for name in names),
        deeds.put("cache/moving", body),
        deeds.move("moving", "R/linked", body),
    )


def _purge(chance: Random) -> Scene:
    """A resource with all that ever was in it. Broken off it can be done again, and nothing of it comes back."""
    names = ("P/a", "P/b")
    words = ("purge", "--yes", f"{PROJECT}/resources/P")
    command = Command(words=words, says="removed for good", wants=dict.fromkeys(names))

    def purge_again(ground: Ground) -> Outcome:
        """It may say that there is nothing left to purge."""
        _run(ground, words, _untraced)
        return Outcome.ACKNOWLEDGED

    def look_after(ground: Ground) -> list[str]:
        faults = _expect(ground, deeds.undelete("P", {}), "bringing back the resource", Outcome.REFUSED)
        ground.do(Deed(wants=command.wants, ask=purge_again))
        gone = deeds.undelete("P", {}, path="gone")
        return faults + _expect(ground, gone, "bringing back a purged file", Outcome.REFUSED) + ground.judge()

    return _operate(
        command,
        *(deeds.put(name, chance.randbytes(2000)) for name in ("P/a", *names, "P/gone")),
        deeds.delete("P/gone"),
        look_after=look_after,
    )


def _keep_up(chance: Random) -> Scene:
    """What was deleted may go, all or nothing of each. What is live must not, though it has an own past."""
    bodies = {name: chance.randbytes(2000) for name in ("K/a", "K/b", "K/c", "K/back", "K/over", "L/new", "K/linked")}
    *gone, last = (deeds.undelete("K", {key: digest(bodies[key])}, path=key[2:]) for key in ("K/a", "K/b", "K/c"))
    upload = Resumable("K/sent", chance.randbytes(2 * _STRETCH_BYTES))
    command = Command(words=("upkeep",), says="what was done")
    ends: list[Outcome] = []

    def act(ground: Ground, trace: Trace) -> None:
        ends.append(ground.do(command.deed(trace)))

    def look_after(ground: Ground) -> list[str]:
        allowed = {Outcome.REFUSED} if Outcome.ACKNOWLEDGED in ends else {Outcome.REFUSED, Outcome.ACKNOWLEDGED}
        return [
            *chain(*(_expect(ground, deed, "bringing back what may be gone", *allowed) for deed in gone)),
            *ground.judge(),
            *_expect(ground, command.deed(), "doing upkeep again", Outcome.ACKNOWLEDGED),
            *_expect(ground, last, "bringing back what is gone", Outcome.REFUSED),
            *_expect(ground, upload.complete(), "completing an upload", Outcome.ACKNOWLEDGED),
            *ground.judge(),
        ]

    prepare = (
        *(deeds.put(key, body) for key, body in bodies.items() if key != "K/linked"),
        deeds.put("K/over", chance.randbytes(3000)),
        deeds.delete_resource("L", "new"),
        deeds.put("L/new", bodies["L/new"]),
        deeds.put("cache/linked", bodies["K/linked"]),
        deeds.move("linked", "K/linked", bodies["K/linked"]),
        *(deeds.delete(key) for key in ("K/a", "K/b", "K/c", "K/back")),
        deeds.undelete("K", {"K/back": digest(bodies["K/back"])}, path="back"),
        upload.begin(),
        upload.send(0, _STRETCH_BYTES),
    )
    return Scene(prepare, act, look_after)


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
    "undelete a file": _undelete,
    "undelete a resource": _undelete_resource,
    "a stretch of an upload": partial(_resume, at=1),
    "the last stretch of an upload": partial(_resume, at=2),
    "clear the caches": _clear_cache,
    "purge": _purge,
    "upkeep": _keep_up,
    "stop": _stop,
    "start": _start,
}
