"""Who is worth waiting for (``db/announced.py``)."""

import time

import pytest

from filmroom.db import announced
from filmroom.db.announced import Announced


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is late, however slow the machine."""
    monkeypatch.setattr(announced, "_LONGEST_WAIT_SECONDS", 1000.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is late."""
    monkeypatch.setattr(announced, "_LONGEST_WAIT_SECONDS", -1.0)


@pytest.mark.usefixtures("patient")
def test_somebody_is_waited_for_from_when_he_says_so_until_he_comes() -> None:
    coming = Announced()
    assert coming.wait_seconds() == 0

    coming.add(1)
    assert coming.wait_seconds() > 0

    coming.note_come(1)
    assert coming.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_all_of_them_are_waited_for() -> None:
    coming = Announced()
    coming.add(1)
    coming.add(2)

    coming.note_come(2)
    assert coming.wait_seconds() > 0

    coming.note_gone(1)
    assert coming.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_the_wait_is_counted_from_when_the_last_of_them_said_so() -> None:
    coming = Announced()
    coming.add(1)
    time.sleep(0.01)
    coming.add(2)
    coming.note_come(1)
    time.sleep(0.01)

    first = coming.wait_seconds()
    assert 990 < first <= 1000 - 0.01

    coming.add(2)
    assert coming.wait_seconds() > first


@pytest.mark.usefixtures("impatient")
def test_whoever_is_late_is_not_waited_for() -> None:
    coming = Announced()
    coming.add(1)

    assert coming.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_nobody_is_waited_for_while_most_go_without_having_come() -> None:
    coming = Announced()
    for thread in range(10):
        coming.add(thread)
        coming.note_gone(thread)
    coming.add(10)
    assert coming.wait_seconds() == 0

    for thread in range(10):
        coming.add(thread)
        coming.note_come(thread)
    assert coming.wait_seconds() > 0


@pytest.mark.usefixtures("patient")
def test_nobody_is_waited_for_after_a_wait_in_vain_until_a_while_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    coming = Announced()
    coming.add(1)
    coming.note_vain()
    assert coming.wait_seconds() == 0

    monkeypatch.setattr(announced, "_WARY_SECONDS", 0.0)
    coming.note_vain()
    assert coming.wait_seconds() > 0


@pytest.mark.usefixtures("patient")
def test_whoever_comes_without_a_word_changes_nothing() -> None:
    coming = Announced()
    coming.add(1)

    coming.note_come(2)
    coming.note_gone(3)

    assert coming.wait_seconds() > 0
