"""Every list in each format (files-api section 10): the same rows, escaped, byte for byte."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from starlette.testclient import TestClient

from filmroom.model.table import Batches, Table
from filmroom.rest.formats import to_csv, to_html, to_json, to_xml

LISTS = ("/data/projects", "/data/projects/DEMO/resources", "/data/projects/DEMO/files")


@pytest.fixture
def filled(alice: TestClient, demo: str) -> TestClient:
    alice.put(f"{demo}?name=%3Cb%3E%26%22%27%2C%0Ax")
    alice.put(f"{demo}/resources/R%3C%26?content=%3C/a%3E")
    for name in ("a%2Cb%22c.txt", "%E2%80%A8%C2%85.txt", "line%0Abreak", "%3Cscript%3E"):
        alice.put(f"{demo}/resources/R%3C%26/files/{name}?inbody=true&tags=x%3D1", content=b"x")
    return alice


class _Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.rows += [[]] * (tag == "tr")
        self.rows[-1:] = [[*self.rows[-1], ""]] if tag in {"td", "th"} else self.rows[-1:]

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip("\n"):
            self.rows[-1][-1] += data


def _line(text: str) -> str:
    return text.replace("\n", " ")


@pytest.mark.parametrize("url", LISTS)
def test_every_format_has_the_same_rows(filled: TestClient, url: str) -> None:
    """F-171 to F-175: line breaks are blanks except in JSON."""
    replies = {name: filled.get(f"{url}?format={name}") for name in ("json", "xml", "html", "csv")}

    table = list(csv.reader(io.StringIO(replies["csv"].text)))
    rows = replies["json"].json()["ResultSet"]["Result"]
    tree = etree.fromstring(replies["xml"].content)
    cells = [[cell.text or "" for cell in row] for row in tree.iterfind("results/rows/row")]
    assert len(rows) > 0
    assert table[1:] == [[_line(row[name]) for name in table[0]] for row in rows] == cells
    assert [column.text for column in tree.iterfind("results/columns/column")] == table[0]
    assert [[cell.strip(" ") for cell in row] for row in _Cells(replies["html"].text).rows] == [
        [cell.strip(" ") for cell in row] for row in table
    ]


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(
    ("asked", "accept", "media_type"),
    [
        ("", "*/*", "application/json"),
        ("", "", "application/json"),
        ("", "text/xml", "text/xml"),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("", "text/*;q=0.5, application/json;q=0.4", "text/html"),
        ("", "text/csv", "text/csv"),
        ("?format=csv", "text/html", "text/csv"),
        ("?format=JSON", "application/pdf", "application/json"),
        ("?format=application/vnd.ms-excel", "*/*", "text/csv"),
        ("?format=text/xml", "*/*", "text/xml"),
        ("?format=tgz", "*/*", "text/html"),
    ],
)
def test_format_wins_over_accept(
    alice: TestClient, demo: str, url: str, asked: str, accept: str, media_type: str
) -> None:
    """F-20, F-21, F-61, F-176, C-12, C-13."""
    reply = alice.get(f"{url}{asked}", headers={"Accept": accept})

    assert demo in "/data/projects/DEMO"
    assert reply.headers["content-type"] == f"{media_type}; charset=UTF-8"


@pytest.mark.parametrize("url", LISTS)
def test_an_accept_header_that_nothing_matches_is_406(alice: TestClient, demo: str, url: str) -> None:
    """F-20: ``application/xml`` is not ``text/xml``."""
    reply = alice.get(url, headers={"Accept": "application/xml, application/pdf, text/xml;q=0"})

    assert demo
    assert reply.status_code == 406


def _render(table: Table) -> dict[str, str]:
    rendered = {}
    for name, render in (("json", to_json), ("xml", to_xml), ("html", to_html), ("csv", to_csv)):
        out = io.BytesIO()
        render(table, out)
        rendered[name] = out.getvalue().decode()
    return rendered


def test_a_table_is_written_byte_for_byte() -> None:
    """F-171, F-173, F-174, F-175, F-325."""
    table = Table(
        columns=("a", "URI"),
        json_keys=("URI", "a"),
        rows=[(1, "</x>\u00e9\u2028"), (None, "two\nlines")],
        properties={"totalRecords": "2", "title": "T"},
        column_properties={"URI": {"serverRoot": "/x"}},
    )

    assert _render(table) == {
        "json": (
            '{"ResultSet":{"Columns":[{"key":"URI","serverRoot":"/x"}],"Result":['
            '{"URI":"<\\/x>\u00e9\\u2028","a":"1"},{"URI":"two\\nlines","a":""}], "totalRecords": "2","title": "T"}}'
        ),
        "xml": (
            '<ResultSet totalRecords="2" title="T"><results><columns><column>a</column>'
            '<column serverRoot="/x">URI</column></columns>\n<rows><row><cell>1</cell>'
            "<cell>&lt;/x&gt;\u00e9\u2028</cell></row>\n<row><cell></cell><cell>two lines</cell></row>\n"
            "</rows></results></ResultSet>"
        ),
        "html": (
            '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en"><body>'
            '<table class="x_rs_t" cellpadding="0" cellspacing="0">\n<thead class="x_rs_thead">\n'
            '<tr class="x_rs_tr_head"><th>a</th><th>URI</th></tr>\n</thead>\n<tbody id="dataRows">\n'
            '<tr class="x_rs_tr_data odd">\n'
            "<td>1</td><td><a href='/x&lt;/x&gt;\u00e9\u2028'>&lt;/x&gt;\u00e9\u2028</a></td></tr>\n"
            "<tr class=\"x_rs_tr_data even\">\n<td></td><td><a href='/xtwo lines'>two lines</a></td></tr>\n"
            "</tbody>\n</table></body></html>"
        ),
        "csv": "a,URI\n1,</x>\u00e9\u2028\n,two lines\n",
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(rows=st.lists(st.tuples(TEXT, st.none() | st.integers() | TEXT), max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_can_be_read_back_from_json_and_csv(rows: list[tuple[str, int | str | None]]) -> None:
    rendered = _render(Table(columns=("a", "b"), rows=rows))

    shown = [["" if cell is None else str(cell) for cell in row] for row in rows]
    lines = [[cell.replace("\r\n", " ").replace("\n", " ").replace("\r", " ") for cell in row] for row in shown]
    read = json.loads(rendered["json"])["ResultSet"]["Result"]
    assert [[row["a"], row["b"]] for row in read] == shown
    assert list(csv.reader(io.StringIO(rendered["csv"], newline="")))[1:] == [row for row in lines if row]
    assert etree.fromstring(rendered["xml"]) is not None


@given(batches=st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=3), max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_makes_no_difference_in_what_batches_rows_come(batches: list[list[tuple[str, str]]]) -> None:
    """A batch may be empty: what comes before the first row of a page is left out of them."""
    columns = [([a for a, _ in batch], [b for _, b in batch]) for batch in batches]

    in_batches = _render(Table(columns=("a", "b"), rows=Batches(columns)))

    assert in_batches == _render(Table(columns=("a", "b"), rows=[row for batch in batches for row in batch]))


def test_no_answer_begins_like_an_error(filled: TestClient) -> None:
    """F-13, F-174, F-237."""
    bodies = [filled.get(f"{url}?format={name}").text for url in LISTS for name in ("json", "xml", "html", "csv")]

    assert not [body for body in bodies if body.startswith(("<html>", "<!DOCTYPE"))]
