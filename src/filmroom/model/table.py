"""The answer to every list: named columns and rows of plain values, whatever format it leaves in."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

Cell = str | int | None
Row = Sequence[Cell]
Columns = Sequence[Sequence[Cell]]
"""Some rows, column by column: what is done to a whole column costs little for each of its cells."""


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows that come many at once. Lazy ones are read once, as batches or one by one."""

    batches: Iterable[Columns]

    def __iter__(self) -> Iterator[Row]:
        for columns in self.batches:
            yield from zip(*columns, strict=True)

    def read(self) -> "Batches":
        """The same rows, here to stay."""
        return Batches(tuple(self.batches))

    def count(self) -> int:
        return sum(len(columns[0]) for columns in self.batches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns and rows, with what XNAT's formats say besides.

    ``columns`` is the order of the tabular formats, ``json_keys`` the same names in the order of JSON rows (XNAT's
    differ; F-63, F-105). ``rows`` may be lazy and is read once. ``properties`` are the members after the rows in JSON
    and the attributes of the root in XML; ``column_properties`` maps a column to its own.
    """

    columns: tuple[str, ...]
    rows: Iterable[Row]
    json_keys: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    column_properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.json_keys:
            object.__setattr__(self, "json_keys", self.columns)


def counted(table: Table) -> Table:
    """The same table, its rows read, with ``totalRecords`` as its first property (F-64)."""
    rows = table.rows.read() if isinstance(table.rows, Batches) else tuple(table.rows)
    count = rows.count() if isinstance(rows, Batches) else len(rows)
    return replace(table, rows=rows, properties={"totalRecords": str(count), **table.properties})


def sorted_by(table: Table, columns: Iterable[str], *, descending: bool = False, numbers: Container[str] = ()) -> Table:
    """The same table, its rows read and sorted (F-68).

    Column names count in any case, unknown ones are ignored, numbers sort as numbers and text by code point, empty
    cells come last; ``descending`` reverses the whole list. ``numbers`` are the columns whose texts are numbers too.
    """
    places = {name.lower(): place for place, name in enumerate(table.columns)}
    wanted = [places[name.lower()] for name in columns if name.lower() in places]
    keys = [(place, _number_key if table.columns[place] in numbers else _sort_key) for place in wanted]
    rows = sorted(table.rows, key=lambda row: tuple(key(row[place]) for place, key in keys)) if wanted else table.rows
    return replace(table, rows=tuple(reversed(tuple(rows))) if descending else rows)


_LAST: Final = (2, 0, "")


def _number_key(cell: Cell) -> tuple[int, float, str]:
    try:
        return (0, float(cell), "") if isinstance(cell, str) else _sort_key(cell)
    except ValueError:
        return _sort_key(cell)


def _sort_key(cell: Cell) -> tuple[int, float, str]:
    if cell is None or cell == "":
        return _LAST
    return (0, cell, "") if isinstance(cell, int) else (1, 0, cell)
