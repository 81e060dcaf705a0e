"""One thing as XML or as JSON, and its fields as clients send them: one walk over the table of its data type."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from lxml import etree

from filmroom.model.datatypes import DataType, Field, find_field
from filmroom.model.nodes import FieldValue, Node
from filmroom.model.resources import Resource
from filmroom.rest.formats import escape_xml
from filmroom.rest.params import Query
from filmroom.rest.xmldoc import DECLARATION, DECLARED_NAMESPACES, parse_document, tag

RESOURCE_XSI_TYPE: Final = "xnat:resourceCatalog"
# C-206: the type of the one nested element that projects have.
_NESTED_TYPES: Final = {"PI": "xnat:investigatorData"}


def read_parameters(query: Query, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that parameters set (C-51); those that name no field stay unread. ``NULL`` clears a field (C-52)."""
    fields: dict[str, FieldValue] = {}
    for name, text in query.items():
        if (field := find_field(data_type, name)) is None:
            continue
        query.texts(name)
        value = "" if text == "NULL" else text
        fields[field.path] = [part.strip() for part in value.split(",") if part.strip()] if field.repeats else value
    return fields


def read_xml(document: bytes, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that a document sets; elements that are no field of the type are passed over. Raises BadDocument."""
    root = parse_document(document, root=data_type.element_name)
    attributes = {field.path: str(root.get(field.path)) for field in data_type.attributes if root.get(field.path)}
    nested = data_type.fields[len(data_type.attributes) :]
    elements = {field.path: _element_value(root, field) for field in nested}
    return {**attributes, **{path: value for path, value in elements.items() if value}}


def _element_value(root: etree._Element, field: Field) -> FieldValue:
    found = root.iterfind("/".join(tag(f"xnat:{part}") for part in field.path.split("/")))
    texts = ["".join(map(str, element.itertext())).strip() for element in found]
    return texts if field.repeats else next(iter(texts), "")


def to_json(node: Node, resources: Sequence[Resource], data_type: DataType) -> bytes:
    """C-136 to C-139: ``{"items": [...]}`` with the thing, its nested elements and its resources."""
    fields = {"ID": node.id, **node.fields}
    plain = {path: value for path, value in fields.items() if "/" not in path}
    children = [
        *({"field": name, "items": [_item(kind, _nested(fields, name), node)]} for name, kind in _present(fields)),
        *_repeated(fields, data_type, node),
    ]
    if resources:
        items = [_item(RESOURCE_XSI_TYPE, resource_fields(resource), node) for resource in resources]
        children.append({"field": "resources/resource", "items": items})
    return orjson.dumps({"items": [_item(node.xsi_type, plain, node, children=children)]})


def _item(
    xsi_type: str, fields: Mapping[str, Any], node: Node, *, children: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    meta = {"xsi:type": xsi_type, "isHistory": False, "start_date": _java_date(node.created_at)}
    return {"children": list(children), "meta": meta, "data_fields": dict(fields)}


def _java_date(moment: datetime) -> str:
    """C-137: ``Thu Jan 01 00:00:00 UTC 2024``."""
    return moment.strftime("%a %b %d %H:%M:%S UTC %Y")


def _present(fields: Mapping[str, FieldValue]) -> Iterator[tuple[str, str]]:
    return ((name, kind) for name, kind in _NESTED_TYPES.items() if _nested(fields, name))


def _nested(fields: Mapping[str, FieldValue], name: str) -> dict[str, FieldValue]:
    return {path.removeprefix(f"{name}/"): value for path, value in fields.items() if path.startswith(f"{name}/")}


def _repeated(fields: Mapping[str, FieldValue], data_type: DataType, node: Node) -> Iterator[dict[str, Any]]:
    for field in data_type.fields:
        if field.repeats and (values := fields.get(field.path)):
            key = field.path.rsplit("/", 1)[-1]
            yield {"field": field.path, "items": [_item("xs:string", {key: value}, node) for value in values]}


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


def to_xml(node: Node, resources: Sequence[Resource], data_type: DataType) -> bytes:
    """C-141: the thing as a document, its children in the order of XNAT's schema."""
    fields = {"ID": node.id, **node.fields}
    attributes = "".join(
        f' {field.path}="{escape_xml(str(fields[field.path]))}"'
        for field in data_type.attributes
        if fields.get(field.path)
    )
    lines = [
        f"{DECLARATION}<{data_type.element_name}{attributes}{DECLARED_NAMESPACES}>",
        *_element_lines(fields, data_type.elements),
        *_resource_lines(resources),
        *_element_lines(fields, data_type.later_elements),
        f"</{data_type.element_name}>",
    ]
    return "\n".join(lines).encode()


def _element_lines(fields: Mapping[str, FieldValue], elements: Sequence[Field]) -> Iterator[str]:
    open_parent = ""
    for field in elements:
        parent, _, name = field.path.rpartition("/")
        value = fields.get(field.path)
        if not value:
            continue
        if parent != open_parent:
            yield from _turn(open_parent, parent)
            open_parent = parent
        for text in value if isinstance(value, list) else [value]:
            yield f"<xnat:{name}>{escape_xml(text)}</xnat:{name}>"
    yield from _turn(open_parent, "")


def _turn(closing: str, opening: str) -> Iterator[str]:
    if closing:
        yield f"</xnat:{closing}>"
    if opening:
        yield f"<xnat:{opening}>"


def _resource_lines(resources: Sequence[Resource]) -> Iterator[str]:
    if not resources:
        return
    yield "<xnat:resources>"
    for resource in resources:
        fields = {name: value for name, value in resource_fields(resource).items() if name in _RESOURCE_ATTRIBUTES}
        attributes = "".join(f' {name}="{escape_xml(str(value))}"' for name, value in fields.items())
        yield f'<xnat:resource{attributes} xsi:type="{RESOURCE_XSI_TYPE}"/>'
    yield "</xnat:resources>"


# C-207: in the schema the number of a resource is no attribute.
_RESOURCE_ATTRIBUTES: Final = frozenset({"label", "file_count", "file_size", "format", "content", "description"})
