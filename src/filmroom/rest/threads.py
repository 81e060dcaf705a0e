"""Threads for what may block, away from the event loop.

They are our own, where ``concurrent.futures`` would do: a future of its has a lock and a condition, for any thread to
wait on, and to chain it to one of asyncio's takes longer than to hand a call over (decision 0017).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Protocol, TypeVar

from filmroom.rest.processors import Processors

T = TypeVar("T")
# Methods of requests that change nothing, but for what sessions and tokens are.
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_Call = tuple[Callable[..., Any], tuple[Any, ...], "asyncio.Future[Any]"]


class Run(Protocol):
    """Runs a function in a thread and waits for what it returns or raises."""

    def __call__(self, function: Callable[..., T], *arguments: Any) -> Awaitable[T]: ...


class Pool:
    """At most so many threads, started as they are needed; for the calls of one event loop.

    ``begin`` is run by each of them before anything else, and raises nothing.
    """

    def __init__(self, most: int, name: str, begin: Callable[[], None]) -> None:
        self._most = most
        self._name = name
        self._begin = begin
        self._threads: list[Thread] = []
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._unfinished = 0  # calls; known to the thread of the event loop alone, as all but the queue is
        self._is_closed = False

    def run(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """Have a function run; what it returns or raises is to be awaited.

        Whoever is cancelled meanwhile waits no longer; the function goes on if it was begun, else it never is.
        Raises RuntimeError when it is closed, and when the system lets it have no thread at all.
        """
        if self._is_closed:
            raise RuntimeError("these threads are closed")
        if len(self._threads) <= self._unfinished and len(self._threads) < self._most:
            self._start_thread()
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._unfinished += 1
        self._calls.put((function, arguments, done))
        return done

    def _start_thread(self) -> None:
        """Where the system allows no more, calls are left to those that there are; RuntimeError when there are none."""
        thread = Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def close(self) -> None:
        """Return when all calls are finished; no more are taken."""
        self._is_closed = True
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        self._begin()
        while (call := self._calls.get()) is not None:
            self._answer(*call)
            del call  # a body must not be kept until the next call comes

    def _answer(self, function: Callable[..., Any], arguments: tuple[Any, ...], done: "asyncio.Future[Any]") -> None:
        try:
            result = None if done.cancelled() else function(*arguments)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._tell(done, None, error)
        else:
            self._tell(done, result, None)
        finally:
            del done  # which keeps an error that keeps this frame

    def _tell(self, done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        with suppress(RuntimeError):  # the event loop may be gone, and whoever waited with it
            done.get_loop().call_soon_threadsafe(self._settle, done, result, error)

    def _settle(self, done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        self._unfinished -= 1
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(_to_raise(error))


def _to_raise(error: BaseException) -> BaseException:
    """A future takes no StopIteration: it would look to whoever waits like the end of the wait (as in PEP 479)."""
    if not isinstance(error, StopIteration):
        return error
    told = RuntimeError("a call raised StopIteration")
    told.__cause__ = error
    return told


class Threads:
    """Runs what may block, away from the event loop.

    Reading has threads of its own, so that it goes on while all others wait for the database to take a change. So has
    the checking of passwords, for which a crowd may wait; and the telling of how the server is, when all others hang.
    """

    def __init__(
        self, processors: Processors, *, for_changes: Pool, for_reading: Pool, for_passwords: Pool, for_health: Pool
    ) -> None:
        self._processors = processors
        self._for_changes = for_changes
        self._for_reading = for_reading
        self._for_passwords = for_passwords
        self._for_health = for_health

    def for_method(self, method: str) -> Run:
        return self._for_reading.run if method in READING else self._for_changes.run

    def for_large(self, run: Run) -> Run:
        """As another one runs it, on any processor."""

        def run_freely(function: Callable[..., T], *arguments: Any) -> Awaitable[T]:
            return run(self._processors.run_freely, function, *arguments)

        return run_freely

    def for_passwords(self) -> Run:
        return self._for_passwords.run

    def for_health(self) -> Run:
        return self._for_health.run

    def close(self) -> None:
        """Return when all calls are finished; no more are taken."""
        for pool in (self._for_health, self._for_passwords, self._for_reading, self._for_changes):
            pool.close()
