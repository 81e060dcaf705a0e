"""Crowds: clients that send a byte a second, connections that are kept, and a start with very many files."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from itertools import count
from statistics import median
from typing import Final
from urllib.request import urlopen

from bench.fill import fill_resource
from bench.goals import get_goal
from bench.ground import SMALL_BYTES, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores, cpu_seconds, memory
from bench.report import Result, Sample, Series
from bench.servers import RESOURCE, Filmroom, open_filmroom

_ROUNDS: Final = 3
_SLOW: Final = 500
_LEAST_SHARE: Final = get_goal("crowd", "PUT, crowd").floor
_CONNECTIONS: Final = 8
_PUTS: Final = 200
_GETS: Final = 800
_KEPT: Final = 1_000
_KEPT_FOR_SECONDS: Final = 10.0
_FILES: Final = 1_000_000
_STARTS: Final = 3
_MOST_START_SECONDS: Final = get_goal("restart", "of CPU time").floor
# All slow clients are one account here; by default it could not have so many bodies on their way.
_SETTINGS: Final = f"uploads_per_user = {_SLOW}\n"
# What slow clients are in the middle of, in turn: a head, a body that could come at once, and a long one.
_SLOW_PUT: Final = f"PUT {RESOURCE}/files/slow{{number}}?inbody=true HTTP/1.1\r\nHost: x\r\n{{headers}}"
_SLOW_STARTS: Final = (
    _SLOW_PUT,
    f"{_SLOW_PUT}Content-Length: 100000\r\n\r\nx",
    f"{_SLOW_PUT}Content-Length: 9000000\r\n\r\nx",
)


def run_crowd(bench: Bench, name: str) -> Result:
    """Files a second of a client with eight connections, alone and among the slow ones, round by round."""
    samples: dict[str, list[Sample]] = {}
    with bench.open_folder() as folder:
        (folder / "filmroom.toml").write_text(_SETTINGS, encoding="utf-8")
        with open_filmroom(folder) as filmroom:
            filmroom.make_resource()
            busy = busy_cores()
            batches = count()
            _measure(bench, filmroom, next(batches))  # which signs in and fills caches
            for _ in range(_ROUNDS):
                alone = _measure(bench, filmroom, next(batches))
                with _slow_clients(filmroom):
                    crowded = _measure(bench, filmroom, next(batches))
                for label, number in (
                    *alone.items(),
                    *((f"{label}, crowd", speed) for label, speed in crowded.items()),
                ):
                    samples.setdefault(label, []).append(Sample(number=number))
            kept = _keep(filmroom)
    _check_share(samples)
    series = [*(Series(label, "files/s", taken) for label, taken in samples.items()), *kept]
    title = (
        f"files of 200 kB on {_CONNECTIONS} connections, alone and beside {_SLOW} clients that send a byte a second "
        f"(at least {_LEAST_SHARE} of the speed); then {_KEPT:,} connections that are kept"
    )
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _measure(bench: Bench, filmroom: Filmroom, batch: int) -> dict[str, float]:
    names = [f"batch{batch}-{number}" for number in range(_PUTS)]
    asked = [names[number % _PUTS] for number in range(_GETS)]
    puts = bench.generator.run(filmroom.put(names, size_bytes=SMALL_BYTES, connections=_CONNECTIONS))
    gets = bench.generator.run(filmroom.get(asked, size_bytes=SMALL_BYTES, connections=_CONNECTIONS))
    return {"PUT": _PUTS / puts.wall_seconds, "GET": _GETS / gets.wall_seconds}


def _check_share(samples: dict[str, list[Sample]]) -> None:
    """Raises WrongAnswerError where the crowd takes more than its share."""
    for label in ("PUT", "GET"):
        speeds = [median(sample.number for sample in samples[each]) for each in (f"{label}, crowd", label)]
        if speeds[0] < _LEAST_SHARE * speeds[1]:
            raise WrongAnswerError(f"{label}: {speeds[0]:.0f} files/s in the crowd, {speeds[1]:.0f} alone")


@contextmanager
def _slow_clients(filmroom: Filmroom) -> Iterator[None]:
    """All of them connected and sending; one that the server cuts, as it should after a while, comes back."""
    has_ended = threading.Event()
    connections = [_begin_slowly(filmroom, number) for number in range(_SLOW)]
    sender = threading.Thread(target=_send_slowly, args=(filmroom, connections, has_ended))
    sender.start()
    try:
        yield
    finally:
        has_ended.set()
        sender.join()
        for connection in connections:
            connection.close()


def _connect(filmroom: Filmroom) -> socket.socket:
    return socket.create_connection(("127.0.0.1", filmroom.port), timeout=60)


def _begin_slowly(filmroom: Filmroom, number: int) -> socket.socket:
    connection = _connect(filmroom)
    start = _SLOW_STARTS[number % len(_SLOW_STARTS)].format(number=number, headers=filmroom.headers)
    connection.sendall(start.encode())
    return connection


def _send_slowly(filmroom: Filmroom, connections: list[socket.socket], has_ended: threading.Event) -> None:
    while not has_ended.wait(1.0):
        for number, connection in enumerate(connections):
            try:
                connection.sendall(b"x")
            except OSError:
                connection.close()
                connections[number] = _begin_slowly(filmroom, number)


def _keep(filmroom: Filmroom) -> list[Series]:
    """Ask on each of very many connections, leave them alone, ask on all of them again."""
    before_bytes = memory(filmroom.pid).rss_bytes
    request = f"GET /xapi/siteConfig/siteId HTTP/1.1\r\nHost: x\r\n{filmroom.headers}\r\n".encode()
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(filmroom)) for _ in range(_KEPT)]
        seconds = [_ask_all(connections, request)]
        time.sleep(_KEPT_FOR_SECONDS)
        seconds.append(_ask_all(connections, request))
        more_kib = (memory(filmroom.pid).rss_bytes - before_bytes) / 1024 / _KEPT
    return [
        Series("all kept, asked", "s", [Sample(number=number) for number in seconds]),
        Series("memory of one kept", "KiB", [Sample(number=more_kib)]),
    ]


def _ask_all(connections: Sequence[socket.socket], request: bytes) -> float:
    """The seconds until all have asked at once and been answered. Raises WrongAnswerError."""
    started = time.monotonic()
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        answer = HTTPResponse(connection)
        answer.begin()
        if answer.status != 200 or not answer.read():
            raise WrongAnswerError(f"a kept connection was answered {answer.status}")
    return time.monotonic() - started


def run_restart(bench: Bench, name: str) -> Result:
    """The server is killed while it takes uploads, and started again; ready is when ``/readyz`` says so."""
    walls, cpus = [], []
    with bench.open_folder() as folder:
        with open_filmroom(folder) as filmroom:
            filmroom.make_resource()
        fill_resource(folder / "data" / "filmroom.db", files=_FILES)
        busy = busy_cores()
        for number in range(_STARTS + 1):
            with open_filmroom(folder) as filmroom:
                wall_seconds = filmroom.start_seconds + _seconds_to_ready(filmroom)
                if number:  # the first one follows no kill
                    walls.append(Sample(number=wall_seconds))
                    cpus.append(Sample(number=cpu_seconds(filmroom.pid)))
                _kill_while_it_writes(filmroom, number)
    # Not the wall time, which a busy machine makes as long as it likes.
    if (slowest := max(sample.number for sample in cpus)) > _MOST_START_SECONDS:
        raise WrongAnswerError(f"a start after a kill took {slowest:.2f} s of CPU time")
    title = f"from the start of a killed server to ready, with {_FILES:,} files; at most {_MOST_START_SECONDS} s"
    series = [Series("start after a kill", "s", walls), Series("of CPU time", "s", cpus)]
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _seconds_to_ready(filmroom: Filmroom) -> float:
    started = time.monotonic()
    with urlopen(f"http://127.0.0.1:{filmroom.port}/readyz", timeout=60) as answer:
        answer.read()
    return time.monotonic() - started


def _kill_while_it_writes(filmroom: Filmroom, number: int) -> None:
    for file in range(20):
        filmroom.ask("PUT", f"{RESOURCE}/files/{number}-{file}?inbody=true")
    with _connect(filmroom) as connection:
        head = f"PUT {RESOURCE}/files/cut?inbody=true HTTP/1.1\r\nHost: x\r\n{filmroom.headers}"
        connection.sendall(f"{head}Content-Length: 5000000\r\n\r\n".encode() + b"x" * 2_000_000)
        os.kill(filmroom.pid, signal.SIGKILL)
