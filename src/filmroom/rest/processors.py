"""Which processors the threads of a server process may use (decision 0016).

The interpreter's lock lets one of them run at a time. On two processors they take turns, and each turn costs a wake-up
across processors, which on a virtual machine is dear: small requests then use half as much time again, and take longer.
So threads that do small work stay on one processor, each process on its own. What moves large bodies spends its time
outside that lock, and may use all.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

_COUNTED: Final = Path("/proc/stat")


class Processors:
    """Those that there are, by the kernel's numbers, and the one for small work; None where it may be done on any.

    Where the kernel will not keep threads to some, nothing happens.
    """

    def __init__(self, numbers: frozenset[int] | None = None, *, for_small_work: int | None = None) -> None:
        self.all = numbers or frozenset(os.sched_getaffinity(0))
        self._for_small_work = self.all if for_small_work is None else frozenset({for_small_work})

    def keep(self) -> None:
        """Keep the calling thread to the processor for small work, and with it the threads that it starts."""
        _allow(self._for_small_work)

    def use_all(self) -> None:
        """Have the calling thread use every processor, whichever thread started it."""
        _allow(self.all)

    def idle_seconds(self) -> float:
        """How long those for small work have had nothing to do since the machine started, whoever has work (proc(5)).

        Not a number where the kernel does not tell.
        """
        names = {f"cpu{number}" for number in self._for_small_work}
        try:
            counted = [line.split() for line in _COUNTED.read_text(encoding="ascii").splitlines()]
        except OSError:
            return math.nan
        idle_ticks = (int(fields[4]) + int(fields[5]) for fields in counted if fields[0] in names)
        return sum(idle_ticks) / os.sysconf("SC_CLK_TCK")

    def run_freely(self, function: Callable[..., T], *arguments: object) -> T:
        """Run something large in the calling thread, which is kept; meanwhile it may use every processor."""
        self.use_all()
        try:
            return function(*arguments)
        finally:
            self.keep()


def _allow(numbers: frozenset[int]) -> None:
    """sched_setaffinity(2) of the calling thread."""
    try:
        os.sched_setaffinity(0, numbers)
    except OSError:
        # Processors that were taken away meanwhile, or a machine that does not know of such things: it is only slower.
        return
