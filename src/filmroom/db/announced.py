"""Who has said that he is about to write, and whether he is worth waiting for (decision 0019)."""

import time
from typing import Final

# How long anybody is waited for after he said so.
_LONGEST_WAIT_SECONDS: Final = 0.025
# Nobody is waited for while fewer come in time, of the last dozen or so.
_LEAST_RELIABLE: Final = 0.5
_WEIGHT_OF_ONE: Final = 1 / 8


class Announced:
    """Threads that have said so and have neither come nor gone. Not safe for threads: its owner holds a lock.

    They are waited for only while most do come in time: not where bytes take long to become durable, nor beside a crowd
    that turns out to have nothing to write.
    """

    def __init__(self) -> None:
        self._said_at: dict[int, float] = {}  # time.monotonic() by thread, in the order of time
        self._reliability = 1.0  # the part of those that came in time, the last of them weighing most

    def add(self, thread: int) -> None:
        self._said_at.pop(thread, None)
        self._said_at[thread] = time.monotonic()

    def note_come(self, thread: int) -> None:
        """A thread is here, whether it had said so or not."""
        said_at = self._said_at.pop(thread, None)
        if said_at is not None:
            self._note(is_in_time=time.monotonic() <= said_at + _LONGEST_WAIT_SECONDS)

    def note_gone(self, thread: int) -> None:
        """A thread will not come any more, if it has not."""
        if self._said_at.pop(thread, None) is not None:
            self._note(is_in_time=False)

    def wait_seconds(self) -> float:
        """How long to wait for whoever is still to come; 0 when for nobody."""
        if not self._said_at or self._reliability < _LEAST_RELIABLE:
            return 0.0
        last_said_at = next(reversed(self._said_at.values()))
        return max(0.0, last_said_at + _LONGEST_WAIT_SECONDS - time.monotonic())

    def __contains__(self, thread: int) -> bool:
        return thread in self._said_at

    def _note(self, *, is_in_time: bool) -> None:
        self._reliability += (is_in_time - self._reliability) * _WEIGHT_OF_ONE
