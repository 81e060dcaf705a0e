"""What a file costs as its resource grows: uploads into resources of very different sizes, in turn."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from statistics import median
from typing import Final

from bench.fill import fill_resource
from bench.ground import IS_FULL, SMALL_BYTES, Bench
from bench.machine import busy_cores, cpu_seconds
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, open_filmroom

_SIZES: Final = (0, 1_000, 10_000, 100_000)
_LARGEST: Final = 1_000_000  # with SCALE=full
_ROUNDS: Final = 7
_CONNECTIONS: Final = 8
_FILES: Final = 200


def run_growth(bench: Bench, name: str) -> Result:
    """Milliseconds for each file, by the clock and of CPU time of the server; the latter beside an empty one too."""
    sizes = (*_SIZES, _LARGEST) if IS_FULL else _SIZES
    walls: dict[int, list[Sample]] = {size: [] for size in sizes}
    cpus: dict[int, list[Sample]] = {size: [] for size in sizes}
    with bench.open_folder() as folder, ExitStack() as stack:
        servers = {size: stack.enter_context(_open(_fill(folder / str(size), size))) for size in sizes}
        for server in servers.values():
            _put(bench, server, "first")  # which signs in and fills caches
        busy = busy_cores()
        for number in range(_ROUNDS):
            for size, server in servers.items():
                wall, cpu = _put(bench, server, f"round{number}")
                walls[size].append(Sample(number=wall))
                cpus[size].append(Sample(number=cpu))
    empty = median(sample.number for sample in cpus[0])
    series = [
        *(Series(f"{size:,} files", "ms", taken) for size, taken in walls.items()),
        *(Series(f"{size:,}, CPU", "ms", taken) for size, taken in cpus.items()),
        *(Series(f"{size:,} / empty", "x", _ratios(taken, empty)) for size, taken in cpus.items() if size),
    ]
    title = f"a file of 200 kB into a resource that has files, {_CONNECTIONS} connections, {_FILES} files a round"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _ratios(samples: list[Sample], empty: float) -> list[Sample]:
    return [Sample(number=sample.number / empty) for sample in samples]


def _fill(folder: Path, files: int) -> Path:
    with open_filmroom(folder) as filmroom:
        filmroom.make_resource()
    if files:
        fill_resource(folder / "data" / "filmroom.db", files=files)
    return folder


def _open(folder: Path) -> AbstractContextManager[Filmroom]:
    """One that stays one process: the start of another would be part of what some of the files cost."""
    return open_filmroom(folder, "--workers", "1")


def _put(bench: Bench, filmroom: Filmroom, batch: str) -> tuple[float, float]:
    names = [f"{batch}-{number}" for number in range(_FILES)]
    used_before = cpu_seconds(filmroom.pid)
    outcome = bench.generator.run(filmroom.put(names, size_bytes=SMALL_BYTES, connections=_CONNECTIONS))
    used = cpu_seconds(filmroom.pid) - used_before
    return outcome.wall_seconds * 1000 / _FILES, used * 1000 / _FILES
