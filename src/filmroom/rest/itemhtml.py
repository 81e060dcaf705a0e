"""One thing as a small page for people: its fields, and links to what is inside it (C-143)."""

from collections.abc import Iterator, Mapping

from filmroom.model.nodes import FieldValue
from filmroom.rest.formats import escape_xml
from filmroom.rest.items import fields_of
from filmroom.service.entities import Tree


def to_html(tree: Tree) -> bytes:
    """It must begin neither with the bare tag nor with a DOCTYPE, which clients take for an error (C-18)."""
    node = tree.place.node
    title = escape_xml(f"{tree.place.kind} {node.label or node.id}")
    rows = "".join(_rows(fields_of(tree.place)))
    inside = "".join(_links(tree))
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">'
        f"<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<p>{escape_xml(node.xsi_type)}</p>\n"
        f"<table>\n{rows}</table>\n<ul>\n{inside}</ul>\n</body></html>"
    ).encode()


def _rows(fields: Mapping[str, FieldValue]) -> Iterator[str]:
    for path, value in fields.items():
        text = ", ".join(value) if isinstance(value, list) else value
        yield f"<tr><th>{escape_xml(path)}</th><td>{escape_xml(text)}</td></tr>\n"


def _links(tree: Tree) -> Iterator[str]:
    for child in tree.inside:
        node = child.place.node
        session = f"experiments/{tree.place.node.id}/{child.place.kind}s" if node.label is None else "experiments"
        name = escape_xml(f"{child.place.kind} {node.label or node.id}")
        yield f'<li><a href="/data/{session}/{escape_xml(node.id)}">{name}</a></li>\n'
