"""What a field may hold: kinds of values, and how what clients write becomes what is stored (C-54, C-55)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from math import isfinite
from typing import Final


class ValueKind(StrEnum):
    """The values are the names that XML Schema has for them."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "dateTime"


NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0 cannot carry."""
NUMBERS: Final = frozenset({ValueKind.INTEGER, ValueKind.FLOAT})
DEFAULT_LENGTH: Final = 255
"""C-54: the longest text of a field that does not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """``max_length`` is in characters and counts for strings; ``words``, where there are any, are all that may be."""

    kind: ValueKind = ValueKind.STRING
    max_length: int = DEFAULT_LENGTH
    words: tuple[str, ...] = ()


TEXT: Final = Value()


def to_stored(value: Value, text: str) -> str:
    """A client's text as it is stored: dates and times in ISO form, numbers as ``7`` and ``42.0``.

    Raises ValueError, whose text is for the client.
    """
    if value.words and text not in value.words:
        raise ValueError(f"must be one of {', '.join(value.words)}")
    return _READERS[value.kind](value, text)


def _read_string(value: Value, text: str) -> str:
    if len(text) > value.max_length:
        raise ValueError(f"must be at most {value.max_length} characters long, not {len(text)}")
    if NOT_IN_XML.search(text):
        raise ValueError("must not hold control characters")
    return text


def _read_integer(_value: Value, text: str) -> str:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise ValueError("must be a whole number")
    return str(int(text))


def _read_float(_value: Value, text: str) -> str:
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text.strip()) or not isfinite(
        float(text)
    ):
        raise ValueError("must be a number")
    return str(float(text))


def _read_boolean(_value: Value, text: str) -> str:
    found = _FLAGS.get(text.strip().lower())
    if found is None:
        raise ValueError("must be true or false")
    return found


def _read_moment(
    shape: str, formats: tuple[str, ...], to_iso: Callable[[datetime], str]
) -> Callable[[Value, str], str]:
    def read(_value: Value, text: str) -> str:
        for known in formats:
            try:
                return to_iso(datetime.strptime(text.strip(), known))  # noqa: DTZ007 - a site's own time, as it is told
            except ValueError:
                continue
        raise ValueError(f"must be a {shape}")

    return read


def _iso_date(moment: datetime) -> str:
    return date.isoformat(moment.date())


def _iso_time(moment: datetime) -> str:
    return time.isoformat(moment.time())


def _iso_datetime(moment: datetime) -> str:
    """One that says its zone is told in UTC, without saying so (C-55)."""
    local = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return local.isoformat()


_FLAGS: Final = {"true": "true", "1": "true", "false": "false", "0": "false"}
_DATES: Final = ("%Y-%m-%d", "%m/%d/%Y", "%Y%m%d")
_TIMES: Final = ("%H:%M:%S", "%H:%M:%S.%f")
_DATETIMES: Final = tuple(
    f"%Y-%m-%d{between}{shape}{zone}" for between in ("T", " ") for shape in _TIMES for zone in ("", "%z")
)
_READERS: Final[dict[ValueKind, Callable[[Value, str], str]]] = {
    ValueKind.STRING: _read_string,
    ValueKind.INTEGER: _read_integer,
    ValueKind.FLOAT: _read_float,
    ValueKind.BOOLEAN: _read_boolean,
    ValueKind.DATE: _read_moment("date such as 2026-11-21", _DATES, _iso_date),
    ValueKind.TIME: _read_moment("time such as 14:30:00", _TIMES, _iso_time),
    ValueKind.DATETIME: _read_moment("date and time such as 2026-11-21T14:30:00", _DATETIMES, _iso_datetime),
}
