"""Projects over HTTP (core-api section 3.3)."""

from filmroom.model.datatypes import PROJECT, get_data_type
from filmroom.model.errors import BadValue, IllegalId
from filmroom.model.nodes import Accessibility, FieldValue
from filmroom.model.resources import IfExists
from filmroom.rest import items, itemxml
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_document
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive


@takes_document
def put_project(archive: Archive, call: Call, document: bytes) -> Reply:
    """C-69: create or change; 200 and nothing in both cases."""
    fields = _read_fields(call, document)
    project_id = call.address.project or ""
    body_id = str(fields.pop("ID", "")) or project_id
    if body_id.casefold() != project_id.casefold():
        raise IllegalId("project ID", body_id)  # C-71
    archive.projects.put(call.viewer, project_id, fields, accessibility=_read_accessibility(call))
    return Reply()


def _read_fields(call: Call, document: bytes) -> dict[str, FieldValue]:
    """C-48: the document first, then the parameters, which win."""
    data_type = get_data_type(PROJECT)
    from_xml = itemxml.read_xml(document, data_type) if document.strip() else {}
    return {**from_xml, **items.read_parameters(call.query, data_type)}


def _read_accessibility(call: Call) -> Accessibility | None:
    word = call.query.text("accessibility")
    return None if word is None else _to_accessibility(word)


def _to_accessibility(word: str) -> Accessibility:
    try:
        return Accessibility(word)
    except ValueError as error:
        raise BadValue("accessibility", word, f"use one of {', '.join(Accessibility)}") from error


@takes_document
def post_project(archive: Archive, call: Call, document: bytes) -> Reply:
    """C-73: a project whose ID is among the parameters or in the document; 200 and the new URL."""
    fields = _read_fields(call, document)
    project_id = str(fields.pop("ID", ""))
    accessibility = _read_accessibility(call)
    archive.projects.put(call.viewer, project_id, fields, accessibility=accessibility, if_exists=IfExists.REFUSE)
    url = f"{call.site_url}/data/projects/{project_id}"
    return Reply(body=url.encode(), headers=[("Location", url)])


def delete_project(archive: Archive, call: Call) -> Reply:
    call.query.flag("removeFiles")  # what is deleted is deleted whole, asked for or not
    archive.projects.delete(call.viewer, call.address)
    return Reply()


def get_accessibility(archive: Archive, call: Call) -> Reply:
    """C-150."""
    place = archive.entities.get(call.viewer, call.address).place
    return Reply(body=str(place.node.accessibility).encode())


def put_accessibility(archive: Archive, call: Call) -> Reply:
    """C-151."""
    accessibility = _to_accessibility(call.found["level"])
    archive.projects.set_accessibility(call.viewer, call.address, accessibility)
    return Reply(body=accessibility.encode())
