"""Threads that stay on the processor of their process, and what may use all."""

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filmroom.rest import processors as processors_module
from filmroom.rest.processors import Processors

ALL = frozenset(os.sched_getaffinity(0))
ONE = min(ALL)
KEPT = frozenset([ONE])


def _mine() -> frozenset[int]:
    return frozenset(os.sched_getaffinity(0))


def test_threads_for_small_work_are_kept_to_one() -> None:
    processors = Processors(for_small_work=ONE)

    with ThreadPoolExecutor(1, initializer=processors.keep) as pool:
        assert pool.submit(_mine).result() == KEPT
    assert _mine() == ALL


def test_where_none_is_for_small_work_it_may_be_done_on_any() -> None:
    with ThreadPoolExecutor(1, initializer=Processors().keep) as pool:
        assert pool.submit(_mine).result() == ALL


def test_what_is_large_may_use_all_for_as_long_as_it_runs() -> None:
    processors = Processors(for_small_work=ONE)

    with ThreadPoolExecutor(1, initializer=processors.keep) as pool:
        during = pool.submit(processors.run_freely, _mine).result()
        after = pool.submit(_mine).result()

    assert (during, after) == (ALL, KEPT)


def test_a_thread_that_was_started_by_one_that_is_kept_can_use_all() -> None:
    processors = Processors(for_small_work=ONE)

    with (
        ThreadPoolExecutor(1, initializer=processors.keep) as pool,
        ThreadPoolExecutor(1, initializer=processors.use_all) as other,
    ):
        assert pool.submit(lambda: other.submit(_mine).result()).result() == ALL


def test_a_processor_that_is_not_there_changes_nothing() -> None:
    with ThreadPoolExecutor(1, initializer=Processors(for_small_work=max(ALL) + 500).keep) as pool:
        assert pool.submit(_mine).result() == ALL


def test_what_a_processor_has_rested_is_told() -> None:
    processors = Processors(for_small_work=ONE)

    first = processors.idle_seconds()
    time.sleep(0.2)

    assert 0 <= processors.idle_seconds() - first < 30


def test_where_the_kernel_does_not_tell_it_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors_module, "_COUNTED", tmp_path / "none")

    assert math.isnan(Processors(for_small_work=ONE).idle_seconds())
