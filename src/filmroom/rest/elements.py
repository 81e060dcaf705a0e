"""What can be searched for: data types, and the fields of each (C-170)."""

from collections.abc import Mapping
from typing import Final

from filmroom.model.datatypes import PROJECT, SUBJECT, DataType, data_types, find_data_type
from filmroom.model.display import DisplayField, display_fields, listing_fields
from filmroom.model.errors import NotFound
from filmroom.model.nodes import Kind
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive

_ELEMENT_COLUMNS: Final = ("ELEMENT_NAME", "SINGULAR", "PLURAL", "SECURED", "COUNT")
_FIELD_COLUMNS: Final = ("FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME", "SRC")
_VERSION_COLUMNS: Final = ("ELEMENT_NAME", "VERSION", "FIELD_ID", "SEQUENCE")
# Clients ask again for each that is listed here, and need none of the others.
_ALWAYS: Final = (PROJECT, SUBJECT)
_CREATEABLE: Final = "createable"
_USES: Final = frozenset({_CREATEABLE, "browseable", "searchable"})
_MADE: Final = frozenset({Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
_VERSION: Final = "listing"


def list_elements(archive: Archive, call: Call) -> Reply:
    """Projects, subjects, and every type of which the viewer can read anything.

    All of these are in use, secured and readable, which are what ``used``, ``secured`` and ``readable`` ask for.
    """
    for word in ("used", "secured", "readable"):
        call.query.flag(word)
    counts = archive.inventory.count_types(call.viewer)
    wanted = [one for one in data_types().types if one.xsi_type in _ALWAYS or one.xsi_type in counts]
    return table_reply(call, counted(Table(columns=_ELEMENT_COLUMNS, rows=[_row(one, counts) for one in wanted])))


def _row(data_type: DataType, counts: Mapping[str, int]) -> tuple[str, str, str, str, str]:
    name = (data_type.element_name or data_type.xsi_type).partition(":")[2]
    return (data_type.xsi_type, name, f"{name}s", "true", str(counts.get(data_type.xsi_type, 0)))


def list_displays(archive: Archive, call: Call) -> Reply:
    """C-160: the types of which there is something to look at, or (``createable``) of which things can be made."""
    use = call.found["use"]
    if use not in _USES:
        raise NotFound(f"a list of data types that are {use!r}")
    counts = archive.inventory.count_types(call.viewer)
    wanted = (one for one in data_types().types if (_is_made(one) if use == _CREATEABLE else one.xsi_type in counts))
    return json_reply([_display(*_row(one, counts)) for one in wanted])


def _display(name: str, singular: str, plural: str, _secured: str, count: str) -> dict[str, str | int]:
    return {"elementName": name, "singular": singular, "plural": plural, "count": int(count)}


def _is_made(data_type: DataType) -> bool:
    return data_type.kind in _MADE


def list_fields(_archive: Archive, call: Call) -> Reply:
    data_type = _get_type(call)
    rows = [_field_row(data_type, one) for one in display_fields(data_type)]
    return table_reply(call, counted(Table(columns=_FIELD_COLUMNS, rows=rows)))


def list_versions(_archive: Archive, call: Call) -> Reply:
    """The one set of columns that a type is listed with, which the default search document has too."""
    data_type = _get_type(call)
    rows = [(data_type.xsi_type, _VERSION, one.id, place) for place, one in enumerate(listing_fields(data_type))]
    return table_reply(call, counted(Table(columns=_VERSION_COLUMNS, rows=rows)))


def _get_type(call: Call) -> DataType:
    if (data_type := find_data_type(call.found["element"])) is None:
        raise NotFound(f"the data type {call.found['element']!r}")
    return data_type


def _field_row(data_type: DataType, known: DisplayField) -> tuple[str, ...]:
    source = f"{data_type.xsi_type}/{known.column}"
    return (known.id, known.header, known.header, known.kind, "false", "", data_type.xsi_type, source)
