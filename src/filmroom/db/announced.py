"""Who has said that he is about to write, and whether he is worth waiting for (decision 0019)."""

import math
import time
from typing import Final

# How long anybody is waited for after he said so.
_LONGEST_WAIT_SECONDS: Final = 0.025
# After so much waiting it is seen whether that paid: whether for this part of it the process has computed. If not,
# nobody is waited for, for so long.
_TRIAL_SECONDS: Final = 0.1
_LEAST_USED: Final = 0.3
_WARY_SECONDS: Final = 4.0


class Announced:
    """Threads that have said so and have neither come nor gone. Not safe for threads: its owner holds a lock.

    They are waited for only where that pays: where this process computes meanwhile, and they come. It does not where
    they wait for a slow disk, nor beside a crowd that turns out to have nothing to write.
    """

    def __init__(self) -> None:
        self._said_at: dict[int, float] = {}  # time.monotonic() by thread, in the order of time
        self._began: tuple[float, float] | None = None  # the wait that is on: time.monotonic() and time.process_time()
        self._waited_seconds = 0.0
        self._used_seconds = 0.0
        self._wary_until = -math.inf  # time.monotonic()

    def add(self, thread: int) -> None:
        self._said_at.pop(thread, None)
        self._said_at[thread] = time.monotonic()

    def remove(self, thread: int) -> None:
        """It is here, or will not come; nothing where it had not said that it would."""
        self._said_at.pop(thread, None)

    def wait_seconds(self) -> float:
        """How long to wait for whoever is still to come; 0 when for nobody."""
        now = time.monotonic()
        if not self._said_at or now < self._wary_until:
            return 0.0
        last_said_at = next(reversed(self._said_at.values()))
        return max(0.0, last_said_at + _LONGEST_WAIT_SECONDS - now)

    def begin_wait(self) -> None:
        """Somebody waits for others to come, as nobody did before."""
        self._began = (time.monotonic(), time.process_time())

    def end_wait(self, *, have_come: bool) -> None:
        """Nobody waits any more; ``have_come`` is whether all whom they waited for are there."""
        if self._began is None:
            return
        began, computed_before = self._began
        self._began = None
        self._waited_seconds += time.monotonic() - began
        if have_come:
            self._used_seconds += time.process_time() - computed_before
        if self._waited_seconds >= _TRIAL_SECONDS:
            self._judge()

    def _judge(self) -> None:
        if self._used_seconds < self._waited_seconds * _LEAST_USED:
            self._wary_until = time.monotonic() + _WARY_SECONDS
        self._waited_seconds = self._used_seconds = 0.0

    def __contains__(self, thread: int) -> bool:
        return thread in self._said_at
