"""Costly work takes turns: few at once, few who wait, nobody for long."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice

import pytest

from filmroom.model.errors import Busy
from filmroom.service.turns import Turns
from waiting import PATIENCE_SECONDS


def test_who_waits_too_long_is_told_to_come_again() -> None:
    turns = Turns(1, wait_seconds=0.05, reason="too many")

    with turns.take(), pytest.raises(Busy, match="too many"), turns.take():
        pass


def test_a_turn_that_ended_is_had_by_who_waits() -> None:
    turns = Turns(1, wait_seconds=PATIENCE_SECONDS, reason="too many")
    stack = ExitStack()
    stack.enter_context(turns.take())
    threading.Timer(0.1, stack.close).start()

    with turns.take():
        had_turn = True

    assert had_turn


def test_of_a_crowd_few_may_wait() -> None:
    """Two have turns, four wait, and whoever comes besides is refused at once."""
    turns = Turns(2, wait_seconds=PATIENCE_SECONDS, reason="too many")
    is_over = threading.Event()

    def work(_: int) -> None:
        with turns.take():
            is_over.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(8) as pool:
        ended = as_completed(pool.submit(work, number) for number in range(8))
        refused = [future.exception() for future in islice(ended, 2)]
        is_over.set()
        let_in = [future.exception() for future in ended]

    assert [type(error) for error in refused] == [Busy, Busy]
    assert let_in == [None] * 6


def test_a_turn_ends_with_an_error_too() -> None:
    turns = Turns(1, wait_seconds=0.05, reason="too many")
    with pytest.raises(ValueError, match="broken"), turns.take():
        raise ValueError("broken")

    with turns.take():
        had_turn = True

    assert had_turn
