"""The fields of a thing as the tree that their paths say: what XML and JSON are written from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from filmroom.model.nodes import FieldValue
from filmroom.model.structure import Element, parse_step


@dataclass
class Nested:
    """A value, and what is inside it by name and condition."""

    value: FieldValue = ""
    inside: dict[tuple[str, str | None], "Nested"] = field(default_factory=dict)

    def get_text(self, name: str) -> str:
        """The text of a part; empty for none."""
        found = self.inside.get((name, None))
        return str(found.value) if found else ""

    def iter_at(self, element: Element) -> Iterator[tuple[str | None, "Nested"]]:
        """What there is of an element, each with its condition, those with numbers in their order."""
        found = [(condition, part) for (name, condition), part in self.inside.items() if name == element.name]
        return iter(sorted(found, key=_number))


def _number(found: tuple[str | None, Nested]) -> int:
    return int(found[0]) if found[0] and found[0].isdecimal() else 0


def nest(fields: Mapping[str, FieldValue]) -> Nested:
    """The tree of fields by their stored paths; a path that is none is passed over."""
    root = Nested()
    for path, value in fields.items():
        steps = [parse_step(step) for step in path.split("/")]
        place = root
        for step in steps:
            if step is None:
                break
            place = place.inside.setdefault(step, Nested())
        else:
            place.value = value
    return root
