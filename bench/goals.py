"""What each figure should be: a floor that must hold and a stretch to reach for. Nothing else judges a figure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Final

from bench.report import Result

# The name of the row that compares filmroom with the peer.
RATIO: Final = "filmroom / peer"
_MIB_OF_75_MB: Final = 75e6 / 2**20
_MIB_OF_60_MB: Final = 60e6 / 2**20
_FILTERS: Final = ("date", "week", "UID", "label", "ID", "subject_ID", "project")

Figure = Callable[[Result], Sequence[float]]


class Verdict(StrEnum):
    MISSED = "FLOOR MISSED"
    MET = "floor met"
    REACHED = "stretch reached"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure of one workload. ``stretch`` is None where the floor is all that is wanted.

    ``rows`` are the labels in the workload's table that the limits belong to. The figure is the worst of them, unless
    ``derived`` works it out from the result in another way; no numbers mean that it was not measured.
    """

    workload: str
    rows: Sequence[str]
    work: str
    unit: str
    floor: float
    stretch: float | None = None
    is_less_better: bool = True
    derived: Figure | None = None

    def read(self, result: Result) -> Sequence[float]:
        """The rounds of the figure."""
        if self.derived:
            return self.derived(result)
        measured = [series.numbers for row in self.rows if (series := result.find_series(row))]
        return max(measured, key=median, default=())

    def judge(self, numbers: Sequence[float]) -> Verdict:
        """By the median, which may be as bad as the limit and no worse."""
        if not numbers:
            return Verdict.UNKNOWN
        number = median(numbers)
        if self.stretch is not None and self._is_within(number, self.stretch):
            return Verdict.REACHED
        return Verdict.MET if self._is_within(number, self.floor) else Verdict.MISSED

    def _is_within(self, number: float, limit: float) -> bool:
        return number <= limit if self.is_less_better else number >= limit


@dataclass(frozen=True, slots=True)
class Judgement:
    """A goal, the rounds of its figure, and what they come to."""

    goal: Goal
    numbers: Sequence[float]
    verdict: Verdict

    @property
    def misses_stretch(self) -> bool:
        return self.verdict is Verdict.MISSED or (self.verdict is Verdict.MET and self.goal.stretch is not None)


def judge_all(results: Sequence[Result]) -> list[Judgement]:
    """All goals of the workloads that ran, in the order of the table."""
    by_name = {result.name: result for result in results}
    measured = [(goal, goal.read(by_name[goal.workload])) for goal in GOALS if goal.workload in by_name]
    return [Judgement(goal, numbers, goal.judge(numbers)) for goal, numbers in measured]


def find_goal(workload: str, row: str) -> Goal | None:
    """The one whose limits belong to a row of a workload's table."""
    return next((goal for goal in GOALS if goal.workload == workload and row in goal.rows), None)


def get_goal(workload: str, row: str) -> Goal:
    """Raises LookupError where there is none."""
    if goal := find_goal(workload, row):
        return goal
    raise LookupError(f"there is no goal for {row} of {workload}")


def _quotient(label: str, base: str) -> Figure:
    """Each round of one series by the median of another."""

    def read(result: Result) -> Sequence[float]:
        series, divisor = result.find_series(label), result.find_series(base)
        if series is None or divisor is None:
            return ()
        return [number / median(divisor.numbers) for number in series.numbers]

    return read


def _growth(label: str) -> Figure:
    """The last tenth of a series by its second tenth: the first one fills caches."""

    def read(result: Result) -> Sequence[float]:
        series = result.find_series(label)
        numbers = series.numbers if series else []
        tenth = len(numbers) // 10
        return [median(numbers[-tenth:]) / median(numbers[tenth : 2 * tenth])] if tenth else ()

    return read


def _ratio(workload: str, work: str, floor: float, stretch: float | None) -> Goal:
    """As fast as so much of its peer, at least."""
    return Goal(
        workload=workload,
        rows=(RATIO,),
        work=work,
        unit="x",
        floor=floor,
        stretch=stretch,
        is_less_better=False,
        derived=Result.ratios,
    )


@dataclass(frozen=True, slots=True)
class _AtMost:
    """Goals of one workload in one unit, which are all to be as little as possible."""

    workload: str
    unit: str

    def __call__(self, rows: Sequence[str], work: str, floor: float, stretch: float | None = None) -> Goal:
        return Goal(workload=self.workload, rows=rows, work=work, unit=self.unit, floor=floor, stretch=stretch)


def _suite() -> Iterator[Goal]:
    """What XNAT's own performance suite does; that a thing costs as much at the end as at first is a goal too."""
    at_most = _AtMost("xnat-suite", "ms")
    yield at_most(_both("session"), "create a session", 5, 2)
    yield at_most([*_both("project"), *_both("public")], "create a project, private or public", 10, 3)
    yield at_most(_both("open"), "make a project public", 10, 3)
    lists = ["list owner", "list admin"]
    yield replace(at_most(lists, "list 10,000 sessions of one subject", 100, 50), derived=_at_full_scale(lists))
    for row, work in (("session", "session"), ("project", "project"), ("public", "public project")):
        yield Goal(
            workload="xnat-suite",
            rows=(),
            work=f"create the last {work}s, of the first",
            unit="x",
            floor=1.5,
            stretch=1.2,
            derived=_quotient(f"{row}, last", f"{row}, first"),
        )


def _at_full_scale(rows: Sequence[str]) -> Figure:
    """The slowest of the rows, but not where there were fewer sessions than the goal is for."""

    def read(result: Result) -> Sequence[float]:
        found = [series.numbers for row in rows if (series := result.find_series(row))]
        return max(found, key=median, default=()) if "10,000 sessions" in result.title else ()

    return read


def _both(row: str) -> list[str]:
    return [f"{row}, first", f"{row}, last"]


def _catalog(workload: str) -> Iterator[Goal]:
    at_most = _AtMost(workload, "ms")
    yield at_most(["create session"], "create a session", 5, 2)
    yield at_most(
        ["10,000 json owner", "10,000 json admin"], "list 10,000 sessions, as owner or administrator", 100, 50
    )
    yield at_most(["create project"], "create a project", 10, 3)
    yield at_most(["open project"], "make a project public", 10, 3)
    yield at_most(["connect owner", "connect admin"], "connect with xnatpy", 1500)
    for person in ("admin", "member"):
        rows = [f"{asked} {person}" for asked in _FILTERS]
        yield at_most(rows, f"slowest of {len(rows)} filters of 200,000 sessions, {person}", 50)


def _lab() -> Iterator[Goal]:
    at_most = _AtMost("lab", "ms")
    rows = [f"{shown} {person}" for shown in ("projects", "sessions") for person in ("admin", "member", "outsider")]
    yield at_most(rows, "slowest list of projects or sessions, 10,000 users", 150)
    yield at_most(["cookie costs"], "know who asks by cookie", 0.5)
    yield Goal(
        workload="lab",
        rows=["open/close 20,000"],
        work="make public a project of 20,000 sessions, of one of 200",
        unit="x",
        floor=1.5,
        stretch=1.2,
        derived=_quotient("open/close 20,000", "open/close 200"),
    )


def _xnatpy() -> Iterator[Goal]:
    for workload, work in (
        ("xnatpy-upload-dicom", "upload_dir of a series of 20"),
        ("xnatpy-upload-1000", "upload_dir of 1,000 files"),
        ("xnatpy-download-dicom", "download_dir of a series of 20"),
        ("xnatpy-download-1000", "download_dir of 1,000 files"),
    ):
        yield Goal(
            workload=workload,
            rows=["filmroom takes"],
            work=f"xnatpy: {work}, of the client's own cost",
            unit="x",
            floor=1.5,
            stretch=1.2,
            derived=_quotient("filmroom takes", "client takes"),
        )


def _soak() -> Iterator[Goal]:
    for row, work in (
        ("PUT, CPU", "CPU time of an upload"),
        ("GET, CPU", "CPU time of a download"),
        ("memory", "memory"),
    ):
        yield Goal(
            workload="soak",
            rows=[row],
            work=f"{work} at the end of the soak, of near its start",
            unit="x",
            floor=1.3,
            derived=_growth(row),
        )


def _crowd() -> Iterator[Goal]:
    for method, work in (("PUT", "uploads"), ("GET", "downloads")):
        row = f"{method}, crowd"
        yield Goal(
            workload="crowd",
            rows=[row],
            work=f"{work} beside 500 slow clients, of alone",
            unit="x",
            floor=0.5,
            is_less_better=False,
            derived=_quotient(row, method),
        )


GOALS: Final = (
    _ratio("put-small", "200 kB PUT, 8 connections, of nginx", 0.25, 0.50),
    _ratio("put-small-32", "200 kB PUT, 32 connections into one resource, of nginx", 0.30, 0.50),
    _ratio("put-dicom", "200 kB DICOM PUT, 8 connections, of Orthanc", 1.0, 2.0),
    _ratio("put-dicom-32", "200 kB DICOM PUT, 32 connections, of Orthanc", 1.0, 2.0),
    _ratio("put-large", "1 GiB PUT, of nginx", 0.25, 0.33),
    _ratio("put-large-4", "1 GiB PUT, 4 connections, of nginx", 0.25, 0.33),
    _ratio("get-large", "1 GiB GET, of nginx", 0.25, 0.45),
    _ratio("get-large-4", "1 GiB GET, 4 connections, of nginx", 0.25, 0.45),
    _ratio("get-large-behind", "1 GiB GET by X-Accel-Redirect, of nginx", 0.85, 0.95),
    *(
        _AtMost("growth", "x")([f"{files} / empty"], f"a file's cost among {files}, of an empty resource", 1.5, 1.2)
        for files in ("100,000", "1,000,000")
    ),
    _AtMost("list", "s")(["json"], "list 100,000 files as JSON", 0.4, 0.25),
    _AtMost("list", "MiB")(["more memory"], "memory for lists of 100,000 files", 20),
    _AtMost("list-1000000", "s")(["json"], "list 1,000,000 files as JSON, linear", 4, 2.5),
    _ratio("zip", "download 1,000 files of 200 kB as a zip, of zip -0", 2.5, 5),
    _ratio("extract", "upload and extract a tar.gz of 1,000 files, of tar and sync", 0.5, 0.8),
    *_suite(),
    *_catalog("catalog"),
    *_catalog("catalog-postgresql"),
    *_lab(),
    *_xnatpy(),
    _AtMost("start", "s")(["first start", "second start"], "start to ready", 1.2, 0.7),
    _AtMost("start", "MiB")(["idle RSS"], "idle memory (75 MB; 60 MB)", _MIB_OF_75_MB, _MIB_OF_60_MB),
    _AtMost("memory-per-stream", "MiB")(["more per stream"], "memory for each upload in progress", 4, 2),
    _AtMost("restart", "s")(["of CPU time"], "start after a kill with 1,000,000 files, CPU time", 3),
    *_crowd(),
    *_soak(),
)
