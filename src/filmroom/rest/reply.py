"""An answer before it is sent, and the one table from errors to status codes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import orjson

from filmroom.model import conflicts, errors
from filmroom.rest import compat

PIECE_BYTES: Final = 1024 * 1024
"""What a body, in or out, is gathered to for one hop to a thread."""
# What is shorter is joined to what is beside it: to send it by itself takes longer than to copy it.
_LEAST_PART_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunks:
    """Bytes as they are made; ``length`` is None where it is not known before. ``close`` gives up what makes them."""

    pieces: Iterator[bytes]
    length: int | None
    close: Callable[[], None]

    def read(self) -> list[bytes]:
        """What is to be sent next, in parts that need not be joined: 1 MiB or a little more, unless the bytes end."""
        parts: list[bytes] = []
        short: list[bytes] = []
        size_bytes = 0
        while size_bytes < PIECE_BYTES and (piece := next(self.pieces, None)) is not None:
            size_bytes += len(piece)
            short.append(piece)
            if len(piece) >= _LEAST_PART_BYTES:
                parts += [b"".join(short[:-1]), piece]
                short = []
        return [part for part in (*parts, b"".join(short)) if part]


def chunks_of(file: BinaryIO, length: int) -> Chunks:
    """So many bytes of an open file from where it stands, if it has as many; whoever sends them closes it."""
    return Chunks(_iter_first(file, length), length, file.close)


def _iter_first(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while piece := file.read(min(left, PIECE_BYTES)):
        left -= len(piece)
        yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Status, headers and body. ``Content-Length`` and the headers that every answer has are added when it is sent."""

    status: int = 200
    body: bytes | Chunks = b""
    media_type: str = "text/plain; charset=UTF-8"
    headers: list[tuple[str, str]] = field(default_factory=list)

    def close(self) -> None:
        """Give up the body without sending it."""
        if isinstance(self.body, Chunks):
            self.body.close()


def json_reply(value: Any, *headers: tuple[str, str], status: int = 200) -> Reply:
    return Reply(status=status, body=orjson.dumps(value), media_type="application/json", headers=list(headers))


# The nearest ancestor of an error that is listed here gives the status.
STATUS: Final[dict[type[errors.ArchiveError], int]] = {
    errors.ArchiveError: 500,
    errors.BadValue: 400,
    errors.BadFields: 400,
    errors.IllegalId: 417,
    errors.NeedsType: 417,
    errors.BadDocument: 422,
    errors.BadArchive: 422,
    errors.WrongBodyType: 415,
    errors.UnreadableZip: 415,
    errors.UnknownCoding: 501,
    errors.BodyTooLarge: 413,
    errors.CutUpload: 400,
    errors.StalledUpload: 408,
    errors.DigestMismatch: 422,
    errors.ChecksumMismatch: 460,
    errors.UploadInUse: 423,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.NotAcceptable: 406,
    errors.NotInstalled: 406,
    errors.WrongMethod: 405,
    errors.Conflict: 409,
    conflicts.FolderExists: 412,
    conflicts.NotForGuests: 412,
    errors.RetiredProjectId: 403,
    errors.StorageFull: 507,
    errors.MissingBytes: 404,
    errors.DamagedBytes: 500,
    errors.Busy: 503,
    errors.TooManyUploads: 429,
    errors.LeaseLost: 503,
    errors.StorageFailed: 500,
    errors.BackupRefused: 500,
    errors.DatabaseTooNew: 500,
}


def error_reply(error: errors.ArchiveError, *, realm: str, request_id: str, is_plain: bool) -> Reply:
    """The page for an error (F-13), or its plain text, with the headers that its status asks for."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers: list[tuple[str, str]] = []
    if isinstance(error, errors.NotSignedIn):
        headers.append(("WWW-Authenticate", f'Basic realm="{realm}", charset="UTF-8"'))  # F-25, RFC 7617
    if isinstance(error, errors.WrongMethod):
        headers.append(("Allow", ", ".join(error.allowed)))  # F-8
    if isinstance(error, errors.Busy | errors.LeaseLost):
        headers.append(("Retry-After", "1"))
    if is_plain and isinstance(error, errors.NotSignedIn | errors.NotAllowed):
        return Reply(status=status, headers=headers)  # C-22: nothing is told to whom it is no business of
    return page(status, _told(error), headers, request_id=request_id, is_plain=is_plain)


def _told(error: errors.ArchiveError) -> str:
    """What the person who asked may know: how storage failed is for the operator's log."""
    if isinstance(error, errors.StorageFailed):
        return "the archive's storage failed, and it is not known whether the change was kept; its log has the details"
    return str(error)


NO_STORE: Final = ("Cache-Control", "no-store")
"""For answers that hold what signs somebody in."""


def page(
    status: int,
    message: str,
    headers: list[tuple[str, str]] | None = None,
    *,
    request_id: str,
    is_plain: bool = False,
) -> Reply:
    """Says what is wrong: a page for people, which tells the request's id too, or plain text."""
    if is_plain:
        return Reply(status=status, body=message.encode(errors="replace"), headers=headers or [])
    body = compat.error_page(message, request_id)
    return Reply(status=status, body=body, media_type=compat.ERROR_PAGE_TYPE, headers=headers or [])
