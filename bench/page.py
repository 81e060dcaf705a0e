"""``python -m bench.page RESULT.json ...``: write docs/performance.md, and its plots, from what the bench left.

Of a workload that is in several files the last one counts. All words that are not made from figures are in
docs/performance/notes: ``intro.md``, ``how.md``, and one file for each workload that has something to tell.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.goals import RATIO, Judgement, Verdict, judge_all
from bench.plots import PLOTS
from bench.report import Report, Result, Sample, Series, read_json
from bench.tables import NO_JOURNAL, QUIET_CORES, SUMMARY_HEAD, describe_machine, shown, spread, summary_row

_DOCS: Final = Path(__file__).parents[1] / "docs"
_INTRO: Final = "intro"
_HOW: Final = "how"


@dataclass(frozen=True, slots=True)
class Group:
    """A section of the page. ``has_columns`` gives each workload a column, where all have the same rows."""

    title: str
    workloads: Sequence[str]
    plots: Sequence[str] = ()
    has_columns: bool = False


GROUPS: Final[Sequence[Group]] = (
    Group(
        "Small files",
        (
            "put-small-1",
            "put-small",
            "put-small-32",
            "put-small-many",
            "put-multipart",
            "put-dicom",
            "put-dicom-32",
            "get-small",
            "get-small-behind",
        ),
        ("small-uploads", "small-downloads"),
    ),
    Group(
        "Large files",
        ("put-large", "put-large-4", "get-large", "get-large-4", "get-large-behind"),
        ("large-files",),
    ),
    Group("Beside cp, zip and tar", ("copy-small", "copy-large", "zip", "tar", "extract", "extract-zip"), ("tools",)),
    Group("A resource that grows", ("growth",), ("growth",)),
    Group("Lists of files", ("list-10", "list-1000", "list", "list-1000000", "session-resources"), ("lists",)),
    Group("Many sessions", ("catalog", "catalog-postgresql"), has_columns=True),
    Group("XNAT's own performance suite", ("xnat-suite",)),
    Group("Many people", ("lab", "sign-in", "crowd")),
    Group(
        "Clients",
        (
            "xnatpy-upload-dicom",
            "xnatpy-upload-1000",
            "xnatpy-each-dicom",
            "xnatpy-each-1000",
            "xnatpy-download-dicom",
            "xnatpy-download-1000",
        ),
    ),
    Group("Start and memory", ("start", "restart", "memory-per-stream", "soak"), ("soak-cpu", "soak-memory")),
)


class PageError(Exception):
    """Results or notes of which no page can be made."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of some files by workload, and on which day each was measured."""

    reports: Sequence[Report]

    @property
    def results(self) -> dict[str, Result]:
        return {result.name: result for report in self.reports for result in report.results}

    @property
    def days(self) -> dict[str, str]:
        return {result.name: report.measured_on for report in self.reports for result in report.results}


def write_page(measured: Measured, notes: Mapping[str, str], drawn: Iterable[str]) -> str:
    """The page, with the plots that were drawn and every note on a workload that was measured. Raises PageError."""
    groups = _groups(measured.results)
    known = {_INTRO, _HOW, *(name for group in groups for name in group.workloads)}
    if strange := sorted(set(notes) - known):
        raise PageError(f"the notes on {', '.join(strange)} belong to no workload")
    parts = [
        "# How fast filmroom is",
        "<!-- Made by `make bench-page`. The words are in performance/notes/, the floors in bench/goals.py. -->",
        notes.get(_INTRO, "").strip(),
        "## Floors and stretches",
        *_goals(judge_all(list(measured.results.values()))),
        *(part for group in groups for part in _section(group, measured.results, notes, set(drawn))),
        "## How it was measured",
        *_machine(measured),
        notes.get(_HOW, "").strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _groups(results: Mapping[str, Result]) -> Sequence[Group]:
    """With one more for workloads that are in none."""
    placed = {name for group in GROUPS for name in group.workloads}
    return (*GROUPS, Group("Other workloads", [name for name in results if name not in placed]))


def _machine(measured: Measured) -> Iterator[str]:
    """Raises PageError unless all was measured on one machine."""
    machines = {report.machine for report in measured.reports}
    if len(machines) != 1:
        raise PageError("the results are not of one machine: " + "; ".join(map(describe_machine, machines)))
    (machine,) = machines
    yield f"The machine: {describe_machine(machine)}."
    if not machine.has_journal:
        yield f"Note that {NO_JOURNAL}."
    by_day: dict[str, list[str]] = {}
    for name, day in measured.days.items():
        by_day.setdefault(day, []).append(name)
    yield "\n".join(f"- {day}: {', '.join(names)}" for day, names in sorted(by_day.items()))
    busy = [
        f"{each.name} ({each.busy_cores:.1f})" for each in measured.results.values() if each.busy_cores > QUIET_CORES
    ]
    if busy:
        yield f"Others used more than {QUIET_CORES} cores just before these, in brackets how many: {', '.join(busy)}."


def _goals(judged: Sequence[Judgement]) -> Iterator[str]:
    counts = {verdict: sum(each.verdict is verdict for each in judged) for verdict in Verdict}
    told = [f"{count} {verdict.lower()}" for verdict, count in counts.items() if count]
    yield f"Of {len(judged)} goals: {', '.join(told)}."
    yield _table(SUMMARY_HEAD, [_marked(summary_row(each)) for each in judged])


def _marked(row: Sequence[str]) -> Sequence[str]:
    return [f"**{cell}**" if cell == Verdict.MISSED else cell for cell in row]


def _section(group: Group, results: Mapping[str, Result], notes: Mapping[str, str], drawn: set[str]) -> Iterator[str]:
    shown_here = [results[name] for name in group.workloads if name in results]
    if not shown_here:
        return
    yield f"## {group.title}"
    for plot in PLOTS:
        if plot.name in group.plots and plot.name in drawn:
            yield f"![{plot.alt}](performance/{plot.name}.svg)"
    yield "\n".join(f"- `{result.name}`: {result.title}" for result in shown_here)
    yield _columns(shown_here) if group.has_columns else _rows(shown_here)
    for result in shown_here:
        if note := notes.get(result.name, "").strip():
            yield f"**{result.name}.** {note}"


def _rows(results: Sequence[Result]) -> str:
    rows = [_row(result, series) for result in results for series in (*result.series, *_ratio(result))]
    head = ["workload", "figure", "median", "min - max", "generator"]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return _table(head, rows)


def _row(result: Result, series: Series) -> list[str]:
    number = f"{shown(median(series.numbers))} {series.unit}"
    return [result.name, series.label, number, spread(series.numbers), _generator(result, series)]


def _ratio(result: Result) -> Iterator[Series]:
    if ratios := result.ratios():
        yield Series(RATIO.replace("peer", result.peer), "x", [Sample(number=number) for number in ratios])


def _generator(result: Result, series: Series) -> str:
    """What it used of the CPUs during a round, and by how much it could have been faster."""
    cores = [sample.client_cpu_seconds / sample.wall_seconds for sample in series.samples if sample.wall_seconds]
    if not cores or not any(cores):
        return ""
    headroom = result.headroom(series)
    return f"{median(cores):.2f} cores" + (f", {headroom:.1f} x as fast" if headroom else "")


def _columns(results: Sequence[Result]) -> str:
    labels = list(dict.fromkeys(series.label for result in results for series in result.series))
    rows = [[label, *(_cell(result.find_series(label)) for result in results)] for label in labels]
    return _table(["figure", *(result.name for result in results)], rows)


def _cell(series: Series | None) -> str:
    return f"{shown(median(series.numbers))} {series.unit} ({spread(series.numbers)})" if series else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def read_notes(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


def main() -> None:
    paths = [Path(argument) for argument in sys.argv[1:]]
    if not paths:
        sys.exit("usage: python -m bench.page RESULT.json ...")
    folder = _DOCS / "performance"
    notes = read_notes(folder / "notes")
    try:
        measured = Measured([read_json(path) for path in paths])
        plots = {plot.name: picture for plot in PLOTS if (picture := plot.draw(measured.results))}
        page = write_page(measured, notes, plots)
    except (OSError, ValueError, PageError) as error:
        sys.exit(f"bench.page: {error}")
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, picture in plots.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    (_DOCS / "performance.md").write_text(page, encoding="utf-8")
    silent = {each.goal.workload for each in judge_all(list(measured.results.values())) if each.misses_stretch}
    if silent := silent - set(notes):
        print(f"no note says what the wall is for {', '.join(sorted(silent))}", file=sys.stderr)


if __name__ == "__main__":
    main()
