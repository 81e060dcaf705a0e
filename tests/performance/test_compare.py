"""How a commit is compared with another."""

from bench.changes import Change, compare
from bench.goals import RATIO
from performance.measured import result, series


def _changes(*pairs: tuple[float, float], unit: str) -> dict[str, Change]:
    runs = [
        (result("w", series("it", base, unit=unit)), result("w", series("it", present, unit=unit)))
        for base, present in pairs
    ]
    return {change.label: change for change in compare(runs)}


def test_the_present_is_divided_by_the_base_in_each_pair_of_runs() -> None:
    change = _changes((10.0, 20.0), (20.0, 20.0), (40.0, 20.0), unit="files/s")["it"]

    assert change.ratios == [2.0, 1.0, 0.5]
    assert (change.base, change.present) == (20.0, 20.0)


def test_more_a_second_is_better() -> None:
    change = _changes((10.0, 20.0), (10.0, 9.0), unit="files/s")["it"]

    assert change.better == 1


def test_fewer_milliseconds_are_better() -> None:
    change = _changes((10.0, 20.0), (10.0, 9.0), (10.0, 8.0), unit="ms")["it"]

    assert change.better == 2


def test_a_run_counts_by_its_median() -> None:
    base = result("w", series("it", 1.0, 2.0, 90.0, unit="ms"))
    present = result("w", series("it", 1.0, 4.0, 5.0, unit="ms"))

    (change,) = compare([(base, present)])

    assert change.ratios == [2.0]


def test_the_comparison_with_the_peer_is_compared_too() -> None:
    base = result("w", series("filmroom", 10.0, unit="files/s"), series("nginx", 100.0, unit="files/s"))
    present = result("w", series("filmroom", 30.0, unit="files/s"), series("nginx", 100.0, unit="files/s"))

    changes = {change.label: change for change in compare([(base, present)])}

    assert (changes[RATIO].base, changes[RATIO].present, changes[RATIO].better) == (0.1, 0.3, 1)
