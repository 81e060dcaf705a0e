"""How the log is written: who tells of a request does not wait for it, and nothing is lost that can be helped."""

import io
import threading
import time
from typing import Any

import pytest

from filmroom.cli import log as log_module
from filmroom.cli.log import _Log


class Stream(io.BytesIO):
    """One that can be told to fail, and counts how often it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.is_full = False

    def write(self, line: Any) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.writes += 1
        return super().write(line)


@pytest.fixture
def stream() -> Stream:
    return Stream()


def _until_it_has(stream: Stream, lines: int) -> None:
    until = time.monotonic() + 10
    while stream.getvalue().count(b"\n") < lines:
        assert time.monotonic() < until, "they were not written"
        time.sleep(0.01)


def test_lines_are_written_together_and_in_their_order(stream: Stream) -> None:
    log = _Log(stream, gathers=True)

    numbers = [b"%d" % number for number in range(101)]
    for number in numbers[:100]:
        log.info(number)
    _until_it_has(stream, 100)
    log.info(numbers[100])
    _until_it_has(stream, 101)

    assert stream.getvalue().splitlines() == numbers
    assert stream.writes < 50


def test_a_fault_is_written_at_once_and_after_what_came_before_it(stream: Stream) -> None:
    log = _Log(stream, gathers=True)

    log.info(b"a request")
    log.error(b"a fault")

    assert stream.getvalue() == b"a request\na fault\n"


def test_a_log_that_does_not_gather_writes_each_line_at_once(stream: Stream) -> None:
    log = _Log(stream, gathers=False)

    log.info(b"one")

    assert stream.getvalue() == b"one\n"


def test_there_is_an_end_to_what_waits(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_GATHERED_SECONDS", 3600.0)
    monkeypatch.setattr(log_module, "_MOST_GATHERED", 3)
    log = _Log(stream, gathers=True)

    for _ in range(3):
        log.info(b"x")

    assert stream.getvalue() == b"x\nx\nx\n"


def test_what_cannot_be_written_is_lost_and_nobody_is_told(stream: Stream) -> None:
    log = _Log(stream, gathers=False)

    stream.is_full = True
    log.error(b"lost")
    stream.is_full = False
    log.error(b"kept")

    assert stream.getvalue() == b"kept\n"


class Reader(Stream):
    """One that has something to tell while it is written to, as the collector of garbage may have."""

    log: _Log

    def flush(self) -> None:
        if self.writes == 1:
            self.writes += 1
            self.log.error(b"found meanwhile")


def test_what_is_told_while_a_line_is_written_comes_after_it() -> None:
    stream = Reader()
    stream.log = _Log(stream, gathers=False)

    stream.log.error(b"first")

    assert stream.getvalue() == b"first\nfound meanwhile\n"


def test_no_more_is_written_at_once_than_a_pipe_takes_whole() -> None:
    written: list[int] = []

    class Pipe(Stream):
        def write(self, line: Any) -> int:
            written.append(len(line))
            return super().write(line)

    stream = Pipe()
    log = _Log(stream, gathers=True)
    lines = [b"%04d" % number + b"x" * 300 for number in range(200)]

    for line in lines:
        log.info(line)
    log.end()

    assert stream.getvalue().splitlines() == lines
    assert max(written) <= 4096


def test_a_reader_that_has_stopped_does_not_keep_a_process_from_its_end(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_LAST_SECONDS", 0.1)
    log = _Log(stream, gathers=False)
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with log._writing:
            is_held.set()
            may_end.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(30)
    log.end()
    may_end.set()
    holder.join()

    assert not stream.getvalue()
