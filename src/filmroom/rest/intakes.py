"""The kinds of bodies that handlers take. Each is fed in threads; none holds more than a piece of a file in memory."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from filmroom.model.errors import BadValue, BodyTooLarge, DigestMismatch
from filmroom.model.resources import Digest
from filmroom.rest.call import Call, Intake
from filmroom.rest.digests import read_declared_digests
from filmroom.rest.reply import Reply
from filmroom.service.staging import Arrival, DigestCheck, Receiver
from filmroom.service.summing import Summing

LONGEST_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
_MOST_PART_HEADERS: Final = 32
_LONGEST_FIELD_BYTES: Final = 1024


class DocumentIntake:
    """A body of moderate size, whole in memory. Raises BodyTooLarge beyond 16 MiB, or the limit that is given."""

    def __init__(self, finish: Callable[[bytes], Reply], *, limit_bytes: int = LONGEST_DOCUMENT_BYTES) -> None:
        self._finish = finish
        self._limit_bytes = limit_bytes
        self._body = bytearray()

    def feed(self, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self._body += chunk
        if len(self._body) > self._limit_bytes:
            raise BodyTooLarge(self._limit_bytes)

    def finish(self) -> Reply:
        return self._finish(bytes(self._body))

    def abort(self) -> None:
        self._body.clear()


class SummingIntake:
    """A body that is only summed up, because its file will not be kept."""

    def __init__(self, finish: Callable[[Digest], Reply]) -> None:
        self._finish = finish
        self._sum = Summing()

    def feed(self, chunks: Sequence[bytes]) -> None:
        self._sum.write(chunks)

    def finish(self) -> Reply:
        return self._finish(self._sum.finish())

    def abort(self) -> None:
        """Nothing was kept."""


class DroppingIntake:
    """A body that is read to its end, because many clients read no answer before that, and not kept."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def feed(self, chunks: Sequence[bytes]) -> None:
        """Nothing of it is wanted."""

    def finish(self) -> Reply:
        return self._reply

    def abort(self) -> None:
        """Nothing was kept."""


class CheckedIntake:
    """A body that must have the digests that were declared for it: nothing comes of any other."""

    def __init__(self, intake: Intake, declared: Mapping[str, bytes]) -> None:
        self._intake = intake
        self._check = DigestCheck(declared)

    def feed(self, chunks: Sequence[bytes]) -> None:
        self._check.write(chunks)
        self._intake.feed(chunks)

    def finish(self) -> Reply:
        try:
            self._check.finish()
        except DigestMismatch:
            self.abort()
            raise
        return self._intake.finish()

    def abort(self) -> None:
        self._intake.abort()


class FileIntake:
    """A body that is one file, or one archive."""

    def __init__(self, receiver: Receiver, finish: Callable[[Sequence[Arrival]], Reply]) -> None:
        self._receiver = receiver
        self._finish = finish

    def feed(self, chunks: Sequence[bytes]) -> None:
        self._receiver.write(chunks)

    def finish(self) -> Reply:
        try:
            arrivals = self._receiver.finish()
        except BaseException:
            self._receiver.abort()
            raise
        return self._finish(arrivals)

    def abort(self) -> None:
        self._receiver.abort()


class MultipartIntake:
    """A multipart body: every part with a filename is a file, any other one a field (F-135).

    A file must have the digests that the head of its part declares.
    ``receive`` begins to take the file of a given name; ``tell`` is told each field when it has ended, at most 1 KiB
    of it. ``finish`` gets all files at once, ``forget`` those that were whole when the upload failed.
    """

    def __init__(
        self,
        call: Call,
        *,
        receive: Callable[[str], Receiver],
        tell: Callable[[str, str], None],
        finish: Callable[[Sequence[Arrival]], Reply],
        forget: Callable[[Sequence[Arrival]], None],
    ) -> None:
        self._parser = _parser(call)
        self._query = call.query
        self._receive = receive
        self._tell = tell
        self._finish = finish
        self._forget = forget
        self._arrivals: list[Arrival] = []
        self._receiver: Receiver | None = None
        self._check = DigestCheck({})
        self._field_name = ""
        self._field = bytearray()

    def feed(self, chunks: Sequence[bytes]) -> None:
        try:
            for chunk in chunks:
                for event in self._parser.parse(chunk):
                    self._take(event)
        except MultipartError as error:
            raise _broken(error) from error

    def finish(self) -> Reply:
        try:
            self._parser.close()
        except MultipartError as error:
            self.abort()
            raise _broken(error) from error
        if not self._arrivals:
            raise BadValue("body", "", "no file found in it: a part is a file when it has a filename")
        return self._finish(self._arrivals)

    def abort(self) -> None:
        if self._receiver is not None:
            self._receiver.abort()
        self._forget(self._arrivals)

    def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._receiver is None:
            self._take_field(event)
        elif event is None:
            self._check.finish()
            self._arrivals += self._receiver.finish()
            self._receiver = None
        else:
            piece = bytes(event)
            self._check.write([piece])
            self._receiver.write([piece])

    def _begin(self, part: MultipartSegment) -> None:
        if part.name == "reference":
            raise BadValue("field", "reference", "say it in the query of the URL")
        if filename := part.filename or _encoded_filename(part):
            headers = {name.lower(): value for name, value in part.headerlist}
            self._check = DigestCheck(read_declared_digests(headers, self._query))
            self._receiver = self._receive(filename)
        else:
            self._field_name = part.name
            self._field.clear()

    def _take_field(self, piece: bytes | bytearray | None) -> None:
        if piece is None:
            self._tell(self._field_name, self._field.decode(errors="replace"))
        elif len(self._field) < _LONGEST_FIELD_BYTES:
            self._field += piece[:_LONGEST_FIELD_BYTES]


def _encoded_filename(part: MultipartSegment) -> str | None:
    """``filename*=UTF-8''...``, which no form should send (RFC 7578 section 4.2) and some clients do."""
    match = _ENCODED_FILENAME.search(part.header("Content-Disposition") or "")
    try:
        return unquote(match[2], encoding=match[1], errors="strict") if match else None
    except (LookupError, UnicodeDecodeError) as error:
        raise BadValue("filename*", str(match and match[2]), "its encoding cannot be read") from error


_ENCODED_FILENAME: Final = re.compile(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.IGNORECASE)


def _parser(call: Call) -> PushMultipartParser:
    _, options = parse_options_header(call.request.headers.get("content-type", ""))
    try:
        return PushMultipartParser(options.get("boundary", ""), max_header_count=_MOST_PART_HEADERS)
    except MultipartError as error:
        raise _broken(error) from error


def _broken(error: MultipartError) -> BadValue:
    return BadValue("multipart body", "", f"it cannot be read: {error}")
