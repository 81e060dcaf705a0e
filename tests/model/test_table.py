"""Tables: sorted (F-68) and counted (F-64)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmroom.model.table import Cell, Row, Table, counted, sorted_by


def _table(*cells: Cell) -> Table:
    return Table(columns=("value", "place"), rows=[(cell, place) for place, cell in enumerate(cells)])


_place = itemgetter(1)


def _values(table: Table) -> list[Cell]:
    return [row[0] for row in table.rows]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((10, 9, 100), [9, 10, 100]),
        (("10", "9", "100"), ["10", "100", "9"]),
        (("b", "B", "a", "ä", "Z"), ["B", "Z", "a", "b", "ä"]),
        (("\U0001f9e0", "\uffff"), ["\uffff", "\U0001f9e0"]),
        ((None, 2, None, 1), [1, 2, None, None]),
        (("", "b", "a"), ["a", "b", ""]),
        (("x", 3, None, "a", 1, ""), [1, 3, "a", "x", None, ""]),
        ((0, -1, None), [-1, 0, None]),
    ],
)
def test_numbers_sort_as_numbers_text_by_code_point_empties_last(
    cells: Sequence[Cell], expected: Sequence[Cell]
) -> None:
    assert _values(sorted_by(_table(*cells), ["value"])) == expected


def test_descending_reverses_the_whole_list() -> None:
    table = sorted_by(_table("", "b", "a"), ["value"], descending=True)

    assert _values(table) == ["", "b", "a"]


def test_descending_without_a_column_reverses_what_is_there() -> None:
    table = sorted_by(_table("c", "a", "b"), [], descending=True)

    assert _values(table) == ["b", "a", "c"]


@pytest.mark.parametrize("name", ["value", "VALUE", "Value"])
def test_column_names_count_in_any_case(name: str) -> None:
    assert _values(sorted_by(_table("b", "a"), [name])) == ["a", "b"]


def test_unknown_columns_are_ignored() -> None:
    assert _values(sorted_by(_table("b", "a"), ["nonsense", "value"])) == ["a", "b"]


def test_without_a_known_column_nothing_moves() -> None:
    assert _values(sorted_by(_table("b", "a"), ["nonsense"])) == ["b", "a"]


def test_later_columns_decide_where_earlier_ones_are_equal() -> None:
    table = Table(columns=("first", "second"), rows=[("x", 2), ("w", 3), ("x", 1)])

    assert sorted_by(table, ["first", "second"]).rows == [("w", 3), ("x", 1), ("x", 2)]


@given(st.lists(st.none() | st.integers() | st.text()))
def test_equal_rows_keep_their_order(cells: list[Cell]) -> None:
    rows = list(sorted_by(_table(*cells), ["value"]).rows)

    assert sorted(rows, key=_place) == list(_table(*cells).rows)
    assert all(_place(left) < _place(right) for left, right in pairwise(rows) if left[0] == right[0])


def test_a_counted_table_says_how_many_first() -> None:
    """F-64: as text, before the other properties."""
    table = counted(Table(columns=("a",), rows=[(1,), (2,)], properties={"title": "Resources"}))

    assert list(table.properties.items()) == [("totalRecords", "2"), ("title", "Resources")]


def test_counting_keeps_rows_that_can_be_read_once() -> None:
    def rows() -> Iterator[Row]:
        yield from ((1,), (2,))

    table = counted(Table(columns=("a",), rows=rows()))

    assert list(table.rows) == [(1,), (2,)]


def test_json_keys_are_the_columns_unless_they_are_given() -> None:
    """F-63."""
    plain, other = Table(columns=("a", "b"), rows=[]), Table(columns=("a", "b"), rows=[], json_keys=("b", "a"))

    assert (plain.json_keys, other.json_keys) == (("a", "b"), ("b", "a"))
