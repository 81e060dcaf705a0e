"""What was measured, as tables for people."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from bench.goals import RATIO, Judgement, Verdict, find_goal, judge_all
from bench.machine import Machine
from bench.report import Result, Series

# With more than this in use by others, numbers are not to be compared with those of other days.
QUIET_CORES: Final = 0.2
# Below this a server is too near to the generator's own limit for its number to be its own.
_LEAST_HEADROOM: Final = 1.2
# Linux, fs/ext4/ialloc.c, recently_deleted: only without a journal are such inodes looked at and passed over.
NO_JOURNAL: Final = (
    "this ext4 has no journal: fsync costs other than elsewhere, and for up to five minutes files that anybody deleted "
    "slow down the making of new ones, which hits nginx more than filmroom"
)
_RACE_HEAD: Final = f"{'wall s':>8}{'client CPU s':>14}{'server CPU s':>14}{'other cores':>13}{'generator':>11}"
SUMMARY_HEAD: Final = ("workload", "work", "measured", "min - max", "floor", "stretch", "verdict")


def print_machine(machine: Machine) -> None:
    print(describe_machine(machine))
    if not machine.has_journal:
        print(NO_JOURNAL)
    print("nginx is the limit, not a peer: it checks nobody, hashes nothing, syncs nothing and keeps no metadata")


def describe_machine(machine: Machine) -> str:
    return (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_bytes / 2**30:.1f} GiB RAM, "
        f"files on {machine.file_system}, Linux {machine.kernel}, Python {machine.python}"
    )


def print_result(result: Result) -> None:
    """Each figure that has a goal beside its floor, its stretch and which of them it reached."""
    print(f"\n{result.name}: {result.title}")
    if result.busy_cores > QUIET_CORES:
        print(f"  DISTURBED: just before it, others kept {result.busy_cores:.2f} cores busy")
    is_race = result.find_series("sink") is not None
    print(f"  {'':<18}{'median':>8}  {'min - max':<18}{'':<8}{_RACE_HEAD if is_race else ''}".rstrip())
    for series in result.series:
        columns = _race_columns(series, result.headroom(series)) if is_race else ""
        line = _line(series.label, series.numbers, series.unit)
        print(f"{line}{columns}{_limits(result, series.label, series.numbers)}".rstrip())
    if ratios := result.ratios():
        print(f"{_line(RATIO, ratios, '')}{_limits(result, RATIO, ratios)}".rstrip())


def _line(label: str, numbers: Sequence[float], unit: str) -> str:
    return f"  {label:<18}{shown(median(numbers)):>8}  {spread(numbers):<18}{unit:<8}"


def _limits(result: Result, row: str, numbers: Sequence[float]) -> str:
    goal = find_goal(result.name, row)
    if goal is None:
        return ""
    figure = goal.derived(result) if goal.derived else numbers
    measured = "" if figure in ([], (), numbers) else f"{shown(median(figure))} {goal.unit}, "
    stretch = "" if goal.stretch is None else f", stretch {shown(goal.stretch)}"
    return f"  {measured}floor {shown(goal.floor)}{stretch}: {goal.judge(figure)}"


def _race_columns(series: Series, headroom: float) -> str:
    """A round's seconds, what others used meanwhile, and by how much the generator could have been faster."""
    wall = median(sample.wall_seconds for sample in series.samples)
    client = median(sample.client_cpu_seconds for sample in series.samples)
    server = median(sample.server_cpu_seconds for sample in series.samples)
    other = median(sample.other_cores for sample in series.samples)
    limit = f"{headroom:.1f} x" if headroom else ""
    warning = "  (the generator is the limit)" if 0 < headroom < _LEAST_HEADROOM else ""
    return f"{wall:>8.2f}{client:>14.2f}{server:>14.2f}{other:>13.2f}{limit:>11}{warning}"


def shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def spread(numbers: Sequence[float]) -> str:
    return f"{shown(min(numbers))} - {shown(max(numbers))}"


def print_summary(results: Sequence[Result]) -> None:
    """One table of all goals, and how many floors were missed."""
    judged = judge_all(results)
    if not judged:
        return
    rows = [SUMMARY_HEAD, *(summary_row(each) for each in judged)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    missed = sum(each.verdict is Verdict.MISSED for each in judged)
    unknown = sum(each.verdict is Verdict.UNKNOWN for each in judged)
    print(f"\nfloors missed: {missed} of {len(judged)}" + (f", {unknown} not measured" if unknown else ""))


def summary_row(judged: Judgement) -> tuple[str, ...]:
    """The cells below ``SUMMARY_HEAD``."""
    goal, numbers = judged.goal, judged.numbers
    sign = "<=" if goal.is_less_better else ">="
    return (
        goal.workload,
        goal.work,
        f"{shown(median(numbers))} {goal.unit}" if numbers else "",
        spread(numbers) if numbers else "",
        f"{sign} {shown(goal.floor)}",
        "" if goal.stretch is None else f"{sign} {shown(goal.stretch)}",
        judged.verdict,
    )
