"""Threads that stay on the processor of their process, and what may use all."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from filmroom.rest.processors import Processors

ALL = frozenset(os.sched_getaffinity(0))
ONE = min(ALL)
KEPT = frozenset([ONE])


@pytest.fixture
def processors() -> Iterator[Processors]:
    made = Processors()
    yield made
    made.release()


def _mine() -> frozenset[int]:
    return frozenset(os.sched_getaffinity(0))


def test_threads_that_joined_are_kept_to_one_and_let_go_again(processors: Processors) -> None:
    with ThreadPoolExecutor(1, initializer=processors.join) as pool:
        before = pool.submit(_mine).result()
        processors.keep_to(ONE)
        kept = pool.submit(_mine).result()
        processors.release()
        after = pool.submit(_mine).result()

    assert (before, kept, after) == (ALL, KEPT, ALL)
    assert _mine() == ALL


def test_threads_that_join_later_are_kept_too(processors: Processors) -> None:
    processors.keep_to(ONE)

    with ThreadPoolExecutor(1, initializer=processors.join) as pool:
        assert pool.submit(_mine).result() == KEPT


def test_what_is_large_may_use_all_for_as_long_as_it_runs(processors: Processors) -> None:
    processors.keep_to(ONE)

    with ThreadPoolExecutor(1, initializer=processors.join) as pool:
        during = pool.submit(processors.run_freely, _mine).result()
        after = pool.submit(_mine).result()

    assert (during, after) == (ALL, KEPT)


def test_a_thread_that_was_started_by_one_that_is_kept_can_use_all(processors: Processors) -> None:
    processors.keep_to(ONE)

    with (
        ThreadPoolExecutor(1, initializer=processors.join) as pool,
        ThreadPoolExecutor(1, initializer=processors.use_all) as other,
    ):
        assert pool.submit(lambda: other.submit(_mine).result()).result() == ALL


def test_a_processor_that_is_not_there_changes_nothing(processors: Processors) -> None:
    with ThreadPoolExecutor(1, initializer=processors.join) as pool:
        processors.keep_to(max(ALL) + 500)

        assert pool.submit(_mine).result() == ALL
