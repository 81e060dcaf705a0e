"""Lists in each format, read back into rows of columns by name."""

import io
import json
from collections.abc import Callable
from csv import DictReader
from typing import Final

from lxml import etree


def _read_xml(body: bytes) -> list[dict[str, str]]:
    root = etree.fromstring(body)
    columns = [str(column.text) for column in root.iterfind("results/columns/column")]
    rows = root.iterfind("results/rows/row")
    return [dict(zip(columns, (cell.text or "" for cell in row), strict=True)) for row in rows]


def _read_html(body: bytes) -> list[dict[str, str]]:
    root = etree.fromstring(body)
    columns = ["".join(map(str, cell.itertext())) for cell in root.iter("{*}th")]
    rows = [["".join(map(str, cell.itertext())) for cell in row] for row in root.iterfind(".//{*}tbody/{*}tr")]
    return [dict(zip(columns, row, strict=True)) for row in rows]


# The media type of each format, and what reads it.
READERS: Final[dict[str, tuple[str, Callable[[bytes], list[dict[str, str]]]]]] = {
    "json": ("application/json", lambda body: list(json.loads(body)["ResultSet"]["Result"])),
    "html": ("text/html", _read_html),
    "xml": ("text/xml", _read_xml),
    "csv": ("text/csv", lambda body: list(DictReader(io.StringIO(body.decode())))),
}
