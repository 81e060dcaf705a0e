"""Projects over HTTP (core-api section 3.3)."""

from filmroom.model.changes import Change
from filmroom.model.datatypes import PROJECT, get_data_type
from filmroom.model.errors import BadDocument, BadValue, IllegalId
from filmroom.model.nodes import Accessibility, Kind
from filmroom.model.projects import setting_of
from filmroom.model.resources import IfExists
from filmroom.rest import saying
from filmroom.rest.call import Call, Handler
from filmroom.rest.documents import takes_document
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive


@takes_document
def put_project(archive: Archive, call: Call, document: bytes) -> Reply:
    """C-69: create or change; 200 and nothing in both cases."""
    change = _read_change(call, document)
    project_id = call.address.project or ""
    body_id = change.text("ID") or project_id
    if body_id.casefold() != project_id.casefold():
        raise IllegalId("project ID", body_id)  # C-71
    archive.projects.put(call.viewer, project_id, change, accessibility=_read_accessibility(call))
    return Reply()


def _read_change(call: Call, document: bytes) -> Change:
    """C-48: the document first, then the parameters, which win."""
    root = saying.read_document(document)
    data_type = saying.named_type(call, root) or get_data_type(PROJECT)
    if data_type.kind is not Kind.PROJECT:
        raise BadDocument("Only xnat:Project documents can be PUT to this address.")
    said = saying.read_said(call, root, data_type)
    is_whole = root is not None and saying.is_whole(call)
    return Change(data_type=data_type, fields=said.fields, document=said.document, is_whole=is_whole)


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
    change = _read_change(call, document)
    project_id = change.text("ID")
    accessibility = _read_accessibility(call)
    archive.projects.put(call.viewer, project_id, change, accessibility=accessibility, if_exists=IfExists.REFUSE)
    url = f"{call.site_url}/data/projects/{project_id}"
    return Reply(body=url.encode(), headers=[("Location", url)])


def delete_project(archive: Archive, call: Call) -> Reply:
    call.query.flag("removeFiles")  # what is deleted is deleted whole, asked for or not
    archive.projects.delete(call.viewer, call.address)
    return Reply()


def get_setting(name: str) -> Handler:
    """C-75: plain text, which clients read as a number where it is one."""

    def get_this_setting(archive: Archive, call: Call) -> Reply:
        project = archive.entities.get_place(call.viewer, call.address).node
        return Reply(body=setting_of(project, name).encode())

    return get_this_setting


def put_setting(name: str) -> Handler:
    """C-75."""

    def get_this_setting(archive: Archive, call: Call) -> Reply:
        archive.projects.put_setting(call.viewer, call.address, name, call.found["value"])
        return Reply()

    return get_this_setting


def get_accessibility(archive: Archive, call: Call) -> Reply:
    """C-150."""
    place = archive.entities.get_place(call.viewer, call.address)
    return Reply(body=str(place.node.accessibility).encode())


def put_accessibility(archive: Archive, call: Call) -> Reply:
    """C-151: without a level nothing changes."""
    level = call.found.get("level")
    wanted = None if level is None else _to_accessibility(level)
    return Reply(body=archive.projects.set_accessibility(call.viewer, call.address, wanted).encode())
