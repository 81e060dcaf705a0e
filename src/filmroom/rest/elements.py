"""What can be searched for: data types, and the fields of each (C-170)."""

from typing import Final

from filmroom.model.datatypes import PROJECT, SUBJECT, DataType, find_data_type, get_data_type
from filmroom.model.errors import NotFound
from filmroom.model.structure import Field
from filmroom.model.table import Table
from filmroom.rest.call import Call
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

_ELEMENT_COLUMNS: Final = ("ELEMENT_NAME", "SINGULAR", "PLURAL", "SECURED", "COUNT")
_FIELD_COLUMNS: Final = ("FIELD_ID", "HEADER", "SUMMARY", "TYPE", "REQUIRES_VALUE", "DESC", "ELEMENT_NAME", "SRC")
# Clients ask again for each that is listed here, and need none.
_ALWAYS: Final = (PROJECT, SUBJECT)


def list_elements(_archive: Archive, call: Call) -> Reply:
    rows = [_element_row(get_data_type(name)) for name in _ALWAYS]
    return table_reply(call, Table(columns=_ELEMENT_COLUMNS, rows=rows))


def _element_row(data_type: DataType) -> tuple[str, ...]:
    name = (data_type.element_name or data_type.xsi_type).partition(":")[2]
    return (data_type.xsi_type, name, f"{name}s", "true", "")


def list_fields(_archive: Archive, call: Call) -> Reply:
    if (data_type := find_data_type(call.found["element"])) is None:
        raise NotFound(f"the data type {call.found['element']!r}")
    known = [one for one in data_type.all_fields if one.holds is None and not one.is_part]
    return table_reply(call, Table(columns=_FIELD_COLUMNS, rows=[_field_row(data_type, one) for one in known]))


def _field_row(data_type: DataType, known: Field) -> tuple[str, ...]:
    """In capitals: some clients make the FIELD_ID an attribute, and small letters would hide their own."""
    name = known.path.replace("/", "_").upper()
    return (name, known.path, known.path, known.value.kind, "false", "", data_type.xsi_type, known.path)
