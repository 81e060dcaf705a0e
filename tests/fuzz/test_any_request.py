"""Whatever a client sends to whichever operation, it is answered soon, and never with a fault of the server's."""

import gzip
import io
import re
import tarfile
import time
import zipfile
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from filmroom.rest.openapi import describe
from filmroom.rest.routes import MOUNTS, TABLES
from fuzz.effort import effort
from rest.session import LABELS, SESSION_ID, SUBJECT_ID, make_session
from rest.tus import TUS, metadata

LONGEST_SECONDS: Final = 10.0
# Bodies are made here; these let cases of such operations be made at all.
for _type in ("*/*", "text/xml", "application/xml", "application/offset+octet-stream"):
    schemathesis.openapi.media_type(_type, st.binary(max_size=8))
SCHEMA: Final = schemathesis.openapi.from_dict(describe(TABLES, with_contexts=MOUNTS[0]))
KNOWN: Final = [
    "R",
    "a.txt",
    "1",
    "in",
    "alice",
    "owner",
    "xnat",
    SUBJECT_ID,
    SESSION_ID,
    "ALL",
    "*",
    "xnat:subjectData",
]
_ODD: Final = [
    "",
    ".",
    "..",
    "%2F",
    "%00",
    "%FF",
    "a/b",
    "a,b",
    "\u202e",
    "x" * 300,
    "9" * 30,
    "-1",
    "1e999",
    "NULL",
    "'",
]
WORDS: Final = st.one_of(st.sampled_from([*KNOWN, *_ODD]), st.text(max_size=8))
PARAMETERS: Final = st.sampled_from(
    [
        "format",
        "inbody",
        "overwrite",
        "extract",
        "columns",
        "limit",
        "offset",
        "sortBy",
        "xsiType",
        "label",
        "ID",
        "file_format",
        "index",
        "listContents",
        "method",
        "locator",
        "reference",
        "recent",
        "fields",
        "req_format",
        "version",
        "as",
        "src",
        "dest",
        "resource",
        "field",
        "CSRF",
        "allowDataDeletion",
        "date",
        "xnat:subjectData/label",
        "tags",
        "content",
        "accept-not-found",
        "primary",
        "event_reason",
        "structure",
    ]
)
QUERIES: Final = st.lists(st.tuples(PARAMETERS, WORDS), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name)}={value if value.startswith('%') else quote(value)}" for name, value in pairs)
)
HEADERS: Final = st.dictionaries(
    st.sampled_from(
        [
            "Range",
            "If-Match",
            "If-None-Match",
            "If-Range",
            "If-Modified-Since",
            "Content-MD5",
            "Digest",
            "Content-Digest",
            "Repr-Digest",
            "Upload-Checksum",
            "Upload-Length",
            "Upload-Offset",
            "Upload-Metadata",
            "Upload-Defer-Length",
            "Prefer",
            "Cookie",
            "Accept",
            "X-HTTP-Method-Override",
            "Content-Range",
            "Content-Encoding",
            "User-Agent",
            "Origin",
            "X-Forwarded-For",
            "Forwarded",
        ]
    ),
    st.one_of(
        st.sampled_from(
            [
                "bytes=0-",
                "bytes=-1",
                "bytes=9-1",
                "bytes=0-0,2-3",
                "sha-256=:AAAA:",
                "md5 AAAA",
                "1",
                "0",
                "9" * 40,
                "JSESSIONID=x; JSESSIONID=y",
                "application/json;q=2",
                "*/*",
                "DELETE",
                "path YQ==,path YQ==",
                "x" * 2000,
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    ),
    max_size=3,
)
TYPES: Final = st.sampled_from(
    [
        "",
        "*/*",
        "text/xml",
        "application/json",
        "application/x-www-form-urlencoded",
        "application/offset+octet-stream",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/xml; charset=x",
        "\u00e9",
    ]
)


def _tar(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name in ("a/b.dcm", "c" * 120):
            info = tarfile.TarInfo(name)
            info.size = 700
            archive.addfile(info, io.BytesIO(b"v" * 700))
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.dcm", b"v" * 700)
        archive.writestr("\u00e9.txt", b"w")
    return out.getvalue()


SUBJECT_XML: Final = (
    b'<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat" label="S1"><xnat:demographics '
    b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xnat:demographicData"><xnat:gender>male'
    b"</xnat:gender></xnat:demographics></xnat:Subject>"
)
SEARCH_XML: Final = (
    b'<xdat:search xmlns:xdat="http://nrg.wustl.edu/security"><xdat:root_element_name>xnat:subjectData'
    b"</xdat:root_element_name><xdat:search_field><xdat:element_name>xnat:subjectData</xdat:element_name>"
    b"<xdat:field_ID>SUBJECT_ID</xdat:field_ID></xdat:search_field><xdat:search_where method='OR'><xdat:criteria>"
    b"<xdat:schema_field>xnat:subjectData/ID</xdat:schema_field><xdat:comparison_type>LIKE</xdat:comparison_type>"
    b"<xdat:value>%</xdat:value></xdat:criteria></xdat:search_where></xdat:search>"
)
FORM: Final = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n\r\nvoxels\r\n--b--\r\n'
R: Final = "/data/projects/DEMO/resources/R"
SAMPLES: Final[dict[str, tuple[str, str, str, bytes]]] = {
    "zip": ("PUT", f"{R}/files/x.zip?extract=true&overwrite=true", "application/zip", _zip()),
    "tar": ("PUT", f"{R}/files/x.tar?extract=true&overwrite=true", "application/x-tar", _tar("w")),
    "tar.gz": ("PUT", f"{R}/files/x.tar.gz?extract=true&overwrite=true", "application/gzip", _tar("w:gz")),
    "gzip": ("PUT", f"{R}/files/x.gz?extract=true&overwrite=true", "application/gzip", gzip.compress(b"v" * 900)),
    "form": ("PUT", f"{R}/files?overwrite=true", "multipart/form-data; boundary=b", FORM),
    "form of a subject": ("PUT", "/data/projects/DEMO/subjects/S1", "multipart/form-data; boundary=b", FORM),
    "subject": ("PUT", "/data/projects/DEMO/subjects/S1", "text/xml", SUBJECT_XML),
    "search": ("POST", "/data/search?format=json", "text/xml", SEARCH_XML),
    "JSON": ("POST", "/xapi/users", "application/json", b'{"username": "x", "password": "y", "enabled": true}'),
}
EDITS: Final = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=4)), max_size=4)
BODIES: Final = st.one_of(st.just(b""), st.binary(max_size=40), st.sampled_from([one[3] for one in SAMPLES.values()]))


def _edited(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """With some bytes at some places replaced, dropped or put in."""
    for where, dropped, put_in in edits:
        at = int(where * len(content))
        content = content[:at] + put_in + content[at + dropped :]
    return content


def _check(client: TestClient, method: str, url: str, headers: dict[str, str], content: bytes) -> None:
    started = time.monotonic()
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    reply = client.request(method, url, headers=raw, content=content)
    assert reply.status_code < 500, (method, url, headers, content, reply.text)
    assert time.monotonic() - started < LONGEST_SECONDS


@pytest.fixture
def full(alice: TestClient, demo: str) -> TestClient:
    """Alice at a project with one of everything and a file in it."""
    make_session(alice, demo)
    assert alice.put(f"{R}/files/a.txt?inbody=true", content=b"voxels").status_code == 200
    return alice


def test_every_operation_survives_any_request(full: TestClient) -> None:
    @effort(400)
    @given(case=SCHEMA.as_strategy(), data=st.data(), query=QUERIES, headers=HEADERS, type_=TYPES, body=BODIES)
    def check(case: Any, data: st.DataObject, query: str, headers: dict[str, str], type_: str, body: bytes) -> None:
        if case.method == "DELETE" and case.path == "/data/projects/{project}":
            return  # all else would be gone
        names = st.one_of(WORDS, st.just(None))

        def fill(match: re.Match[str]) -> str:
            return quote(data.draw(names) or LABELS.get(match[1], "R"), safe="") or "R"

        path = re.sub(r"\{(\w+)\}", fill, case.path)
        said = {**headers, **({"Content-Type": type_} if type_ else {}), **(TUS if "uploads" in path else {})}
        _check(full, case.method, f"{path}?{query}", said, b"" if case.method == "GET" else body)

    check()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_parser_survives_what_was_valid_before_it_was_damaged(full: TestClient, name: str) -> None:
    method, url, type_, content = SAMPLES[name]
    assert full.request(method, url, content=content, headers={"Content-Type": type_}).status_code < 500

    @effort(40)
    @given(edits=EDITS)
    def check(edits: list[tuple[float, int, bytes]]) -> None:
        _check(full, method, url, {"Content-Type": type_}, _edited(content, edits))

    check()


def test_credentials_and_cookies_of_any_form_survive(client: Callable[[str], TestClient]) -> None:
    nobody = client("")

    @effort(60)
    @given(
        value=st.one_of(st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")), WORDS), is_basic=st.booleans()
    )
    def check(value: str, is_basic: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        said = re.sub(r"[^\x20-\x7e\xa0-\xff]", "~", value)
        headers = {"Authorization": f"Basic {said}"} if is_basic else {"Cookie": f"JSESSIONID={said}"}
        _check(nobody, "GET", "/data/projects", headers, b"")

    check()


def test_what_resumable_uploads_are_told_survives(full: TestClient) -> None:
    @effort(60)
    @given(path=WORDS, edits=EDITS, size=WORDS)
    def check(path: str, edits: list[tuple[float, int, bytes]], size: str) -> None:
        said = re.sub(r"[^\x20-\x7e]", "~", _edited(metadata(path=path).encode(), edits).decode("latin-1"))
        length = re.sub(r"[^\x20-\x7e]", "~", size)
        _check(full, "POST", f"{R}/uploads", {**TUS, "Upload-Length": length, "Upload-Metadata": said}, b"")

    check()
