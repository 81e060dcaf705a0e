"""XML in and out: how a document that a client sent is read, and what every document of ours declares."""

from typing import Final

from lxml import etree

from filmroom.model.datatypes import data_types
from filmroom.model.errors import BadDocument

NAMESPACES: Final = {
    "arc": "http://nrg.wustl.edu/arc",
    "cat": "http://nrg.wustl.edu/catalog",
    "pipe": "http://nrg.wustl.edu/pipe",
    "prov": "http://www.nbirn.net/prov",
    "scr": "http://nrg.wustl.edu/scr",
    "val": "http://nrg.wustl.edu/val",
    "wrk": "http://nrg.wustl.edu/workflow",
    "xdat": "http://nrg.wustl.edu/security",
    "xnat": "http://nrg.wustl.edu/xnat",
    "xnat_a": "http://nrg.wustl.edu/xnat_assessments",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
"""F-201, in its order."""

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
DECLARED_NAMESPACES: Final = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


def parse_document(text: bytes, *, root: str) -> etree._Element:
    """The root element of a client's document. Raises BadDocument also for another root than ``prefix:name``."""
    element = parse_xml(text)
    if str(element.tag).lower() != tag(root).lower():
        raise BadDocument(f"only {root} documents can be sent to this address")
    return element


def parse_xml(text: bytes) -> etree._Element:
    """The root element of a client's document, without its comments. Nothing outside the document is ever read.

    Raises BadDocument (C-23, C-56) for XML that is malformed, has a DOCTYPE, is too deep, or has so many elements and
    attributes that they would take much more memory than their text.
    """
    if text.count(b"<") + text.count(b"=") > _MOST_MARKS:
        raise BadDocument(f"the document has more than {_MOST_MARKS} tags and attributes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        element = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise BadDocument(f"the body is not well-formed XML: {error.msg}") from error
    if element.getroottree().docinfo.internalDTD is not None:
        raise BadDocument("DOCTYPE is disallowed in XML that is sent here")
    return element


_MOST_MARKS: Final = 500_000


def prefixed_name(element: etree._Element | etree.QName) -> str:
    """``prefix:name`` of an element, with our own prefix for its namespace; no prefix for an unknown one."""
    name = element if isinstance(element, etree.QName) else etree.QName(element)
    return f"{_prefixes().get(name.namespace or '', '')}:{name.localname}"


def _prefixes() -> dict[str, str]:
    return {uri: prefix for prefix, uri in namespaces().items()}


def tag(name: str) -> str:
    """Lxml's spelling of ``prefix:name``."""
    prefix, local = name.split(":")
    uri = NAMESPACES.get(prefix) or data_types().namespaces[prefix].uri
    return f"{{{uri}}}{local}"


def namespaces() -> dict[str, str]:
    """By prefix: those of XNAT, and a site's own."""
    return {**{prefix: known.uri for prefix, known in data_types().namespaces.items()}, **NAMESPACES}
