"""Subjects, experiments, assessors, scans and reconstructions over HTTP (core-api sections 3.4 to 3.8)."""

from typing import Final

from filmroom.model.datatypes import RECONSTRUCTION, SUBJECT, DataType, find_data_type, get_data_type, iter_known
from filmroom.model.errors import BadValue
from filmroom.model.nodes import Kind
from filmroom.rest import items, itemxml
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_document
from filmroom.rest.formats import requested_type
from filmroom.rest.reply import Reply
from filmroom.rest.xmldoc import root_name
from filmroom.service.archive import Archive
from filmroom.service.entities import Change, Changed

# C-50: the type of a new thing that does not say.
_DEFAULT_TYPES: Final = {Kind.SUBJECT: SUBJECT, Kind.RECONSTRUCTION: RECONSTRUCTION}
# C-144: those whose PUT answers with nothing.
_SILENT: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})


def get_entity(archive: Archive, call: Call) -> Reply:
    """C-136, C-141. XML unless JSON is asked for."""
    tree = archive.entities.get(call.viewer, call.address)
    if requested_type(call, ("text/xml", "application/json", "text/html")) == "application/json":
        return Reply(body=items.to_json(tree), media_type="application/json; charset=UTF-8")
    return Reply(body=itemxml.to_xml(tree), media_type="text/xml; charset=UTF-8")


@takes_document
def put_entity(archive: Archive, call: Call, document: bytes) -> Reply:
    """C-144: 201 and the ID of what is new, 200 and the ID of what is changed, 200 and nothing for a rename."""
    changed = archive.entities.put(call.viewer, call.address, _read_change(call, document))
    return _changed_reply(call, changed)


def _changed_reply(call: Call, changed: Changed) -> Reply:
    if call.address.kind in _SILENT or changed.is_renamed:
        return Reply()
    return Reply(status=201 if changed.is_new else 200, body=changed.id.encode())


def _read_change(call: Call, document: bytes) -> Change:
    """C-48 to C-52: the document first, then the parameters, which win."""
    kind = call.address.kind
    named = _named_type(call) or _type_of_document(document) or _implied_type(call)
    data_type = named or _default_type(kind)
    if data_type is not None and data_type.kind is not kind:
        raise BadValue("xsiType", data_type.xsi_type, f"it is no type that a {kind} can have")
    reading = data_type or _base_type(kind)
    from_xml = itemxml.read_xml(document, reading) if document.strip() else {}
    new_label = call.query.text("label") if kind in {Kind.SUBJECT, Kind.EXPERIMENT} else None
    fields = {**from_xml, **items.read_parameters(call.query, reading)}
    for path in ("project", "label"):
        fields.pop(path, None)
    return Change(data_type=data_type, fields=fields, new_label=new_label)


def _named_type(call: Call) -> DataType | None:
    """Raises BadValue for a type that is not known (C-50)."""
    name = call.query.text("xsiType") or call.query.text("ELEMENT_0")
    if name is None:
        return None
    if (data_type := find_data_type(name)) is None:
        raise BadValue("xsiType", name, "no such data type is known here")
    return data_type


def _type_of_document(document: bytes) -> DataType | None:
    """C-50: the root of a document says the type. Raises BadDocument."""
    return find_data_type(root_name(document)) if document.strip() else None


def _implied_type(call: Call) -> DataType | None:
    """C-50: the type before the slash of the first parameter that has one, where a thing can be of it."""
    prefixes = (name.split("/", 1)[0] for name, _ in call.query.items() if ":" in name and "/" in name)
    found = (find_data_type(prefix) for prefix in prefixes)
    return next((data_type for data_type in found if data_type and data_type.kind is call.address.kind), None)


def _default_type(kind: Kind) -> DataType | None:
    return get_data_type(_DEFAULT_TYPES[kind]) if kind in _DEFAULT_TYPES else None


def _base_type(kind: Kind) -> DataType:
    """What a thing of a kind has in any case; for changing one without saying its type."""
    return next(iter_known(kind))


def delete_entity(archive: Archive, call: Call) -> Reply:
    call.query.flag("removeFiles")
    archive.entities.delete(call.viewer, call.address)
    return Reply()
