"""Searches: an XML document that says what is looked for, and the table of what is found (C-178, C-179)."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from filmroom.model.address import Address
from filmroom.model.columns import Root, find_column, find_own_column
from filmroom.model.datatypes import DataType, find_data_type
from filmroom.model.display import find_display_field
from filmroom.model.errors import BadDocument, BadValue
from filmroom.model.lists import All, AnyOf, Column, Condition, Wanted
from filmroom.model.nodes import Kind
from filmroom.model.table import Row, Table, counted
from filmroom.rest.call import Call
from filmroom.rest.filters import all_of, compare
from filmroom.rest.formats import table_reply
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.lists import cells
from filmroom.rest.reply import Reply
from filmroom.rest.searches import find_document, parse_search
from filmroom.rest.xmldoc import tag
from filmroom.service.archive import Archive

_LONGEST_BYTES: Final = 1024 * 1024
_CUSTOM: Final = "_FIELD_MAP="
_EVERYWHERE: Final = Address(kind=Kind.SITE)
_EXPERIMENTS: Final = (Kind.EXPERIMENT, Kind.ASSESSOR)
# What clients make the addresses of things from, whatever else they ask for: name, and short name of the column.
_ALWAYS: Final = {
    Kind.PROJECT: {"id": "ID"},
    Kind.SUBJECT: {"project": "project", "subjectid": "ID"},
    Kind.EXPERIMENT: {"project": "project", "subject_id": "subject_ID", "session_id": "ID"},
    Kind.ASSESSOR: {"project": "project", "subject_id": "subject_ID", "session_id": "session_ID", "expt_id": "ID"},
}


def search(archive: Archive, call: Call) -> DocumentIntake:
    """C-178: the body is the document, whatever type it says (C-179)."""
    return DocumentIntake(lambda body: _found(archive, call, body), limit_bytes=_LONGEST_BYTES)


def get_results(archive: Archive, call: Call) -> Reply:
    """C-180: what a saved search finds now."""
    return _found(archive, call, find_document(archive, call.viewer, call.found["search"]))


def _found(archive: Archive, call: Call, document: bytes) -> Reply:
    asked = parse_search(document)
    root = _root(asked)
    shown = _shown(asked, root)
    wanted = Wanted(
        kinds=root.kinds,
        types=(root.data_type,),
        columns=tuple(shown.values()),
        condition=all_of(_read_set(where, root) for where in asked.iterfind(tag("xdat:search_where"))),
    )
    with archive.lists.open_rows(call.viewer, _EVERYWHERE, wanted) as batches:
        rows: Iterator[Row] = (row for batch in batches for row in zip(*cells(wanted.columns, batch), strict=True))
        table = Table(columns=tuple(shown), rows=rows, properties={"rootElementName": root.data_type.xsi_type})
        return table_reply(call, counted(table))


def _root(asked: etree._Element) -> Root:
    """Raises BadDocument, BadValue."""
    name = _text(asked, "root_element_name")
    if not name:
        raise BadDocument("a search must name the data type of what is looked for: xdat:root_element_name")
    data_type = find_data_type(name)
    if data_type is None:
        raise BadValue("root_element_name", name, "no such data type is known here")
    if data_type.family is not None:
        return Root((data_type.family,), data_type)
    if any(_EXPERIMENTS[0] is known.family for known in _extending(data_type)):
        return Root(_EXPERIMENTS, data_type)
    raise BadValue("root_element_name", name, "nothing that can be looked for is of this type")


def _extending(data_type: DataType) -> Iterator[DataType]:
    names = ("xnat:subjectAssessorData", "xnat:imageAssessorData")
    known = (find_data_type(name) for name in names)
    return (one for one in known if one and data_type in one.lineage)


def _shown(asked: etree._Element, root: Root) -> dict[str, Column]:
    """What is asked for, by the name that it has in the table; a field that is not known is left out."""
    shown: dict[str, Column] = {}
    for field in asked.iterfind(tag("xdat:search_field")):
        element, field_id = _text(field, "element_name"), _text(field, "field_ID")
        if column := _find(element, field_id, root):
            shown.setdefault(_name(element, field_id, root), column)
    for name, short in _ALWAYS.get(root.kind, {}).items():
        if name not in shown and (column := find_column(short, root)):
            shown[name] = column
    return shown


def _name(element: str, field_id: str, root: Root) -> str:
    """C-178: the field in small letters, after its type where that is not the one looked for."""
    prefix, slash, path = field_id.partition("/")
    name = (path if slash and ":" in prefix else field_id).replace("/", "_").lower()
    data_type = find_data_type(element)
    is_own = data_type is None or data_type in root.data_type.lineage
    return name if is_own else f"{element.replace(':', '_').lower()}_{name}"


def _find(element: str, field_id: str, root: Root) -> Column | None:
    """A field by its path, or by the name under which searches show it."""
    if "/" not in field_id:
        return _find(element, f"{element}/{field_id}", root)
    prefix, _, path = field_id.partition("/")
    if _CUSTOM in path:
        return find_column(f"{prefix}/fields/field[name={path.partition(_CUSTOM)[2]}]/field", root)
    if found := find_column(field_id, root):
        return found
    data_type = find_data_type(prefix)
    known = find_display_field(data_type, path) if data_type else None
    if data_type is None or known is None:
        return None
    ways = [known.column, data_type.find_field_path(known.column), f"meta/{known.column}", f"meta/{known.column}/login"]
    found_ways = (find_column(f"{prefix}/{way}", root) for way in ways if way)
    own = find_own_column(known.column, root) if data_type.family in root.kinds else None
    return next((found for found in found_ways if found), own)


def _read_set(where: etree._Element, root: Root) -> Condition:
    """Criteria and sets of them, all or any of which must hold. Raises BadValue."""
    inner: list[Condition] = []
    for child in where:
        if child.tag == tag("xdat:criteria"):
            inner.append(_read_criterion(child, root))
        elif child.tag == tag("xdat:child_set"):
            inner.append(_read_set(child, root))
    is_any = where.get("method", "AND").strip().upper() == "OR"
    return AnyOf(tuple(inner)) if is_any and inner else All(tuple(inner))


def _read_criterion(criterion: etree._Element, root: Root) -> Condition:
    """A field that its type does not have is one that nothing has: clients ask for what other sites know."""
    name = _text(criterion, "schema_field")
    column = _find(root.data_type.xsi_type, name, root)
    if column is None and "/" in name and find_data_type(name.partition("/")[0]):
        return AnyOf()
    if column is None:
        raise BadValue("schema_field", name, f"a search for {root.data_type.xsi_type} knows no such field")
    return compare(column, _text(criterion, "comparison_type"), _text(criterion, "value"))


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(tag(f"xdat:{name}")) or "").strip()
