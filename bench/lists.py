"""Lists: of very many files of one resource, and of what is inside a session with very many scans."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fill import fill_resource, fill_session
from bench.ground import MIB, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores, peak_rss_bytes, reset_peak
from bench.report import Result, Sample, Series
from bench.servers import PROJECT, RESOURCE, Filmroom, open_filmroom

_ROUNDS: Final = 5
_FORMATS: Final = ("json", "csv", "xml", "html")
_SESSION: Final = f"{PROJECT}/subjects/S1/experiments/MR1"
_SCANS: Final = 500
_FILES_OF_SCAN: Final = 10


@dataclass(frozen=True, slots=True)
class _List:
    target: str
    rows: int


def run_list(files: int, bench: Bench, name: str) -> Result:
    """Of one resource with so many files, in each format."""
    lists = {shown: _List(f"{RESOURCE}/files?format={shown}", files) for shown in _FORMATS}
    with bench.open_folder() as folder:
        with open_filmroom(folder) as filmroom:
            filmroom.make_resource()
        fill_resource(_database(folder), files=files)
        return _run_lists(bench, name, folder, lists, title=f"lists of the {files:,} files of one resource")


def run_session_resources(bench: Bench, name: str) -> Result:
    files = _SCANS * _FILES_OF_SCAN
    lists = {
        "resources": _List(f"{_SESSION}/resources?all=true&format=json", _SCANS),
        "files": _List(f"{_SESSION}/scans/ALL/files?format=json", files),
        "scans": _List(f"{_SESSION}/scans?format=json", _SCANS),
        "scans' resources": _List(f"{_SESSION}/scans/ALL/resources?format=json", _SCANS),
    }
    with bench.open_folder() as folder:
        with open_filmroom(folder) as filmroom:
            filmroom.make_resource()
            filmroom.ask("PUT", f"{_SESSION}?xsiType=xnat:mrSessionData")
        fill_session(_database(folder), scans=_SCANS, files_each=_FILES_OF_SCAN)
        title = f"a session with {_SCANS} scans: all its resources, all {files} files of its scans, and the scans"
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
        lengths = {label: len(filmroom.ask("GET", each.target)) for label, each in lists.items()}
        _check_counts(filmroom, lists)
        busy = busy_cores()
        for _ in range(_ROUNDS):
            for label, each in lists.items():
                outcome = bench.generator.run(filmroom.get_one(each.target, size_bytes=lengths[label]))
                seconds[label].append(Sample(number=outcome.wall_seconds, wall_seconds=outcome.wall_seconds))
            more.append(Sample(number=(peak_rss_bytes(filmroom.pid) - rest_bytes) / MIB))
    series = [*(Series(label, "s", taken) for label, taken in seconds.items()), Series("more memory", "MiB", more)]
    return Result(name=name, title=f"{title}; memory is peak RSS over idle", busy_cores=busy, series=series)


def _check_counts(filmroom: Filmroom, lists: Mapping[str, _List]) -> None:
    """Raises WrongAnswerError unless a JSON list has as many rows as were filled in."""
    for each in lists.values():
        if each.target.endswith("json"):
            rows = json.loads(filmroom.ask("GET", each.target))["ResultSet"]["Result"]
            if len(rows) != each.rows:
                raise WrongAnswerError(f"the list {each.target} has {len(rows)} rows in place of {each.rows}")
