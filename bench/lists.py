"""Lists: of very many files of one resource, and of what is inside a session with very many scans."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fill import fill_resource, fill_session
from bench.ground import MIB, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores, peak_rss_bytes, reset_peak
from bench.report import Result, Sample, Series
from bench.servers import PROJECT, Filmroom, open_filmroom

_ROUNDS: Final = 5
_SIZES: Final = (10, 1_000, 100_000)
_LARGEST: Final = 1_000_000  # with SCALE=full
_FORMATS: Final = ("json", "csv", "xml", "html")
_SESSION: Final = f"{PROJECT}/subjects/S1/experiments/MR1"
_SCANS: Final = 500
_FILES_OF_SCAN: Final = 10


@dataclass(frozen=True, slots=True)
class _List:
    target: str
    rows: int


def run_list(bench: Bench, name: str) -> Result:
    sizes = (*_SIZES, _LARGEST) if os.environ.get("SCALE") == "full" else _SIZES
    resources = {size: f"{PROJECT}/resources/R{size}" for size in sizes}
    lists = {
        f"{size:,} {shown}": _List(f"{resource}/files?format={shown}", rows=size)
        for size, resource in resources.items()
        for shown in _FORMATS
    }
    with bench.open_folder() as folder:
        with open_filmroom(folder) as filmroom:
            filmroom.ask("PUT", PROJECT)
            for resource in resources.values():
                filmroom.ask("PUT", resource)
        for size in sizes:
            fill_resource(_database(folder), files=size, label=f"R{size}")
        return _run_lists(bench, name, folder, lists, title=f"lists of the files of one resource, up to {sizes[-1]:,}")


def run_session_resources(bench: Bench, name: str) -> Result:
    lists = {
        "resources": _List(f"{_SESSION}/resources?all=true&format=json", rows=_SCANS),
        "files": _List(f"{_SESSION}/scans/ALL/files?format=json", rows=_SCANS * _FILES_OF_SCAN),
    }
    with bench.open_folder() as folder:
        with open_filmroom(folder) as filmroom:
            filmroom.make_resource()
            filmroom.ask("PUT", f"{_SESSION}?xsiType=xnat:mrSessionData")
        fill_session(_database(folder), scans=_SCANS, files_each=_FILES_OF_SCAN)
        title = f"all resources of a session with {_SCANS} scans, and all their {_SCANS * _FILES_OF_SCAN} files"
        return _run_lists(bench, name, folder, lists, title=title)


def _database(folder: Path) -> Path:
    return folder / "data" / "filmroom.db"


def _run_lists(bench: Bench, name: str, folder: Path, lists: Mapping[str, _List], *, title: str) -> Result:
    """Ask for each list in turn, round by round: its seconds, and how far all of them raise the server's peak."""
    seconds: dict[str, list[Sample]] = {label: [] for label in lists}
    more = []
    with open_filmroom(folder) as filmroom:
        rest_bytes = filmroom.rest_bytes()
        reset_peak(filmroom.pid)
        lengths = {label: _check_list(filmroom, asked) for label, asked in lists.items()}
        busy = busy_cores()
        for _ in range(_ROUNDS):
            for label, asked in lists.items():
                outcome = bench.generator.run(filmroom.get_one(asked.target, size_bytes=lengths[label]))
                seconds[label].append(Sample(number=outcome.wall_seconds, wall_seconds=outcome.wall_seconds))
            more.append(Sample(number=(peak_rss_bytes(filmroom.pid) - rest_bytes) / MIB))
    series = [*(Series(label, "s", taken) for label, taken in seconds.items()), Series("more memory", "MiB", more)]
    return Result(name=name, title=f"{title}; memory is peak RSS over idle", busy_cores=busy, series=series)


def _check_list(filmroom: Filmroom, asked: _List) -> int:
    """The bytes of the answer. Raises WrongAnswerError unless a JSON list has as many rows as were filled in."""
    body = filmroom.ask("GET", asked.target)
    if asked.target.endswith("json"):
        rows = len(json.loads(body)["ResultSet"]["Result"])
        if rows != asked.rows:
            raise WrongAnswerError(f"the list {asked.target} has {rows} rows in place of {asked.rows}")
    return len(body)
