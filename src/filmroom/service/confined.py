"""Programs that read what comes from anybody, each in a process of its own with limits (docs/decisions/0008).

Such a program ends with 0 after its output, and with TOLD after a few words that say why there is none. It imports
this module too, which therefore loads next to nothing.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

from filmroom.model.errors import Busy
from filmroom.service.turns import Turns

TOLD: Final = 3
_AT_ONCE: Final = 2
_LONGEST_WAIT_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 30.0
_MOST_MEMORY_BYTES: Final = 3 * 1024**3
# The largest images that are shown take about 9.
_MOST_CPU_SECONDS: Final = 20
_MOST_OUTPUT_BYTES: Final = 256 * 1024**2


class NotDone(Exception):  # noqa: N818 - named for the fact, as all errors of the house
    """Why a program has no output, in words that follow "it"."""


class Confined:
    """Few such programs run at once."""

    def __init__(self, *, spool_dir: Path) -> None:
        self._spool_dir = spool_dir
        # The thread that asks for one may be kept to fewer.
        self._processors = os.sched_getaffinity(0)
        self._turns = Turns(_AT_ONCE, wait_seconds=_LONGEST_WAIT_SECONDS, reason="too many images are being read")

    def run(self, program: str, source: BinaryIO) -> BinaryIO:
        """What a module of ``service`` makes of a file, in a file. Raises NotDone, Busy."""
        # Without a buffer, because another process moves its end.
        out = cast("BinaryIO", TemporaryFile(dir=self._spool_dir, buffering=0))  # noqa: SIM115 - the caller closes it
        try:
            with self._turns.take():
                _run(program, source, out, self._processors)
        except BaseException:
            out.close()
            raise
        return out


def _run(program: str, source: BinaryIO, out: BinaryIO, processors: AbstractSet[int]) -> None:
    command = [sys.executable, "-P", "-m", f"filmroom.service.{program}", *map(str, processors)]
    # Nothing else of the environment: there are passwords in it. One thread, because each takes memory from the limit.
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(  # noqa: S603 - the command is ours; what comes from outside is its input
            command,
            stdin=source,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotDone(f"takes more than {_LONGEST_SECONDS:.0f} seconds") from error
    except OSError as error:
        raise Busy("no process could be started to read the image") from error
    if ended.returncode == TOLD:
        out.seek(0)
        raise NotDone(out.read().decode())
    if ended.returncode:
        raise NotDone("is broken, or takes too much memory or time")


def confine(work: Callable[[], None]) -> int:
    """Do the work of such a program within its limits, on the processors it was told of. The code it is to end with."""
    os.nice(5)  # uploads come first
    with suppress(OSError):  # they may have been taken away meanwhile
        os.sched_setaffinity(0, map(int, sys.argv[1:]))
    for limit, most in (
        (resource.RLIMIT_AS, _MOST_MEMORY_BYTES),
        (resource.RLIMIT_CPU, _MOST_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, _MOST_OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        work()
    except NotDone as reason:
        sys.stdout.write(str(reason))
        return TOLD
    return 0
