"""Files over HTTP: listed, downloaded, deleted (files-api sections 6, 7 and 9)."""

from collections.abc import Iterator
from typing import Final

import orjson

from filmroom.model.errors import BadValue, NotFound
from filmroom.model.names import check_folder_path
from filmroom.model.resources import Selection
from filmroom.model.table import Cell, Table
from filmroom.rest.call import Call
from filmroom.rest.download import file_reply
from filmroom.rest.formats import ARCHIVE_TYPES, requested_type, table_reply
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.files import Listing

# F-104, and F-105 for JSON.
_COLUMNS: Final = (
    "Name",
    "Size",
    "URI",
    "collection",
    "file_tags",
    "file_format",
    "file_content",
    "cat_ID",
    "digest",
)
_JSON_KEYS: Final = (
    "file_content",
    "Size",
    "file_tags",
    "cat_ID",
    "digest",
    "collection",
    "URI",
    "file_format",
    "Name",
)
_OFFERED: Final = ("application/json", "text/html", "text/xml", "text/csv", "image/jpeg")


def get_files(archive: Archive, call: Call) -> Reply:
    """A file when the path names one, a table when it names a folder or nothing (F-95 to F-97)."""
    if requested_type(call, _OFFERED) in ARCHIVE_TYPES:
        raise BadValue("format", call.query.text("format") or "", "files cannot be downloaded as an archive yet")
    path = call.address.path
    if path is None:
        return _list(archive, call, Selection())
    if path.endswith("/"):
        return _list(archive, call, Selection(prefix=f"{check_folder_path(path)}/"))
    try:
        return file_reply(call, archive.files.open_file(call.viewer, call.address, spellings=call.spellings))
    except NotFound:
        if call.query.flag("accept-not-found"):
            return Reply(status=204)  # F-98
        raise


def _list(archive: Archive, call: Call, selection: Selection) -> Reply:
    with archive.files.open_listing(call.viewer, call.address, selection) as listing:
        rows = _rows(listing)
        if call.query.is_false("recursive") and selection.prefix:
            rows = (row for row in rows if _is_child(row, selection.prefix))
        table = Table(
            columns=_COLUMNS,
            rows=(row[1:] for row in rows),
            json_keys=_JSON_KEYS,
            properties={"title": "Files"},
            column_properties={"URI": {"serverRoot": call.site.root_path}},
        )
        return table_reply(call, table)


def _rows(listing: Listing) -> Iterator[tuple[Cell, ...]]:
    """The path of each file and then its columns (F-107).

    URIs are raw, as F-109 has them: what clients find here they compare and send back as it is.
    """
    for resource, files in listing.resources:
        base = f"/data/projects/{listing.node.id}/resources/{resource.rid}/files/"
        for path, size_bytes, md5, format_, content, tags in files:
            name = path.rsplit("/", 1)[-1]
            shown_tags = "" if tags == "[]" else ",".join(orjson.loads(tags))
            yield path, name, size_bytes, base + path, resource.label, shown_tags, format_, content, resource.rid, md5


def _is_child(row: tuple[Cell, ...], prefix: str) -> bool:
    """Whether a file stands directly in the folder (F-97)."""
    return "/" not in str(row[0])[len(prefix) :]


def delete_files(archive: Archive, call: Call) -> Reply:
    """F-161 to F-164."""
    call.query.flag("removeFiles")
    try:
        archive.files.delete(call.viewer, call.address, spellings=call.spellings)
    except NotFound:
        if call.query.flag("accept-not-found"):
            return Reply(status=204)
        raise
    return Reply()
