"""When a server starts other processes and when it parts from them; the processes are real ones."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from filmroom.cli import crew as crew_module
from filmroom.cli.channel import Orders, open_channel
from filmroom.cli.crew import Crew, _spread
from filmroom.cli.protocol import BoundedProtocol
from filmroom.composition import open_archive
from filmroom.settings import Settings
from waiting import PATIENCE_SECONDS

ALL = sorted(os.sched_getaffinity(0))
MANY = pytest.mark.skipif(len(ALL) < 2, reason="one process is all there is room for")


@dataclass
class Busy:
    """As much of a connection as a crew looks at."""

    answered_at: float = math.inf
    opened_at: float = 0.0
    is_answering: bool = False


@pytest.fixture
def connections() -> list[BoundedProtocol]:
    return cast("list[BoundedProtocol]", [Busy(), Busy(), Busy()])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=str(tmp_path / "data"))
    open_archive(made).close()
    return made


@asynccontextmanager
async def _working(settings: Settings, connections: list[BoundedProtocol]) -> AsyncIterator[Crew]:
    crew = Crew(settings)
    crew.begin(connections, lambda: None)
    try:
        yield crew
    finally:
        crew.end()
        await crew.wait(PATIENCE_SECONDS, is_forced=lambda: False)
        crew.processors.use_all()  # the thread of the tests, which has started a process, is kept to one since


async def _until(is_so: Callable[[], bool], *, burning: bool = False) -> None:
    until = time.monotonic() + 2 * PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "it did not come to that"
        rests_at = time.process_time() + 0.05
        while burning and time.process_time() < rests_at:
            pass
        await asyncio.sleep(0.001 if burning else 0.02)


@MANY
def test_a_process_comes_with_the_load_and_goes_when_it_has_rested(
    settings: Settings, connections: list[BoundedProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_module, "_MUCH_OF_A_PROCESSOR", 0.0)  # a busy machine may not have more

    async def work() -> None:
        async with _working(settings, connections) as crew:
            await _until(crew.wants)
            connections.clear()
            monkeypatch.setattr(crew_module, "_LONGEST_REST_SECONDS", 0.0)
            await _until(lambda: not crew._helpers)
            assert not crew.take(0, is_new=True)

    asyncio.run(work())


@MANY
def test_one_that_does_little_stays_alone(settings: Settings, connections: list[BoundedProtocol]) -> None:
    async def work() -> None:
        async with _working(settings, connections) as crew:
            await asyncio.sleep(2)
            assert not crew.wants()

    asyncio.run(work())


def test_one_that_shall_stay_alone_does_so_whatever_it_does(
    settings: Settings, connections: list[BoundedProtocol]
) -> None:
    alone = Settings(data=settings.data, workers=1)

    async def work() -> None:
        async with _working(alone, connections) as crew:
            started = time.monotonic()
            await _until(lambda: time.monotonic() > started + 2, burning=True)
            assert not crew.wants()
            assert not crew.take(0, is_new=True)

    asyncio.run(work())


@MANY
def test_silence_while_the_first_process_itself_was_stopped_is_no_reason_to_end_another(
    settings: Settings, connections: list[BoundedProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Settings(data=settings.data, workers=2)
    monkeypatch.setattr(crew_module, "_LONGEST_SILENCE_SECONDS", 4.0)

    async def work() -> None:
        async with _working(two, connections) as crew:
            await _until(crew.wants)
            [helper] = crew._helpers
            helper.process.send_signal(signal.SIGSTOP)  # so that it says nothing before it is looked at
            time.sleep(5)  # noqa: ASYNC251 - the event loop stands still, as that of a paused container does
            asyncio.get_running_loop().call_later(1, helper.process.send_signal, signal.SIGCONT)
            await asyncio.sleep(2)
            assert crew._helpers == [helper]
            await _until(crew.wants)

    asyncio.run(work())


def test_a_helper_of_another_version_serves_nothing(tmp_path: Path) -> None:
    """What lies on the disk may be newer than the first process, and would bring the database to its schema."""
    settings = Settings(data=str(tmp_path / "data"))

    with open_channel() as (end, descriptor):
        end.send_orders(Orders(settings, frozenset(ALL), ALL[0], version="0.0.1"))
        command = [sys.executable, "-P", "-m", "filmroom.cli.helper", str(descriptor)]
        done = subprocess.run(command, pass_fds=[descriptor], capture_output=True, text=True, check=False, timeout=60)
    end.close()

    assert done.returncode == 1
    assert "restart the server" in done.stderr
    assert not (tmp_path / "data").exists()


def test_processors_are_far_apart_and_begin_anywhere() -> None:
    first, *others = _spread(list(range(16)), 4)

    assert first in range(16)
    assert others == [(first + step) % 16 for step in (4, 8, 12)]
    assert _spread([3, 7], 2) in ([3, 7], [7, 3])


def test_where_there_are_too_few_processors_they_are_shared() -> None:
    assert _spread([0, 1, 2, 3], 1)[0] in range(4)
    assert _spread([7], 2) == [7, 7]
    assert _spread([0, 1], 3) in ([0, 1, 0], [1, 0, 1])
