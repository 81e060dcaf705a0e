"""Every form in which an address can be said: shapes, labels and IDs, sides, mounts. Made from ``CONTEXTS``."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import pytest

from filmroom.model.address import CONTEXTS, Context
from filmroom.model.nodes import Kind
from rest.session import IDS, LABELS, owner_name

_OWNERS: Final = tuple(context for context in CONTEXTS if context.kind not in {Kind.SITE, Kind.USER})
_MOUNTS: Final = ("/REST", "/data/archive", "/REST/archive")


@dataclass(frozen=True, slots=True)
class Form:
    """A URL of something that holds resources; ``owner`` is what it leads to, a key of ``OWNERS``."""

    url: str
    owner: str

    def __str__(self) -> str:
        return self.url


def _names(shape: str) -> list[list[str]]:
    """For each level of a shape the ways to name it: a label counts only where a project or a session says whose."""
    levels = [part[1:-1] for part in shape.split("/") if part.startswith("{")]
    first = levels[0]
    return [[IDS[level]] if level == first else sorted({LABELS[level], IDS[level]}) for level in levels]


def _fill(shape: str, names: tuple[str, ...]) -> str:
    rest = iter(names)
    return "/".join(next(rest) if part.startswith("{") else part for part in shape.split("/"))


def _forms() -> Iterator[Form]:
    for context in _OWNERS:
        for shape in context.shapes:
            for names in product(*_names(shape)):
                yield Form(f"/data/{_fill(shape, names)}", owner_name(context.kind, ""))
            yield from _with_sides(context, shape)
        yield from _under_other_mounts(context)


def _with_sides(context: Context, shape: str) -> Iterator[Form]:
    """F-32: each side, below things named by label and by ID."""
    for names in dict.fromkeys((_first(shape), tuple(known[-1] for known in _names(shape)))):
        for side in ("/in", "/out") if context.sides else ():
            yield Form(f"/data/{_fill(shape, names)}{side}", owner_name(context.kind, side))


def _under_other_mounts(context: Context) -> Iterator[Form]:
    """F-1: one form of each kind of thing through each of the other beginnings of a URL."""
    shape = context.shapes[0]
    for mount in _MOUNTS:
        yield Form(f"{mount}/{_fill(shape, _first(shape))}", owner_name(context.kind, ""))


def _first(shape: str) -> tuple[str, ...]:
    """One name for each level: the label, where that counts."""
    return tuple(known[0] for known in _names(shape))


FORMS: Final = tuple(_forms())
EVERY_FORM: Final = pytest.mark.parametrize("form", FORMS, ids=str)


# Each shape with one of its levels not there.
WRONG_URLS: Final = tuple(
    f"/data/{_fill(shape, (*known[:place], 'NOPE', *known[place + 1 :]))}"
    for context in _OWNERS
    for shape in context.shapes
    for known in [_first(shape)]
    for place in range(len(known))
)
