"""The catalog document of a resource (files-api section 11)."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from filmroom.model.errors import BadDocument
from filmroom.model.nodes import Kind
from filmroom.model.resources import Description, FileEntry
from filmroom.rest.formats import escape_xml, timestamp
from filmroom.rest.xmldoc import DECLARATION, DECLARED_NAMESPACES, parse_document, tag
from filmroom.service.resources import Catalog

_ROOT: Final = "xnat:resourceCatalog"
DAMAGED: Final = "DAMAGED"
"""Ours: the metafield of a file whose bytes are not what was stored, and since when that is known."""


def write_catalog(catalog: Catalog, out: BinaryIO) -> None:
    """F-201 to F-206: attributes in code-unit order, root children at column 0, no line break at the end."""
    name = _catalog_id(catalog)
    root = _attributes({"ID": name, "description": catalog.resource.said.description})
    out.write(f"{DECLARATION}<cat:Catalog{root}{DECLARED_NAMESPACES}>\n".encode())
    out.write(_meta_fields([("PROJECT", catalog.place.project.id)], depth=0).encode())
    out.write(_tags(catalog.resource.said.tags, depth=0).encode())
    entries = (_entry(entry) for entry in catalog.entries)
    if first := next(entries, None):
        out.write(f"<cat:entries>\n{first}".encode())
        out.writelines(entry.encode() for entry in entries)
        out.write(b"</cat:entries>\n")
    out.write(b"</cat:Catalog>")


def _catalog_id(catalog: Catalog) -> str:
    """F-206: the label; of a scan or reconstruction its own ID."""
    if catalog.place.kind in {Kind.SCAN, Kind.RECONSTRUCTION}:
        return catalog.place.node.id
    return catalog.resource.label or str(catalog.resource.rid)


def _entry(entry: FileEntry) -> str:
    said = entry.said
    attributes = {
        "ID": entry.path,
        "URI": entry.path,
        "cachePath": entry.path,
        "content": said.content,
        "createdBy": entry.created_by,
        "createdTime": as_in_catalogs(timestamp(entry.created_at)),
        "description": said.description,
        "digest": entry.digest.md5,
        "format": said.format,
        "modifiedBy": entry.modified_by if entry.is_changed else "",
        "modifiedTime": as_in_catalogs(timestamp(entry.modified_at)) if entry.is_changed else "",
        "name": entry.name,
    }
    fields = [("SIZE", str(entry.digest.size_bytes))]
    if entry.damaged_at is not None:
        fields.append((DAMAGED, as_in_catalogs(timestamp(entry.damaged_at))))
    inside = _meta_fields(fields, depth=2) + _tags(said.tags, depth=2)
    return f"\t<cat:entry{_attributes(attributes)}>\n{inside}\t</cat:entry>\n"


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{escape_xml(value)}"' for name, value in values.items() if value)


def as_in_catalogs(shown: str) -> str:
    """F-203: a moment as lists show it, but ``yyyy-MM-dd'T'HH:mm:ss.SSS``; ours are UTC."""
    return shown.replace(" ", "T")


def _meta_fields(fields: Sequence[tuple[str, str]], *, depth: int) -> str:
    lines = (f'<cat:metaField name="{name}">{escape_xml(value)}</cat:metaField>' for name, value in fields)
    return _wrapped("cat:metaFields", lines, depth=depth)


def _tags(tags: Sequence[str], *, depth: int) -> str:
    return _wrapped("cat:tags", (f"<cat:tag>{escape_xml(tag)}</cat:tag>" for tag in tags), depth=depth)


def _wrapped(name: str, lines: Iterator[str], *, depth: int) -> str:
    indent = "\t" * depth
    inside = "".join(f"{indent}\t{line}\n" for line in lines)
    return f"{indent}<{name}>\n{inside}{indent}</{name}>\n" if inside else ""


def read_label(document: bytes) -> str | None:
    """The label that a document gives a new resource, if it gives any. Raises BadDocument."""
    return (parse_document(document, root=_ROOT).get("label") or None) if document.strip() else None


def read_description(document: bytes) -> Description:
    """What an ``xnat:resourceCatalog`` document says of a new resource (F-86). Raises BadDocument."""
    root = parse_document(document, root=_ROOT)
    if root.get("xnat_abstractresource_id"):
        raise BadDocument("a new resource cannot bring its number along")
    tags = tuple(_tag_text(element.get("name"), element.text) for element in root.iter(tag("xnat:tag")))
    return Description(
        format=root.get("format") or "",
        content=root.get("content") or "",
        description=root.get("description") or "",
        tags=tuple(text for text in tags if text),
    )


def _tag_text(name: str | None, text: str | None) -> str:
    value = (text or "").strip()
    return f"{name}={value}" if name else value
