"""What was measured, and its JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round: the number in its series' unit, and the seconds behind it.

    ``other_cores`` is what neither side used meanwhile: other processes, the kernel's own threads, the host.
    """

    number: float
    wall_seconds: float = 0.0
    client_cpu_seconds: float = 0.0
    server_cpu_seconds: float = 0.0
    other_cores: float = 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """The rounds of one server, or of one figure, in order."""

    label: str
    unit: str
    samples: Sequence[Sample]

    @property
    def numbers(self) -> list[float]:
        return [sample.number for sample in self.samples]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One workload. ``busy_cores`` is what others used of the machine just before it.

    ``peer`` is the series that filmroom's is compared with, where there is one.
    """

    name: str
    title: str
    busy_cores: float
    series: Sequence[Series]
    peer: str = "nginx"

    def find_series(self, label: str) -> Series | None:
        return next((series for series in self.series if series.label == label), None)

    def ratios(self) -> list[float]:
        """Speed of filmroom by that of its peer, round by round; empty where there is none."""
        filmroom, peer = self.find_series("filmroom"), self.find_series(self.peer)
        if filmroom is None or peer is None:
            return []
        return [ours / theirs for ours, theirs in zip(filmroom.numbers, peer.numbers, strict=True)]

    def headroom(self, series: Series) -> float:
        """By how much the generator is faster than what it measured here; 0 where nobody knows."""
        sink = self.find_series("sink")
        return median(sink.numbers) / median(series.numbers) if sink and sink is not series else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run of the bench left: the day in UTC, the machine, and each workload."""

    measured_on: str
    machine: Machine
    results: Sequence[Result]


def write_json(path: Path, machine: Machine, results: Sequence[Result]) -> None:
    content = {
        "measured_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": asdict(machine),
        "results": [{**asdict(result), "ratios": result.ratios()} for result in results],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")


def read_json(path: Path) -> Report:
    """What ``write_json`` wrote; a file from before it noted the day is named for it."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Report(
        measured_on=content.get("measured_on", path.stem),
        machine=Machine(**content["machine"]),
        results=[_to_result(each) for each in content["results"]],
    )


def _to_result(content: dict[str, Any]) -> Result:
    series = [
        Series(each["label"], each["unit"], [Sample(**sample) for sample in each["samples"]])
        for each in content["series"]
    ]
    names = ("name", "title", "busy_cores", "peer")
    return Result(**{name: content[name] for name in names}, series=series)
