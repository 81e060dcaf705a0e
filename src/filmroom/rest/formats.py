"""A table in each of its formats, byte by byte as files-api section 10 has it; and which format a client wants.

Every renderer writes to a spool (memory first, then a file), so that a listing of any length costs little memory and
the transaction that feeds it ends before the first byte leaves.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast

import orjson

from filmroom.model.errors import NotAcceptable
from filmroom.model.table import Batches, Cell, Columns, Row, Table, sorted_by
from filmroom.model.values import NOT_IN_XML
from filmroom.rest.call import Call
from filmroom.rest.reply import Reply, chunks_of

# Up to this much stays in memory, and is sent at once: pieces of it would each cost a thread's turn.
SPOOL_BYTES: Final = 4 * 1024 * 1024
_ROWS_AT_ONCE: Final = 1000

# F-21, C-12: the words of ``format=`` and their media types.
MEDIA_TYPES: Final = {
    "json": "application/json",
    "xml": "text/xml",
    "html": "text/html",
    "csv": "text/csv",
    "txt": "text/plain",
    "zip": "application/zip",
    "tar": "application/x-tar",
    "tar.gz": "application/x-gtar",
    "xlist": "application/xlist",
    "xcat": "application/xcat",
    "xar": "application/xar",
}


def requested_type(call: Call, offered: tuple[str, ...]) -> str:
    """The media type to answer with: ``format=`` in any case, else the best match of Accept, else the first offered.

    Raises NotAcceptable when Accept names nothing that is offered (F-20).
    """
    if wanted := call.query.text("format"):
        return MEDIA_TYPES.get(wanted.lower(), wanted.lower())
    accept = call.request.headers.get("accept", "")
    if not accept.strip():
        return offered[0]
    best = max(offered, key=lambda media_type: _quality(accept, media_type))
    if _quality(accept, best) <= 0:
        raise NotAcceptable(offered)
    return best


def is_taken(call: Call, media_type: str) -> bool:
    """Whether the client takes this type too, whichever it would like best; ``format=`` leaves no choice."""
    if wanted := call.query.text("format"):
        return MEDIA_TYPES.get(wanted.lower(), wanted.lower()) == media_type
    accept = call.request.headers.get("accept", "")
    return not accept.strip() or _quality(accept, media_type) > 0


def _quality(accept: str, media_type: str) -> float:
    """RFC 9110 section 12.5.1: the q of the most specific range that matches; 0 for none."""
    ranges = {"*/*": 0, f"{media_type.split('/', maxsplit=1)[0]}/*": 1, media_type: 2}
    matches = []
    for entry in accept.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if name in ranges:
            matches.append((ranges[name], _q_value(parameters)))
    return max(matches, default=(0, 0.0))[1]


def _q_value(parameters: list[str]) -> float:
    text = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return float(text)
    except ValueError:
        return 0.0


def spooled_reply(write: Callable[[BinaryIO], None], media_type: str) -> Reply:
    """An answer made of all that ``write`` writes."""
    spool = cast("BinaryIO", SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - its sender closes it
    try:
        write(spool)
        length = spool.tell()
        spool.seek(0)
        if length <= SPOOL_BYTES:
            with spool:
                return Reply(body=spool.read(), media_type=media_type)
    except BaseException:
        spool.close()
        raise
    return Reply(body=chunks_of(spool, length), media_type=media_type)


# F-61's order; CSV is offered besides.
_OFFERED: Final = ("application/json", "text/html", "text/xml", "text/csv")


def table_reply(call: Call, table: Table, *, offered: tuple[str, ...] = _OFFERED, is_sorted: bool = False) -> Reply:
    """The table, formatted and, unless it is, sorted as the request asks. Its rows are all read before this returns."""
    media_type = requested_type(call, offered)
    columns = (call.query.text("sortBy") or "").split(",")
    descending = (call.query.text("sortOrder") or "").lower() == "desc"
    if not is_sorted and (descending or columns != [""]):
        table = sorted_by(table, (column.strip() for column in columns), descending=descending)
    # F-176: what is no format of a table is its HTML.
    shown_type, render = RENDERERS.get(media_type, RENDERERS["text/html"])
    return spooled_reply(partial(render, table), f"{shown_type}; charset=UTF-8")


def _text_batches(table: Table) -> Iterator[list[Sequence[str]]]:
    """The columns of the next rows, as text; never of no rows."""
    return ([_texts(column) for column in columns] for columns in _batches(table))


def _batches(table: Table) -> Iterator[Columns]:
    batches = table.rows.batches if isinstance(table.rows, Batches) else _gathered(table.rows)
    return (columns for columns in batches if columns[0])


def _gathered(rows: Iterable[Row]) -> Iterator[Columns]:
    left = iter(rows)
    while batch := list(islice(left, _ROWS_AT_ONCE)):
        yield list(zip(*batch, strict=True))


def _texts(column: Sequence[Cell]) -> Sequence[str]:
    texts = cast("Sequence[str]", column)
    try:
        "".join(texts)  # which finds out far faster than a look at each whether all of them are
    except TypeError:
        each = column[:1] if _is_constant(column) else column
        return ["" if cell is None else str(cell) for cell in each] * (len(column) // len(each))
    return texts


def _lines(column: Sequence[str]) -> Sequence[str]:
    """F-172: line breaks become one blank in XML, HTML and CSV."""
    joined = "".join(column)
    return [_LINE_BREAK.sub(" ", text) for text in column] if "\n" in joined or "\r" in joined else column


def _escaped(column: Sequence[str]) -> Sequence[str]:
    joined = "".join(column)
    is_plain = joined.isprintable() and not any(mark in joined for mark in '&<>"')  # ten times as fast as a pattern
    return column if is_plain else [escape_xml(text) for text in column]


_LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")


def to_json(table: Table, out: BinaryIO) -> None:
    """F-171: one line, these blanks and no others; every value is a string."""
    out.write(b'{"ResultSet":{')
    if table.column_properties:
        described = [{"key": name, **properties} for name, properties in table.column_properties.items()]
        out.write(b'"Columns":' + _json(described) + b",")
    out.write(b'"Result":[')
    places = [table.columns.index(key) for key in table.json_keys]
    openings = _openings(table.json_keys)
    separator = b""
    for columns in _batches(table):
        out.write(separator)
        out.write(_json_rows(openings, [columns[place] for place in places]))
        separator = b","
    out.write(b"]")
    members = ",".join(f'"{name}": {_json(value).decode()}' for name, value in table.properties.items())
    out.write(f", {members}}}}}".encode() if members else b"}}")


def _openings(keys: Sequence[str]) -> list[str]:
    """What is written before the value of each key, from where the one before it ends."""
    first, *others = (f'{_json(key).decode()}:"' for key in keys)
    return [f"{{{first}", *(f'",{name}' for name in others)]


def _json_rows(openings: Sequence[str], columns: Columns) -> bytes:
    """The objects, with commas between them; pieces laid out in a list are joined far faster than dicts are written.

    A column that says the same in every row is one with what stands around it.
    """
    varying, before = [], ""
    for opening, column in zip(openings, columns, strict=True):
        before += opening
        if _is_constant(column):
            before += _json_texts(_texts(column[:1]))[0]
        else:
            varying.append((before, _json_texts(_texts(column))))
            before = ""
    count, width = len(columns[0]), 2 * len(varying) + 1
    pieces = [f'{before}"}},'] * (count * width)
    for place, (text, column) in enumerate(varying):
        pieces[2 * place :: width] = [text] * count
        pieces[2 * place + 1 :: width] = column
    pieces[-1] = pieces[-1][:-1]
    return "".join(pieces).encode()


def _is_constant(column: Sequence[Cell]) -> bool:
    return column[0] == column[-1] and column.count(column[0]) == len(column)


def _json_texts(column: Sequence[str]) -> Sequence[str]:
    """Each as it stands between the quotes of a JSON string."""
    joined = "".join(column)
    is_plain = len(_json(joined)) == len(joined) + 2  # more with whatever is escaped, and outside ASCII
    return column if is_plain else [_json(text)[1:-1].decode() for text in column]


def _json(value: object) -> bytes:
    text = orjson.dumps(value)
    if b"<" in text:
        text = text.replace(b"</", b"<\\/")
    return text if text.isascii() else _ESCAPED_IN_JSON.sub(_to_escape, text)


# F-172: U+0080 to U+00A0 and U+2000 to U+20FF, in UTF-8.
_ESCAPED_IN_JSON: Final = re.compile(rb"\xc2[\x80-\xa0]|\xe2[\x80-\x83][\x80-\xbf]")


def _to_escape(match: re.Match[bytes]) -> bytes:
    return f"\\u{ord(match[0].decode()):04x}".encode()


def to_xml(table: Table, out: BinaryIO) -> None:
    """F-173, with ``&`` escaped too."""
    out.write(f"<ResultSet{_attributes(table.properties)}><results><columns>".encode())
    out.writelines(
        f"<column{_attributes(table.column_properties.get(name, {}))}>{escape_xml(name)}</column>".encode()
        for name in table.columns
    )
    out.write(b"</columns>\n<rows>")
    for columns in _text_batches(table):
        rows = zip(*(_escaped(_lines(column)) for column in columns), strict=True)
        lines = map("</cell><cell>".join, rows)
        out.write("".join(f"<row><cell>{line}</cell></row>\n" for line in lines).encode())
    out.write(b"</rows></results></ResultSet>")


def _attributes(properties: Any) -> str:
    return "".join(f' {name}="{escape_xml(value)}"' for name, value in properties.items())


def escape_xml(text: str) -> str:
    """Text for an element or a double-quoted attribute. What XML 1.0 cannot carry becomes U+FFFD."""
    if not _SPECIAL_IN_XML.search(text):
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    text = text.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")
    return NOT_IN_XML.sub("\ufffd", text)


_SPECIAL_IN_XML: Final = re.compile(r"[&<>\"\x00-\x1f\ufffe\uffff]")


def to_html(table: Table, out: BinaryIO) -> None:
    """F-174, with every value escaped. It must not begin with the bare tag, which clients take for an error."""
    head = "".join(f"<th>{escape_xml(name)}</th>" for name in table.columns)
    out.write(
        b'<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><body>'
        b'<table class="x_rs_t" cellpadding="0" cellspacing="0">\n<thead class="x_rs_thead">\n'
        + f'<tr class="x_rs_tr_head">{head}</tr>\n</thead>\n<tbody id="dataRows">\n'.encode()
    )
    roots = [table.column_properties.get(name, {}).get("serverRoot") for name in table.columns]
    classes = cycle(("odd", "even"))
    for columns in _text_batches(table):
        cells = (_html_cells(_lines(column), root) for column, root in zip(columns, roots, strict=True))
        lines = map("".join, zip(*cells, strict=True))
        out.write("".join(_HTML_ROW.format(next(classes), line) for line in lines).encode())
    out.write(b"</tbody>\n</table></body></html>")


_HTML_ROW: Final = '<tr class="x_rs_tr_data {}">\n{}</tr>\n'


def _html_cells(column: Sequence[str], root: str | None) -> list[str]:
    shown = _escaped(column)
    if root is None:
        return [f"<td>{text}</td>" for text in shown]
    links = [link.replace("'", "&#39;") for link in _escaped([root + text for text in column])]
    return [f"<td><a href='{link}'>{text}</a></td>" for link, text in zip(links, shown, strict=True)]


def to_csv(table: Table, out: BinaryIO) -> None:
    """F-175: LF endings, quotes only where needed."""
    out.write((",".join(_quoted(table.columns)) + "\n").encode())
    for columns in _text_batches(table):
        lines = map(",".join, zip(*(_quoted(_lines(column)) for column in columns), strict=True))
        out.write("".join(f"{line}\n" for line in lines).encode())


def _quoted(column: Sequence[str]) -> Sequence[str]:
    """RFC 4180; line breaks are none of its business here, for there are none any more."""
    joined = "".join(column)
    if "," not in joined and '"' not in joined:
        return column
    return [_in_quotes(text) if "," in text or '"' in text else text for text in column]


def _in_quotes(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""'))


Renderer = Callable[[Table, BinaryIO], None]

RENDERERS: Final[dict[str, tuple[str, Renderer]]] = {
    "application/json": ("application/json", to_json),
    "text/html": ("text/html", to_html),
    "text/xml": ("text/xml", to_xml),
    "text/csv": ("text/csv", to_csv),
    "application/vnd.ms-excel": ("text/csv", to_csv),
}


def timestamp(moment: datetime) -> str:
    """C-132."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def timestamps(moments: Sequence[int | None]) -> list[str]:
    """As ``timestamp``, of moments in microseconds since 1970; put together from parts that are worked out once."""
    days: dict[int, str] = {}
    shown: list[str] = []
    for moment in moments:
        if moment is None:
            shown.append("")
            continue
        minutes, milliseconds = divmod(moment // 1000, 60_000)
        day, minute = divmod(minutes, _MINUTES_A_DAY)
        if day not in days:
            days[day] = f"{_FIRST_DAY + timedelta(day)} "
        second, millisecond = divmod(milliseconds, 1000)
        shown.append(f"{days[day]}{_MINUTES[minute]}{_SECONDS[second]}{_MILLISECONDS[millisecond]}")
    return shown


_FIRST_DAY: Final = date(1970, 1, 1)
_MINUTES_A_DAY: Final = 24 * 60
_MINUTES: Final = [f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(_MINUTES_A_DAY)]
_SECONDS: Final = [f"{second:02d}." for second in range(60)]
_MILLISECONDS: Final = [f"{millisecond:03d}" for millisecond in range(1000)]
