"""Whether a request's body is an XML document."""

from typing import Final

from filmroom.model.errors import WrongBodyType
from filmroom.rest.call import Call

_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})


def wants_document(call: Call) -> bool:
    """C-49: whether the body is an XML document. Raises WrongBodyType for a multipart body."""
    if call.media_type.startswith("multipart/"):
        raise WrongBodyType(call.media_type, "send the XML document itself, as text/xml")
    return call.media_type in _XML_TYPES or call.query.text("req_format") == "xml" or call.query.flag("inbody")
