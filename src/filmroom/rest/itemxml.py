"""One thing as XML, and the fields that a client's document sets: walks over the structure of its data type."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from filmroom.model.datatypes import RESOURCES, DataType, get_data_type
from filmroom.model.nesting import Nested, nest
from filmroom.model.nodes import FieldValue
from filmroom.model.resources import Resource
from filmroom.model.structure import KEY, Body, Element
from filmroom.rest.items import RESOURCE_XSI_TYPE, fields_of, resource_fields, resources_at
from filmroom.rest.xmldoc import DECLARATION, NOT_IN_XML, namespaces, parse_document, tag
from filmroom.service.entities import Tree

_XSI_TYPE: Final = tag("xsi:type")


def read_xml(document: bytes, data_type: DataType) -> dict[str, FieldValue]:
    """The fields that a document sets; elements that are no field of the type are passed over. Raises BadDocument."""
    root = parse_document(document, root=data_type.element_name or "")
    return {path: value for path, value in _read(root, data_type.body, "") if value}


def _read(place: etree._Element, body: Body, under: str) -> Iterator[tuple[str, FieldValue]]:
    for name in body.attributes:
        yield f"{under}{name}", str(place.get(name) or "")
    for element in body.elements.values():
        if element.holds is None:
            yield from _read_all(
                list(place.iterfind(tag(f"{element.prefix}:{element.name}"))), element, f"{under}{element.name}"
            )


def _read_all(found: list[etree._Element], element: Element, path: str) -> Iterator[tuple[str, FieldValue]]:
    if element.is_list:
        yield path, [text for text in map(_text, found) if text]
    elif element.is_keyed:
        for one in found:
            yield f"{path}[{KEY}={one.get(KEY)}]/{element.text_name}", _text(one)
    elif element.repeats:
        for number, one in enumerate(found):
            yield from _read_one(one, element, f"{path}[{number}]")
    else:
        for one in found[:1]:
            yield from _read_one(one, element, path)


def _read_one(one: etree._Element, element: Element, path: str) -> Iterator[tuple[str, FieldValue]]:
    if element.body.text:
        yield path, _text(one)
    yield from _read(one, element.body, f"{path}/")


def _text(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())).strip()


def to_xml(tree: Tree) -> bytes:
    """C-141: the thing as a document, its children in the order of XNAT's schema."""
    data_type = get_data_type(tree.place.node.xsi_type)
    root = etree.Element(tag(data_type.element_name or data_type.xsi_type), nsmap=namespaces())
    _fill_thing(root, tree, data_type)
    etree.indent(root, space="\t")
    return DECLARATION.encode() + etree.tostring(root, encoding="utf-8")


def _fill_thing(target: etree._Element, tree: Tree, data_type: DataType) -> None:
    values = nest(fields_of(tree.place))
    _fill_attributes(target, data_type.body, values)
    for element in data_type.body.elements.values():
        if _is_held(element):
            _fill_held(target, element, tree, element.name)
            continue
        _fill_element(target, element, values)
        for below in element.body.elements.values():
            if _is_held(below):
                _fill_held(target, below, tree, f"{element.name}/{below.name}")


def _is_held(element: Element) -> bool:
    return element.holds is not None


def _fill_attributes(target: etree._Element, body: Body, values: Nested) -> None:
    for name in body.attributes:
        if text := values.get_text(name):
            target.set(name, _clean(text))


def _fill_element(target: etree._Element, element: Element, values: Nested) -> None:
    for condition, part in values.iter_at(element):
        texts = part.value if isinstance(part.value, list) else [part.value]
        for text in texts:
            made = etree.SubElement(target, tag(f"{element.prefix}:{element.name}"))
            if element.of_type and element.of_type.extends:
                made.set(_XSI_TYPE, element.of_type.xsi_type)
            if condition is not None and element.is_keyed:
                made.set(KEY, _clean(condition.partition("=")[2]))
                made.text = _clean(part.get_text(element.text_name))
            elif text:
                made.text = _clean(text)
            _fill_body(made, element.body, part)


def _fill_body(target: etree._Element, body: Body, values: Nested) -> None:
    _fill_attributes(target, body, values)
    for element in body.elements.values():
        if not _is_held(element):
            _fill_element(target, element, values)


def _fill_held(target: etree._Element, element: Element, tree: Tree, path: str) -> None:
    if element.holds == RESOURCES:
        for resource in resources_at(tree, path):
            _fill_resource(
                etree.SubElement(_parent(target, element, path), tag(f"{element.prefix}:{element.name}")), resource
            )
        return
    for child in tree.inside:
        if child.place.kind == element.holds:
            data_type = get_data_type(child.place.node.xsi_type)
            made = etree.SubElement(_parent(target, element, path), tag(f"{element.prefix}:{element.name}"))
            made.set(_XSI_TYPE, data_type.xsi_type)
            _fill_thing(made, child, data_type)


def _parent(target: etree._Element, element: Element, path: str) -> etree._Element:
    """The element that holds those at a path, made where it is not there yet."""
    name, slash, _ = path.rpartition("/")
    if not slash:
        return target
    found = target.find(tag(f"{element.prefix}:{name}"))
    return found if found is not None else etree.SubElement(target, tag(f"{element.prefix}:{name}"))


def _fill_resource(element: etree._Element, resource: Resource) -> None:
    """C-207: in the schema the number of a resource is no attribute."""
    for name, value in resource_fields(resource).items():
        if name != "xnat_abstractresource_id":
            element.set(name, _clean(str(value)))
    element.set(_XSI_TYPE, RESOURCE_XSI_TYPE)


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)
