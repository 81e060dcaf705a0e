"""The log: one JSON line per event on standard error, whoever tells of it."""

import logging
import sys
from contextlib import suppress
from typing import Any, BinaryIO, cast

import orjson
import structlog


def configure_log(level: str, *, for_good: bool = False) -> None:
    """Begin it. ``for_good`` says that it stays so as long as the process lives, which makes it quicker."""
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
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", _Unfailing(sys.stderr.buffer))),
        cache_logger_on_first_use=for_good,
    )


class _Forwarder(logging.Handler):
    """Gives what libraries log to the log of the server."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("filmroom.libraries")
        log.log(record.levelno, "library", name=record.name, told=record.getMessage(), exc_info=record.exc_info)


class _Unfailing:
    """A log that is on a full disk, or whose reader has gone, must not keep the server from answering."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _to_json(event: dict[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=str)
