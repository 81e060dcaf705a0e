"""A soak: a million small uploads and reads, as fast as it goes, and whether the last cost as much as the first."""

import os
import random
from typing import Final

from bench.goals import Verdict, judge_all
from bench.ground import MIB, Bench
from bench.load import Load, WrongAnswerError
from bench.machine import busy_cores, cpu_seconds, memory
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, open_filmroom

# A million unless the environment says how many (SOAK=200000).
_OPERATIONS: Final = int(os.environ.get("SOAK", "1000000"))
_WINDOWS: Final = 50
_EACH: Final = _OPERATIONS // _WINDOWS // 2  # uploads in a window, and reads
_SIZE_BYTES: Final = 1_000
_CONNECTIONS: Final = 8


def run_soak(bench: Bench, name: str) -> Result:
    """All into one resource; each read is of any file that is there by then. Memory is what the server holds after."""
    chance = random.Random(1)
    samples: dict[str, list[Sample]] = {"PUT": [], "GET": [], "PUT, CPU": [], "GET, CPU": [], "memory": []}
    with bench.open_folder() as folder, open_filmroom(folder) as filmroom:
        filmroom.make_resource()
        busy = busy_cores()
        for window in range(_WINDOWS):
            names = [f"{window}-{number}" for number in range(_EACH)]
            asked = [f"{chance.randrange(window + 1)}-{chance.randrange(_EACH)}" for _ in range(_EACH)]
            for method, load in (
                ("PUT", filmroom.put(names, size_bytes=_SIZE_BYTES, connections=_CONNECTIONS)),
                ("GET", filmroom.get(asked, size_bytes=_SIZE_BYTES, connections=_CONNECTIONS)),
            ):
                latency, cpu = _measure(bench, filmroom, load)
                samples[method].append(latency)
                samples[f"{method}, CPU"].append(cpu)
            samples["memory"].append(Sample(number=memory(filmroom.pid).rss_bytes / MIB))
            print(
                f"{window + 1} of {_WINDOWS}:", *(f"{label} {taken[-1].number:.3g}" for label, taken in samples.items())
            )
        _check_count(filmroom)
    series = [Series(label, "MiB" if label == "memory" else "ms", taken) for label, taken in samples.items()]
    title = (
        f"{_OPERATIONS:,} uploads and reads of {_SIZE_BYTES} bytes on {_CONNECTIONS} connections, in {_WINDOWS} windows"
    )
    result = Result(name=name, title=title, busy_cores=busy, series=series)
    _check_flat(result)
    return result


def _measure(bench: Bench, filmroom: Filmroom, load: Load) -> tuple[Sample, Sample]:
    """The mean latency, and the mean CPU time of the server, of one operation."""
    used_before = cpu_seconds(filmroom.pid)
    outcome = bench.generator.run(load)
    used = cpu_seconds(filmroom.pid) - used_before
    latency = outcome.wall_seconds * load.connections / len(load.names)
    return Sample(number=latency * 1000), Sample(number=used * 1000 / len(load.names))


def _check_count(filmroom: Filmroom) -> None:
    if (count := filmroom.count_files()) != _WINDOWS * _EACH:
        raise WrongAnswerError(f"{count} files are there of {_WINDOWS * _EACH}")


def _check_flat(result: Result) -> None:
    """The cost of an operation and the memory; not the latency, which a busy machine makes as long as it likes."""
    for judged in judge_all([result]):
        if judged.verdict is not Verdict.MET:
            grown = ", ".join(f"{number:.2f}" for number in judged.numbers)
            raise WrongAnswerError(f"{judged.goal.work}: {grown or 'not measured'}, at most {judged.goal.floor}")
