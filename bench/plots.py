"""Which plots are drawn from which workloads. A plot whose workloads were not measured is not drawn."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Axis,
    Bar,
    BarGroup,
    Curve,
    Limit,
    Spread,
    draw_bars,
    draw_curves,
    linear,
    powers_of_ten,
)
from bench.goals import RATIO, find_goal, get_goal
from bench.report import Result, Series

Results = Mapping[str, Result]

_FORMATS: Final = {"json": ("JSON", BLUE), "csv": ("CSV", GREEN), "xml": ("XML", ORANGE), "html": ("HTML", PURPLE)}
# Where an empty resource stands on an axis that has no 0.
_EMPTY: Final = 100.0
_GROWTH_ROW: Final = re.compile(r"([\d,]+)( files|, CPU)")
_LIST: Final = re.compile(r"list(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Plot:
    """The name of its file, what it shows for whoever cannot see it, and how it is drawn."""

    name: str
    alt: str
    draw: Callable[[Results], str | None]


def _spread(series: Series, factor: float = 1.0) -> Spread:
    numbers = [number * factor for number in series.numbers]
    return Spread(min(numbers), median(numbers), max(numbers))


@dataclass(frozen=True, slots=True)
class _Beside:
    """Bars of filmroom and its peers, for each of some workloads in one unit."""

    title: str
    unit: str
    axis: str
    workloads: Mapping[str, str]

    def __call__(self, results: Results) -> str | None:
        drawn = [(title, _bars(results[name], self.unit)) for name, title in self.workloads.items() if name in results]
        groups = [BarGroup(title, bars) for title, bars in drawn if bars]
        subtitle = "Bars are medians, whiskers the slowest and the fastest round; longer is better"
        return draw_bars(self.title, subtitle, self.axis, groups) if groups else None


def _bars(result: Result, unit: str) -> list[Bar]:
    """Filmroom first. The sink is no peer: it only says how fast the generator is."""
    rivals = [series for series in result.series if series.unit == unit and series.label != "sink"]
    rivals.sort(key=lambda series: series.label != "filmroom")
    return [
        Bar(series.label, _spread(series), BLUE, floor=_floor(result))
        if series.label == "filmroom"
        else Bar(series.label, _spread(series), GREY)
        for series in rivals
    ]


def _floor(result: Result) -> float | None:
    """In the unit of the series, as far from filmroom's bar as the ratio, taken round by round, is from its floor."""
    goal, ours, ratios = find_goal(result.name, RATIO), result.find_series("filmroom"), result.ratios()
    return median(ours.numbers) * goal.floor / median(ratios) if goal and ours and ratios else None


def _draw_growth(results: Results) -> str | None:
    result = results.get("growth")
    if result is None:
        return None
    clock = _points(result, _GROWTH_ROW, " files")
    cpu = _points(result, _GROWTH_ROW, ", CPU")
    sizes = [size for size, _ in cpu]
    axis = Axis(
        "files in the resource before (each step is ten times as many)",
        [(size, "empty" if size == _EMPTY else f"{size:,.0f}") for size in sizes],
        is_log=True,
    )
    limit = get_goal("growth", "1,000,000 / empty").floor
    floor = limit * cpu[0][1].middle
    highest = max(floor, *(spread.high for _, spread in (*clock, *cpu)))
    return draw_curves(
        (
            "What one more file costs, by how many there are",
            "A 200 kB upload; whiskers are the lowest and the highest round",
        ),
        (axis, linear("milliseconds for each file", highest)),
        [Curve("CPU of the server", BLUE, cpu), Curve("by the clock", ORANGE, clock)],
        Limit(f"floor: at most {limit:g} times the CPU time in an empty resource", floor),
    )


def _points(result: Result, row: re.Pattern[str], kind: str) -> list[tuple[float, Spread]]:
    """The series whose labels are a number and a kind, by that number."""
    found = [(match, series) for series in result.series if (match := row.fullmatch(series.label))]
    return sorted(
        (float(match[1].replace(",", "")) or _EMPTY, _spread(series)) for match, series in found if match[2] == kind
    )


_FEWEST_LENGTHS: Final = 2  # that make a curve


def _draw_lists(results: Results) -> str | None:
    found = sorted((int(match[1] or 100_000), name) for name in results if (match := _LIST.fullmatch(name)))
    if len(found) < _FEWEST_LENGTHS:
        return None
    curves = [
        Curve(name, color, [(size, _spread(series, 1000)) for size, series in drawn])
        for shown, (name, color) in _FORMATS.items()
        if (drawn := [(size, series) for size, name in found if (series := results[name].find_series(shown))])
    ]
    points = [point for curve in curves for point in curve.points]
    sizes = [size for size, _ in points]
    floor = get_goal("list", "json").floor * 1000
    return draw_curves(
        (
            "What a list costs, by its length",
            "All files of one resource in one answer; whiskers are the lowest and the highest round",
        ),
        (
            powers_of_ten("files in the list (logarithmic)", min(sizes), max(sizes)),
            powers_of_ten(
                "milliseconds (logarithmic)",
                min(spread.low for _, spread in points),
                max(floor, *(spread.high for _, spread in points)),
            ),
        ),
        curves,
        Limit(f"floor for 100,000 files as JSON: at most {floor:,.0f} ms", floor),
    )


@dataclass(frozen=True, slots=True)
class _Soak:
    """Series of the soak over its course, each window a point."""

    title: str
    axis: str
    rows: Mapping[str, tuple[str, str]]
    limited: str

    def __call__(self, results: Results) -> str | None:
        result = results.get("soak")
        if result is None:
            return None
        found = {row: series for row in self.rows if (series := result.find_series(row))}
        curves = [Curve(*self.rows[row], _course(series), has_dots=False) for row, series in found.items()]
        times = get_goal("soak", self.limited).floor
        numbers = found[self.limited].numbers
        tenth = len(numbers) // 10
        floor = times * median(numbers[tenth : 2 * tenth])
        highest = max(floor, *(spread.high for curve in curves for _, spread in curve.points))
        across = Axis(
            "share of the operations that are done, %", [(float(tick), str(tick)) for tick in range(0, 101, 20)]
        )
        name = f" for {self.rows[self.limited][0]}" if len(curves) > 1 else ""
        limit = Limit(f"floor{name}: at most {times:g} times what it was near the start", floor)
        return draw_curves(
            (self.title, result.title.partition(";")[0]), (across, linear(self.axis, highest)), curves, limit
        )


def _course(series: Series) -> list[tuple[float, Spread]]:
    step = 100 / len(series.numbers)
    return [((window + 1) * step, Spread(number, number, number)) for window, number in enumerate(series.numbers)]


_SMALL: Final = "files a second"
_LARGE: Final = "MiB a second"
PLOTS: Final[Sequence[Plot]] = (
    Plot(
        "small-uploads",
        "Bars: small uploads a second of filmroom beside its peers",
        _Beside(
            "Small uploads",
            "files/s",
            _SMALL,
            {
                "put-small-1": "200 kB each on 1 connection",
                "put-small": "200 kB each on 8 connections",
                "put-small-32": "200 kB each on 32 connections, into one resource",
                "put-small-many": "200 kB each, into many resources",
                "put-multipart": "200 kB each, as multipart forms",
                "put-dicom": "DICOM of 200 kB each on 8 connections",
                "put-dicom-32": "DICOM of 200 kB each on 32 connections",
            },
        ),
    ),
    Plot(
        "small-downloads",
        "Bars: small downloads a second of filmroom beside nginx",
        _Beside(
            "Small downloads",
            "files/s",
            _SMALL,
            {
                "get-small": "200 kB each on 8 connections",
                "get-small-behind": "the same, filmroom behind an nginx that sends its files",
            },
        ),
    ),
    Plot(
        "large-files",
        "Bars: MiB a second of filmroom beside nginx, for 1 GiB in all",
        _Beside(
            "1 GiB in one file or in four",
            "MiB/s",
            _LARGE,
            {
                "put-large": "upload on 1 connection",
                "put-large-4": "upload on 4 connections, 256 MiB each",
                "get-large": "download on 1 connection",
                "get-large-4": "download on 4 connections, 256 MiB each",
                "get-large-behind": "download, filmroom behind an nginx that sends its files",
            },
        ),
    ),
    Plot(
        "tools",
        "Bars: MiB a second of filmroom beside cp, zip, tar and unzip",
        _Beside(
            "Beside tools on the same disk",
            "MiB/s",
            _LARGE,
            {
                "copy-small": "upload of files of 200 kB on 8 connections",
                "copy-large": "upload of 1 GiB",
                "zip": "download of 1,000 files of 200 kB as a zip",
                "tar": "the same as a tar",
                "extract": "upload of a tar.gz of 1,000 files that is taken apart",
                "extract-zip": "the same as a zip",
            },
        ),
    ),
    Plot("growth", "Curves: the cost of one more file over the number of files in the resource", _draw_growth),
    Plot("lists", "Curves: the time of a list over the number of its rows, in each format", _draw_lists),
    Plot(
        "soak-cpu",
        "Curves: CPU time for an upload and a download over the course of the soak",
        _Soak(
            "What an operation costs, early and late",
            "milliseconds of CPU time for each operation",
            {"PUT, CPU": ("upload", BLUE), "GET, CPU": ("download", ORANGE)},
            limited="PUT, CPU",
        ),
    ),
    Plot(
        "soak-memory",
        "Curve: memory of the server over the course of the soak",
        _Soak(
            "Memory of the server, early and late",
            "MiB (resident)",
            {"memory": ("memory", BLUE)},
            limited="memory",
        ),
    ),
)
