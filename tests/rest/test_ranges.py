"""Conditions and ranges of a download (RFC 9110 sections 13 and 14)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

CONTENT = bytes(range(256)) * 8192  # 2 MiB: more than one piece
TOTAL = len(CONTENT)


@pytest.fixture
def url(alice: TestClient, demo: str) -> str:
    alice.put(f"{demo}/resources/R/files/a.bin?inbody=true", content=CONTENT)
    return f"{demo}/resources/R/files/a.bin"


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=1-2", 1, 3),
        ("bytes=0-0", 0, 1),
        ("bytes=10-", 10, TOTAL),
        ("bytes=-5", TOTAL - 5, TOTAL),
        ("bytes=0-99999999", 0, TOTAL),
        (f"bytes=-{TOTAL * 2}", 0, TOTAL),
        ("Bytes=3-4", 3, 5),
    ],
)
def test_a_range_is_206(alice: TestClient, url: str, header: str, start: int, stop: int) -> None:
    """F-18, F-330."""
    reply = alice.get(url, headers={"Range": header})

    assert reply.status_code == 206
    assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/{TOTAL}"
    assert reply.headers["content-length"] == str(stop - start)
    assert reply.content == CONTENT[start:stop]


@pytest.mark.parametrize("header", [f"bytes={TOTAL}-", "bytes=99999999-", "bytes=-0"])
def test_a_range_outside_the_file_is_416(alice: TestClient, url: str, header: str) -> None:
    reply = alice.get(url, headers={"Range": header})

    assert reply.status_code == 416
    assert reply.headers["content-range"] == f"bytes */{TOTAL}"


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "x"])
def test_several_ranges_or_none_that_can_be_read_give_the_whole(alice: TestClient, url: str, header: str) -> None:
    reply = alice.get(url, headers={"Range": header})

    assert (reply.status_code, reply.content) == (200, CONTENT)


def test_an_empty_file_has_no_ranges(alice: TestClient, demo: str) -> None:
    alice.put(f"{demo}/resources/R/files/empty?inbody=true", content=b"")

    reply = alice.get(f"{demo}/resources/R/files/empty", headers={"Range": "bytes=0-"})

    assert reply.status_code == 416


@given(first=st.integers(0, TOTAL + 5), last=st.integers(0, TOTAL + 5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_range_gives_these_bytes(alice: TestClient, url: str, first: int, last: int) -> None:
    reply = alice.get(url, headers={"Range": f"bytes={first}-{last}"})

    whole = CONTENT if last < first else b""
    expected = CONTENT[first : last + 1] or whole
    assert (reply.content if reply.status_code in {200, 206} else b"") == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "{etag}"}, 304),
        ({"If-None-Match": 'W/{etag}, "other"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": "{date}"}, 304),
        ({"If-Modified-Since": "Sat, 21 Nov 2026 11:59:59 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": "{date}"}, 200),
        ({"If-Match": "{etag}"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": "{date}"}, 200),
        ({"If-Unmodified-Since": "Sat, 21 Nov 2026 11:59:59 GMT"}, 412),
        ({"Range": "bytes=0-0", "If-Range": "{etag}"}, 206),
        ({"Range": "bytes=0-0", "If-Range": "{date}"}, 206),
        ({"Range": "bytes=0-0", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=0-0", "If-Range": "Sat, 21 Nov 2026 11:59:59 GMT"}, 200),
        ({"Range": "bytes=0-0", "If-Match": '"other"'}, 412),
    ],
)
def test_conditions_decide_before_bytes_leave(
    alice: TestClient, url: str, headers: dict[str, str], status: int
) -> None:
    validators = alice.head(url).headers
    known = {"etag": validators["etag"], "date": validators["last-modified"]}

    reply = alice.get(url, headers={name: value.format(**known) for name, value in headers.items()})

    assert reply.status_code == status
    assert reply.headers["etag"] == known["etag"]
    assert (reply.content == b"") == (status == 304)
