"""One thing as XML or as JSON, and its fields as clients send them: walks over the table of its data type."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from lxml import etree

from filmroom.model.datatypes import RESOURCES, DataType, Field, find_data_type, find_field_path
from filmroom.model.nodes import FieldValue, Kind, Node, Place
from filmroom.model.resources import Resource, Side
from filmroom.rest.params import Query
from filmroom.rest.xmldoc import DECLARATION, NAMESPACES, NOT_IN_XML, parse_document, tag
from filmroom.service.entities import Tree

RESOURCE_XSI_TYPE: Final = "xnat:resourceCatalog"
# C-139: nested elements that JSON gives as children, and their types; all others are flat fields (C-138).
_NESTED_TYPES: Final = {
    "PI": "xnat:investigatorData",
    "investigator": "xnat:investigatorData",
    "demographics": "xnat:demographicData",
}
_TYPED_IN_XML: Final = frozenset({"demographics"})
_XSI_TYPE: Final = tag("xsi:type")
# C-52: a condition on a repeated child; the segment after it, if it has no child of its own, is the child's text.
_CONDITION: Final = re.compile(r"(\w+)\[(\w+)=([^\[\]/]+)\]")
# C-65, C-66: the numbers of what is numbered in the whole archive.
_NUMBERS: Final = {Kind.SCAN: "xnat_imagescandata_id", Kind.RECONSTRUCTION: "xnat_reconstructedimagedata_id"}
# C-191, C-203: kinds whose types have no such field.
_WITHOUT_PROJECT: Final = frozenset({Kind.PROJECT, Kind.RECONSTRUCTION})
_SIDES_BY_PATH: Final = {"in/file": Side.IN, "out/file": Side.OUT}


def read_parameters(query: Query, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that parameters set (C-51); those that name no field stay unread. ``NULL`` clears a field (C-52)."""
    repeated = {field.path for field in data_type.all_fields if field.repeats}
    fields: dict[str, FieldValue] = {}
    for name, text in query.items():
        if (path := find_field_path(data_type, name)) is None:
            continue
        query.texts(name)
        value = "" if text == "NULL" else text
        fields[path] = [part.strip() for part in value.split(",") if part.strip()] if path in repeated else value
    return fields


def read_xml(document: bytes, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that a document sets; elements that are no field of the type are passed over. Raises BadDocument."""
    root = parse_document(document, root=data_type.element_name)
    values = ((field.path, _value(root, field)) for field in data_type.all_fields if field.holds is None)
    custom = {
        f"fields/field[name={element.get('name')}]/field": (element.text or "").strip()
        for element in root.iterfind(f"{tag('xnat:fields')}/{tag('xnat:field')}")
    }
    return {path: value for path, value in (*values, *custom.items()) if value}


def _value(root: etree._Element, field: Field) -> FieldValue:
    if field.is_attribute:
        return str(root.get(field.path) or "")
    found = root.iterfind("/".join(tag(f"xnat:{part}") for part in field.path.split("/")))
    texts = ["".join(map(str, element.itertext())).strip() for element in found]
    return texts if field.repeats else next(iter(texts), "")


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


def _type_of(node: Node) -> DataType:
    data_type = find_data_type(node.xsi_type)
    if data_type is None:
        raise LookupError(f"no data type {node.xsi_type!r} is known")
    return data_type


def to_json(tree: Tree) -> bytes:
    """C-136 to C-139: ``{"items": [...]}`` with the thing, its nested elements, its resources and what is inside."""
    return orjson.dumps({"items": [_item(tree)]})


def _item(tree: Tree) -> dict[str, Any]:
    place = tree.place
    plain: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    children: list[dict[str, Any]] = []
    for path, value in fields_of(place).items():
        parent, _, rest = path.partition("/")
        if isinstance(value, list) or "[" in path:
            children.append(_repeated(path, value, place.node))
        elif parent in _NESTED_TYPES and rest:
            nested.setdefault(parent, {})[rest] = value
        else:
            plain[path] = value
    if place.kind in _NUMBERS:
        plain[_NUMBERS[place.kind]] = place.node.pk
    for name, fields in nested.items():
        children.append({"field": name, "items": [_envelope(_NESTED_TYPES[name], fields, place.node, [])]})
    children += _held(tree)
    return _envelope(place.node.xsi_type, plain, place.node, _merged(children))


def _repeated(path: str, value: FieldValue, node: Node) -> dict[str, Any]:
    if isinstance(value, list):
        key = path.rsplit("/", 1)[-1]
        return {"field": path, "items": [_envelope("xs:string", {key: text}, node, []) for text in value]}
    match = _CONDITION.search(path)
    name, key, condition = match.groups() if match else ("", "", "")
    field = path[: match.start() + len(name)] if match else path
    return {"field": field, "items": [_envelope("xs:string", {key: condition, name: value}, node, [])]}


def _merged(children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each field, however many found it."""
    by_field: dict[str, list[Any]] = {}
    for child in children:
        by_field.setdefault(child["field"], []).extend(child["items"])
    return [{"field": field, "items": items} for field, items in by_field.items()]


def _held(tree: Tree) -> Iterator[dict[str, Any]]:
    for field in _type_of(tree.place.node).all_fields:
        if field.holds == RESOURCES and (resources := _resources_at(tree, field.path)):
            items = [_envelope(RESOURCE_XSI_TYPE, resource_fields(found), tree.place.node, []) for found in resources]
            yield {"field": field.path, "items": items}
        elif inside := [_item(child) for child in tree.inside if child.place.kind == field.holds]:
            yield {"field": field.path, "items": inside}


def _resources_at(tree: Tree, path: str) -> tuple[Resource, ...]:
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


def to_xml(tree: Tree) -> bytes:
    """C-141: the thing as a document, its children in the order of XNAT's schema."""
    root = etree.Element(tag(_type_of(tree.place.node).element_name), nsmap=NAMESPACES)
    _fill(root, tree)
    etree.indent(root, space="\t")
    return DECLARATION.encode() + etree.tostring(root, encoding="utf-8")


def _fill(element: etree._Element, tree: Tree) -> None:
    fields = fields_of(tree.place)
    declared = _type_of(tree.place.node).all_fields
    for field in declared:
        value = fields.pop(field.path, None)
        if field.holds is not None:
            _fill_held(element, tree, field)
        elif field.is_attribute and value:
            element.set(field.path, _clean(str(value)))
        elif value:
            _fill_field(element, field.path, value)
    for path, value in fields.items():  # what a site's own types have
        _fill_field(element, path, value)


def _fill_field(element: etree._Element, path: str, value: FieldValue) -> None:
    parent, _, name = path.rpartition("/")
    for text in value if isinstance(value, list) else [value]:
        if "[" in parent:
            _child(element, parent).text = _clean(text)
        else:
            target = _child(element, parent) if parent else element
            etree.SubElement(target, tag(f"xnat:{name}")).text = _clean(text)


def _child(element: etree._Element, path: str) -> etree._Element:
    """The nested element at a path, made where it is not there yet."""
    for part in path.split("/"):
        match = _CONDITION.fullmatch(part)
        name = tag(f"xnat:{match[1] if match else part}")
        found = None if match else element.find(name)
        if found is None:
            found = etree.SubElement(element, name)
            if part in _TYPED_IN_XML:
                found.set(_XSI_TYPE, _NESTED_TYPES[part])
        if match:
            found.set(match[2], _clean(match[3]))
        element = found
    return element


def _fill_held(element: etree._Element, tree: Tree, field: Field) -> None:
    parent, _, name = field.path.rpartition("/")
    if field.holds == RESOURCES:
        for resource in _resources_at(tree, field.path):
            target = etree.SubElement(_child(element, parent) if parent else element, tag(f"xnat:{name}"))
            _fill_resource(target, resource)
        return
    for child in tree.inside:
        if child.place.kind == field.holds:
            target = etree.SubElement(_child(element, parent), tag(f"xnat:{name}"))
            target.set(_XSI_TYPE, child.place.node.xsi_type)
            _fill(target, child)


def _fill_resource(element: etree._Element, resource: Resource) -> None:
    """C-207: in the schema the number of a resource is no attribute."""
    for name, value in resource_fields(resource).items():
        if name != "xnat_abstractresource_id":
            element.set(name, _clean(str(value)))
    element.set(_XSI_TYPE, RESOURCE_XSI_TYPE)


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)
