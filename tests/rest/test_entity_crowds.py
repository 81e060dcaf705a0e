"""Many who make the same things at once: each gets what it asked for, and there is one of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from rest.session import results
from waiting import PATIENCE_SECONDS as PATIENCE


@pytest.mark.parametrize("number", range(3))
def test_experiments_under_one_new_subject_are_all_made(
    alice: TestClient, client: Callable[[str], TestClient], demo: str, number: int
) -> None:
    """C-93."""
    url = f"{demo}/subjects/NEW{number}/experiments"

    with ThreadPoolExecutor(6) as pool:
        replies = pool.map(
            lambda label: client("alice").put(f"{url}/E{label}?xsiType=xnat:mrSessionData"), range(6), timeout=PATIENCE
        )
        statuses = [reply.status_code for reply in replies]

    assert statuses == [201] * 6
    assert len(results(alice, f"{demo}/subjects")) == 1
    assert len(results(alice, f"{demo}/experiments")) == 6


def test_one_new_subject_for_many_who_ask_for_it(
    alice: TestClient, client: Callable[[str], TestClient], demo: str
) -> None:
    """C-80: whoever comes second finds it."""
    with ThreadPoolExecutor(6) as pool:
        replies = pool.map(lambda _: client("alice").put(f"{demo}/subjects/NEW"), range(6), timeout=PATIENCE)
        statuses = sorted(reply.status_code for reply in replies)

    assert statuses == [200] * 5 + [201]
    assert len(results(alice, f"{demo}/subjects")) == 1
