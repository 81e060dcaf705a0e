"""The table of data types as XML Schema documents, in the shape that clients can read (C-167, C-168)."""

from typing import Final

from lxml import etree

from filmroom.model.structure import KEY, Body, DataType, Element, Leaf
from filmroom.model.typetable import DataTypes
from filmroom.model.values import DEFAULT_LENGTH, Value

_XS: Final = "http://www.w3.org/2001/XMLSchema"


def to_xsd(types: DataTypes, schema: str) -> bytes | None:
    """The document of one schema, None where there is none of that name.

    ASCII, with the prefix ``xs`` and all other prefixes declared at its root.
    """
    prefix = next((prefix for prefix, known in types.namespaces.items() if known.schema == schema), None)
    if prefix is None:
        return None
    declared = {"xs": _XS, **{name: known.uri for name, known in types.namespaces.items()}}
    root = etree.Element(_tag("schema"), nsmap=declared)
    for name, value in (("targetNamespace", declared[prefix]), ("elementFormDefault", "qualified")):
        root.set(name, value)
    own = [data_type for data_type in types.types if data_type.xsi_type.startswith(f"{prefix}:")]
    _import_others(root, types, prefix, own)
    for data_type in own:
        if data_type.element_name:
            _add(root, "element", name=_local(data_type.element_name), type=data_type.xsi_type)
    for data_type in own:
        _add_type(root, data_type)
    etree.indent(root)
    return etree.tostring(root, encoding="US-ASCII", xml_declaration=False)


def _import_others(root: etree._Element, types: DataTypes, prefix: str, own: list[DataType]) -> None:
    """What the types extend and are made of may be told of in other documents."""
    named = {name.partition(":")[0] for data_type in own for name in _names_used(data_type)}
    up = "../" * (types.namespaces[prefix].schema.count("/") or 1)
    for other in sorted(named - {prefix}):
        known = types.namespaces[other]
        _add(root, "import", namespace=known.uri, schemaLocation=f"{up}{schema_file(known.schema)}")


def schema_file(schema: str) -> str:
    """Where a schema is below ``/schemas``: ``xnat`` is ``xnat/xnat.xsd`` (C-166)."""
    return f"{schema}.xsd" if "/" in schema else f"{schema}/{schema}.xsd"


def _names_used(data_type: DataType) -> set[str]:
    extended = {data_type.extends.xsi_type} if data_type.extends else set()
    return extended | _types_inside(data_type.own)


def _types_inside(body: Body) -> set[str]:
    named = {element.of_type.xsi_type for element in body.elements.values() if element.of_type}
    return named.union(*(_types_inside(element.own) for element in body.elements.values()))


def _add_type(root: etree._Element, data_type: DataType) -> None:
    made = _add(root, "complexType", name=_local(data_type.xsi_type))
    _describe(made, data_type.display or (KEY if data_type.own.text else None), is_abstract=data_type.is_abstract)
    if data_type.extends:
        extension = _add(_add(made, "complexContent"), "extension", base=data_type.extends.xsi_type)
        _fill(extension, data_type.own)
    else:
        _fill_body(made, data_type.own)


def _describe(target: etree._Element, display: str | None, *, is_abstract: bool = False) -> None:
    """C-168."""
    if display is None and not is_abstract:
        return
    note = etree.SubElement(_add(_add(target, "annotation"), "appinfo"), f"{{{target.nsmap['xdat']}}}element")
    if display is not None:
        note.set("displayIdentifiers", display)
    if is_abstract:
        note.set("abstract", "true")


def _fill_body(target: etree._Element, body: Body) -> None:
    if body.text:
        extension = _add(_add(target, "simpleContent"), "extension", base=f"xs:{body.text.value.kind}")
        _fill(extension, body)
    else:
        _fill(target, body)


def _fill(target: etree._Element, body: Body) -> None:
    if body.elements:
        sequence = _add(target, "sequence")
        for element in body.elements.values():
            _add_element(sequence, element)
    for name, leaf in body.attributes.items():
        _hold(_add(target, "attribute", name=name), leaf)


def _add_element(sequence: etree._Element, element: Element) -> None:
    made = _add(sequence, "element", name=element.name, minOccurs="0")
    if element.repeats:
        made.set("maxOccurs", "unbounded")
    if element.of_type:
        made.set("type", element.of_type.xsi_type)
    elif element.own.text and not element.own.attributes:
        _hold(made, element.own.text)
    else:
        inline = _add(made, "complexType")
        _describe(inline, KEY if element.repeats and KEY in element.own.attributes else None)
        _fill_body(inline, element.own)


def _hold(target: etree._Element, leaf: Leaf) -> None:
    """A plain type; or a restricted one, written where it is used."""
    base = f"xs:{leaf.value.kind}"
    if not _is_restricted(leaf.value):
        target.set("type", base)
        return
    restriction = _add(_add(target, "simpleType"), "restriction", base=base)
    for word in leaf.value.words:
        _add(restriction, "enumeration", value=word)
    if leaf.value.max_length != DEFAULT_LENGTH:
        _add(restriction, "maxLength", value=str(leaf.value.max_length))


def _is_restricted(value: Value) -> bool:
    return bool(value.words) or value.max_length != DEFAULT_LENGTH


def _add(target: etree._Element, word: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(target, _tag(word), attributes)


def _tag(name: str) -> str:
    return f"{{{_XS}}}{name}"


def _local(name: str) -> str:
    return name.partition(":")[2]
