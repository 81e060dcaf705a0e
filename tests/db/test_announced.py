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

    coming.remove(1)
    assert coming.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_all_of_them_are_waited_for() -> None:
    coming = Announced()
    coming.add(1)
    coming.add(2)

    coming.remove(2)
    assert coming.wait_seconds() > 0

    coming.remove(1)
    assert coming.wait_seconds() == 0


@pytest.mark.usefixtures("patient")
def test_the_wait_is_counted_from_when_the_last_of_them_said_so() -> None:
    coming = Announced()
    coming.add(1)
    time.sleep(0.01)
    coming.add(2)
    coming.remove(1)
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


def _wait(coming: Announced, *, have_come: bool, computes: bool) -> None:
    """Wait for 10 ms, in which this process computes or does not."""
    coming.begin_wait()
    if computes:
        began = time.process_time()
        while time.process_time() < began + 0.01:
            pass
    else:
        time.sleep(0.01)
    coming.end_wait(have_come=have_come)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("have_come", "computes", "pays"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_nobody_is_waited_for_where_waiting_does_not_pay(
    monkeypatch: pytest.MonkeyPatch, *, have_come: bool, computes: bool, pays: bool
) -> None:
    monkeypatch.setattr(announced, "_TRIAL_SECONDS", 0.015)
    monkeypatch.setattr(announced, "_LEAST_USED", 0.1)  # on a busy machine a loop may have little of a processor
    coming = Announced()
    coming.add(1)

    _wait(coming, have_come=have_come, computes=computes)
    assert coming.wait_seconds() > 0 or not pays

    _wait(coming, have_come=have_come, computes=computes)
    assert (coming.wait_seconds() > 0) is pays


@pytest.mark.usefixtures("patient")
def test_it_is_tried_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "_TRIAL_SECONDS", 0.0)
    monkeypatch.setattr(announced, "_WARY_SECONDS", 0.0)
    coming = Announced()
    coming.add(1)

    _wait(coming, have_come=False, computes=False)

    assert coming.wait_seconds() > 0


@pytest.mark.usefixtures("patient")
def test_who_does_not_wait_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "_TRIAL_SECONDS", 0.0)
    coming = Announced()
    coming.add(1)

    coming.end_wait(have_come=False)

    assert coming.wait_seconds() > 0


@pytest.mark.usefixtures("patient")
def test_whoever_comes_without_a_word_changes_nothing() -> None:
    coming = Announced()
    coming.add(1)

    coming.remove(2)

    assert coming.wait_seconds() > 0
