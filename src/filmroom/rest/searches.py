"""Saved searches over HTTP, and the search that lists all things of a type (C-180)."""

from typing import Final

from lxml import etree

from filmroom.model.datatypes import DataType, find_data_type
from filmroom.model.display import listing_fields
from filmroom.model.errors import BadDocument, NotFound
from filmroom.model.people import Viewer
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.formats import escape_xml, table_reply
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.reply import Reply
from filmroom.rest.xmldoc import DECLARATION, DECLARED_NAMESPACES, parse_xml, prefixed_name, tag
from filmroom.service.archive import Archive
from filmroom.service.searches import SavedSearch

# Attributes of the document's root that are columns of the list.
_SAID: Final = ("description", "secure", "tag", "allow-diff-columns", "layeredSequence")
_COLUMNS: Final = (
    "id",
    "root_element_name",
    "brief_description",
    *(name.replace("-", "_").lower() for name in _SAID),
    "users",
    "user",
)
_ROOTS: Final = ("xdat:bundle", "xdat:stored_search", "xdat:search")
_LONGEST_BYTES: Final = 1024 * 1024
_DEFAULT: Final = "@"


def list_searches(archive: Archive, call: Call) -> Reply:
    """One's own, then those of others that one may read."""
    rows = [_row(saved) for saved in archive.searches.list_readable(call.viewer)]
    return table_reply(call, counted(Table(columns=_COLUMNS, rows=rows, properties={"title": "Stored Searches"})))


def _row(saved: SavedSearch) -> tuple[str, ...]:
    root = etree.fromstring(saved.document.encode())
    of_type = root.findtext(tag("xdat:root_element_name"), "")
    said = [root.get(name, "") for name in _SAID]
    name = root.get("brief-description") or saved.id
    return (saved.id, of_type, name, *said, ",".join(_readers(root)), saved.login)


def _readers(root: etree._Element) -> list[str]:
    found = root.iterfind(f"{tag('xdat:allowed_user')}/{tag('xdat:login')}")
    return [one.text.strip() for one in found if one.text]


def get_search(archive: Archive, call: Call) -> Reply:
    """The document, in whatever format is asked for."""
    return Reply(body=find_document(archive, call.viewer, call.found["search"]), media_type="text/xml; charset=UTF-8")


def find_document(archive: Archive, viewer: Viewer, search_id: str) -> bytes:
    """A saved search, or (``@xnat:mrSessionData``) the one that lists all of a type. Raises NotFound, NotAllowed."""
    if not search_id.startswith(_DEFAULT):
        return archive.searches.get(viewer, search_id)
    if (data_type := find_data_type(search_id.removeprefix(_DEFAULT))) is None:
        raise NotFound(f"the data type {search_id.removeprefix(_DEFAULT)!r}")
    return _default_document(data_type).encode()


def _default_document(data_type: DataType) -> str:
    name = escape_xml(data_type.xsi_type)
    fields = "".join(
        f"<xdat:search_field><xdat:element_name>{name}</xdat:element_name>"
        f"<xdat:field_ID>{escape_xml(one.id)}</xdat:field_ID><xdat:sequence>{place}</xdat:sequence>"
        f"<xdat:type>{escape_xml(one.kind)}</xdat:type><xdat:header>{escape_xml(one.header)}</xdat:header>"
        "</xdat:search_field>\n"
        for place, one in enumerate(listing_fields(data_type))
    )
    return (
        f'{DECLARATION}<xdat:bundle ID="{_DEFAULT}{name}" brief-description="{name}" description="" '
        f'allow-diff-columns="0" secure="false"{DECLARED_NAMESPACES}>\n'
        f"<xdat:root_element_name>{name}</xdat:root_element_name>\n{fields}</xdat:bundle>\n"
    )


def put_search(archive: Archive, call: Call) -> DocumentIntake:
    """C-179, C-180: the body is the document, whatever type it says. 201 for a new one."""
    call.query.flag("inbody")
    return DocumentIntake(lambda body: _store(archive, call, body), limit_bytes=_LONGEST_BYTES)


def _store(archive: Archive, call: Call, body: bytes) -> Reply:
    root = parse_search(body)
    document = etree.tostring(root, encoding="unicode")
    is_new = archive.searches.put(call.viewer, call.found["search"], document, readers=_readers(root))
    return Reply(status=201 if is_new else 200)


def parse_search(body: bytes) -> etree._Element:
    """The root element of a search. Raises BadDocument."""
    root = parse_xml(body)
    if (name := prefixed_name(root)) not in _ROOTS:
        raise BadDocument(f"only a search can be sent here ({', '.join(_ROOTS)}), and this is {name}")
    return root


def delete_search(archive: Archive, call: Call) -> Reply:
    archive.searches.delete(call.viewer, call.found["search"])
    return Reply()
