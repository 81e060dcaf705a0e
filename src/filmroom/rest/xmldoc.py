"""XML in and out: how a document that a client sent is read, and what every document of ours declares."""

import re
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

NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0 cannot carry."""

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
DECLARED_NAMESPACES: Final = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


def parse_document(text: bytes, *, root: str) -> etree._Element:
    """The root element of a client's document.

    Raises BadDocument (C-23, C-56) for XML that is malformed, has a DOCTYPE, or has another root than
    ``root`` (``prefix:name``). Nothing outside the document is ever read.
    """
    element = _parse(text)
    if str(element.tag).lower() != tag(root).lower():
        raise BadDocument(f"only {root} documents can be sent to this address")
    return element


def root_name(text: bytes) -> str:
    """``prefix:name`` of a document's root, with our own prefix for its namespace. Raises BadDocument."""
    name = etree.QName(_parse(text))
    prefix = next((prefix for prefix, uri in namespaces().items() if uri == name.namespace), "")
    return f"{prefix}:{name.localname}"


def _parse(text: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        element = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise BadDocument(f"the body is not well-formed XML: {error.msg}") from error
    if element.getroottree().docinfo.internalDTD is not None:
        raise BadDocument("DOCTYPE is disallowed in XML that is sent here")
    return element


def tag(name: str) -> str:
    """Lxml's spelling of ``prefix:name``."""
    prefix, local = name.split(":")
    return f"{{{namespaces()[prefix]}}}{local}"


def namespaces() -> dict[str, str]:
    """By prefix: those of XNAT, and a site's own."""
    return {**{prefix: known.uri for prefix, known in data_types().namespaces.items()}, **NAMESPACES}
