"""Handlers whose request brings a JSON object, or may bring an XML document along, or its parameters as a form."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import orjson
from multipart import MultipartError, MultipartParser, MultipartPart, parse_options_header

from filmroom.model.errors import BadValue, WrongBodyType
from filmroom.rest.call import Call, Intake
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

_LONGEST_JSON_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class DocumentHandler:
    """A handler that answers with the XML document in the body, or with an empty one where there is none (C-49).

    Fields of a form are among the parameters by then. A body that is neither raises WrongBodyType.
    """

    answer: Callable[[Archive, Call, bytes], Reply]

    def __call__(self, archive: Archive, call: Call) -> Reply | Intake:
        if not _has_body(call):
            return self.answer(archive, call, b"")
        is_document = call.query.text("req_format") == "xml" or call.query.flag("inbody")
        read = _WAYS.get(call.media_type, _read_plain)
        if is_document and read is not _read_multipart:
            read = _read_document
        return DocumentIntake(
            lambda body: self.answer(archive, call, read(call, body)), limit_bytes=LONGEST_ENTITY_BYTES
        )


def takes_document(answer: Callable[[Archive, Call, bytes], Reply]) -> DocumentHandler:
    return DocumentHandler(answer)


LONGEST_ENTITY_BYTES: Final = 8 * 1024 * 1024
"""The longest body that says what a thing is: a session with some thousands of scans."""


def _has_body(call: Call) -> bool:
    headers = call.request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0"


def _read_document(_call: Call, body: bytes) -> bytes:
    return body


def _read_plain(call: Call, body: bytes) -> bytes:
    """A body of no type that looks like a document is one."""
    if body.lstrip().startswith(b"<") and not call.media_type:
        return body
    if body.strip():
        raise WrongBodyType(call.media_type, "send an XML document as text/xml, or a form")
    return b""


def _read_form(call: Call, body: bytes) -> bytes:
    call.query.add_form(body)
    return b""


def _read_multipart(call: Call, body: bytes) -> bytes:
    """C-49: a file whose name ends with .xml is the document, unless it is said to be a form; all else are fields."""
    files = _read_parts(call, body)
    if call.query.text("req_format") == "form":
        return b""
    documents = [part.raw for part in files if part.filename and part.filename.lower().endswith(".xml")]
    if len(documents) > 1:
        raise BadValue("multipart body", "", "it must not hold more than one XML document")
    return documents[0] if documents else b""


@dataclass(frozen=True, slots=True)
class JsonHandler:
    """A handler that answers with what the body says as JSON.

    Its type must be said: a page of another site can make a browser send anything but that.
    """

    answer: Callable[[Archive, Call, Any], Reply]
    read: Callable[[object], object]

    def __call__(self, archive: Archive, call: Call) -> Intake:
        if call.media_type != "application/json":
            raise WrongBodyType(call.media_type, "send JSON, as application/json")
        return DocumentIntake(
            lambda body: self.answer(archive, call, self.read(_read_json(body))), limit_bytes=_LONGEST_JSON_BYTES
        )


def takes_json(answer: Callable[[Archive, Call, dict[str, Any]], Reply]) -> JsonHandler:
    """For a JSON object."""
    return JsonHandler(answer, _read_object)


def takes_names(answer: Callable[[Archive, Call, list[str]], Reply]) -> JsonHandler:
    """For a JSON array of texts."""
    return JsonHandler(answer, _read_names)


def _read_json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadValue("body", "", f"it is no JSON that can be read: {error}") from error


def _read_object(value: object) -> object:
    if not isinstance(value, dict):
        raise BadValue("body", "", "it must be a JSON object")
    return value


def _read_names(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadValue("body", "", "it must be a JSON array of texts")
    return value


@dataclass(frozen=True, slots=True)
class FormHandler:
    """A handler whose parameters may come as a form too, of either kind (F-273)."""

    answer: Callable[[Archive, Call], Reply]

    def __call__(self, archive: Archive, call: Call) -> Reply | Intake:
        read = _FORMS.get(call.media_type)
        if read is None:
            return self.answer(archive, call)

        def finish(body: bytes) -> Reply:
            read(call, body)
            return self.answer(archive, call)

        return DocumentIntake(finish)


def takes_form(answer: Callable[[Archive, Call], Reply]) -> FormHandler:
    return FormHandler(answer)


def _read_parts(call: Call, body: bytes) -> list[MultipartPart]:
    """RFC 7578: the fields become parameters, the files are given back. Raises BadValue for what cannot be read."""
    _, options = parse_options_header(call.request.headers["content-type"])
    try:
        parts = list(MultipartParser(BytesIO(body), options.get("boundary", ""), memory_limit=len(body) + 1))
        fields = [(part.name, part.value) for part in parts if not part.filename]
    except (MultipartError, UnicodeDecodeError, LookupError) as error:
        raise BadValue("multipart body", "", f"it cannot be read: {error}") from error
    if any("\0" in text for field in fields for text in field):
        raise BadValue("multipart body", "", "it must not hold a NUL character")
    call.query.add(fields)
    return [part for part in parts if part.filename]


_FORMS: Final[dict[str, Callable[[Call, bytes], object]]] = {
    "application/x-www-form-urlencoded": lambda call, body: call.query.add_form(body),
    "multipart/form-data": _read_parts,
}
_WAYS: Final[dict[str, Callable[[Call, bytes], bytes]]] = {
    "text/xml": _read_document,
    "application/xml": _read_document,
    "application/x-www-form-urlencoded": _read_form,
    "multipart/form-data": _read_multipart,
}
