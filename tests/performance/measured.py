"""Results that nobody had to wait for."""

from collections.abc import Sequence

from bench.machine import Machine
from bench.report import Report, Result, Sample, Series

MACHINE = Machine(
    cpu="a CPU",
    cores=2,
    memory_bytes=2**30,
    file_system="ext4",
    has_journal=True,
    kernel="6.18",
    python="3.11.7",
)


def series(label: str, *numbers: float, unit: str = "x") -> Series:
    return Series(label, unit, [Sample(number=number) for number in numbers])


def result(name: str, *all_series: Series, title: str = "of a test", peer: str = "nginx") -> Result:
    return Result(name=name, title=title, busy_cores=0.0, series=all_series, peer=peer)


def report(results: Sequence[Result], *, measured_on: str = "2026-11-01", machine: Machine = MACHINE) -> Report:
    return Report(measured_on=measured_on, machine=machine, results=results)
