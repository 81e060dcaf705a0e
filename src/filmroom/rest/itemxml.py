"""One thing as XML: a walk over the structure of its data type."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from filmroom.model.datatypes import RESOURCES, DataType, data_types, get_data_type
from filmroom.model.nesting import Nested, nest
from filmroom.model.resources import Resource
from filmroom.model.structure import KEY, SHARES, Body, Element
from filmroom.model.values import NOT_IN_XML
from filmroom.rest.items import RESOURCE_XSI_TYPE, fields_of, resource_fields, resources_at, share_fields
from filmroom.rest.xmldoc import DECLARATION, namespaces, tag
from filmroom.rest.xsd import schema_file
from filmroom.service.entities import Tree

_XSI_TYPE: Final = tag("xsi:type")
_SCHEMA_LOCATION: Final = tag("xsi:schemaLocation")


def to_xml(tree: Tree, *, site_url: str = "", conceal: bool = False) -> bytes:
    """C-141: the thing as a document, its children in the order of XNAT's schema.

    ``site_url`` is where its schemas are. ``conceal`` leaves out the comments that XNAT has in each thing and field.
    """
    data_type = get_data_type(tree.place.node.xsi_type)
    root = etree.Element(tag(data_type.element_name or data_type.xsi_type), nsmap=namespaces())
    root.set(_SCHEMA_LOCATION, " ".join(_schema_locations(site_url)))
    _Writer(hides=conceal).fill_thing(root, tree, data_type)
    etree.indent(root, space="\t")
    return DECLARATION.encode() + etree.tostring(root, encoding="utf-8")


def _schema_locations(site_url: str) -> Iterator[str]:
    for known in data_types().namespaces.values():
        yield f"{known.uri} {site_url}/schemas/{schema_file(known.schema)}"


class _Writer:
    def __init__(self, *, hides: bool) -> None:
        self._hides = hides

    def fill_thing(self, target: etree._Element, tree: Tree, data_type: DataType) -> None:
        values = nest(fields_of(tree.place))
        self._add_comment(target, f'xnat_{data_type.xsi_type.partition(":")[2]}_id="{tree.place.node.pk}"')
        _fill_attributes(target, data_type.body, values)
        for element in data_type.body.elements.values():
            if element.holds is not None:
                self._fill_held(target, element, tree, element.name)
                continue
            self._fill_element(target, element, values)
            for below in element.body.elements.values():
                if below.holds is not None:
                    self._fill_held(target, below, tree, f"{element.name}/{below.name}")

    def _add_comment(self, target: etree._Element, keys: str) -> etree._Element | None:
        if self._hides:
            return None
        comment = etree.Comment(f"hidden_fields[{keys}]")
        target.append(comment)
        return comment

    def _fill_element(self, target: etree._Element, element: Element, values: Nested) -> None:
        for condition, part in values.iter_at(element):
            texts = part.value if isinstance(part.value, list) else [part.value]
            for text in texts:
                made = etree.SubElement(target, tag(f"{element.prefix}:{element.name}"))
                if element.of_type and element.of_type.extends:
                    made.set(_XSI_TYPE, element.of_type.xsi_type)
                if condition is not None and element.is_keyed:
                    self._fill_keyed(made, element, condition.partition("=")[2], part)
                elif text:
                    made.text = _clean(text)
                self._fill_body(made, element.body, part)

    def _fill_keyed(self, made: etree._Element, element: Element, key: str, part: Nested) -> None:
        """Clients take every second text in such an element for its value, so there is a line break before."""
        made.set(KEY, _clean(key))
        text = _clean(part.get_text(element.text_name))
        comment = self._add_comment(made, "")
        if comment is None:
            made.text = text
        else:
            made.text, comment.tail = "\n", text

    def _fill_body(self, target: etree._Element, body: Body, values: Nested) -> None:
        _fill_attributes(target, body, values)
        for element in body.elements.values():
            if element.holds is None:
                self._fill_element(target, element, values)

    def _fill_held(self, target: etree._Element, element: Element, tree: Tree, path: str) -> None:
        if element.holds == RESOURCES:
            for resource in resources_at(tree, path):
                _fill_resource(_add_below(target, element, path), resource)
        elif element.holds == SHARES:
            for share in tree.shares:
                made = _add_below(target, element, path)
                for name, text in share_fields(share).items():
                    made.set(name, _clean(text))
        else:
            for child in tree.inside:
                if child.place.kind == element.holds:
                    data_type = get_data_type(child.place.node.xsi_type)
                    made = _add_below(target, element, path)
                    made.set(_XSI_TYPE, data_type.xsi_type)
                    self.fill_thing(made, child, data_type)


def _fill_attributes(target: etree._Element, body: Body, values: Nested) -> None:
    for name in body.attributes:
        if text := values.get_text(name):
            target.set(name, _clean(text))


def _add_below(target: etree._Element, element: Element, path: str) -> etree._Element:
    return etree.SubElement(_parent(target, element, path), tag(f"{element.prefix}:{element.name}"))


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
