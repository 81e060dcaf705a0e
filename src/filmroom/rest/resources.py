"""Resources over HTTP (files-api sections 4 and 5)."""

from dataclasses import replace
from functools import partial
from typing import Final

from filmroom.model.resources import Description
from filmroom.model.table import Table, counted
from filmroom.rest import catalog
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_document
from filmroom.rest.formats import requested_type, spooled_reply, table_reply
from filmroom.rest.items import RESOURCE_XSI_TYPE
from filmroom.rest.params import read_description
from filmroom.rest.reply import Reply
from filmroom.rest.uris import category_columns, requested_uri
from filmroom.service.archive import Archive
from filmroom.service.resources import Found

# F-62, and F-63 for JSON.
_COLUMNS: Final = (
    "xnat_abstractresource_id",
    "label",
    "element_name",
    "category",
    "cat_id",
    "cat_desc",
    "file_count",
    "file_size",
    "tags",
    "content",
    "format",
)
_JSON_KEYS: Final = (
    "file_count",
    "xnat_abstractresource_id",
    "cat_desc",
    "cat_id",
    "format",
    "label",
    "category",
    "element_name",
    "file_size",
    "content",
    "tags",
)


def list_resources(archive: Archive, call: Call) -> Reply:
    with_inside = call.query.flag("all")
    resources = archive.resources.list_all(call.viewer, call.address, with_inside=with_inside)
    rows = [_row(found, is_inside=with_inside) for found in resources]
    properties = {"title": "Resources"}
    return table_reply(call, counted(Table(columns=_COLUMNS, rows=rows, json_keys=_JSON_KEYS, properties=properties)))


def _row(found: Found, *, is_inside: bool) -> tuple[str | int | None, ...]:
    """F-65."""
    resource = found.resource
    return (
        resource.rid,
        resource.label,
        RESOURCE_XSI_TYPE,
        *category_columns(found.place, is_inside=is_inside),
        resource.file_count,
        resource.size_bytes,
        ",".join(resource.said.tags),
        resource.said.content,
        resource.said.format,
    )


def get_resource(archive: Archive, call: Call) -> Reply:
    """F-75: the catalog, always XML, whatever ``format`` says."""
    requested_type(call, ("text/xml",))
    with archive.resources.open_catalog(call.viewer, call.address) as found:
        return spooled_reply(partial(catalog.write_catalog, found), "text/xml; charset=UTF-8")


@takes_document
def put_resource(archive: Archive, call: Call, document: bytes) -> Reply:
    """F-85 to F-88: an empty resource; 200 and nothing. A body, if there is one, describes it."""
    archive.resources.create(call.viewer, call.address, _read_said(call, document))
    return Reply()


@takes_document
def post_resource(archive: Archive, call: Call, document: bytes) -> Reply:
    """F-94: an empty resource that is named by a parameter or the body, if at all; 200 and where it is."""
    label = call.query.text(f"{RESOURCE_XSI_TYPE}/label") or catalog.read_label(document)
    address = replace(call.address, resource=label)
    made = archive.resources.create(call.viewer, address, _read_said(call, document))
    uri = f"{requested_uri(made.place, call.address)}/resources/{made.resource.rid}"
    return Reply(body=uri.encode(), headers=[("Location", f"{call.site.root_path}{uri}")])


def _read_said(call: Call, document: bytes) -> Description:
    said = read_description(call.query, split_tags=True)
    return _first_said(said, catalog.read_description(document)) if document.strip() else said


def _first_said(parameters: Description, document: Description) -> Description:
    """C-48: parameters win over the document."""
    return Description(
        format=parameters.format or document.format,
        content=parameters.content or document.content,
        description=parameters.description or document.description,
        tags=(*document.tags, *parameters.tags),
    )


def delete_resource(archive: Archive, call: Call) -> Reply:
    """F-91: 200 also for a label that is not there."""
    call.query.flag("removeFiles")  # F-92: files always go
    archive.resources.delete(call.viewer, call.address)
    return Reply()
