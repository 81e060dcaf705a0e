"""Upkeep at intervals, in a thread of each server process; whichever comes first does it for all of them."""

from datetime import timedelta
from threading import Event, Thread
from typing import Final

import structlog

from filmroom.model.errors import ArchiveError
from filmroom.service.upkeep import Upkeep

_LOG: Final = structlog.get_logger("filmroom.upkeep")
_LOOK_EVERY: Final = timedelta(minutes=1)


class Rounds:
    """``interval`` is the least time between two runs; with 0 there are none."""

    def __init__(self, upkeep: Upkeep, *, interval: timedelta, look_every: timedelta = _LOOK_EVERY) -> None:
        self._upkeep = upkeep
        self._interval = interval
        self._look_every = look_every
        self._stop = Event()
        self._thread = Thread(target=self._go, name="filmroom-upkeep", daemon=True)

    def start(self) -> None:
        if self._interval:
            self._thread.start()

    def close(self) -> None:
        """Return when nothing is being done any more: at once, or after the transaction that is under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _go(self) -> None:
        while not self._stop.wait(self._look_every.total_seconds()):
            try:
                report = self._upkeep.run_if_due(self._interval, stop=self._stop)
            except ArchiveError as error:
                _LOG.warning("upkeep was broken off", reason=str(error))
                continue
            if report is not None:
                _LOG.info("upkeep", **report.as_flat())
