"""One file on its way out: validators, conditions and ranges (RFC 9110 sections 13 and 14), F-121 to F-125."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from filmroom.model.errors import MissingBytes
from filmroom.rest import compat
from filmroom.rest.call import Call, Request
from filmroom.rest.proxies import is_proxy
from filmroom.rest.reply import Chunks, Reply, chunks_of, page
from filmroom.service.files import OpenFile

# A file up to this size is read in the thread that opened it, and sent in one piece.
READ_AT_ONCE_BYTES: Final = 1024 * 1024
STORED_POLICY: Final = ("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'self'")
"""What somebody stored is no page of ours: if a browser shows it after all, it may run and load nothing."""
_CONDITIONS: Final = frozenset(
    {"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
)
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


def file_reply(call: Call, found: OpenFile) -> Reply:
    """200, 206, 304, 412 or 416 for a file; it takes over ``found.blob``."""
    request = call.request
    etag = f'"{found.entry.digest.md5}"'
    modified_at = found.entry.modified_at.replace(microsecond=0)
    headers = [
        ("ETag", etag),
        ("Last-Modified", format_datetime(modified_at.astimezone(UTC), usegmt=True)),
        ("Cache-Control", "must-revalidate"),
        ("Accept-Ranges", "bytes"),
        STORED_POLICY,
    ]
    if not _is_as_required(request, etag, modified_at):
        found.blob.close()
        return page(
            412, "the file is not, or no longer, what the request's conditions ask for", headers, request_id=request.id
        )
    if _is_unchanged(request, etag, modified_at):
        found.blob.close()
        return Reply(status=304, headers=headers)
    headers.append(("Content-Disposition", compat.content_disposition(found.entry.name)))
    if _is_for_proxy(call):
        found.blob.close()
        headers.append(("X-Accel-Redirect", f"{call.site.accel_location}/{found.path_below}"))
        return Reply(media_type=compat.download_type(found.entry.name), headers=headers)
    return _body_reply(request, found, headers, is_range_valid=_is_range_valid(request, etag, modified_at))


def _is_for_proxy(call: Call) -> bool:
    """Whether the proxy sends the bytes. What asks for a part, or on conditions, is answered here: we know the tags."""
    request, site = call.request, call.site
    return (
        bool(site.accel_location)
        and request.method == "GET"
        and _CONDITIONS.isdisjoint(request.headers)
        and is_proxy(request.peer, site.trusted_proxies)
    )


def _body_reply(request: Request, found: OpenFile, headers: list[tuple[str, str]], *, is_range_valid: bool) -> Reply:
    total = found.entry.digest.size_bytes
    media_type = compat.download_type(found.entry.name)
    wanted = _read_range(request.headers.get("range", ""), total) if is_range_valid else None
    if wanted is None:
        return Reply(body=_whole_body(found), media_type=media_type, headers=headers)
    start, stop = wanted
    if start >= stop:
        found.blob.close()
        return page(
            416,
            f"the range lies outside this file of {total} bytes",
            [("Content-Range", f"bytes */{total}")],
            request_id=request.id,
        )
    headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{total}"))
    return Reply(status=206, body=_part_body(found, start, stop), media_type=media_type, headers=headers)


def _whole_body(found: OpenFile) -> bytes | Chunks:
    """What is damaged is told, or, if its beginning was sent by then, broken off: nobody takes it for what it was."""
    pieces = found.iter_whole(READ_AT_ONCE_BYTES)
    if found.entry.digest.size_bytes > READ_AT_ONCE_BYTES:
        return Chunks(pieces, found.entry.digest.size_bytes, found.blob.close)
    with found.blob:
        return b"".join(pieces)


def _part_body(found: OpenFile, start: int, stop: int) -> bytes | Chunks:
    """The digest is of the whole, so a part is given as it is."""
    found.blob.seek(start)
    if stop - start > READ_AT_ONCE_BYTES:
        return chunks_of(found.blob, stop - start)
    with found.blob:
        data = found.blob.read(stop - start)
    if len(data) != stop - start:
        raise MissingBytes(found.entry.key)
    return data


def _read_range(text: str, total: int) -> tuple[int, int] | None:
    """Where one range begins and where it stops; the whole file (None) for none, several or another unit.

    A range that cannot be satisfied is empty.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        return max(0, total - int(last)), total
    if last and int(last) < int(first):
        return None
    return int(first), min(total, int(last) + 1) if last else total


def _is_as_required(request: Request, etag: str, modified_at: datetime) -> bool:
    """If-Match, else If-Unmodified-Since."""
    if tags := request.headers.get("if-match"):
        return tags.strip() == "*" or etag in _tags(tags)
    limit = _date(request.headers.get("if-unmodified-since"))
    return limit is None or modified_at <= limit


def _is_unchanged(request: Request, etag: str, modified_at: datetime) -> bool:
    """If-None-Match, compared weakly, else If-Modified-Since."""
    if tags := request.headers.get("if-none-match"):
        return tags.strip() == "*" or etag in {tag.removeprefix("W/") for tag in _tags(tags)}
    since = _date(request.headers.get("if-modified-since"))
    return since is not None and modified_at <= since


def _is_range_valid(request: Request, etag: str, modified_at: datetime) -> bool:
    """Only of a GET; If-Range is a tag compared strongly, or exactly the date."""
    if request.method != "GET":
        return False
    validator = request.headers.get("if-range", "").strip()
    return not validator or validator == etag or _date(validator) == modified_at


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",")]


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError, TypeError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
