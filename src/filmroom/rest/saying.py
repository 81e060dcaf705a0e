"""What a request says of a thing, in its parameters and in its document (C-48 to C-52)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from filmroom.model.changes import Change, Reading, read_parameters
from filmroom.model.datatypes import DataType, find_data_type
from filmroom.model.errors import BadValue
from filmroom.model.nodes import FieldValue, Kind, Status
from filmroom.rest.call import Call
from filmroom.rest.xmldoc import parse_xml
from filmroom.rest.xmlread import read_root, root_type

# C-61: the flags of a PUT, and what becomes of the thing.
_STATUSES: Final = {
    "_lock": Status.LOCKED,
    "_obsolete": Status.OBSOLETE,
    "quarantine": Status.QUARANTINE,
    "_unlock": Status.ACTIVE,
    "activate": Status.ACTIVE,
}


@dataclass(frozen=True, slots=True)
class Said:
    """The fields of parameters, those of a document, and the things inside it that the document tells of."""

    fields: Mapping[str, FieldValue]
    document: Mapping[str, FieldValue]
    inside: tuple[Change, ...]


def read_document(document: bytes) -> etree._Element | None:
    """The root of the document that came along, if one did. Raises BadDocument."""
    return parse_xml(document) if document.strip() else None


def named_type(call: Call, root: etree._Element | None) -> DataType | None:
    """What the request itself says. Raises BadValue for a type that is not known (C-50), BadDocument."""
    name = call.query.text("xsiType") or call.query.text("ELEMENT_0")
    if name is None:
        return None if root is None else root_type(root)
    if (found := find_data_type(name)) is None:
        raise BadValue("xsiType", name, "no such data type is known here")
    return found


def implied_type(call: Call) -> DataType | None:
    """C-50: the type before the slash of the first parameter that has one, where a thing can be of it."""
    prefixes = (name.split("/", 1)[0] for name, _ in call.query.items() if ":" in name and "/" in name)
    found = (find_data_type(prefix) for prefix in prefixes)
    return next((data_type for data_type in found if data_type and data_type.kind is call.address.kind), None)


def read_said(call: Call, root: etree._Element | None, data_type: DataType, *, without_label: bool = False) -> Said:
    """What is said of a thing of a type. ``without_label`` leaves the parameter ``label`` to mean something else.

    What names no field is named in the answer, and does no harm (C-51).
    Raises BadFields for all that is wrong at once (C-54), BadDocument.
    """
    of_document = Reading()
    inside = () if root is None else read_root(root, data_type, of_document)
    of_parameters = Reading(faults=of_document.faults)
    pairs = [pair for pair in call.query.items() if not (without_label and pair[0] == "label")]
    for name in read_parameters(pairs, data_type, of_parameters):
        call.query.texts(name)
    of_document.raise_faults()
    call.query.ignore(of_document.ignored)
    return Said(of_parameters.fields, of_document.fields, inside)


def is_whole(call: Call) -> bool:
    """C-9, C-53: whether what the document leaves out is to be gone; this flag needs the very word."""
    return (call.query.text("allowDataDeletion") or "").lower() == "true"


def read_status(call: Call) -> Status | None:
    """C-61. The strictest of several counts."""
    if call.address.kind not in {Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR}:
        return None
    asked = [status for name, status in _STATUSES.items() if call.query.flag(name)]
    return asked[0] if asked else None
