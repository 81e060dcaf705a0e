"""What was measured, as tables for people and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.machine import Machine

# With more than this in use by others, numbers are not to be compared with those of other days.
_QUIET_CORES: Final = 0.2
# Below this a server is too near to the generator's own limit for its number to be its own.
_LEAST_HEADROOM: Final = 1.2
# Linux, fs/ext4/ialloc.c, recently_deleted: only without a journal are such inodes looked at and passed over.
_NO_JOURNAL: Final = (
    "this ext4 has no journal: fsync costs other than elsewhere, and for up to five minutes files that anybody deleted "
    "slow down the making of new ones, which hits nginx more than filmroom"
)
_RACE_HEAD: Final = f"{'wall s':>8}{'client CPU s':>14}{'server CPU s':>14}{'other cores':>13}{'generator':>11}"


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


def print_machine(machine: Machine) -> None:
    print(
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_bytes / 2**30:.1f} GiB RAM, "
        f"files on {machine.file_system}, Linux {machine.kernel}, Python {machine.python}"
    )
    if not machine.has_journal:
        print(_NO_JOURNAL)
    print("nginx is the limit, not a peer: it checks nobody, hashes nothing, syncs nothing and keeps no metadata")


def print_result(result: Result) -> None:
    print(f"\n{result.name}: {result.title}")
    if result.busy_cores > _QUIET_CORES:
        print(f"  DISTURBED: just before it, others kept {result.busy_cores:.2f} cores busy")
    is_race = result.find_series("sink") is not None
    print(f"  {'':<18}{'median':>8}  {'min - max':<16}{'':<8}{_RACE_HEAD if is_race else ''}".rstrip())
    for series in result.series:
        columns = _race_columns(series, result.headroom(series)) if is_race else ""
        print(f"{_line(series)}{columns}".rstrip())
    if ratios := result.ratios():
        print(f"  {'filmroom / peer':<18}{median(ratios):>8.2f}  {min(ratios):.2f} - {max(ratios):.2f}")


def _line(series: Series) -> str:
    numbers = series.numbers
    spread = f"{_shown(min(numbers))} - {_shown(max(numbers))}"
    return f"  {series.label:<18}{_shown(median(numbers)):>8}  {spread:<16}{series.unit:<8}"


def _race_columns(series: Series, headroom: float) -> str:
    """A round's seconds, what others used meanwhile, and by how much the generator could have been faster."""
    wall = median(sample.wall_seconds for sample in series.samples)
    client = median(sample.client_cpu_seconds for sample in series.samples)
    server = median(sample.server_cpu_seconds for sample in series.samples)
    other = median(sample.other_cores for sample in series.samples)
    limit = f"{headroom:.1f} x" if headroom else ""
    warning = "  (the generator is the limit)" if 0 < headroom < _LEAST_HEADROOM else ""
    return f"{wall:>8.2f}{client:>14.2f}{server:>14.2f}{other:>13.2f}{limit:>11}{warning}"


def _shown(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def print_summary(results: Sequence[Result]) -> None:
    rows = [(result, ratios) for result in results if (ratios := result.ratios())]
    if rows:
        print("\nfilmroom / peer, median (min - max); more is better, 1 is as fast as the peer")
    for result, ratios in rows:
        spread = f"({min(ratios):.2f} - {max(ratios):.2f})"
        print(f"  {result.name:<22}{median(ratios):>9.2f}  {spread:<16}{result.peer}")


def write_json(path: Path, machine: Machine, results: Sequence[Result]) -> None:
    content = {
        "machine": asdict(machine),
        "results": [{**asdict(result), "ratios": result.ratios()} for result in results],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")
