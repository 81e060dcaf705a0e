"""Which operations may be meant is told by two words of an address; the one that is found is the first that fits."""

from hypothesis import given
from hypothesis import strategies as st

from filmroom.model.address import match_suffix, read_suffix
from filmroom.model.errors import BadName
from filmroom.model.nodes import Kind
from filmroom.rest.dispatch import _among
from filmroom.rest.operation import Operation
from filmroom.rest.routes import TABLES

WORDS = sorted(
    {word for table in TABLES.values() for operation in table for _, word in read_suffix(operation.suffix).words}
)
SEGMENTS = st.one_of(st.sampled_from(WORDS), st.sampled_from(["", "x", "%2F", "files "]))
Operations = tuple[Operation, ...]


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, Kind, tuple[str, ...]]:
    """What fits an operation, or nearly does: one segment is another one, missing, or one too many."""
    table = draw(st.sampled_from(sorted(TABLES)))
    operation = draw(st.sampled_from(TABLES[table]))
    rest = ["x" if part.startswith("{") else part for part in operation.suffix.split("/")]
    place = draw(st.integers(0, len(rest)))
    rest[place : place + draw(st.integers(0, 1))] = draw(st.lists(SEGMENTS, max_size=2))
    return table, draw(st.sampled_from(sorted(operation.kinds))), tuple(rest)


def _first(operations: Operations, rest: tuple[str, ...]) -> Operation | str | None:
    for operation in operations:
        try:
            if match_suffix(operation.suffix, rest) is not None:
                return operation
        except BadName as error:
            return str(error)
    return None


@given(asked())
def test_the_same_operation_is_found_as_among_all(what: tuple[str, Kind, tuple[str, ...]]) -> None:
    table, kind, rest = what
    of_kind = tuple(operation for operation in TABLES[table] if kind in operation.kinds)
    assert _first(tuple(_among(table, kind, rest)), rest) == _first(of_kind, rest)
