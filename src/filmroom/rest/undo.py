"""What was deleted or overwritten, over HTTP: ``.../deleted`` tells of it, ``.../undelete`` brings it back.

Both are ours: XNAT has nothing like them. ``docs/reference/undo.md`` is their page.
"""

from dataclasses import replace
from typing import Final

from filmroom.model.percent import encode_path
from filmroom.model.table import Table
from filmroom.model.undo import Deleted
from filmroom.rest.call import Call
from filmroom.rest.formats import table_reply, timestamp
from filmroom.rest.params import read_limit, read_whole
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

_COLUMNS: Final = ("what", "label", "version", "deleted", "until", "user", "files", "bytes", "undelete")


def list_deleted(archive: Archive, call: Call) -> Reply:
    """The latest first; ``limit`` and ``offset`` choose a part. The last column is what to POST to."""
    limit, offset = read_limit(call.query)
    rows = archive.undo.list_all(call.viewer, call.address, limit=limit, offset=offset)
    return table_reply(call, Table(columns=_COLUMNS, rows=[_row(row) for row in rows]))


def undelete(archive: Archive, call: Call) -> Reply:
    """``version`` says which version of a file, ``as`` under which name where the old one was taken."""
    said = call.query.text("version")
    version = None if said is None else read_whole(said, "version")
    archive.undo.undelete(call.viewer, call.address, version=version, new_name=call.query.text("as"))
    return Reply()


def _row(row: Deleted) -> tuple[str | int | None, ...]:
    version = row.number or None
    return (
        row.what,
        row.label,
        version,
        timestamp(row.deleted_at),
        timestamp(row.until),
        row.login,
        row.files,
        row.size_bytes,
        _uri(row),
    )


def _uri(row: Deleted) -> str:
    """Where it is brought back."""
    owner = replace(row.address, path=None)
    path = "" if row.address.path is None else f"/{encode_path(row.address.path)}"
    query = f"?version={row.number}" if row.number else ""
    return f"/data{owner}/undelete{path}{query}"
