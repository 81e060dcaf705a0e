"""The helpers of a server: when there are any, and which connections they get (decision 0016).

The interpreter's lock keeps one process to little more than one processor. So the first process starts others when it
has more to do than that, as many as the settings say, and gives them connections, each when it is new or between two
requests. Nobody at the other end of one notices.

A connection is *busy* while a request of it is being answered, for a second after its last answer, and for a second
after it was opened (``process.py``). All processes shall have as many that are busy; of new ones that do nothing, as
many that are open. How busy a helper is, is what it reported last and what it was given since.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import structlog

from filmroom.cli.channel import FirstEnd, Orders, Report, open_channel
from filmroom.cli.process import count_answered, count_busy
from filmroom.cli.protocol import BoundedProtocol
from filmroom.rest.processors import Processors
from filmroom.service.sessions import Known
from filmroom.settings import Settings

_LOG: Final = structlog.get_logger("filmroom.processes")

LOOK_EVERY_SECONDS: Final = 0.25
# Where the settings leave it open; more would wait for the one that writes, and each takes some 70 MiB.
_MOST_BY_ITSELF: Final = 4
# A process that has so much of a processor, for so many looks, has as much as it can make use of; or with less, where
# others leave nothing of the one that it keeps to.
_MUCH_OF_A_PROCESSOR: Final = 0.7
_SOME_OF_A_PROCESSOR: Final = 0.15
_LITTLE_IDLE: Final = 0.1
_LOOKS_WITH_MUCH: Final = 2
# Where the settings leave it open, a helper without a connection ends after that long.
_LONGEST_REST_SECONDS: Final = 300.0
# A helper that has not reported for so long is given nothing.
_SILENCE_SECONDS: Final = 3.0
# Of a helper before it is killed and replaced. One that starts on a busy machine needs its time for importing.
_LONGEST_SILENCE_SECONDS: Final = 60.0
# Between the end of a helper that nobody asked for, and the start of another; twice as long each time, if none serves.
_PAUSE_SECONDS: Final = 2.0
_LONGEST_PAUSE_SECONDS: Final = 300.0
_WAIT_SECONDS: Final = 0.05


@dataclass(slots=True)
class _Helper:
    """A process, and what is known of it. ``place`` is its number among all; ``report`` is None until it serves."""

    process: subprocess.Popen[bytes]
    end: FirstEnd
    place: int
    heard_at: float
    used_at: float
    given: int = 0
    report: Report | None = None

    @property
    def busy(self) -> int:
        return self.report.busy + self._unseen if self.report else 0

    @property
    def open(self) -> int:
        return self.report.open + self._unseen if self.report else 0

    @property
    def _unseen(self) -> int:
        """How many it was given and had not seen when it reported."""
        return self.given - self.report.given if self.report else 0

    def takes_more(self, most_open: int) -> bool:
        is_heard = self.report is not None and time.monotonic() - self.heard_at < _SILENCE_SECONDS
        return is_heard and self.open < most_open


class Crew:
    """All helpers of a server, and which processors each process uses.

    Everything here happens in the event loop of the first process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        numbers = frozenset(os.sched_getaffinity(0))
        self._least = settings.workers or 1
        self._most = settings.workers or min(len(numbers), _MOST_BY_ITSELF)
        self._numbers = _spread(sorted(numbers), self._most)
        self.processors = Processors(numbers, for_small_work=self._numbers[0])
        self._connections: Collection[BoundedProtocol] = ()
        self._tell_known: Callable[[], Known | None] = lambda: None
        self._helpers: list[_Helper] = []
        self._ending: list[subprocess.Popen[bytes]] = []
        self._busy = 0  # connections of the first process: as of the last look, with those it kept or gave since
        self._looks_with_much = 0
        self._looked_at = 0.0
        self._used_seconds = 0.0
        self._idle_seconds = 0.0
        self._pause_seconds = _PAUSE_SECONDS
        self._may_start_at = 0.0
        self._has_ended = False

    def begin(self, connections: Collection[BoundedProtocol], tell_known: Callable[[], Known | None]) -> None:
        """Watch what the first process has to do, by its open connections. Others are told what it knows."""
        self._connections, self._tell_known = connections, tell_known
        self._look()

    def end(self) -> None:
        """Have all helpers come to their end; what they are answering they finish."""
        self._has_ended = True
        for helper in self._helpers.copy():
            self._part_from(helper)

    async def wait(self, longest_seconds: float, *, is_forced: Callable[[], bool]) -> None:
        """Return when all helpers have ended; those that have not by then, or when it is forced, are killed."""
        until = time.monotonic() + longest_seconds
        while any(process.poll() is None for process in self._ending):
            if time.monotonic() > until or is_forced():
                for process in self._ending:
                    process.kill()
            await asyncio.sleep(_WAIT_SECONDS)

    def wants(self) -> bool:
        """Whether a helper has less to do than the first process, even with one connection more."""
        return any(helper.busy + 1 < self._busy for helper in self._helpers if self._may_give_to(helper))

    def take(self, descriptor: int, *, is_new: bool) -> bool:
        """Whether a helper has the connection now."""
        helpers = [helper for helper in self._helpers if self._may_give_to(helper)]
        idlest = min(helpers, key=lambda helper: (helper.busy, helper.open), default=None)
        has_less = idlest is not None and self._has_less(idlest, is_new=is_new)
        if idlest is None or not has_less or not idlest.end.give(descriptor, is_new=is_new):
            if is_new:
                self._busy += 1
            return False
        idlest.given += 1
        idlest.used_at = time.monotonic()
        if not is_new:
            self._busy -= 1
        return True

    def _may_give_to(self, helper: _Helper) -> bool:
        return helper.takes_more(self._settings.max_connections)

    def _has_less(self, helper: _Helper, *, is_new: bool) -> bool:
        if is_new:
            return (helper.busy, helper.open) < (self._busy, len(self._connections))
        return helper.busy + 1 < self._busy

    def _look(self) -> None:
        if self._has_ended:
            return
        asyncio.get_running_loop().call_later(LOOK_EVERY_SECONDS, self._look)
        self._ending = [process for process in self._ending if process.poll() is None]
        self._note_load()
        for helper in self._helpers.copy():
            self._look_at(helper)
        self._busy = count_busy(self._connections)
        if self._wants_more():
            self._start()

    def _note_load(self) -> None:
        """By what is answered, so that few large bodies are no reason: they need the interpreter's lock but little."""
        looked_at, used_seconds, idle_seconds = time.monotonic(), time.process_time(), self.processors.idle_seconds()
        passed_seconds = looked_at - self._looked_at
        share = (used_seconds - self._used_seconds) / passed_seconds
        idle = (idle_seconds - self._idle_seconds) / passed_seconds
        self._looked_at, self._used_seconds, self._idle_seconds = looked_at, used_seconds, idle_seconds
        is_full = share > _MUCH_OF_A_PROCESSOR or (share > _SOME_OF_A_PROCESSOR and idle < _LITTLE_IDLE)
        has_much = is_full and count_answered(self._connections) > 1
        self._looks_with_much = self._looks_with_much + 1 if has_much else 0
        if passed_seconds > _SILENCE_SECONDS:
            # The first process itself was stopped: what helpers said meanwhile has not been heard yet.
            for helper in self._helpers:
                helper.heard_at = looked_at

    def _look_at(self, helper: _Helper) -> None:
        now = time.monotonic()
        if now - helper.heard_at > _LONGEST_SILENCE_SECONDS:
            helper.process.kill()
            self._lose(helper, "it did not answer and was killed")
        elif helper.open:
            helper.used_at = now
        elif helper.report and now - helper.used_at > _LONGEST_REST_SECONDS and self._size > self._least:
            self._part_from(helper)

    @property
    def _size(self) -> int:
        return 1 + len(self._helpers)

    def _wants_more(self) -> bool:
        if self._size >= self._most or time.monotonic() < self._may_start_at:
            return False
        is_starting = any(helper.report is None for helper in self._helpers)
        return self._size < self._least or (self._looks_with_much >= _LOOKS_WITH_MUCH and not is_starting)

    def _start(self) -> None:
        place = min(set(range(1, self._most)) - {helper.place for helper in self._helpers})
        now = time.monotonic()
        try:
            with open_channel() as (end, descriptor):
                orders = Orders(self._settings, self.processors.all, self._numbers[place], self._tell_known())
                end.send_orders(orders)
                process = self.processors.run_freely(_spawn, descriptor)
        except OSError as error:
            _LOG.warning("no other process could be started", reason=str(error))
            self._pause()
            return
        helper = _Helper(process, end, place, heard_at=now, used_at=now)
        self._helpers.append(helper)
        asyncio.get_running_loop().add_reader(end, self._hear, helper)

    def _pause(self) -> None:
        self._may_start_at = time.monotonic() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _hear(self, helper: _Helper) -> None:
        try:
            report = helper.end.read_report()
        except EOFError:
            self._lose(helper, "it closed the channel")
            return
        if report is not None:
            is_first, helper.report, helper.heard_at = helper.report is None, report, time.monotonic()
            if is_first:
                self._pause_seconds = _PAUSE_SECONDS
                serving = 1 + sum(each.report is not None for each in self._helpers)
                _LOG.info("another process serves", processes=serving, pid=helper.process.pid)

    def _lose(self, helper: _Helper, reason: str) -> None:
        _LOG.error("a process has ended", pid=helper.process.pid, reason=reason)
        self._pause()
        self._part_from(helper)

    def _part_from(self, helper: _Helper) -> None:
        asyncio.get_running_loop().remove_reader(helper.end)
        helper.end.close()
        self._helpers.remove(helper)
        self._ending.append(helper.process)


def _spread(numbers: list[int], places: int) -> list[int]:
    """One of these processors for each place, far apart; the same for several places where there are fewer.

    Where the first is, is chance, because there may be more than one server on a machine.
    """
    first, step = secrets.randbelow(len(numbers)), max(1, len(numbers) // places)
    return [numbers[(first + place * step) % len(numbers)] for place in range(places)]


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    """A helper, which may use the processors that the calling thread may.

    It inherits that no signal asks it to end: that is for the first process to say, over the channel.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            [sys.executable, "-P", "-m", "filmroom.cli.helper", str(descriptor)],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
