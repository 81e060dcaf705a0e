"""Which processors the threads of a server process may use (decision 0016).

The interpreter's lock lets one of them run at a time. On two processors they take turns, and each turn costs a wake-up
across processors, which on a virtual machine is dear: small requests then use half as much time again. So where there
is a process for each processor, threads that do small work stay on the one of their process. What moves large bodies
spends its time outside that lock, and may use all.
"""

import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Processors:
    """Those that this process has, by the kernel's numbers: all that it began with unless they are named.

    Where the kernel will not keep threads to some, nothing happens.

    Threads that do small work join, each by itself: those are kept together, but for what they ``run_freely``. Others
    begin with what the thread had that started them, and ``use_all`` if they shall have more than that.
    """

    def __init__(self, numbers: frozenset[int] | None = None) -> None:
        self.all = numbers or frozenset(os.sched_getaffinity(0))
        self._kept_to = self.all
        self._joined: set[int] = set()
        self._changing = threading.Lock()

    def join(self) -> None:
        """Have the calling thread be one of those that are kept together."""
        with self._changing:
            self._joined.add(threading.get_native_id())
            if self._kept_to != self.all:
                _allow(0, self._kept_to)

    def use_all(self) -> None:
        """Have the calling thread, which has not joined, use every processor, whichever thread started it."""
        _allow(0, self.all)

    def keep_to(self, number: int) -> None:
        """Have all that have joined, and those that will, use only this processor."""
        self._keep(frozenset({number}))

    def release(self) -> None:
        """Let all use every processor again."""
        self._keep(self.all)

    def _keep(self, numbers: frozenset[int]) -> None:
        with self._changing:
            if numbers != self._kept_to:
                self._kept_to = numbers
                for thread in self._joined:
                    _allow(thread, numbers)

    def run_freely(self, function: Callable[..., T], *arguments: object) -> T:
        """Run something large in the calling thread, which has joined; meanwhile it may use every processor."""
        if self._kept_to == self.all:
            return function(*arguments)
        _allow(0, self.all)
        try:
            return function(*arguments)
        finally:
            _allow(0, self._kept_to)


def _allow(thread: int, numbers: frozenset[int]) -> None:
    """sched_setaffinity(2); 0 is the calling thread."""
    try:
        os.sched_setaffinity(thread, numbers)
    except OSError:
        # A thread that has ended, or processors that were taken away meanwhile: it is only slower.
        return
