"""What the value of a filter says (C-126, C-127): alternatives with commas between them, wildcards, ranges."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final

from filmroom.model.errors import BadValue
from filmroom.model.lists import MOMENTS, All, AnyOf, Column, Condition, Operator, Test, iter_tests
from filmroom.model.values import Value, ValueKind, to_stored

_NUMBER: Final = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4}|[0-9]{8}"
_TIME: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_ONE_DAY: Final = timedelta(days=1)
_SHAPES: Final = {
    ValueKind.INTEGER: _NUMBER,
    ValueKind.FLOAT: _NUMBER,
    ValueKind.DATE: _DATE,
    ValueKind.TIME: _TIME,
    ValueKind.DATETIME: rf"(?:{_DATE})(?:[T ]{_TIME})?",
}
_RANGES: Final = {kind: re.compile(rf"({shape})\s*-\s*({shape})") for kind, shape in _SHAPES.items()}


def read_filter(column: Column, text: str) -> Condition:
    """The condition that the value of a parameter puts on a column. Raises BadValue."""
    alternatives = [part.strip() for part in text.split(",")]
    return AnyOf(tuple(_read_one(column, part) for part in alternatives if part))


def compare(column: Column, word: str, text: str) -> Condition:
    """The condition of a search: how a column compares (C-178) with a value. Raises BadValue."""
    word = " ".join(word.split()).upper()
    if word in {"IS", "IS NOT"} and text.strip().upper() == "NULL":
        word = f"{word} NULL"
    if word == "IN":
        return read_filter(column, text.strip().removeprefix("(").removesuffix(")"))
    if (operator := _OPERATORS.get(word)) is None:
        raise BadValue("comparison_type", word, f"use one of {', '.join(_OPERATORS)}, IN")
    if operator in _WITHOUT_VALUE:
        return Test(column, operator)
    if operator in _EXACTLY and column.what in MOMENTS:
        operator, text = _EXACTLY[operator], text.rstrip("*%")
    if operator in {Operator.LIKE, Operator.UNLIKE}:
        return Test(column, operator, text)
    if column.kind is ValueKind.DATETIME:
        return _compare_moment(column, operator, text)
    return Test(column, operator, _stored(column, text))


def all_of(conditions: Iterable[Condition]) -> Condition:
    """All that is asked of a list or a search, within what databases can take. Raises BadValue."""
    asked = All(tuple(conditions))
    tests = tuple(iter_tests(asked))
    if len(tests) > _MOST_VALUES or sum(not test.is_plain for test in tests) > _MOST_CONDITIONS:
        rule = f"there may be {_MOST_CONDITIONS} patterns, ranges and comparisons, and {_MOST_VALUES} values"
        raise BadValue("filters", f"{len(tests)} conditions", rule)
    return asked


_MOST_CONDITIONS: Final = 200
_MOST_VALUES: Final = 10_000


def _compare_moment(column: Column, operator: Operator, text: str) -> Condition:
    """A day lasts until the next one begins, and a second likewise."""
    begin = _stored(column, text)
    end = _end_of(begin)
    before = Test(column, Operator.LESS, begin)
    not_after = Test(column, Operator.IS_NOT_NULL) if end is None else Test(column, Operator.LESS, end)
    after = AnyOf() if end is None else Test(column, Operator.AT_LEAST, end)
    from_it = Test(column, Operator.AT_LEAST, begin)
    compared: dict[Operator, Condition] = {
        Operator.EQUAL: All((from_it, not_after)),
        Operator.UNEQUAL: AnyOf((before, after, Test(column, Operator.IS_NULL))),
        Operator.LESS: before,
        Operator.AT_MOST: not_after,
        Operator.MORE: after,
        Operator.AT_LEAST: from_it,
    }
    return compared[operator]


# A moment is stored as a number, so a pattern of one can only be its beginning.
_EXACTLY: Final = {Operator.LIKE: Operator.EQUAL, Operator.UNLIKE: Operator.UNEQUAL}
_WITHOUT_VALUE: Final = frozenset({Operator.IS_NULL, Operator.IS_NOT_NULL})
_OPERATORS: Final = {**{operator.value: operator for operator in Operator}, "<>": Operator.UNEQUAL}


def _read_one(column: Column, text: str) -> Condition:
    """A pattern, a range or a value. ISO dates hold hyphens, so they are looked for first (C-127)."""
    is_moment = column.what in MOMENTS
    if ("*" in text or "%" in text) and not is_moment:
        return Test(column, Operator.LIKE, text)
    if (shape := _RANGES.get(column.kind)) is None:
        return Test(column, Operator.EQUAL, _stored(column, text))
    found = shape.fullmatch(text)
    first, last = (found[1], found[2]) if found else (text, text)
    low, high = _stored(column, first), _stored(column, last)
    if column.kind is not ValueKind.DATETIME:
        within = (Test(column, Operator.AT_LEAST, low), Test(column, Operator.AT_MOST, high))
        return All(within) if found else Test(column, Operator.EQUAL, low)
    is_begun = Test(column, Operator.AT_LEAST, low)
    end = _end_of(high)
    return is_begun if end is None else All((is_begun, Test(column, Operator.LESS, end)))


def _end_of(text: str) -> str | None:
    """Where a day, or a second of one, is over; None for the last that there is."""
    try:
        return _after(text)
    except OverflowError:
        return None


def _after(text: str) -> str:
    if "T" in text:
        return (datetime.fromisoformat(text) + timedelta(seconds=1)).isoformat()
    return (date.fromisoformat(text) + _ONE_DAY).isoformat()


def _stored(column: Column, text: str) -> str:
    """A value in the form in which such values are stored. Raises BadValue."""
    try:
        return _reader(column)(text)
    except (ValueError, OverflowError) as error:
        raise BadValue(column.name, text, f"it is a filter, so its value {error}") from error


def _reader(column: Column) -> Callable[[str], str]:
    """Any word will do, and any length, where one only asks."""
    if column.kind is ValueKind.DATETIME:
        return _read_moment
    if column.kind is ValueKind.STRING:
        return lambda text: text
    return lambda text: to_stored(Value(kind=column.kind), text)


def _read_moment(text: str) -> str:
    """A day, or a moment of it."""
    day, between, time = text.replace("T", " ").partition(" ")
    iso = to_stored(Value(kind=ValueKind.DATE), day)
    return to_stored(Value(kind=ValueKind.DATETIME), f"{iso}T{time}") if between else iso
