"""Handlers whose request brings a JSON object, or may bring an XML document along, or its parameters as a form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from io import BytesIO
from typing import Any, Final

import orjson
from multipart import MultipartError, MultipartParser, parse_options_header

from filmroom.model.errors import BadValue, WrongBodyType
from filmroom.rest.call import Call, Handler, Intake
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

_LONGEST_JSON_BYTES: Final = 64 * 1024
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})


def takes_document(answer: Callable[[Archive, Call, bytes], Reply]) -> Handler:
    """The handler that answers with the body as its document, or with an empty one where there is none (C-49)."""

    @wraps(answer)
    def handle(archive: Archive, call: Call) -> Reply | Intake:
        if _is_document(call):
            return DocumentIntake(partial(answer, archive, call))
        return answer(archive, call, b"")

    return handle


def _is_document(call: Call) -> bool:
    """C-49: whether the body is an XML document. Raises WrongBodyType for a multipart body."""
    if call.media_type.startswith("multipart/"):
        raise WrongBodyType(call.media_type, "send the XML document itself, as text/xml")
    return call.media_type in _XML_TYPES or call.query.text("req_format") == "xml" or call.query.flag("inbody")


def takes_json(answer: Callable[[Archive, Call, dict[str, Any]], Reply]) -> Handler:
    """The handler that answers with the body as a JSON object.

    Its type must be said: a page of another site can make a browser send anything but that.
    """

    @wraps(answer)
    def handle(archive: Archive, call: Call) -> Intake:
        if call.media_type != "application/json":
            raise WrongBodyType(call.media_type, "send a JSON object, as application/json")
        return DocumentIntake(lambda body: answer(archive, call, _read_object(body)), limit_bytes=_LONGEST_JSON_BYTES)

    return handle


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadValue("body", "", f"it is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise BadValue("body", "", "it must be a JSON object")
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


def _read_parts(call: Call, body: bytes) -> None:
    """RFC 7578. Raises BadValue for a body that cannot be read."""
    _, options = parse_options_header(call.request.headers["content-type"])
    try:
        parts = list(MultipartParser(BytesIO(body), options.get("boundary", ""), memory_limit=len(body) + 1))
        fields = [(part.name, part.value) for part in parts if not part.filename]
    except (MultipartError, UnicodeDecodeError, LookupError) as error:
        raise BadValue("multipart body", "", f"it cannot be read: {error}") from error
    if any("\0" in text for field in fields for text in field):
        raise BadValue("multipart body", "", "it must not hold a NUL character")
    call.query.add(fields)


_FORMS: Final[dict[str, Callable[[Call, bytes], None]]] = {
    "application/x-www-form-urlencoded": lambda call, body: call.query.add_form(body),
    "multipart/form-data": _read_parts,
}
