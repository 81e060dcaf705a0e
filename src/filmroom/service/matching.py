"""What is named held against what is there, both sorted by key and of any length."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Protocol, TypeVar


class HasKey(Protocol):
    @property
    def key(self) -> str: ...


N = TypeVar("N", bound=HasKey)


def match_keys(names: Iterable[N], keys: Iterable[str]) -> Iterator[tuple[str, list[N], bool]]:
    """Each key once, sorted, with all that names it, and whether it is among the keys."""
    named: Iterable[tuple[str, N | None]] = ((name.key, name) for name in names)
    there: Iterable[tuple[str, N | None]] = ((key, None) for key in keys)
    for key, group in groupby(heapq.merge(named, there, key=itemgetter(0)), key=itemgetter(0)):
        found = [name for _, name in group]
        yield key, [name for name in found if name is not None], None in found
