"""What a data type is made of: elements, attributes and text, as in XML, each with what it may hold."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from filmroom.model.nodes import Kind
from filmroom.model.values import NOT_IN_XML, TEXT, Value

RESOURCES: Final = "resources"
SHARES: Final = "shares"
# Types whose things are no fields: they have tables of their own.
_HELD_ELSEWHERE: Final = {"xnat:abstractResource": RESOURCES, "xnat:projectParticipant": SHARES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field by its path relative to its thing; a path with ``/`` is a part of a nested element.

    ``shortcuts`` are its short parameter names (C-62 to C-67). ``repeats`` says that it holds a list of texts,
    ``is_part`` that it is in an element which may be there many times, so that a path to it has conditions. ``holds``
    says that it is no field of its own but the place of other things: nodes of a kind, RESOURCES or SHARES.
    """

    path: str
    shortcuts: tuple[str, ...] = ()
    is_attribute: bool = False
    repeats: bool = False
    is_part: bool = False
    holds: Kind | str | None = None
    value: Value = TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What a text or an attribute may hold, and the short parameter names for it."""

    value: Value
    shortcuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is in an element: text, attributes, and elements in their order."""

    text: Leaf | None = None
    attributes: Mapping[str, Leaf] = field(default_factory=dict)
    elements: Mapping[str, "Element"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element in a type. Its body is its own, or that of ``of_type``; ``prefix`` is that of its namespace.

    ``text_name`` is what its text is called in a path of which it is a repeated part (C-52), such as the second
    ``field`` in ``fields/field[name=x]/field``.
    """

    name: str
    prefix: str
    repeats: bool = False
    own: Body = Body()
    of_type: "DataType | None" = None

    @property
    def body(self) -> Body:
        return self.of_type.body if self.of_type else self.own

    @property
    def holds(self) -> Kind | str | None:
        """The kind of things that are there, if they are things of their own."""
        if self.of_type is None:
            return None
        return _HELD_ELSEWHERE.get(self.of_type.xsi_type) or self.of_type.family

    @property
    def text_name(self) -> str:
        return self.of_type.xsi_type.partition(":")[2] if self.of_type else self.name

    @property
    def is_list(self) -> bool:
        """Many times a text and nothing else."""
        return self.repeats and not self.body.attributes and not self.body.elements

    @property
    def is_keyed(self) -> bool:
        """Many times a text with a name, as custom variables are."""
        return self.repeats and self.body.text is not None and KEY in self.body.attributes

    def takes(self, condition: str | None) -> bool:
        """Whether a step to it may have this condition, which is a name (``name=x``) or a number."""
        if not self.repeats or self.is_list:
            return condition is None
        if self.is_keyed:
            return key_in(condition) != ""
        return condition is not None and condition.isdecimal()


KEY: Final = "name"
"""The attribute that tells repeated texts apart."""


def key_in(condition: str | None) -> str:
    """The name in ``name=x``; empty for a condition that is none of a name, or of one that XML would not keep."""
    key = (condition or "").removeprefix(f"{KEY}=")
    return key if key != condition and key.strip() and min(key) >= " " and not NOT_IN_XML.search(key) else ""


@dataclass(frozen=True, kw_only=True, eq=False)
class DataType:
    """Each type is there once, so that what was worked out of it can be kept; two are equal if they are the same.

    ``own`` is what it has beyond the type that it extends. ``family`` is the kind of things that are of it or of what
    extends it; ``is_abstract`` says that nothing is of just this type. ``display`` is the field by which clients tell
    its things apart.
    """

    xsi_type: str
    element_name: str | None = None
    family: Kind | None = None
    is_abstract: bool = False
    display: str | None = None
    extends: "DataType | None" = None
    own: Body = Body()

    @property
    def kind(self) -> Kind | None:
        """The kind of things that are of this type; None if nothing is."""
        return None if self.is_abstract else self.family

    @cached_property
    def lineage(self) -> tuple["DataType", ...]:
        """The type itself and all that it extends, nearest first."""
        return (self, *(self.extends.lineage if self.extends else ()))

    @cached_property
    def body(self) -> Body:
        """All that it has, what it extends first."""
        return merged([data_type.own for data_type in reversed(self.lineage)])

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        return tuple(_iter_fields(self.body, "", is_part=False))

    def get_element(self, path: str) -> Element:
        """Raises KeyError for a path at which there is no element."""
        first, *rest = path.split("/")
        element = self.body.elements[first]
        for name in rest:
            element = element.body.elements[name]
        return element

    def find_field_path(self, parameter: str) -> str | None:
        """The path of the field that a parameter names, None for no field of this type.

        By shortcut, or by full path below the type or one that it extends, in any case (C-51).
        """
        if (path := self._shortcuts.get(parameter)) is not None:
            return path
        prefix, slash, path = parameter.partition("/")
        if not slash or prefix.lower() not in self._names:
            return None
        return self._plain_paths.get(path.lower()) or _spelled(self.body, path)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(ancestor.xsi_type.lower() for ancestor in self.lineage)

    @cached_property
    def _shortcuts(self) -> dict[str, str]:
        return {name: known.path for known in self.all_fields for name in known.shortcuts}

    @cached_property
    def _plain_paths(self) -> dict[str, str]:
        return {
            known.path.lower(): known.path for known in self.all_fields if known.holds is None and not known.is_part
        }

    def find_value(self, path: str) -> Value | None:
        """What the field at a path, as ``find_field_path`` spells it, may hold."""
        return self._values.get(_CONDITIONS.sub("", path))

    @cached_property
    def _values(self) -> dict[str, Value]:
        return {known.path: known.value for known in self.all_fields if known.holds is None}


def merged(bodies: Iterable[Body]) -> Body:
    """Several bodies as one, in their order."""
    text: Leaf | None = None
    attributes: dict[str, Leaf] = {}
    elements: dict[str, Element] = {}
    for body in bodies:
        text = body.text or text
        attributes |= body.attributes
        elements |= body.elements
    return Body(text=text, attributes=attributes, elements=elements)


def _iter_fields(body: Body, under: str, *, is_part: bool) -> Iterator[Field]:
    for name, leaf in body.attributes.items():
        path = f"{under}{name}"
        shortcuts = () if is_part else leaf.shortcuts
        yield Field(path=path, shortcuts=shortcuts, is_attribute=True, is_part=is_part, value=leaf.value)
    for name, element in body.elements.items():
        path = f"{under}{name}"
        among = is_part or (element.repeats and not element.is_list)
        if element.holds is not None:
            yield Field(path=path, holds=element.holds)
            continue
        if (text := element.body.text) is not None:
            ending = f"/{element.text_name}" if element.is_keyed else ""
            yield Field(
                path=f"{path}{ending}",
                shortcuts=() if among else text.shortcuts,
                repeats=element.is_list,
                is_part=among,
                value=text.value,
            )
        yield from _iter_fields(element.body, f"{path}/", is_part=among)


# C-52: a step of a path, and the condition on it. What a condition says of a type is known from the table.
_STEP: Final = re.compile(r"([A-Za-z_][\w.-]*)(?:\[(?:@xsi:type=[\w:]+|([^\[\]/]+))\])?")
_CONDITIONS: Final = re.compile(r"\[[^\[\]/]*\]")


def parse_step(step: str) -> tuple[str, str | None] | None:
    """The name in a step and the condition on it; None for what is no step."""
    match = _STEP.fullmatch(step)
    return (match[1], match[2]) if match else None


def _spelled(body: Body, path: str) -> str | None:
    """A path in any case as it is stored; None if it leads to no field."""
    first, slash, rest = path.partition("/")
    if (parsed := parse_step(first)) is None:
        return None
    name, condition = parsed
    if not rest and not slash and condition is None and (attribute := _like(body.attributes, name)):
        return attribute
    element = body.elements.get(_like(body.elements, name) or "")
    if element is None or element.holds is not None or not element.takes(condition):
        return None
    step = element.name if condition is None else f"{element.name}[{condition}]"
    return step if not slash and _ends_at(element) else _spelled_below(element, step, rest)


def _condition_on(step: str) -> str | None:
    parsed = parse_step(step)
    return parsed[1] if parsed else None


def _ends_at(element: Element) -> bool:
    return element.body.text is not None and not element.is_keyed


def _spelled_below(element: Element, step: str, rest: str) -> str | None:
    # A text may be called as its name is: clients that clear one do so (fields/field[name=foo]/foo=NULL).
    called = (element.text_name.lower(), key_in(_condition_on(step)).lower())
    if element.is_keyed and rest.lower() in called:
        return f"{step}/{element.text_name}"
    below = _spelled(element.body, rest) if rest else None
    return None if below is None or (element.is_keyed and below == KEY) else f"{step}/{below}"


def _like(names: Iterable[str], wanted: str) -> str | None:
    return next((name for name in names if name.lower() == wanted.lower()), None)
