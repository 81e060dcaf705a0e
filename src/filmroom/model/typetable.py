"""From the text of a table of data types to the types; ``datatypes.toml`` says in its head what one looks like."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from filmroom.model.nodes import Kind
from filmroom.model.structure import Body, DataType, Element, Leaf, merged
from filmroom.model.values import Value, ValueKind

_WORDS: Final = frozenset({"element", "extends", "like", "kind", "abstract", "display", "fields"})
_KINDS: Final = {kind.value: kind for kind in Kind if kind not in {Kind.SITE, Kind.USER}}
_NAME: Final = re.compile(r"[A-Za-z_]\w*:[A-Za-z_]\w*")
_PATH: Final = re.compile(r"\.|([A-Za-z_]\w*\*?(/[A-Za-z_]\w*\*?)*)?(@[A-Za-z_][\w-]*)?")
_SPEC: Final = re.compile(r"(?P<holds>string\((?P<length>\d+)\)|one of (?P<words>\S+)|[\w:]+)( as (?P<shortcuts>.+))?")


class TypeTableError(Exception):
    """A mistake in a table; its text names the type and the field."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where the types of one prefix belong: the namespace's URI, and the name of the schema that tells of them."""

    uri: str
    schema: str


@dataclass(frozen=True)
class DataTypes:
    """A whole table: its types in their order, and the namespaces of their prefixes."""

    types: tuple[DataType, ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)

    def find(self, name: str) -> DataType | None:
        """A type by its name or by the name of its element, in any case (C-50)."""
        return self._by_name.get(name.lower())

    @cached_property
    def _by_name(self) -> dict[str, DataType]:
        return {
            name.lower(): data_type
            for data_type in self.types
            for name in (data_type.xsi_type, data_type.element_name)
            if name
        }


def read_types(text: str, *, known: DataTypes | None = None) -> DataTypes:
    """The types of a table, after those that are known already. Raises TypeTableError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TypeTableError(str(error)) from error
    known = known or DataTypes()
    namespaces = {**known.namespaces, **dict(_iter_namespaces(table.pop("namespaces", {})))}
    reading = _Reading({data_type.xsi_type: data_type for data_type in known.types}, table, namespaces)
    types = (*known.types, *(reading.get(name, said_by=name) for name in table))
    names = [name.lower() for data_type in types for name in (data_type.xsi_type, data_type.element_name) if name]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TypeTableError(f"there are two types or elements named {twice[0]}")
    return DataTypes(types, namespaces)


def _iter_namespaces(table: Any) -> Iterator[tuple[str, Namespace]]:
    for prefix, row in table.items() if isinstance(table, dict) else ():
        if (
            not isinstance(row, dict)
            or set(row) != {"uri", "schema"}
            or not all(isinstance(v, str) for v in row.values())
        ):
            raise TypeTableError(f"namespace {prefix}: it needs uri and schema, both text")
        yield prefix, Namespace(**row)


@dataclass
class _Reading:
    """Types may name others that come later, so each is read when it is first asked for."""

    done: dict[str, DataType]
    table: Mapping[str, Any]
    namespaces: Mapping[str, Namespace]
    begun: set[str] = field(default_factory=set)

    def get(self, name: Any, *, said_by: str) -> DataType:
        if name in self.table and name in self.done and name not in self.begun:
            raise TypeTableError(f"{name}: there is such a type already")
        if name not in self.done:
            if name not in self.table:
                raise TypeTableError(f"{said_by}: there is no type {name}")
            if name in self.begun:
                raise TypeTableError(f"{said_by}: {name} cannot be made of itself")
            self.begun.add(name)
            self.done[name] = self._read(name, self.table[name])
        return self.done[name]

    def _read(self, name: str, row: Any) -> DataType:
        self._check(name, row)
        parent = self.get(row["extends"], said_by=name) if "extends" in row else None
        bodies = [self._body(name, row.get("fields", {}))]
        if "like" in row:
            bodies.insert(0, self.get(row["like"], said_by=name).own)
        return DataType(
            xsi_type=name,
            element_name=row.get("element"),
            family=_KINDS[row["kind"]] if "kind" in row else (parent.family if parent else None),
            is_abstract=row.get("abstract", False),
            display=row.get("display"),
            extends=parent,
            own=merged(bodies),
        )

    def _check(self, name: str, row: Any) -> None:
        if not isinstance(row, dict) or not isinstance(row.get("fields", {}), dict):
            raise TypeTableError(f"{name}: it must be a table, and its fields too")
        if unknown := sorted(set(row) - _WORDS):
            raise TypeTableError(f"{name}: there is no {unknown[0]!r}; there are {', '.join(sorted(_WORDS))}")
        for full in (name, row.get("element", name)):
            if not isinstance(full, str) or not _NAME.fullmatch(full) or full.partition(":")[0] not in self.namespaces:
                raise TypeTableError(f"{name}: {full!r} is no name with a prefix that is among the namespaces")
        if row.get("kind", "scan") not in _KINDS:
            raise TypeTableError(f"{name}: kind must be one of {', '.join(_KINDS)}")
        if not isinstance(row.get("abstract", False), bool):
            raise TypeTableError(f"{name}: abstract must be true or false")

    def _body(self, name: str, rows: Mapping[str, Any]) -> Body:
        body = _Draft()
        for path, spec in rows.items():
            where = f"{name}: field {path!r}"
            if not _PATH.fullmatch(path) or not path:
                raise TypeTableError(f"{where} is no path")
            match = _SPEC.fullmatch(spec) if isinstance(spec, str) else None
            if match is None:
                raise TypeTableError(f"{where} cannot hold {spec!r}")
            leaf = _leaf(match)
            nested = None if leaf else self.get(match["holds"], said_by=f"{where}")
            body.put(path, leaf, nested, where)
        return body.finished(name.partition(":")[0])


def _leaf(match: re.Match[str]) -> Leaf | None:
    """What a field holds; None for a type."""
    shortcuts = tuple(name.strip() for name in (match["shortcuts"] or "").split(",") if name.strip())
    if match["words"]:
        return Leaf(value=Value(words=tuple(match["words"].split("|"))), shortcuts=shortcuts)
    if match["length"]:
        return Leaf(value=Value(max_length=int(match["length"])), shortcuts=shortcuts)
    if ":" in match["holds"] or match["holds"] not in set(ValueKind):
        return None
    return Leaf(value=Value(kind=ValueKind(match["holds"])), shortcuts=shortcuts)


@dataclass
class _Draft:
    """A body that is being put together, line by line."""

    text: Leaf | None = None
    attributes: dict[str, Leaf] = field(default_factory=dict)
    elements: dict[str, "_Draft"] = field(default_factory=dict)
    repeats: bool = False
    of_type: DataType | None = None

    def put(self, path: str, leaf: Leaf | None, nested: DataType | None, where: str) -> None:
        steps, _, attribute = path.partition("@")
        place, passed = self, list["_Draft"]()
        for step in steps.split("/") if steps not in {"", "."} else ():
            passed.append(place)
            place = place.elements.setdefault(step.removesuffix("*"), _Draft(repeats=step.endswith("*")))
            if place.repeats != step.endswith("*"):
                raise TypeTableError(f"{where}: {step.removesuffix('*')} repeats in one line and not in another")
        if any(draft.of_type for draft in (*passed, place)) or (
            nested and (attribute or place is self or place.text or place.elements)
        ):
            raise TypeTableError(f"{where} cannot be there, because it would be part of another type")
        if attribute and leaf:
            place.attributes[attribute] = leaf
        elif nested:
            place.of_type = nested
        else:
            place.text = leaf
        if any(draft.text and draft.elements for draft in (*passed, place)):
            raise TypeTableError(f"{where}: an element has text or elements, not both")

    def finished(self, prefix: str) -> Body:
        elements = {
            name: Element(
                name=name,
                prefix=prefix,
                repeats=draft.repeats,
                own=draft.finished(prefix),
                of_type=draft.of_type,
            )
            for name, draft in self.elements.items()
        }
        return Body(text=self.text, attributes=self.attributes, elements=elements)


def check_fields(data_type: DataType) -> None:
    """Raises TypeTableError for two fields with one path, or with one short name."""
    fields = data_type.all_fields
    for words in ([known.path.lower() for known in fields], [name for known in fields for name in known.shortcuts]):
        if len(set(words)) < len(words):
            twice = next(word for word in words if words.count(word) > 1)
            raise TypeTableError(f"{data_type.xsi_type}: there are two fields named {twice!r}")
