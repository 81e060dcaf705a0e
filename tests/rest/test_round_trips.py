"""What a thing of any type is told to be, as XML and as JSON, is what its schema says and what was said of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from filmroom.model.datatypes import DataType, shipped_types
from filmroom.model.nodes import Accessibility, FieldValue, Kind, Node, Place
from filmroom.model.resources import Side
from filmroom.model.structure import Body, Element
from filmroom.model.values import Value, ValueKind, to_stored
from filmroom.rest.items import fields_of, to_json
from filmroom.rest.itemxml import to_xml
from filmroom.rest.xmlread import read_xml
from filmroom.service.entities import Tree
from rest.schemas import read_schema

TYPES = [data_type for data_type in shipped_types().types if data_type.kind]
OF_ANY_TYPE = pytest.mark.parametrize("data_type", TYPES, ids=lambda data_type: data_type.xsi_type)
SCHEMA = read_schema()
SAMPLES = {
    ValueKind.STRING: ' plain <text> & "more" ü ',
    ValueKind.INTEGER: "-12",
    ValueKind.FLOAT: "0.25",
    ValueKind.BOOLEAN: "true",
    ValueKind.DATE: "2026-11-21",
    ValueKind.TIME: "14:30:00",
    ValueKind.DATETIME: "2026-11-21T14:30:00",
}
WRITABLE = st.characters(exclude_categories=["Cc", "Cs", "Cn"])
TEXTS = st.text(WRITABLE, min_size=1, max_size=5).filter(str.strip)
STRATEGIES: dict[ValueKind, st.SearchStrategy[str]] = {
    ValueKind.STRING: TEXTS,
    ValueKind.INTEGER: st.integers(-(10**17), 10**17).map(str),
    ValueKind.FLOAT: st.floats(allow_nan=False, allow_infinity=False).map(str),
    ValueKind.BOOLEAN: st.sampled_from(["true", "false"]),
    ValueKind.DATE: st.dates().map(str),
    ValueKind.TIME: st.times().map(str),
    ValueKind.DATETIME: st.datetimes().map(datetime.isoformat),
}


def _sample(value: Value) -> str:
    return value.words[0] if value.words else SAMPLES[value.kind][: value.max_length]


def _paths(body: Body, under: str = "") -> Iterator[tuple[str, Value, bool]]:
    """Every path at which a thing can have a value, two of each that repeats; and whether it holds a list."""
    for name, leaf in body.attributes.items():
        yield f"{under}{name}", leaf.value, False
    for element in body.elements.values():
        for step in _steps(element):
            if element.body.text:
                ending = f"/{element.text_name}" if element.is_keyed else ""
                yield f"{under}{step}{ending}", element.body.text.value, element.is_list
            inside = element.body
            if element.is_keyed:
                rest = {name: leaf for name, leaf in inside.attributes.items() if name != "name"}
                inside = Body(attributes=rest, elements=inside.elements)
            yield from _paths(inside, f"{under}{step}/")


def _steps(element: Element) -> list[str]:
    if element.holds is not None:
        return []
    if element.is_keyed:
        return [f"{element.name}[name=a b]", f"{element.name}[name=c]"]
    numbered = element.repeats and not element.is_list
    return [f"{element.name}[0]", f"{element.name}[1]"] if numbered else [element.name]


def _tree(data_type: DataType, fields: dict[str, FieldValue]) -> Tree:
    assert data_type.kind is not None
    when = datetime(2026, 11, 21, tzinfo=UTC)

    def node(kind: Kind, node_id: str, fields: dict[str, FieldValue] | None = None) -> Node:
        return Node(
            pk=7,
            kind=kind,
            parent_pk=1,
            project_pk=1,
            id=node_id,
            label="L1" if kind in {Kind.SUBJECT, Kind.EXPERIMENT} else None,
            xsi_type=data_type.xsi_type,
            accessibility=Accessibility.PRIVATE,
            fields=fields or {},
            created_at=when,
            created_by="alice",
            creator_pk=1,
        )

    place = Place(
        kind=data_type.kind,
        node=node(Kind.EXPERIMENT if data_type.kind is Kind.ASSESSOR else data_type.kind, "X1", fields),
        side=Side.NONE,
        project=node(Kind.PROJECT, "DEMO"),
        subject=node(Kind.SUBJECT, "S1"),
        session=node(Kind.EXPERIMENT, "E1") if data_type.kind in {Kind.SCAN, Kind.ASSESSOR} else None,
    )
    return Tree(place, {}, ())


def _full(data_type: DataType) -> Tree:
    return _tree(
        data_type,
        {path: [_sample(value)] * 2 if is_list else _sample(value) for path, value, is_list in _paths(data_type.body)},
    )


def _read_json(item: dict[str, Any], body: Body, under: str = "") -> Iterator[tuple[str, FieldValue]]:
    """The fields that an item tells of, each by the path under which it was said."""
    for path, value in item["data_fields"].items():
        yield f"{under}{path}", str(value)
    for child in item["children"]:
        element = _element(body, child["field"])
        path, items = f"{under}{child['field']}", child["items"]
        if element.is_list:
            yield path, [str(one["data_fields"][element.name]) for one in items]
            continue
        for number, one in enumerate(items):
            key = one["data_fields"].pop("name") if element.is_keyed else ""
            condition = f"[name={key}]" if key else f"[{number}]"
            step = f"{path}{condition if element.repeats else ''}"
            if element.body.text and not element.is_keyed:
                yield step, one["data_fields"].pop(element.text_name)
            yield from _read_json(one, element.body, f"{step}/")


def _element(body: Body, path: str) -> Element:
    first, _, rest = path.partition("/")
    return _element(body.elements[first].body, rest) if rest else body.elements[first]


def _told(tree: Tree) -> dict[str, FieldValue]:
    [item] = orjson.loads(to_json(tree))["items"]
    numbers = {"xnat_imagescandata_id", "xnat_reconstructedimagedata_id"}
    body = shipped_types().find(item["meta"]["xsi:type"])
    assert body is not None
    return {path: value for path, value in _read_json(item, body.body) if path not in numbers}


@OF_ANY_TYPE
def test_a_thing_with_every_field_is_as_its_schema_says(data_type: DataType) -> None:
    document = etree.fromstring(to_xml(_full(data_type)))

    SCHEMA.assertValid(document)


@OF_ANY_TYPE
def test_a_thing_with_every_field_is_read_back_from_xml(data_type: DataType) -> None:
    tree = _full(data_type)

    assert read_xml(to_xml(tree), data_type) == fields_of(tree.place)


@OF_ANY_TYPE
def test_a_thing_with_every_field_is_read_back_from_json(data_type: DataType) -> None:
    tree = _full(data_type)

    assert _told(tree) == fields_of(tree.place)


@OF_ANY_TYPE
def test_every_path_names_its_field(data_type: DataType) -> None:
    paths = [path for path, _, _ in _paths(data_type.body)]

    assert [data_type.find_field_path(f"{data_type.xsi_type}/{path}") for path in paths] == paths
    assert None not in [data_type.find_value(path) for path in paths]


@given(st.data())
def test_things_of_any_type_with_any_fields_survive_xml_and_json(data: st.DataObject) -> None:
    data_type = data.draw(st.sampled_from(TYPES))
    known = [found for found in _paths(data_type.body) if "[" not in found[0] and "/" not in found[0]]
    chosen = data.draw(st.lists(st.sampled_from(known), unique_by=lambda found: found[0], max_size=8))
    fields = {path: data.draw(_values(value)) for path, value, _ in chosen}
    tree = _tree(data_type, dict(fields))

    document = to_xml(tree)

    SCHEMA.assertValid(etree.fromstring(document))
    assert read_xml(document, data_type) == fields_of(tree.place)
    assert _told(tree) == fields_of(tree.place)


def _values(value: Value) -> st.SearchStrategy[str]:
    return st.sampled_from(value.words) if value.words else STRATEGIES[value.kind]


@given(st.data())
def test_what_is_stored_is_stored_again_as_it_is(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(ValueKind)))
    text = data.draw(STRATEGIES[kind])

    stored = to_stored(Value(kind=kind), text)

    assert to_stored(Value(kind=kind), stored) == stored
