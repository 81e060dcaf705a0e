"""One file, in the way a request asks for it: as it is, as what is in it, or a member of it (F-112, F-126)."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

from filmroom.model.errors import NotFound
from filmroom.model.table import Table
from filmroom.rest import compat
from filmroom.rest.call import Call
from filmroom.rest.download import READ_AT_ONCE_BYTES, file_reply
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Chunks, Reply
from filmroom.service.archive import Archive
from filmroom.service.files import OpenFile

# The end of a zip's name inside a longer path, and what separates a member's name from it.
_INTO_ZIP: Final = re.compile(rf"\.(?:{'|'.join(compat.ZIP_EXTENSIONS)})(!/?|/)", re.IGNORECASE)


def named_reply(archive: Archive, call: Call) -> Reply:
    """The file at the path; if there is none, and the path leads into a zip that is there, its member.

    Raises NotFound, UnreadableZip.
    """
    try:
        found = archive.files.open_file(call.viewer, call.address, spellings=call.spellings)
    except NotFound:
        if insides := _read_insides(call.spellings):
            return _member_reply(archive, call, insides)
        raise
    return shown_reply(archive, call, found)


def shown_reply(archive: Archive, call: Call, found: OpenFile) -> Reply:
    """The file that was found, or what is in it; it takes over ``found.blob``."""
    if compat.is_zip_name(found.entry.name) and call.query.flag("listContents"):
        return _contents_reply(archive, call, found)
    return file_reply(call, found)


def _contents_reply(archive: Archive, call: Call, found: OpenFile) -> Reply:
    """F-112."""
    with archive.zips.open_contents(found) as members:
        table = Table(
            columns=("File Name", "Size"),
            rows=members,
            json_keys=("Size", "File Name"),
            properties={"title": "Files"},
        )
        return table_reply(call, table)


def _read_insides(spellings: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Each zip that a path may lead into, and the names that the member may be meant to have there."""
    insides: dict[str, list[str]] = {}
    for path in spellings:
        for match in _INTO_ZIP.finditer(path):
            if name := path[match.end() :]:
                insides.setdefault(path[: match.start(1)], []).append(name)
    return insides


def _member_reply(archive: Archive, call: Call, insides: Mapping[str, Sequence[str]]) -> Reply:
    """F-126. A small member is read whole first, so that a broken one is told of."""
    found = archive.files.open_file(call.viewer, call.address, spellings=tuple(insides))
    member = archive.zips.open_member(found, insides[found.entry.path])
    media_type = compat.download_type(member.name.lower())
    if member.size_bytes > READ_AT_ONCE_BYTES:
        return Reply(body=Chunks(member.pieces, member.size_bytes, member.close), media_type=media_type)
    with closing(member):
        return Reply(body=b"".join(member.pieces), media_type=media_type)
