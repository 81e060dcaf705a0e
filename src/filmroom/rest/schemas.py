"""The schemas of XML documents and the names of data types, for clients that read them at their start (C-166)."""

from filmroom.model.datatypes import data_types
from filmroom.model.errors import NotFound
from filmroom.rest.call import Call
from filmroom.rest.reply import Reply, json_reply
from filmroom.rest.xsd import schema_file, to_xsd
from filmroom.service.archive import Archive


def list_schemas(_archive: Archive, _call: Call) -> Reply:
    return json_reply([namespace.schema for namespace in data_types().namespaces.values()])


def list_data_types(_archive: Archive, _call: Call) -> Reply:
    return json_reply([data_type.xsi_type for data_type in data_types().types])


def get_schema(_archive: Archive, call: Call) -> Reply:
    """By its name: ``xnat``, or ``pipeline/workflow``."""
    return _schema_reply("/".join(call.found.values()))


def get_schema_file(_archive: Archive, call: Call) -> Reply:
    """By its file, as documents refer to it."""
    path = "/".join(call.found.values())
    names = (namespace.schema for namespace in data_types().namespaces.values())
    return _schema_reply(next((name for name in names if schema_file(name) == path), path))


def _schema_reply(name: str) -> Reply:
    if (document := to_xsd(data_types(), name)) is None:
        raise NotFound(f"the schema {name!r}")
    return Reply(body=document, media_type="application/xml")
