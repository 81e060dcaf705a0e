"""One thing as JSON: a walk over the structure of its data type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from filmroom.model.datatypes import RESOURCES, get_data_type
from filmroom.model.nesting import Nested, nest
from filmroom.model.nodes import FieldValue, Kind, Node, Place
from filmroom.model.resources import Resource, Side
from filmroom.model.structure import KEY, SHARES, Body, Element
from filmroom.model.values import NUMBERS, TEXT, Value, ValueKind
from filmroom.service.entities import Tree
from filmroom.service.sharing import Presence

RESOURCE_XSI_TYPE: Final = "xnat:resourceCatalog"
_SHARE_XSI_TYPE: Final = "xnat:projectParticipant"
# C-65, C-66: the numbers of what is numbered in the whole archive.
_NUMBERS: Final = {Kind.SCAN: "xnat_imagescandata_id", Kind.RECONSTRUCTION: "xnat_reconstructedimagedata_id"}
# C-191, C-203: kinds whose types have no such field.
_WITHOUT_PROJECT: Final = frozenset({Kind.PROJECT, Kind.RECONSTRUCTION})
_SIDES_BY_PATH: Final = {"in/file": Side.IN, "out/file": Side.OUT}


def fields_of(place: Place) -> dict[str, FieldValue]:
    """All fields of a thing: those that say what it is and where it hangs, then those that were given."""
    node = place.node
    where: dict[str, FieldValue | None] = {"ID": node.id}
    if place.kind not in _WITHOUT_PROJECT:
        where["project"] = place.project.id
    if node.label is not None:
        where["label"] = node.label
    if place.kind is Kind.EXPERIMENT and place.subject:
        where["subject_ID"] = place.subject.id
    if place.session:
        name = "imageSession_ID" if place.kind is Kind.ASSESSOR else "image_session_ID"
        where[name] = place.session.id
    return {**node.fields, **{path: value for path, value in where.items() if value is not None}}


def to_json(tree: Tree) -> bytes:
    """C-136 to C-139: ``{"items": [...]}`` with the thing, its nested elements, its resources and what is inside."""
    return orjson.dumps({"items": [_item(tree)]})


def _item(tree: Tree) -> dict[str, Any]:
    place = tree.place
    found = _Found(place.node, place.node.xsi_type)
    _collect(nest(fields_of(place)), get_data_type(place.node.xsi_type).body, "", found)
    if place.kind in _NUMBERS:
        found.plain[_NUMBERS[place.kind]] = place.node.pk
    children = [*found.children(), *_held(tree)]
    return _envelope(place.node.xsi_type, found.plain, place.node, children)


@dataclass
class _Found:
    """What an item is made of: its flat fields, and by path the items that are its children."""

    node: Node
    xsi_type: str
    plain: dict[str, Any] = field(default_factory=dict)
    inside: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def children(self) -> list[dict[str, Any]]:
        return [{"field": path, "items": items} for path, items in self.inside.items()]


def _collect(values: Nested, body: Body, under: str, found: _Found) -> None:
    """C-138, C-139: what is of a type of its own or there many times is a child, all else a flat field."""
    for name, leaf in body.attributes.items():
        _put_plain(found, f"{under}{name}", values.get_text(name), leaf.value)
    for element in body.elements.values():
        path = f"{under}{element.name}"
        for condition, part in values.iter_at(element):
            if element.of_type is None and not element.repeats:
                if element.body.text:
                    _put_plain(found, path, str(part.value), element.body.text.value)
                _collect(part, element.body, f"{path}/", found)
            else:
                found.inside.setdefault(path, []).extend(_parts(part, condition, element, found))


def _put_plain(found: _Found, path: str, text: str, value: Value) -> None:
    if text:
        found.plain[path] = _to_number(text, value)


def _parts(part: Nested, condition: str | None, element: Element, around: _Found) -> Iterator[dict[str, Any]]:
    name = element.of_type.xsi_type if element.of_type else f"{around.xsi_type}_{element.name}"
    if element.is_list:
        value = element.body.text.value if element.body.text else TEXT
        texts = part.value if isinstance(part.value, list) else [part.value]
        yield from (_envelope(name, {element.name: _to_number(text, value)}, around.node, []) for text in texts)
        return
    found = _Found(around.node, name)
    if condition and element.is_keyed:
        found.plain[KEY] = condition.partition("=")[2]
    elif element.body.text and part.value:
        found.plain[element.text_name] = part.value
    if element.is_keyed and element.body.text:
        _put_plain(found, element.text_name, part.get_text(element.text_name), element.body.text.value)
    _collect(part, element.body, "", found)
    yield _envelope(name, found.plain, found.node, found.children())


def _to_number(text: str, value: Value) -> str | int | float:
    """C-138: numbers are numbers."""
    if value.kind not in NUMBERS:
        return text
    try:
        return int(text) if value.kind is ValueKind.INTEGER else float(text)
    except ValueError:
        return text


def _held(tree: Tree) -> Iterator[dict[str, Any]]:
    for known in get_data_type(tree.place.node.xsi_type).all_fields:
        if known.holds == RESOURCES and (resources := resources_at(tree, known.path)):
            items = [_envelope(RESOURCE_XSI_TYPE, resource_fields(found), tree.place.node, []) for found in resources]
            yield {"field": known.path, "items": items}
        elif known.holds == SHARES and tree.shares:
            node = tree.place.node
            items = [_envelope(_SHARE_XSI_TYPE, share_fields(share), node, []) for share in tree.shares]
            yield {"field": known.path, "items": items}
        elif inside := [_item(child) for child in tree.inside if child.place.kind == known.holds]:
            yield {"field": known.path, "items": inside}


def share_fields(share: Presence) -> dict[str, str]:
    return {"project": share.project.id, "label": share.label}


def resources_at(tree: Tree, path: str) -> tuple[Resource, ...]:
    return tree.resources.get(_SIDES_BY_PATH.get(path, Side.NONE), ())


def _envelope(xsi_type: str, fields: Mapping[str, Any], node: Node, children: list[dict[str, Any]]) -> dict[str, Any]:
    meta = {"xsi:type": xsi_type, "isHistory": False, "start_date": _java_date(node.created_at)}
    return {"children": children, "meta": meta, "data_fields": dict(fields)}


def _java_date(moment: datetime) -> str:
    """C-137: ``Thu Jan 01 00:00:00 UTC 2024``."""
    return moment.strftime("%a %b %d %H:%M:%S UTC %Y")


def resource_fields(resource: Resource) -> dict[str, str | int]:
    """The fields of F-215 that are known; numbers are numbers (C-138)."""
    fields: dict[str, str | int | None] = {
        "xnat_abstractresource_id": resource.rid,
        "label": resource.label,
        "file_count": resource.file_count,
        "file_size": resource.size_bytes,
        "format": resource.said.format,
        "content": resource.said.content,
        "description": resource.said.description,
    }
    return {name: value for name, value in fields.items() if value is not None and value != ""}
