"""Work that few may do at once, because each piece of it costs much memory or CPU."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from filmroom.model.errors import Busy

_MOST_WAITING: Final = 4


class Turns:
    """``at_once`` have a turn; four more may wait for one, each for so many seconds."""

    def __init__(self, at_once: int, *, wait_seconds: float, reason: str) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        # Whoever waits for a turn holds a thread that others need, so few may wait.
        self._places = threading.BoundedSemaphore(at_once + _MOST_WAITING)
        self._wait_seconds = wait_seconds
        self._reason = reason

    @contextmanager
    def take(self) -> Iterator[None]:
        """Have a turn while the context is open. Raises Busy after the wait, or at once when too many wait already."""
        if not self._places.acquire(blocking=False):
            raise Busy(self._reason)
        try:
            if not self._turns.acquire(timeout=self._wait_seconds):
                raise Busy(self._reason)
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()
