"""The judge of all the other tests here, judged: what it lets pass and what it does not."""

import pytest

from durability.ledger import Attempt, Ledger, Outcome, State

ACKNOWLEDGED, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN


def _do(ledger: Ledger, outcome: Outcome, **wants: State) -> None:
    """One attempt after another."""
    ledger.end(ledger.begin(wants), outcome)


def _begun(ledger: Ledger, **wants: State) -> Attempt:
    return ledger.begin(wants)


@pytest.fixture
def ledger() -> Ledger:
    """Of an archive that holds ``old`` under ``a``."""
    ledger = Ledger()
    ledger.settle({"a": "old"})
    return ledger


def test_what_was_acknowledged_last_must_be_there(ledger: Ledger) -> None:
    _do(ledger, ACKNOWLEDGED, a="one")
    _do(ledger, ACKNOWLEDGED, a="two")

    assert ledger.judge({"a": "two"}) == []
    assert ledger.judge({"a": "one"}) == ["a is one; it may be two"]
    assert ledger.judge({"a": "old"}) == ["a is old; it may be two"]
    assert ledger.judge({}) == ["a is nothing; it may be two"]


def test_what_got_no_answer_may_be_there_or_not(ledger: Ledger) -> None:
    _do(ledger, ACKNOWLEDGED, a="one")
    _do(ledger, UNKNOWN, a="two")

    assert ledger.judge({"a": "one"}) == []
    assert ledger.judge({"a": "two"}) == []
    assert ledger.judge({"a": "old"}) == ["a is old; it may be one or two"]


def test_what_got_no_answer_cannot_come_back_over_what_was_acknowledged_later(ledger: Ledger) -> None:
    _do(ledger, UNKNOWN, a="one")
    _do(ledger, ACKNOWLEDGED, a="two")

    assert ledger.judge({"a": "one"}) == ["a is one; it may be two"]


def test_what_never_ended_may_win_at_any_time(ledger: Ledger) -> None:
    _begun(ledger, a="one")
    _do(ledger, ACKNOWLEDGED, a="two")

    assert ledger.judge({"a": "one"}) == []
    assert ledger.judge({"a": "two"}) == []


def test_of_two_that_were_under_way_together_either_may_have_been_last(ledger: Ledger) -> None:
    first, second = _begun(ledger, a="one"), _begun(ledger, a="two")
    ledger.end(first, ACKNOWLEDGED)
    ledger.end(second, ACKNOWLEDGED)

    assert ledger.judge({"a": "one"}) == []
    assert ledger.judge({"a": "two"}) == []
    assert ledger.judge({"a": "old"}) == ["a is old; it may be one or two"]


def test_what_was_refused_must_not_be_there(ledger: Ledger) -> None:
    _do(ledger, REFUSED, a="one")

    assert ledger.judge({"a": "one"}) == ["a is one; it may be old"]


def test_what_was_deleted_must_stay_away(ledger: Ledger) -> None:
    _do(ledger, ACKNOWLEDGED, a=None)

    assert ledger.judge({}) == []
    assert ledger.judge({"a": "old"}) == ["a is old; it may be nothing"]


def test_what_nobody_sent_must_not_be_there(ledger: Ledger) -> None:
    assert ledger.judge({"a": "old", "b": "new"}) == ["b is new; it may be nothing"]


def test_what_was_held_before_must_stay(ledger: Ledger) -> None:
    assert ledger.judge({}) == ["a is nothing; it may be old"]


def test_what_was_seen_once_must_stay(ledger: Ledger) -> None:
    _do(ledger, UNKNOWN, a="one")
    ledger.settle({"a": "one"})

    assert ledger.judge({"a": "one"}) == []
    assert ledger.judge({"a": "old"}) == ["a is old; it may be one"]


@pytest.mark.parametrize("outcome", [ACKNOWLEDGED, UNKNOWN])
def test_a_part_of_what_was_to_come_together_is_torn(ledger: Ledger, outcome: Outcome) -> None:
    _do(ledger, outcome, b="one", c="one")

    assert ledger.judge({"a": "old", "b": "one", "c": "one"}) == []
    assert "torn: b shows what c does not" in ledger.judge({"a": "old", "b": "one"})


def test_what_need_not_come_together_may_be_there_in_part(ledger: Ledger) -> None:
    ledger.end(ledger.begin({"b": "one", "c": "one"}, is_atomic=False), UNKNOWN)

    assert ledger.judge({"a": "old", "b": "one"}) == []


def test_a_move_that_is_in_neither_place_or_in_both_is_torn(ledger: Ledger) -> None:
    _do(ledger, UNKNOWN, a=None, b="old")

    assert ledger.judge({"a": "old"}) == []
    assert ledger.judge({"b": "old"}) == []
    assert ledger.judge({}) == ["torn: a shows what b does not"]
    assert ledger.judge({"a": "old", "b": "old"}) == ["torn: b shows what a does not"]


def test_what_was_replaced_in_part_meanwhile_is_not_torn(ledger: Ledger) -> None:
    _do(ledger, ACKNOWLEDGED, b="one", c="one")
    _do(ledger, ACKNOWLEDGED, c="two")

    assert ledger.judge({"a": "old", "b": "one", "c": "two"}) == []


def test_an_end_that_overlaps_may_have_replaced_a_part(ledger: Ledger) -> None:
    group, other = _begun(ledger, b="one", c="one"), _begun(ledger, c="two")
    ledger.end(other, UNKNOWN)
    ledger.end(group, ACKNOWLEDGED)

    assert ledger.judge({"a": "old", "b": "one", "c": "two"}) == []
    assert "torn: b shows what c does not" in ledger.judge({"a": "old", "b": "one"})


def test_what_is_acknowledged_after_the_close_counts_as_without_an_answer(ledger: Ledger) -> None:
    attempt = _begun(ledger, a="one")
    ledger.close()
    ledger.end(attempt, ACKNOWLEDGED)

    assert ledger.settle({"a": "old"}) == []

    _do(ledger, ACKNOWLEDGED, a="two")
    assert ledger.judge({"a": "old"}) == ["a is old; it may be two"]


def test_it_counts_how_attempts_ended(ledger: Ledger) -> None:
    for outcome in (ACKNOWLEDGED, ACKNOWLEDGED, UNKNOWN):
        _do(ledger, outcome, a="one")

    assert [ledger.count_attempts(outcome) for outcome in (ACKNOWLEDGED, UNKNOWN, REFUSED)] == [2, 1, 0]
