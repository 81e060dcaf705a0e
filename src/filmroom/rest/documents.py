"""Handlers whose request may bring an XML document along."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Final

from filmroom.model.errors import WrongBodyType
from filmroom.rest.call import Call, Handler, Intake
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

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
