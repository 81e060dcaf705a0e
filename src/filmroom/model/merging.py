"""What a document says of a thing, merged over what is there: nothing that it does not name is lost (C-53)."""

from collections.abc import Iterator, Mapping
from typing import Final

from filmroom.model.nesting import Nested, nest
from filmroom.model.nodes import FieldValue
from filmroom.model.structure import Body, Element

# By these, nested elements that are there many times are told apart, where they have any of them.
_TELLING: Final = frozenset(
    {"ID", "id", "name", "number", "hemisphere", "imageScan_ID", "firstname", "lastname", "citation"}
)


def merged_fields(
    stored: Mapping[str, FieldValue], said: Mapping[str, FieldValue], body: Body
) -> dict[str, FieldValue]:
    tree = nest(stored)
    _merge(tree, nest(said), body)
    return dict(_flat(tree, ""))


def _merge(into: Nested, said: Nested, body: Body) -> None:
    taken: set[tuple[str, str | None]] = set()
    for (name, condition), part in said.inside.items():
        element = body.elements.get(name)
        key = (name, condition)
        if element is not None and condition is not None and not element.is_keyed:
            key = (name, _number_of(into, part, element, taken))
            taken.add(key)
        target = into.inside.setdefault(key, Nested())
        if isinstance(part.value, list):
            known = target.value if isinstance(target.value, list) else []
            target.value = [*known, *(text for text in part.value if text not in known)]
        elif part.value:
            target.value = part.value
        if element is not None:
            _merge(target, part, element.body)


def _number_of(into: Nested, part: Nested, element: Element, taken: set[tuple[str, str | None]]) -> str:
    """The number of the stored one that is meant, else the next number."""
    free = [(number, one) for number, one in into.iter_at(element) if (element.name, number) not in taken]
    wanted = _identity(part)
    for number, one in free:
        if number is not None and _identity(one) == wanted:
            return number
    numbers = [int(number) for name, number in into.inside if name == element.name and number is not None]
    return str(max(numbers, default=-1) + 1)


def _identity(part: Nested) -> object:
    telling = {name: str(one.value) for (name, _), one in part.inside.items() if name in _TELLING and one.value}
    return telling or dict(_flat(part, ""))


def _flat(tree: Nested, under: str) -> Iterator[tuple[str, FieldValue]]:
    """The fields of a tree by their paths."""
    if tree.value:
        yield under, tree.value
    for (name, condition), part in tree.inside.items():
        step = name if condition is None else f"{name}[{condition}]"
        yield from _flat(part, f"{under}/{step}" if under else step)
