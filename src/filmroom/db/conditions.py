"""Conditions on columns as SQL. Whatever a client wrote is a value, never a part of a statement."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, and_, bindparam, case, cast, false, func, literal, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from filmroom.db.columns import Text
from filmroom.model.lists import MOMENTS, All, AnyOf, Column, Condition, Fact, Operator, Test
from filmroom.model.values import NUMBERS

Express = Callable[[Column], ColumnElement[Any]]
"""The SQL for the value of a column."""

_ESCAPE: Final = "!"


def to_sql(condition: Condition, express: Express) -> ColumnElement[bool]:
    match condition:
        case All(of):
            return and_(true(), *(to_sql(inner, express) for inner in of))
        case AnyOf(of):
            return or_(false(), *_iter_alternatives(of, express))
        case Test():
            return _test(condition, express(condition.column))


def _iter_alternatives(of: Sequence[Condition], express: Express) -> Iterator[ColumnElement[bool]]:
    """Texts for one column are looked for at once: databases take many of those, but few conditions."""
    texts: dict[Column, list[str]] = {}
    for inner in of:
        if isinstance(inner, Test) and inner.is_plain:
            texts.setdefault(inner.column, []).append(inner.value)
        else:
            yield to_sql(inner, express)
    for column, values in texts.items():
        value = express(column)
        yield value == literal(values[0], Text) if len(values) == 1 else value.in_(_several(values))


def _several(values: Sequence[str]) -> ColumnElement[Any]:
    return bindparam("several", values, type_=Text, expanding=True, unique=True)


def _test(test: Test, value: ColumnElement[Any]) -> ColumnElement[bool]:
    """What has no value is unequal to every value, and unlike all."""
    if test.operator in _UNARY:
        return _UNARY[test.operator](value)
    if test.operator in {Operator.LIKE, Operator.UNLIKE}:
        like = _like(value, test.value)
        return like if test.operator is Operator.LIKE else or_(value.is_(None), ~like)
    compared, wanted = _comparable(test, value)
    if test.operator is Operator.UNEQUAL:
        return or_(compared.is_(None), compared != wanted)
    return _COMPARISONS[test.operator](compared, wanted)


_UNARY: Final[dict[Operator, Callable[[Any], ColumnElement[bool]]]] = {
    Operator.IS_NULL: lambda value: value.is_(None),
    Operator.IS_NOT_NULL: lambda value: value.is_not(None),
}
_COMPARISONS: Final[dict[Operator, Callable[[Any, Any], ColumnElement[bool]]]] = {
    Operator.EQUAL: lambda value, wanted: value == wanted,
    Operator.LESS: lambda value, wanted: value < wanted,
    Operator.AT_MOST: lambda value, wanted: value <= wanted,
    Operator.MORE: lambda value, wanted: value > wanted,
    Operator.AT_LEAST: lambda value, wanted: value >= wanted,
}


def _comparable(test: Test, value: ColumnElement[Any]) -> tuple[ColumnElement[Any], Any]:
    """Both sides as what they are: numbers as numbers, moments as such, all else as text."""
    if test.column.what in MOMENTS:
        moment = datetime.fromisoformat(test.value).replace(tzinfo=UTC)
        return value, round(moment.timestamp() * 1_000_000)
    if isinstance(test.column.what, Fact):
        is_number = test.column.kind in NUMBERS
        return value, int(test.value) if is_number else literal(test.value, Text)
    if test.column.kind in NUMBERS:
        return _AsNumber(value), float(test.value)
    return value, literal(test.value, Text)


class _AsNumber(FunctionElement[Any]):
    """A text as a number; NULL for one that is none."""

    type = Double()
    inherit_cache = True


@compiles(_AsNumber, "sqlite")
def _to_sqlite(element: _AsNumber, compiler: SQLCompiler, **options: Any) -> str:
    (text,) = element.clauses
    return compiler.process(cast(text, Double), **options)


@compiles(_AsNumber, "postgresql")
def _to_postgresql(element: _AsNumber, compiler: SQLCompiler, **options: Any) -> str:
    (text,) = element.clauses
    is_number = text.regexp_match(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$")
    return compiler.process(case((is_number, cast(text, Double))), **options)


def _like(value: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    escaped = re.sub(rf"[{_ESCAPE}_]", rf"{_ESCAPE}\g<0>", pattern).replace("*", "%")
    return func.lower(cast(value, Text)).like(func.lower(literal(escaped, Text)), escape=_ESCAPE)
