"""One file, in the way a request asks for it (F-112, F-124, F-126).

As it is, as a JPEG image, as a list of what is in it; or a member of it.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from io import SEEK_END
from typing import Final

from filmroom.model.errors import NotFound
from filmroom.model.table import Table
from filmroom.rest import compat
from filmroom.rest.call import Call
from filmroom.rest.download import READ_AT_ONCE_BYTES, STORED_POLICY, file_reply
from filmroom.rest.formats import is_taken, table_reply
from filmroom.rest.reply import Chunks, Reply, chunks_of
from filmroom.service.archive import Archive
from filmroom.service.files import OpenFile

_JPEG: Final = "image/jpeg"
# The end of a zip's name inside a longer path, and what separates a member's name from it.
_INTO_ZIP: Final = re.compile(rf"\.(?:{'|'.join(compat.ZIP_EXTENSIONS)})(!/?|/)", re.IGNORECASE)


def named_reply(archive: Archive, call: Call, media_type: str) -> Reply:
    """The file at the path; if there is none, and the path leads into a zip that is there, its member.

    ``media_type`` is what the request would like best. Raises NotFound, UnreadableZip and as ``shown_reply`` does.
    """
    try:
        found = archive.files.open_file(call.viewer, call.address, spellings=call.spellings)
    except NotFound:
        if insides := _read_insides(call.spellings):
            return _member_reply(archive, call, insides)
        raise
    return shown_reply(archive, call, found, media_type)


def shown_reply(archive: Archive, call: Call, found: OpenFile, media_type: str) -> Reply:
    """The file that was found, as it is or in another way that was asked for; it takes over ``found.blob``.

    Raises UnreadableZip, BadValue for what cannot be shown as an image, NotInstalled, Busy.
    """
    if compat.is_zip_name(found.entry.name) and call.query.flag("listContents"):
        return _contents_reply(archive, call, found)
    if media_type == _JPEG and not _is_as_wanted(archive, call, found):
        return _jpeg_reply(archive, found)
    return file_reply(call, found)


def _is_as_wanted(archive: Archive, call: Call, found: OpenFile) -> bool:
    """Whether a file goes out as it is, though JPEG is what the client would like best.

    So do those that are images already, and what is no DICOM where the client takes that too: ``image/*,*/*;q=0.8`` is
    how browsers ask for whatever may be an image.
    """
    own_type = compat.download_type(found.entry.name.lower())
    if own_type.startswith("image/"):
        return True
    return is_taken(call, own_type) and not archive.images.is_dicom(found)


def _jpeg_reply(archive: Archive, found: OpenFile) -> Reply:
    """F-124. It may be shown in place: it was made here, and an image runs nothing."""
    with closing(found.blob):
        jpeg = archive.images.render(found)
    length = jpeg.seek(0, SEEK_END)
    jpeg.seek(0)
    return Reply(body=chunks_of(jpeg, length), media_type=_JPEG, headers=[("Vary", "Accept")])


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
    # Upstream shows members in place. A page among them would then be a page of this site, so all are attachments.
    headers = [("Content-Disposition", compat.content_disposition(member.name.rsplit("/", 1)[-1])), STORED_POLICY]
    if member.size_bytes > READ_AT_ONCE_BYTES:
        body = Chunks(member.pieces, member.size_bytes, member.close)
        return Reply(body=body, media_type=media_type, headers=headers)
    with closing(member):
        return Reply(body=b"".join(member.pieces), media_type=media_type, headers=headers)
