"""Resumable uploads over HTTP: the tus protocol 1.0 at ``.../resources/R/uploads``.

``Tus-Resumable`` is in every answer to a request that has it (``endpoint.py``).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import format_datetime
from functools import wraps
from typing import Final

from filmroom.model.errors import ArchiveError, BadValue, ChecksumMismatch, DigestMismatch, WrongBodyType
from filmroom.model.nodes import Kind
from filmroom.model.resources import IfExists
from filmroom.model.uploads import Upload
from filmroom.rest.call import Call, Handler, Intake
from filmroom.rest.digests import CHECKSUMS, read_declared_digests
from filmroom.rest.params import read_description
from filmroom.rest.reply import NO_STORE, Reply, page
from filmroom.rest.uploads import fates_reply
from filmroom.service.archive import Archive
from filmroom.service.resumable import LONGEST_UPLOAD_BYTES, Wanted
from filmroom.service.stretches import Stretch
from filmroom.service.uploads import Fate, UploadOptions

VERSION: Final = "1.0.0"
OFFERED: Final = (
    ("Tus-Resumable", VERSION),
    ("Tus-Version", VERSION),
    ("Tus-Extension", "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"),
    ("Tus-Checksum-Algorithm", ",".join(CHECKSUMS)),
)
"""What OPTIONS tells."""

STRETCH_TYPE: Final = "application/offset+octet-stream"
_KEY: Final = re.compile(r"[!-+\--~]+")


def speaks_tus(handler: Handler) -> Handler:
    """The handler for requests of the version that is spoken here; others are answered 412 and do nothing."""

    @wraps(handler)
    def handle(archive: Archive, call: Call) -> Reply | Intake:
        if call.request.headers.get("tus-resumable") == VERSION:
            return handler(archive, call)
        message = f"say Tus-Resumable: {VERSION}, the only version of the protocol for resumable uploads spoken here"
        return page(412, message, [("Tus-Version", VERSION)], request_id=call.request.id)

    return handle


@speaks_tus
def post_upload(archive: Archive, call: Call) -> Reply | Intake:
    """Creation, with the first stretch if the request has a body."""
    declared = read_declared_digests(call.request.headers, call.query)
    has_body = call.request.headers.get("content-length", "0") != "0" or "transfer-encoding" in call.request.headers
    if has_body:
        _check_type(call)
    metadata = call.request.headers.get("upload-metadata", "")
    upload = archive.resumable.begin(
        call.viewer,
        call.address,
        wanted=Wanted(
            path=_read_path(metadata),
            size_bytes=_read_new_length(call),
            is_unpacked=call.query.flag("extract"),
            metadata=metadata,
        ),
        options=_read_options(call),
    )
    location = ("Location", f"{call.request.raw_path.rstrip('/')}/{upload.id}")
    if not has_body and upload.size_bytes != 0:
        return Reply(status=201, headers=[location, *_state(upload)])

    def give_up() -> None:
        """Nobody was told of the upload, so nobody could go on with it."""
        with suppress(ArchiveError):
            archive.resumable.remove(call.viewer, call.address, upload.id)

    stretch = archive.resumable.go_on(call.viewer, call.address, upload.id, at=0, declared=declared)
    return _StretchIntake(call, stretch, status=201, headers=[location], give_up=give_up)


@speaks_tus
def get_upload(archive: Archive, call: Call) -> Reply:
    """HEAD: how far it has come."""
    upload = archive.resumable.get(call.viewer, call.address, call.found["upload"])
    headers = [NO_STORE, *_state(upload)]
    if upload.size_bytes is None:
        headers.append(("Upload-Defer-Length", "1"))
    else:
        headers.append(("Upload-Length", str(upload.size_bytes)))
    if upload.metadata:
        headers.append(("Upload-Metadata", upload.metadata))
    return Reply(headers=headers)


@speaks_tus
def patch_upload(archive: Archive, call: Call) -> Intake:
    """The next stretch."""
    _check_type(call)
    offset = _read_number(call.request.headers, "upload-offset")
    if offset is None:
        raise BadValue("Upload-Offset", "", "say at which byte this stretch begins")
    stretch = archive.resumable.go_on(
        call.viewer,
        call.address,
        call.found["upload"],
        at=offset,
        size_bytes=_read_number(call.request.headers, "upload-length"),
        declared=read_declared_digests(call.request.headers, call.query),
    )
    return _StretchIntake(call, stretch, status=204)


@speaks_tus
def delete_upload(archive: Archive, call: Call) -> Reply:
    """Termination."""
    archive.resumable.remove(call.viewer, call.address, call.found["upload"])
    return Reply(status=204)


class _StretchIntake:
    """A body that is a stretch. ``give_up`` is what must happen too when nothing comes of it."""

    def __init__(
        self,
        call: Call,
        stretch: Stretch,
        *,
        status: int,
        headers: Sequence[tuple[str, str]] = (),
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._has_checksum = "upload-checksum" in call.request.headers
        self._stretch = stretch
        self._status = status
        self._headers = headers
        self._give_up = give_up

    def feed(self, chunks: Sequence[bytes]) -> None:
        self._stretch.write(chunks)

    def finish(self) -> Reply:
        try:
            fates = self._finish()
        except ArchiveError:
            self._give_up()
            raise
        told = Reply() if fates is None else fates_reply([""] * len(fates), fates)
        headers = [*self._headers, *_state(self._stretch.upload), *told.headers]
        return Reply(status=self._status, headers=headers)

    def _finish(self) -> tuple[Fate, ...] | None:
        try:
            return self._stretch.finish()
        except DigestMismatch as error:
            if not self._has_checksum:
                raise
            raise ChecksumMismatch(error.algorithm, error.declared, error.arrived) from error

    def abort(self) -> None:
        self._stretch.abort()
        self._give_up()


def _check_type(call: Call) -> None:
    if call.media_type != STRETCH_TYPE:
        raise WrongBodyType(call.media_type, f"send a stretch of an upload as {STRETCH_TYPE}")


def _state(upload: Upload) -> list[tuple[str, str]]:
    headers = [("Upload-Offset", str(upload.offset_bytes))]
    if not upload.is_done:
        headers.append(("Upload-Expires", format_datetime(upload.expires_at, usegmt=True)))
    return headers


def _read_number(headers: Mapping[str, str], name: str) -> int | None:
    if (text := headers.get(name)) is None:
        return None
    digits = text.lstrip("0") or "0"[: len(text)]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    if not is_number or int(digits) > LONGEST_UPLOAD_BYTES:
        raise BadValue(name.title(), text, f"it must be a whole number of bytes, at most {LONGEST_UPLOAD_BYTES}")
    return int(digits)


def _read_new_length(call: Call) -> int | None:
    """None where it is to be told later."""
    deferred = call.request.headers.get("upload-defer-length")
    size_bytes = _read_number(call.request.headers, "upload-length")
    if deferred not in {None, "1"} or (deferred is None) == (size_bytes is None):
        raise BadValue("Upload-Length", "", "say how many bytes there will be, or else Upload-Defer-Length: 1")
    return size_bytes


def _read_options(call: Call) -> UploadOptions:
    """As of every upload, from the query; F-267: in a cache what is there is always replaced."""
    is_replacing = call.address.kind is Kind.USER or call.query.flag("overwrite")
    if_exists = IfExists.REPLACE if is_replacing else IfExists.REFUSE
    return UploadOptions(if_exists=if_exists, said=read_description(call.query, split_tags=False), is_strict=True)


def _read_path(metadata: str) -> str:
    """``path`` is the file's in its resource; ``filename`` counts without folders, as in a form (F-138)."""
    said = _read_metadata(metadata)
    if path := said.get("path"):
        return path
    if filename := said.get("filename"):
        return filename.replace("\\", "/").rsplit("/", 1)[-1]
    raise BadValue("Upload-Metadata", metadata, "say what the file is to be called: filename or path, and its base64")


def _read_metadata(text: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, _, value = pair.strip().partition(" ")
        try:
            if not _KEY.fullmatch(key) or key in said:
                raise BadValue("Upload-Metadata", text, _METADATA_RULE)
            decoded = b64decode(value.strip(), validate=True)
            said[key] = decoded.decode() if key in _PATH_KEYS else ""
        except (binascii.Error, ValueError) as error:
            raise BadValue("Upload-Metadata", text, _METADATA_RULE) from error
    return said


_PATH_KEYS: Final = frozenset({"path", "filename"})
_MOST_DIGITS: Final = 20
_METADATA_RULE: Final = "it must be keys, each once and with a space and base64 behind it, with commas between them"
