"""What can be done where: what the tables of ``routes.py`` and ``xapi.py`` are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filmroom.model.nodes import Kind
from filmroom.rest.call import Handler


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be done where: the kinds of things, what follows their address, and the handler of each method.

    ``is_open`` says that nobody may ask too, though sign-in is required elsewhere (C-25). ``offered`` are headers that
    OPTIONS tells there.
    """

    kinds: frozenset[Kind]
    suffix: str
    handlers: Mapping[str, Handler]
    is_open: bool = False
    offered: Sequence[tuple[str, str]] = ()
