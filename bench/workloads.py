"""What is measured. Races run against nginx, filmroom and the sink in turn, each on the same disk, round by round."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from bench.archives import TAR, ZIP, run_extract, run_zip
from bench.catalog import POSTGRESQL, SQLITE, run_catalog
from bench.crowd import run_crowd, run_restart
from bench.ground import MIB, SMALL_BYTES, Bench
from bench.growth import run_growth
from bench.lab import run_lab
from bench.lists import run_list, run_session_resources
from bench.load import Generator, Load, WrongAnswerError
from bench.machine import back_memory, busy_cores, busy_seconds, cpu_seconds, memory, peak_rss_bytes, reset_peak
from bench.report import Result, Sample, Series
from bench.servers import FileServer, Filmroom, Server, open_filmroom, open_filmroom_behind_nginx, open_nginx, open_sink
from bench.soak import run_soak

_LARGE_BYTES: Final = 1024 * MIB
_WARM_UP_FILES: Final = 32
# The pages that a round gets are not just those that were freed last, so a small round wants more than it writes.
_LEAST_BACKED_BYTES: Final = 512 * MIB

_START_ROUNDS: Final = 5
_IDLE_AFTER_SECONDS: Final = 2.0

_STREAM_ROUNDS: Final = 3
_STREAMS: Final = 8
_STREAM_BYTES: Final = 256 * MIB
_STREAM_BYTES_PER_SECOND: Final = 32 * MIB
_SETTLE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One kind of request, ``requests`` times a round over some connections.

    A PUT round puts new files, which ``is_cleared`` deletes after it; a GET round asks for ``files`` different ones
    in turn, all of them in the page cache. With ``is_behind`` filmroom stands behind an nginx of its own.
    """

    method: Literal["PUT", "GET"]
    size_bytes: int
    connections: int
    requests: int
    rounds: int
    files: int = 0
    is_cleared: bool = False
    is_behind: bool = False

    @property
    def title(self) -> str:
        size = "1 GiB" if self.size_bytes == _LARGE_BYTES else f"{self.size_bytes // 1000} kB"
        where = ", filmroom behind an nginx that sends its files" if self.is_behind else ""
        return f"{self.method} of {size} each, {self.connections} connections, {self.requests} requests a round{where}"

    @property
    def unit(self) -> str:
        return "files/s" if self.size_bytes < _LARGE_BYTES else "MiB/s"

    def speed(self, wall_seconds: float) -> float:
        files_per_second = self.requests / wall_seconds
        return files_per_second * (1 if self.unit == "files/s" else self.size_bytes / MIB)

    def load(self, server: Server, number: int) -> Load:
        if self.method == "PUT":
            names = _names(f"round{number}", self.requests)
            return server.put(names, size_bytes=self.size_bytes, connections=self.connections)
        names = [f"first-{request % self.files}" for request in range(self.requests)]
        return server.get(names, size_bytes=self.size_bytes, connections=self.connections)


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def run_race(race: Race, bench: Bench, name: str) -> Result:
    samples: dict[str, list[Sample]] = {}
    with bench.open_folder() as folder, open_racers(folder, is_behind=race.is_behind) as (stores, sink):
        for server in (*stores, sink):
            _warm_up(race, bench.generator, server)
        os.sync()
        busy = busy_cores()
        for number in range(race.rounds):
            for server in (*stores, sink):
                # What the server before has left to be written must not be this one's burden.
                os.sync()
                if race.method == "PUT":
                    back_memory(max(_LEAST_BACKED_BYTES, race.size_bytes * race.requests))
                samples.setdefault(server.name, []).append(_run_round(bench.generator, server, race, number=number))
                if race.method == "PUT" and isinstance(server, FileServer):
                    _check_round(race, server, number)
    series = [Series(label, race.unit, taken) for label, taken in samples.items()]
    return Result(name=name, title=race.title, busy_cores=busy, series=series)


@contextmanager
def open_racers(folder: Path, *, is_behind: bool = False) -> Iterator[tuple[Sequence[FileServer], Server]]:
    """Start nginx and filmroom, with nothing in them but the resource, and the sink."""
    opened = open_filmroom_behind_nginx if is_behind else open_filmroom
    with open_nginx(folder / "nginx") as nginx, opened(folder / "filmroom") as filmroom, open_sink() as sink:
        filmroom.make_resource()
        yield (nginx, filmroom), sink


def _warm_up(race: Race, generator: Generator, server: Server) -> None:
    """Sign in, fill caches, and put the files that a GET race asks for; they come back as they were sent."""
    count, size_bytes = (race.files, race.size_bytes) if race.method == "GET" else (_WARM_UP_FILES, SMALL_BYTES)
    generator.run(server.put(_names("first", count), size_bytes=size_bytes, connections=min(count, 8)))
    if isinstance(server, FileServer):
        server.check_content("first-0", size_bytes)


def _run_round(generator: Generator, server: Server, race: Race, *, number: int) -> Sample:
    load = race.load(server, number)
    started, busy_before, used_before = time.monotonic(), busy_seconds(), cpu_seconds(server.pid)
    outcome = generator.run(load)
    server_cpu_seconds = cpu_seconds(server.pid) - used_before
    other_seconds = busy_seconds() - busy_before - server_cpu_seconds - outcome.client_cpu_seconds
    return Sample(
        number=race.speed(outcome.wall_seconds),
        wall_seconds=outcome.wall_seconds,
        client_cpu_seconds=outcome.client_cpu_seconds,
        server_cpu_seconds=server_cpu_seconds,
        other_cores=max(0.0, other_seconds) / (time.monotonic() - started),
    )


def _check_round(race: Race, server: FileServer, number: int) -> None:
    """Raises WrongAnswerError unless the server holds all that it was sent."""
    rounds_kept = 1 if race.is_cleared else number + 1
    sent, held = _WARM_UP_FILES + rounds_kept * race.requests, server.count_files()
    if held != sent:
        raise WrongAnswerError(f"{server.name}: {sent} files were sent, {held} are there")
    names = _names(f"round{number}", race.requests)
    server.check_content(names[-1], race.size_bytes)
    for name in names if race.is_cleared else ():
        server.delete(name)


def run_start(bench: Bench, name: str) -> Result:
    """The second start finds what the first one made; memory is that of the second, two seconds after ready."""
    first, second, rss, pss = [], [], [], []
    busy = busy_cores()
    for _ in range(_START_ROUNDS):
        with bench.open_folder() as folder:
            with open_filmroom(folder) as filmroom:
                first.append(Sample(number=filmroom.start_seconds))
            with open_filmroom(folder) as filmroom:
                second.append(Sample(number=filmroom.start_seconds))
                time.sleep(_IDLE_AFTER_SECONDS)
                idle = memory(filmroom.pid)
            rss.append(Sample(number=idle.rss_bytes / MIB))
            pss.append(Sample(number=idle.pss_bytes / MIB))
    series = [
        Series("first start", "s", first),
        Series("second start", "s", second),
        Series("idle RSS", "MiB", rss),
        Series("idle PSS", "MiB", pss),
    ]
    title = f"filmroom serve until its ready line, and its memory {_IDLE_AFTER_SECONDS:.0f} s later"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def run_memory_per_stream(bench: Bench, name: str) -> Result:
    """By how much concurrent uploads raise the peak, each; the server is new in every round, and warm."""
    idle, more = [], []
    busy = busy_cores()
    for _ in range(_STREAM_ROUNDS):
        with bench.open_folder() as folder, open_filmroom(folder) as filmroom:
            filmroom.make_resource()
            before_bytes, peak_bytes = _stream(bench.generator, filmroom)
        idle.append(Sample(number=before_bytes / MIB))
        more.append(Sample(number=(peak_bytes - before_bytes) / _STREAMS / MIB))
    series = [Series("idle RSS, warm", "MiB", idle), Series("more per stream", "MiB", more)]
    speed = f"{_STREAM_BYTES_PER_SECOND // MIB} MiB/s"
    title = f"peak RSS over idle of {_STREAMS} uploads of {_STREAM_BYTES // MIB} MiB, {speed} each"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _stream(generator: Generator, filmroom: Filmroom) -> tuple[int, int]:
    """The RSS of the warm server at rest, and its peak while the streams came in."""
    generator.run(filmroom.put(["warm-up"], size_bytes=_STREAM_BYTES, connections=1))
    time.sleep(_SETTLE_SECONDS)
    before_bytes = memory(filmroom.pid).rss_bytes
    reset_peak(filmroom.pid)
    streams = filmroom.put(
        _names("stream", _STREAMS),
        size_bytes=_STREAM_BYTES,
        connections=_STREAMS,
        pace_bytes_per_second=_STREAM_BYTES_PER_SECOND,
    )
    generator.run(streams)
    return before_bytes, peak_rss_bytes(filmroom.pid)


_PUT_SMALL: Final = Race(method="PUT", size_bytes=SMALL_BYTES, connections=8, requests=600, rounds=7)
_PUT_SMALL_32: Final = replace(_PUT_SMALL, connections=32)
_GET_SMALL: Final = Race(method="GET", size_bytes=SMALL_BYTES, connections=8, requests=2400, files=300, rounds=7)
# Deleted files stay on filmroom's disk for its undo period, so three rounds take 4 GiB of disk in all.
_PUT_LARGE: Final = Race(method="PUT", size_bytes=_LARGE_BYTES, connections=1, requests=1, rounds=3, is_cleared=True)
_GET_LARGE: Final = Race(method="GET", size_bytes=_LARGE_BYTES, connections=1, requests=1, files=1, rounds=5)
_GET_SMALL_BEHIND: Final = replace(_GET_SMALL, is_behind=True)
_GET_LARGE_BEHIND: Final = replace(_GET_LARGE, is_behind=True)

WORKLOADS: Final[dict[str, Callable[[Bench, str], Result]]] = {
    "put-small": partial(run_race, _PUT_SMALL),
    "put-small-32": partial(run_race, _PUT_SMALL_32),
    "get-small": partial(run_race, _GET_SMALL),
    "get-small-behind": partial(run_race, _GET_SMALL_BEHIND),
    "put-large": partial(run_race, _PUT_LARGE),
    "get-large": partial(run_race, _GET_LARGE),
    "get-large-behind": partial(run_race, _GET_LARGE_BEHIND),
    "start": run_start,
    "restart": run_restart,
    "crowd": run_crowd,
    "memory-per-stream": run_memory_per_stream,
    "zip": run_zip,
    "list": run_list,
    "growth": run_growth,
    "session-resources": run_session_resources,
    "lab": run_lab,
    "catalog": partial(run_catalog, SQLITE),
    "catalog-postgresql": partial(run_catalog, POSTGRESQL),
    "extract": partial(run_extract, TAR),
    "extract-zip": partial(run_extract, ZIP),
    "soak": run_soak,
}
# What runs only when it is named.
LONG: Final = frozenset({"soak"})
