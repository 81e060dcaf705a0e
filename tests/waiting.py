"""Waiting for what will be so soon, on however busy a machine."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 20.0


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come to that"
        time.sleep(0.005)
