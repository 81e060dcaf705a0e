"""The log: one JSON line per event on standard error, whoever tells of it."""

import atexit
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, Final

import orjson
import structlog

# How long lines wait for others; and how many of them at most, because who reads them may have stopped: whoever tells
# of more waits for the reader.
_GATHERED_SECONDS: Final = 0.05
_MOST_GATHERED: Final = 10_000
# pipe(7): so much is written whole, whatever other processes of the server write to the same pipe.
_WHOLE_BYTES: Final = 4096
# How long a process that ends waits for somebody who is writing already.
_LAST_SECONDS: Final = 1.0


def configure_log(level: str, *, for_good: bool = False) -> Callable[[], None]:
    """Begin it. ``for_good`` says that it stays so as long as the process lives, which makes it quicker.

    What this returns writes what has not been written yet: a process that ends otherwise than by its own code loses
    what was told of requests in the last twentieth of a second.
    """
    log = _Log(sys.stderr.buffer, gathers=for_good)
    number = getattr(logging, level.upper())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_Forwarder()])
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: log,
        cache_logger_on_first_use=for_good,
    )
    return log.end


class _Forwarder(logging.Handler):
    """Gives what libraries log to the log of the server."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("filmroom.libraries")
        log.log(record.levelno, "library", name=record.name, told=record.getMessage(), exc_info=record.exc_info)


class _Log:
    """Writes lines, each whole and in their order. What cannot be written is lost: the server must go on answering.

    A line longer than a page may be torn where several processes write to one pipe.
    To write takes the interpreter's lock away from whoever tells of a request. So a log that ``gathers`` writes what is
    no fault a moment later, with what came meanwhile, in a thread of its own; a fault is written before this returns,
    after all that came before it.
    """

    def __init__(self, stream: BinaryIO, *, gathers: bool) -> None:
        self._stream = stream
        self._gathers = gathers
        self._lines: deque[bytes] = deque()
        self._has_some = threading.Event()
        self._writing = threading.RLock()
        self._is_writing = False
        if gathers:
            threading.Thread(target=self._keep_writing, name="filmroom-log", daemon=True).start()
            atexit.register(self.end)

    def info(self, line: bytes) -> None:
        self._lines.append(line + b"\n")
        if not self._gathers or len(self._lines) >= _MOST_GATHERED:
            self.write()
        elif not self._has_some.is_set():
            self._has_some.set()

    def error(self, line: bytes) -> None:
        self._lines.append(line + b"\n")
        self.write()

    debug = info
    warning = critical = error

    def write(self) -> None:
        """Write what has come."""
        with self._writing:
            self._write()

    def end(self) -> None:
        """Write what has come, unless who reads it has stopped."""
        if self._writing.acquire(timeout=_LAST_SECONDS):
            try:
                self._write()
            finally:
                self._writing.release()

    def _write(self) -> None:
        # What the collector of garbage finds while a line is written may be told here too: it is written next.
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._lines:
                with suppress(OSError, ValueError):
                    self._stream.write(self._take_some())
                    self._stream.flush()
        finally:
            self._is_writing = False

    def _take_some(self) -> bytes:
        """A line, and those after it that can be written with it."""
        some = self._lines.popleft()
        while self._lines and len(some) + len(self._lines[0]) <= _WHOLE_BYTES:
            some += self._lines.popleft()
        return some

    def _keep_writing(self) -> None:
        while self._has_some.wait():
            time.sleep(_GATHERED_SECONDS)
            self._has_some.clear()
            self.write()


def _to_json(event: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=str)
