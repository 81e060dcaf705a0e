"""Calls handed over to threads: what comes back, how many run at once, and what is not kept."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from filmroom.rest.threads import Pool

T = TypeVar("T")

MOST = 3
LONGEST_SECONDS = 10.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(MOST, "test", lambda: None)
    yield made
    made.close()


def run(asking: Callable[[], Awaitable[T]]) -> T:
    async def within() -> T:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await asking()

    return asyncio.run(within())


class Crowd:
    """Calls that go on until they are let go, and how many of them run."""

    def __init__(self) -> None:
        self.running = threading.Semaphore(0)
        self.may_end = threading.Event()

    def stay(self) -> str:
        self.running.release()
        assert self.may_end.wait(LONGEST_SECONDS)
        return threading.current_thread().name


def test_it_gives_back_what_the_function_returns(pool: Pool) -> None:
    assert run(lambda: pool.run(divmod, 7, 2)) == (3, 1)


def test_it_raises_what_the_function_raises(pool: Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: pool.run(divmod, 7, 0))


def test_one_that_has_nothing_to_go_on_with_is_answered_too(pool: Pool) -> None:
    with pytest.raises(RuntimeError, match="StopIteration") as raised:
        run(lambda: pool.run(next, iter(())))

    assert isinstance(raised.value.__cause__, StopIteration)


def test_the_function_runs_in_another_thread_by_the_name_of_the_pool(pool: Pool) -> None:
    def name() -> str:
        return threading.current_thread().name

    assert run(lambda: pool.run(name)).startswith("test-")


def test_calls_one_after_the_other_are_all_answered_by_one_thread(pool: Pool) -> None:
    async def ask() -> set[int]:
        return {await pool.run(threading.get_ident) for _ in range(20)}

    assert len(run(ask)) == 1


def test_calls_at_once_have_a_thread_each_up_to_the_most(pool: Pool) -> None:
    crowd = Crowd()

    async def ask() -> list[str]:
        calls = [pool.run(crowd.stay) for _ in range(MOST + 4)]
        for _ in range(MOST):
            assert await asyncio.to_thread(crowd.running.acquire, timeout=LONGEST_SECONDS)
        assert not await asyncio.to_thread(crowd.running.acquire, timeout=0.1)
        crowd.may_end.set()
        return await asyncio.gather(*calls)

    answered_by = run(ask)

    assert len(answered_by) == MOST + 4
    assert set(answered_by) == {f"test-{number}" for number in range(MOST)}


def test_each_thread_begins_as_it_was_told() -> None:
    begun: list[int] = []
    pool = Pool(1, "test", lambda: begun.append(threading.get_ident()))

    async def ask() -> list[int]:
        return [await pool.run(threading.get_ident) for _ in range(2)]

    idents = run(ask)
    pool.close()

    assert begun == idents[:1] == idents[1:]


def test_whoever_is_cancelled_waits_no_longer_and_the_thread_is_free_afterwards(pool: Pool) -> None:
    crowd = Crowd()

    async def ask() -> int:
        call = pool.run(crowd.stay)
        assert await asyncio.to_thread(crowd.running.acquire, timeout=LONGEST_SECONDS)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        crowd.may_end.set()
        return len({await pool.run(threading.get_ident) for _ in range(10)})

    assert run(ask) <= 2  # the one that was still busy at first, and another


def test_what_was_not_begun_when_it_was_cancelled_is_not_done() -> None:
    pool = Pool(1, "test", lambda: None)
    crowd = Crowd()
    done: list[int] = []

    async def ask() -> None:
        first = pool.run(crowd.stay)
        second = pool.run(done.append, 2)
        second.cancel()
        crowd.may_end.set()
        await first
        await pool.run(done.append, 3)

    run(ask)
    pool.close()

    assert done == [3]


def test_closing_waits_for_all_that_came_before() -> None:
    pool = Pool(1, "test", lambda: None)
    crowd = Crowd()
    done: list[int] = []

    async def ask() -> None:
        staying, appending = pool.run(crowd.stay), pool.run(done.append, 1)
        threading.Timer(0.1, crowd.may_end.set).start()
        pool.close()
        assert done == [1]
        await staying
        await appending

    run(ask)


def test_one_that_is_closed_takes_no_more(pool: Pool) -> None:
    pool.close()

    with pytest.raises(RuntimeError, match="closed"):
        run(lambda: pool.run(divmod, 7, 2))


def test_an_event_loop_that_is_gone_harms_no_thread(pool: Pool) -> None:
    crowd = Crowd()

    async def ask_and_go() -> None:
        call = pool.run(crowd.stay)
        assert await asyncio.to_thread(crowd.running.acquire, timeout=LONGEST_SECONDS)
        call.cancel()

    run(ask_and_go)
    crowd.may_end.set()

    assert run(lambda: pool.run(divmod, 7, 2)) == (3, 1)


class Body:
    """What can be looked for."""


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_a_call_is_kept_when_it_is_answered(pool: Pool, *, fails: bool) -> None:
    def look(_body: Body) -> None:
        if fails:
            raise ValueError

    async def ask() -> weakref.ref[Body]:
        body = Body()
        seen = weakref.ref(body)
        try:
            await pool.run(look, body)
        except ValueError:
            assert fails
        return seen

    gc.disable()
    try:
        seen = run(ask)
        run(lambda: pool.run(threading.get_ident))  # by now the thread has put the call away
        assert seen() is None
    finally:
        gc.enable()


def test_where_no_thread_can_be_started_whoever_asks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(1, "test", lambda: None)

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError):
            run(lambda: pool.run(divmod, 7, 2))

    assert run(lambda: pool.run(divmod, 7, 2)) == (3, 1)
    pool.close()


def test_where_no_more_threads_can_be_started_those_that_there_are_do_it(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(lambda: pool.run(divmod, 7, 2)) == (3, 1)
    monkeypatch.setattr(threading.Thread, "start", lambda _thread: _refuse())

    async def ask() -> list[tuple[int, int]]:
        return [await call for call in [pool.run(divmod, 7, 2) for _ in range(5)]]

    assert run(ask) == [(3, 1)] * 5


def _refuse() -> None:
    raise RuntimeError("can't start new thread")
