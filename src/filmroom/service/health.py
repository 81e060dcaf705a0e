"""Whether an archive can do its work: each thing it needs is tried, and none is waited for longer than a moment."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from filmroom.db.counters import next_number
from filmroom.db.migrate import REVISIONS, read_revision
from filmroom.model.errors import DatabaseTooNew
from filmroom.service.stores import Stores

_LOG: Final = structlog.get_logger("filmroom.health")
_PATIENCE_SECONDS: Final = 2.0
# Anybody may ask, and each trial writes to the disk.
_KNOWN_FOR_SECONDS: Final = 1.0

OK: Final = "ok"
FAILED: Final = "failed"
HANGS: Final = "does not answer"


class Health:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        trials: Mapping[str, Callable[[], object]] = {
            "database": self._write,
            "migrations": lambda: _check_revision(read_revision(stores.database)),
            "blobs": stores.blobs.check,
            "space": stores.room.check,
        }
        self._probes = {name: _Probe(name, trial) for name, trial in trials.items()}
        self._asking = threading.Lock()
        self._known_until = 0.0
        self._known: dict[str, str] = {}

    def _write(self) -> None:
        self._stores.database.write(lambda connection: next_number(connection, "health"))

    def check(self) -> Mapping[str, str]:
        """What came of trying each thing: ``ok``, ``failed`` or ``does not answer``. What failed how is in the log.

        It takes two seconds at most, whatever hangs; what was found less than a second ago is found again.
        """
        with self._asking:
            if time.monotonic() >= self._known_until:
                give_up_at = time.monotonic() + _PATIENCE_SECONDS
                for probe in self._probes.values():
                    probe.begin()
                self._known = {name: probe.wait(give_up_at) for name, probe in self._probes.items()}
                self._known_until = time.monotonic() + _KNOWN_FOR_SECONDS
            return self._known


@dataclass
class _Probe:
    """One trial at a time, in a thread that nobody waits for if it hangs."""

    name: str
    trial: Callable[[], object]
    _thread: threading.Thread | None = None
    _found: str = HANGS
    _told: str = OK

    def begin(self) -> None:
        """Begin a trial, unless the one before still hangs."""
        if self._thread is None or not self._thread.is_alive():
            self._found = HANGS
            self._thread = threading.Thread(target=self._try, name=f"filmroom-health-{self.name}", daemon=True)
            self._thread.start()

    def wait(self, give_up_at: float) -> str:
        """What the trial found, which the log is told when it is not what it was."""
        if self._thread is not None:
            self._thread.join(max(0.0, give_up_at - time.monotonic()))
        found = self._found
        if found not in {self._told, FAILED}:
            _LOG.warning("health", what=self.name, found=found)
        self._told = found
        return found

    def _try(self) -> None:
        try:
            self.trial()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was to be found out
            if self._told != FAILED:
                _LOG.error("health", what=self.name, found=FAILED, error=repr(error), cause=repr(error.__cause__))
            self._found = FAILED
        else:
            self._found = OK


def _check_revision(revision: str | None) -> None:
    """Raises DatabaseTooNew for a schema that is not this program's."""
    if revision != REVISIONS[-1]:
        raise DatabaseTooNew(str(revision))
