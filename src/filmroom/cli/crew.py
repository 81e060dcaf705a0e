"""The processes that serve beside the first one (decision 0016): when there are any, and which connections they get.

The interpreter's lock keeps one process to little more than one processor. So the first process starts others when it
has more to do than that, as many as the settings say, and gives them connections, each when it is new or between two
requests, so that all have as many that are busy. Nobody at the other end of one notices.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from filmroom.cli.channel import Giving, Orders, Report, open_channel
from filmroom.cli.process import count_busy
from filmroom.cli.protocol import BoundedProtocol
from filmroom.rest.processors import Processors
from filmroom.settings import Settings

_LOG: Final = structlog.get_logger("filmroom.processes")

LOOK_EVERY_SECONDS: Final = 0.5
# Where the settings leave it open; more would wait for the one that writes, and each takes some 70 MiB.
_MOST_BY_ITSELF: Final = 4
# A process that has so much of a processor, for so many looks, has as much as it can make use of.
_BUSY_PROCESSORS: Final = 0.7
_BUSY_LOOKS: Final = 2
# Where the settings leave it open, a process without a connection ends after that long.
_LONGEST_REST_SECONDS: Final = 300.0
# Of one process before it is killed and replaced. One that starts on a busy machine needs its time for importing.
_LONGEST_SILENCE_SECONDS: Final = 60.0
# Between the end that nobody asked for of one process, and the start of another.
_PAUSE_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Helper:
    """One process beside the first. ``place`` is its number among all; ``report`` is None until it is ready."""

    process: subprocess.Popen[bytes]
    giving: Giving
    place: int
    heard_at: float
    used_at: float
    given: int = 0
    report: Report | None = None

    @property
    def busy(self) -> int:
        """As it told, and those that it had not seen then."""
        return self.report.busy + self._unseen if self.report else 0

    @property
    def is_empty(self) -> bool:
        return self.report is not None and not self.report.open and not self._unseen

    @property
    def _unseen(self) -> int:
        return self.given - self.report.given if self.report else 0


class Crew:
    """All but the first process of a server. Everything here happens in the event loop of that one."""

    def __init__(self, settings: Settings, processors: Processors) -> None:
        self._settings = settings
        self._processors = processors
        self._least = settings.workers or 1
        self._most = settings.workers or min(len(processors.all), _MOST_BY_ITSELF)
        self._numbers = _spread(sorted(processors.all), self._most)
        self._connections: Iterable[BoundedProtocol] = ()
        self._helpers: list[_Helper] = []
        self._ending: list[subprocess.Popen[bytes]] = []
        self._busy = 0
        self._busy_looks = 0
        self._looked_at = 0.0
        self._used_seconds = 0.0
        self._may_start_at = 0.0
        self._has_ended = False

    def begin(self, connections: Iterable[BoundedProtocol]) -> None:
        """Watch what the first process has to do, by its open connections."""
        self._connections = connections
        self._looked_at, self._used_seconds = time.monotonic(), time.process_time()
        self._look()

    def end(self) -> None:
        """Have all others come to their end; what they are answering they finish."""
        self._has_ended = True
        for helper in self._helpers.copy():
            self._part_from(helper)

    def wait(self, longest_seconds: float) -> None:
        """Return when all others have ended; those that have not by then are killed."""
        until = time.monotonic() + longest_seconds
        for process in self._ending:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wants(self) -> bool:
        """Whether another process has less to do than this one, even with one connection more."""
        return any(helper.report and helper.busy + 1 < self._busy for helper in self._helpers)

    def take(self, descriptor: int, *, is_new: bool) -> bool:
        """Whether another process has the connection now."""
        ready = [helper for helper in self._helpers if helper.report]
        least = min(ready, key=lambda helper: helper.busy, default=None)
        has_less = least is not None and least.busy + (not is_new) < self._busy
        if least is None or not has_less or not least.giving.give(descriptor):
            self._busy += is_new
            return False
        least.given += 1
        least.used_at = time.monotonic()
        self._busy -= not is_new
        return True

    def _look(self) -> None:
        if self._has_ended:
            return
        asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._look)
        self._ending = [process for process in self._ending if process.poll() is None]
        for helper in self._helpers.copy():
            self._look_at(helper)
        self._busy = count_busy(self._connections)
        self._note_load()
        if self._wants_more():
            self._start()

    def _look_at(self, helper: _Helper) -> None:
        now = time.monotonic()
        if now - helper.heard_at > _LONGEST_SILENCE_SECONDS:
            helper.process.kill()
            self._lose(helper)
        elif helper.is_empty and now - helper.used_at > _LONGEST_REST_SECONDS and self._size > self._least:
            self._part_from(helper)

    @property
    def _size(self) -> int:
        return 1 + len(self._helpers)

    def _note_load(self) -> None:
        looked_at, used_seconds = time.monotonic(), time.process_time()
        processors = (used_seconds - self._used_seconds) / (looked_at - self._looked_at)
        self._looked_at, self._used_seconds = looked_at, used_seconds
        has_much = processors > _BUSY_PROCESSORS and self._busy > 1
        self._busy_looks = self._busy_looks + 1 if has_much else 0

    def _wants_more(self) -> bool:
        if self._size >= self._most or time.monotonic() < self._may_start_at:
            return False
        is_starting = any(helper.report is None for helper in self._helpers)
        return self._size < self._least or (self._busy_looks >= _BUSY_LOOKS and not is_starting)

    def _start(self) -> None:
        place = min(set(range(1, self._most)) - {helper.place for helper in self._helpers})
        number = self._numbers[place] if self._numbers else None
        now = time.monotonic()
        try:
            with open_channel() as (giving, descriptor):
                process = _spawn(descriptor)
                giving.send_orders(Orders(self._settings, self._processors.all, number))
        except OSError as error:
            _LOG.warning("no other process could be started", reason=str(error))
            self._may_start_at = now + _LONGEST_SILENCE_SECONDS
            return
        helper = _Helper(process, giving, place, heard_at=now, used_at=now)
        self._helpers.append(helper)
        asyncio.get_running_loop().add_reader(giving, self._hear, helper)

    def _hear(self, helper: _Helper) -> None:
        try:
            report = helper.giving.read_report()
        except EOFError:
            self._lose(helper)
            return
        if report is not None:
            was_ready, helper.report, helper.heard_at = helper.report is not None, report, time.monotonic()
            if not was_ready:
                _LOG.info("another process serves", processes=self._size, pid=helper.process.pid)
                self._settle()

    def _lose(self, helper: _Helper) -> None:
        _LOG.error("a process has ended", pid=helper.process.pid, code=helper.process.poll())
        self._may_start_at = time.monotonic() + _PAUSE_SECONDS
        self._part_from(helper)

    def _part_from(self, helper: _Helper) -> None:
        asyncio.get_running_loop().remove_reader(helper.giving)
        helper.giving.close()
        self._helpers.remove(helper)
        self._ending.append(helper.process)
        self._settle()

    def _settle(self) -> None:
        """Keep this process to its processor while it is not alone."""
        if self._numbers and any(helper.report for helper in self._helpers):
            self._processors.keep_to(self._numbers[0])
        else:
            self._processors.release()


def _spread(numbers: list[int], places: int) -> list[int]:
    """One of these processors for each place, far apart; none where there are fewer, or no choice.

    The first is another one in each process, because there may be more than one server on a machine.
    """
    if not 1 < places <= len(numbers):
        return []
    first, step = os.getpid(), len(numbers) // places
    return [numbers[(first + place * step) % len(numbers)] for place in range(places)]


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-P", "-m", "filmroom.cli.helper", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
    )
