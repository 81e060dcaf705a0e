"""What a client's XML document says of a thing and of what is inside it: a walk beside the structure of its type."""

from collections import Counter
from typing import Final

from lxml import etree

from filmroom.model.changes import Change, Reading
from filmroom.model.datatypes import RESOURCES, DataType, find_data_type
from filmroom.model.errors import BadDocument, BadValue
from filmroom.model.nodes import FieldValue
from filmroom.model.structure import KEY, SHARES, Body, Element, key_in
from filmroom.model.values import Value, ValueKind
from filmroom.rest.xmldoc import namespaces, parse_xml, prefixed_name, tag

_XSI_TYPE: Final = tag("xsi:type")
# What has rows of its own, which no document changes.
_NOT_SAID_HERE: Final = frozenset({RESOURCES, SHARES})
_NOT_IN_KEYS: Final = frozenset("[]/")


def root_type(root: etree._Element) -> DataType:
    """C-50: the type that the root of a document says. Raises BadDocument."""
    name = prefixed_name(root)
    if (found := find_data_type(name)) is None:
        raise BadDocument(f"no data type is known whose documents begin with {name}")
    return found


def read_xml(document: bytes, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that a document sets. Raises BadDocument, BadFields."""
    reading = Reading()
    read_root(parse_xml(document), data_type, reading)
    reading.raise_faults()
    return reading.fields


def read_root(root: etree._Element, data_type: DataType, into: Reading) -> tuple[Change, ...]:
    """Read the fields of the thing that a document is about, and give back the things that it tells of inside it.

    Raises BadDocument for a document of another type.
    """
    wanted = data_type.element_name or data_type.xsi_type
    if prefixed_name(root).lower() != wanted.lower():
        raise BadDocument(f"Only {wanted} documents can be PUT to this address.")
    return _Walk(into).read_thing(root, data_type)


class _Walk:
    """Through one thing; what is inside it has a walk of its own, whose faults and unknown names are told together."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._inside: list[Change] = []
        self._uris = namespaces()

    def read_thing(self, place: etree._Element, data_type: DataType) -> tuple[Change, ...]:
        self._read(place, data_type.body, "")
        return tuple(self._inside)

    def _read(self, place: etree._Element, body: Body, under: str, *, skip: str = "") -> None:
        for name, text in place.attrib.items():
            if not str(name).startswith("{") and name != skip:
                self._read_attribute(body, under, str(name), str(text))
        counts: Counter[str] = Counter()
        for one in place:
            uri, _, name = str(one.tag).rpartition("}")
            element = body.elements.get(name)
            if element is None or uri[1:] != self._uris[element.prefix]:
                self._reading.ignored.append(f"{under}{name}")
            elif element.holds is None:
                self._read_element(one, element, f"{under}{name}", counts[name])
                counts[name] += 1
            elif element.holds not in _NOT_SAID_HERE:
                self._read_inside(one, element, f"{under}{name}")

    def _read_attribute(self, body: Body, under: str, name: str, text: str) -> None:
        if (leaf := body.attributes.get(name)) is None:
            self._reading.ignored.append(f"{under}@{name}")
        elif text.strip():
            self._reading.put(f"{under}{name}", leaf.value, _said(leaf.value, text))

    def _read_element(self, one: etree._Element, element: Element, path: str, number: int) -> None:
        if element.is_keyed:
            if (keyed := self._keyed_step(one, path)) is not None:
                self._read_text(one, element, f"{keyed}/{element.text_name}")
                self._read(one, element.body, f"{keyed}/", skip=KEY)
            return
        step = f"{path}[{number}]" if element.repeats and not element.is_list else path
        self._read_text(one, element, step)
        self._read(one, element.body, f"{step}/")

    def _read_text(self, one: etree._Element, element: Element, path: str) -> None:
        text = _without_layout("".join(map(str, one.itertext())))
        if element.body.text and text.strip():
            store = self._reading.add if element.is_list else self._reading.put
            store(path, element.body.text.value, _said(element.body.text.value, text))

    def _keyed_step(self, one: etree._Element, path: str) -> str | None:
        key = str(one.get(KEY) or "")
        if not key_in(f"{KEY}={key}") or _NOT_IN_KEYS & set(key):
            self._reading.faults.append(BadValue(f"{path}@{KEY}", key, "must be a name without any of / [ ]"))
            return None
        return f"{path}[{KEY}={key}]"

    def _read_inside(self, one: etree._Element, element: Element, path: str) -> None:
        data_type = _said_type(one) or element.of_type
        if data_type is None or data_type.kind is None or data_type.kind != element.holds:
            self._reading.faults.append(
                BadValue(f"{path}@xsi:type", str(one.get(_XSI_TYPE) or ""), f"must name a type of {element.holds}")
            )
            return
        reading = Reading(faults=self._reading.faults, ignored=self._reading.ignored)
        inside = _Walk(reading).read_thing(one, data_type)
        self._inside.append(Change(data_type=data_type, fields={}, document=reading.fields, inside=inside))


def _said_type(one: etree._Element) -> DataType | None:
    """What ``xsi:type`` says, whatever prefix the document has for the namespace."""
    prefix, _, name = str(one.get(_XSI_TYPE) or "").strip().rpartition(":")
    uri = one.nsmap.get(prefix or None)
    return find_data_type(prefixed_name(etree.QName(uri, name))) if name and uri else None


def _said(value: Value, text: str) -> str:
    """Outer blanks are part of a text, as in ``xs:string``, and of nothing else (C-142)."""
    return text if value.kind is ValueKind.STRING and not value.words else text.strip()


def _without_layout(text: str) -> str:
    """Without what lays a document out: line breaks and indents, around a text or before it, where comments stood."""
    core = text.strip()
    before, _, after = text.partition(core) if core else ("", "", "")
    return core if "\n" in after else before.rpartition("\n")[2].lstrip("\t") + core + after
