"""Work that must not take all of a disk from those who wait for answers."""

import time
from collections.abc import Callable


class Pace:
    """At most so many bytes a second; what was not used is not saved up. None is as fast as it goes."""

    def __init__(
        self,
        bytes_per_second: int | None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._now = now
        self._sleep = sleep
        self._free_at = 0.0

    def spend(self, size_bytes: int) -> None:
        """Wait for as long as it takes until so many bytes more may be read."""
        if self._rate is None:
            return
        now = self._now()
        self._free_at = max(self._free_at, now) + size_bytes / self._rate
        self._sleep(self._free_at - now)
