"""Lists: what is in a place, or in the whole archive, as rows of what was asked for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from filmroom.db.lists import Raw, Scope, read_rows
from filmroom.model.address import Address
from filmroom.model.lists import COUNTED, EACH, Column, Fact, Part, Wanted
from filmroom.model.nodes import Kind, Node, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action, Reach
from filmroom.model.structure import KEY
from filmroom.model.values import ValueKind
from filmroom.service.gate import Gate
from filmroom.service.resolve import list_places
from filmroom.service.stores import Stores

Values = Sequence[Any]
Batch = tuple[Values, ...]
"""As many values of each column, in the order of the columns."""

_NOTHING: Final = Reach()
_EVERYTHING: Final = Reach(is_everything=True)
# Whose values anybody may have who has the row; of projects, which are listed for whoever sees them, only its own.
_ALONG: Final = frozenset({Part.SELF, Part.SCAN, Part.RECONSTRUCTION, Part.RESOURCE, Part.SCAN_RESOURCE})
_NAMES: Final = frozenset({Fact.ID, Fact.LABEL, Fact.PROJECT})
_ABOVE: Final = frozenset({Part.PROJECT, Part.SUBJECT, Part.SESSION})


class Lists:
    """``is_people_restricted`` says that who owns a project is told only to those who may edit it."""

    def __init__(self, stores: Stores, *, is_people_restricted: bool) -> None:
        self._stores = stores
        self._needed_for_people = Action.EDIT if is_people_restricted else Action.SEE

    @contextmanager
    def open_rows(self, viewer: Viewer, address: Address, wanted: Wanted) -> Iterator[Iterator[Batch]]:
        """What is inside the things that an address names, or in the whole archive, as far as the viewer may read it.

        Values are texts, empty or None for none; whole numbers and moments (in microseconds since 1970, UTC) are
        numbers. A field that holds a list of texts makes a row of each, an element that is there many times one for all
        of its columns. They are read while they are taken, within the block.
        Raises NotFound, and NotAllowed for a project whose record may be seen but not what it holds (C-90, C-105).
        """
        with self._stores.database.read() as connection, ExitStack() as stack:
            scopes = self._list_scopes(Gate(connection, viewer), address, wanted)
            is_one = len(scopes) == 1 or wanted.end is None
            each = wanted if is_one else replace(wanted, offset=0, limit=wanted.end)
            batches = chain.from_iterable(_iter_batches(connection, each, scope, stack) for scope in scopes)
            yield batches if is_one or wanted.end is None else _windowed(batches, wanted.offset, wanted.end)

    def _list_scopes(self, gate: Gate, address: Address, wanted: Wanted) -> tuple[Scope, ...]:
        around = gate.reach() if _tells_of_others(wanted) else _NOTHING
        if Kind.PROJECT not in wanted.kinds:
            return tuple(_iter_scopes(gate, address, wanted, around))
        is_peopled = any(column.what is Fact.OWNERS for column in wanted.all_columns)
        peopled = gate.list_peopled_pks(self._needed_for_people) if is_peopled else frozenset[int]()
        reach = Reach(own=dict.fromkeys(gate.list_project_pks(Action.SEE)))
        return (Scope(reach=reach, around=around, peopled=peopled),)


def _windowed(batches: Iterator[Batch], first: int, end: int) -> Iterator[Batch]:
    """The rows from one number to another; no more is read than that."""
    seen = 0
    for batch in batches:
        count = len(batch[0])
        yield tuple(values[max(first - seen, 0) : end - seen] for values in batch)
        seen += count
        if seen >= end:
            return


def _iter_scopes(gate: Gate, address: Address, wanted: Wanted, around: Reach) -> Iterator[Scope]:
    if address.kind is Kind.SITE:
        reach = gate.reach()
        for is_own in (None,) if reach.is_everything else (True, False):
            yield Scope(reach=reach, around=around, is_own=is_own)
        return
    places = list_places(gate.connection, gate.viewer, address)
    for parents, seen_in in _grouped(places, address):
        yield _scope_inside(gate, parents, seen_in, around, is_private=bool({*wanted.kinds} - _SESSION_PARTS))


_SESSION_PARTS: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})


def _tells_of_others(wanted: Wanted) -> bool:
    """Whether anything is told that must be held to what the viewer may read, besides the rows themselves."""
    along = {Part.SELF} if Kind.PROJECT in wanted.kinds else _ALONG
    return any(
        column.what in COUNTED or (column.part not in along and not (column.part in _ABOVE and column.what in _NAMES))
        for column in wanted.all_columns
    )


def _grouped(places: Sequence[Place], address: Address) -> Iterator[tuple[list[Place], Node | None]]:
    """The places by the project in which they are seen, if that is said or is another than their own."""
    groups: dict[int | None, tuple[list[Place], Node | None]] = {}
    for place in places:
        is_told = place.kind is not Kind.EXPERIMENT and address.project is not None
        seen_in = place.seen_in if is_told else place.shared_into
        groups.setdefault(seen_in.pk if seen_in else None, ([], seen_in))[0].append(place)
    yield from groups.values()


def _scope_inside(
    gate: Gate, parents: Sequence[Place], seen_in: Node | None, around: Reach, *, is_private: bool
) -> Scope:
    """``is_private`` says that what is there is not always for whoever may read what it is inside."""
    first = parents[0]
    is_project = first.kind is Kind.PROJECT
    by_name = seen_in if first.kind is not Kind.EXPERIMENT else None
    reach = (gate.reach_in(by_name) if by_name else None) or (gate.reach() if is_private else _EVERYTHING)
    return Scope(
        inside=None if is_project else tuple(place.node.pk for place in parents),
        inside_kind=first.kind,
        project_pk=by_name.pk if by_name else None,
        shown_project=seen_in.id if seen_in else None,
        reach=reach,
        around=around,
    )


def _iter_batches(connection: Connection, wanted: Wanted, scope: Scope, stack: ExitStack) -> Iterator[Batch]:
    raw = read_rows(connection, wanted, scope)
    stack.enter_context(closing(raw.batches))
    finish = _Finishing(wanted.columns, raw)
    return map(finish, raw.batches)


@dataclass(frozen=True, slots=True)
class _Finishing:
    """From a batch of rows as they were read to the values of each column."""

    columns: Sequence[Column]
    raw: Raw

    def __call__(self, rows: Sequence[Sequence[Any]]) -> Batch:
        read = list(zip(*rows, strict=True))
        decoded: dict[int, list[dict[str, Any]]] = {}
        finished: list[Values] = []
        for column, place in zip(self.columns, self.raw.places, strict=True):
            if place in self.raw.documents and place not in decoded:
                decoded[place] = [orjson.loads(text) if text else {} for text in read[place]]
            found = decoded.get(place)
            finished.append(_values_of(column, found) if found is not None else _shown(column, read[place]))
        return _spread(self.columns, tuple(finished))


def _shown(column: Column, values: Values) -> Values:
    shown = _SHOWN.get(column.kind)
    return [shown(value) if value else "" for value in values] if shown else values


def _values_of(column: Column, fields: Sequence[dict[str, Any]]) -> Values:
    path, shown = column.what, _SHOWN.get(column.kind, str)
    if column.among:
        return [list(map(shown, _iter_among(column, one))) or [""] for one in fields]
    if column.repeats:
        return [one.get(path) or [""] for one in fields]
    return [shown(one.get(path, "")) for one in fields]


def _iter_among(column: Column, fields: Mapping[str, Any]) -> Iterator[str]:
    """One text for each of the elements that are there, in their order; empty where one has none."""
    each = re.escape(f"{column.among}{EACH}").replace(re.escape(EACH), r"\[([^\[\]/]+)\]")
    there = {match.groups() for path in fields if (match := re.match(each, path))}
    for conditions in sorted(there, key=lambda found: [(int(one) if one.isdecimal() else 0, one) for one in found]):
        path = column.what.replace(EACH, "[{}]").format(*conditions)
        above, _, last = path.rpartition("/")
        is_key = last == KEY and above.endswith(f"[{conditions[-1]}]")
        key = conditions[-1].removeprefix(f"{KEY}=") if is_key and conditions[-1].startswith(f"{KEY}=") else ""
        value = fields.get(path, key)
        yield ", ".join(value) if isinstance(value, list) else value


def _float(text: str) -> str:
    """As XNAT's Java shows them: ``42.0`` after ``42``."""
    try:
        return repr(float(text))
    except ValueError:
        return text


_SHOWN: Final[dict[ValueKind, Callable[[str], str]]] = {ValueKind.FLOAT: _float}


def _spread(columns: Sequence[Column], values: Batch) -> Batch:
    """A row for each text of the fields that hold lists of texts; what is of one element stays side by side."""
    groups: dict[tuple[Part, str], set[int]] = {}
    for place, column in enumerate(columns):
        if column.repeats:
            groups.setdefault((column.part, column.among or str(place)), set()).add(place)
    for places in groups.values():
        times = [len(texts) for texts in values[min(places)]]
        values = tuple(
            [text for texts in others for text in texts]
            if at in places
            else [value for value, count in zip(others, times, strict=True) for _ in range(count)]
            for at, others in enumerate(values)
        )
    return values
