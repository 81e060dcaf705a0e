"""What differs between the runs of two trees: arithmetic and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.goals import RATIO
from bench.report import Result, Sample, Series
from bench.tables import shown, spread

_HEAD: Final = f"  {'':<20}{'base':>9}{'present':>10}  {'':<9}{'present / base':<26}better in"


@dataclass(frozen=True, slots=True)
class Change:
    """One series: medians of the runs' medians, and the present tree by the base in each pair of runs."""

    workload: str
    label: str
    unit: str
    base: float
    present: float
    ratios: Sequence[float]
    better: int
    """In how many of the pairs the present tree was better."""


def compare(pairs: Sequence[tuple[Result, Result]]) -> list[Change]:
    """Of the runs of one workload, each time first on the base and then on the present tree."""
    labels = [series.label for series in _series(pairs[0][0])]
    return [_compare(label, [(_find(base, label), _find(present, label)) for base, present in pairs], pairs[0][0].name)
            for label in labels]  # fmt: skip


def _series(result: Result) -> list[Series]:
    """With the comparison with the peer as one more."""
    ratios = result.ratios()
    more = [Series(RATIO, "x", [Sample(number=number) for number in ratios])] if ratios else []
    return [*result.series, *more]


def _find(result: Result, label: str) -> Series:
    return next(series for series in _series(result) if series.label == label)


def _compare(label: str, pairs: Sequence[tuple[Series, Series]], workload: str) -> Change:
    bases = [median(base.numbers) for base, _ in pairs]
    presents = [median(present.numbers) for _, present in pairs]
    unit = pairs[0][0].unit
    is_more_better = unit.endswith("/s") or label == RATIO
    won = [present > base if is_more_better else present < base for base, present in zip(bases, presents, strict=True)]
    return Change(
        workload=workload,
        label=label,
        unit=unit,
        base=median(bases),
        present=median(presents),
        ratios=[present / base for base, present in zip(bases, presents, strict=True)],
        better=sum(won),
    )


def print_changes(changes: Sequence[Change]) -> None:
    print(f"\n{changes[0].workload}\n{_HEAD}")
    for each in changes:
        ratio = f"{median(each.ratios):.2f} ({spread(each.ratios)})"
        better = f"{each.better} of {len(each.ratios)}"
        print(f"  {each.label:<20}{shown(each.base):>9}{shown(each.present):>10}  {each.unit:<9}{ratio:<26}{better}")
