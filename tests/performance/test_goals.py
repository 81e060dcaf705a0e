"""What the bench says of its figures: floors and stretches, in both directions."""

import pytest

from bench.goals import GOALS, RATIO, Goal, Verdict, find_goal, get_goal, judge_all
from bench.tables import print_result, print_summary
from performance.measured import result, series


def _goal(*, floor: float, stretch: float | None, is_less_better: bool) -> Goal:
    return Goal(
        workload="w", rows=["r"], work="it", unit="s", floor=floor, stretch=stretch, is_less_better=is_less_better
    )


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(1.0, Verdict.REACHED), (1.1, Verdict.MET), (2.0, Verdict.MET), (2.1, Verdict.MISSED)],
)
def test_what_should_be_little_meets_its_floor_from_below(number: float, verdict: Verdict) -> None:
    goal = _goal(floor=2.0, stretch=1.0, is_less_better=True)

    assert goal.judge([number]) is verdict


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(2.0, Verdict.REACHED), (1.9, Verdict.MET), (1.0, Verdict.MET), (0.9, Verdict.MISSED)],
)
def test_what_should_be_much_meets_its_floor_from_above(number: float, verdict: Verdict) -> None:
    goal = _goal(floor=1.0, stretch=2.0, is_less_better=False)

    assert goal.judge([number]) is verdict


def test_without_a_stretch_the_floor_is_all_there_is() -> None:
    goal = _goal(floor=2.0, stretch=None, is_less_better=True)

    assert goal.judge([0.1]) is Verdict.MET


def test_a_median_judges_and_no_single_round() -> None:
    goal = _goal(floor=2.0, stretch=1.0, is_less_better=True)

    assert goal.judge([0.1, 1.5, 9.0]) is Verdict.MET


def test_what_was_not_measured_is_said_to_be_so() -> None:
    judged = judge_all([result("growth", series("100,000 / empty", 1.0))])

    assert [each.verdict for each in judged] == [Verdict.REACHED, Verdict.UNKNOWN]


def test_a_goal_of_several_rows_is_judged_by_the_worst() -> None:
    fast, slow = series("10,000 json owner", 40.0), series("10,000 json admin", 90.0)

    judged = {each.goal.work: each for each in judge_all([result("catalog", fast, slow)])}

    assert judged["list 10,000 sessions, as owner or administrator"].numbers == [90.0]
    assert judged["list 10,000 sessions, as owner or administrator"].verdict is Verdict.MET


def test_a_ratio_is_taken_round_by_round() -> None:
    measured = result("put-small", series("filmroom", 1.0, 3.0, 10.0), series("nginx", 10.0, 10.0, 100.0))

    (judged,) = judge_all([measured])

    assert judged.numbers == [0.1, 0.3, 0.1]
    assert judged.verdict is Verdict.MISSED


def test_no_goal_has_a_stretch_on_the_wrong_side_of_its_floor() -> None:
    turned = [
        goal for goal in GOALS if goal.stretch is not None and (goal.stretch < goal.floor) is not goal.is_less_better
    ]

    assert turned == []


def test_no_row_has_two_goals() -> None:
    rows = [(goal.workload, row) for goal in GOALS for row in goal.rows]

    assert len(rows) == len(set(rows))


def test_each_figure_is_printed_beside_its_limits(capsys: pytest.CaptureFixture[str]) -> None:
    measured = result("put-small", series("filmroom", 30.0), series("nginx", 100.0))

    print_result(measured)
    print_summary([measured])

    printed = capsys.readouterr().out
    assert find_goal("put-small", RATIO) is not None
    assert "floor 0.25, stretch 0.5: floor met" in printed
    assert printed.endswith("floors missed: 0 of 1\n")


def test_a_list_of_fewer_sessions_is_no_list_of_10_000() -> None:
    lists = series("list owner", 20.0), series("list admin", 30.0)
    few = result("xnat-suite", *lists, title="2,000 sessions under one subject")
    many = result("xnat-suite", *lists, title="10,000 sessions under one subject")
    goal = get_goal("xnat-suite", "list admin")

    assert goal.judge(goal.read(few)) is Verdict.UNKNOWN
    assert goal.judge(goal.read(many)) is Verdict.REACHED


def test_the_end_of_a_soak_is_judged_by_its_start() -> None:
    soak = result("soak", series("memory", *[50.0] * 5, *[100.0] * 40, *[120.0] * 5))
    goal = get_goal("soak", "memory")

    assert goal.read(soak) == [1.2]
