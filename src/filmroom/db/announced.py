"""Who has said that he is about to write, and whether he is worth waiting for (decision 0019)."""

import math
import time
from typing import Final

# How long anybody is waited for after he said so; and for how long nobody is, once somebody was waited for in vain.
_LONGEST_WAIT_SECONDS: Final = 0.025
_WARY_SECONDS: Final = 1.0
# Nobody is waited for while fewer of those who say so come at all, of the last dozen or so.
_LEAST_RELIABLE: Final = 0.5
_WEIGHT_OF_ONE: Final = 1 / 8


class Announced:
    """Threads that have said so and have neither come nor gone. Not safe for threads: its owner holds a lock.

    They are waited for only where that pays: not for a second after somebody has not come in time, as where bytes take
    long to become durable; nor beside a crowd that turns out to have nothing to write.
    """

    def __init__(self) -> None:
        self._said_at: dict[int, float] = {}  # time.monotonic() by thread, in the order of time
        self._reliability = 1.0  # the part of those who said so that came, the last of them weighing most
        self._wary_until = -math.inf  # time.monotonic()

    def add(self, thread: int) -> None:
        self._said_at.pop(thread, None)
        self._said_at[thread] = time.monotonic()

    def note_come(self, thread: int) -> None:
        """A thread is here, whether it had said so or not."""
        if self._said_at.pop(thread, None) is not None:
            self._note(has_come=True)

    def note_gone(self, thread: int) -> None:
        """A thread will not come any more, if it has not."""
        if self._said_at.pop(thread, None) is not None:
            self._note(has_come=False)

    def note_vain(self) -> None:
        """Somebody waited, and they did not come in time."""
        self._wary_until = time.monotonic() + _WARY_SECONDS

    def wait_seconds(self) -> float:
        """How long to wait for whoever is still to come; 0 when for nobody."""
        now = time.monotonic()
        if not self._said_at or self._reliability < _LEAST_RELIABLE or now < self._wary_until:
            return 0.0
        last_said_at = next(reversed(self._said_at.values()))
        return max(0.0, last_said_at + _LONGEST_WAIT_SECONDS - now)

    def __contains__(self, thread: int) -> bool:
        return thread in self._said_at

    def _note(self, *, has_come: bool) -> None:
        self._reliability += (has_come - self._reliability) * _WEIGHT_OF_ONE
