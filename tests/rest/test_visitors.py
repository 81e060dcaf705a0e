"""Who asks, from where and why."""

import pytest

from filmroom.model.address import Address
from filmroom.model.errors import NotSignedIn
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.rest.auth import find_visitor
from filmroom.rest.call import Call, Request, Site, Visitor
from filmroom.rest.params import Query
from filmroom.service.archive import Archive

ALICE = Viewer(pk=2, login="alice", is_admin=False, client="192.0.2.7")
SITE = Site(
    site_id="XNAT", root_path="", has_strict_uploads=False, requires_login=True, checks_csrf=True, trusted_proxies=()
)


def _request(headers: dict[str, str] | None = None) -> Request:
    return Request(
        id="1",
        method="GET",
        raw_path="/",
        raw_query=b"",
        headers=headers or {},
        client="192.0.2.7",
        is_secure=False,
        host="archive.example",
    )


def _call(query: bytes, visitor: Visitor) -> Call:
    return Call(
        request=_request(),
        site=SITE,
        address=Address(kind=Kind.SITE),
        found={},
        spellings=(),
        query=Query(query),
        visitor=visitor,
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (b"", ""),
        (b"event_reason=audit", "audit"),
        (b"event_comment=why+not", "why not"),
        (b"event_reason=audit&event_comment=more", "audit"),
        (b"event_reason=&event_comment=more", "more"),
        (b"event_reason=" + b"x" * 300, "x" * 255),
    ],
)
def test_a_viewer_may_say_why(query: bytes, reason: str) -> None:
    viewer = _call(query, Visitor(viewer=ALICE)).viewer

    assert (viewer.login, viewer.client, viewer.reason) == ("alice", "192.0.2.7", reason)


def test_a_reason_may_be_in_a_form() -> None:
    call = _call(b"", Visitor(viewer=ALICE))
    call.query.add_form(b"event_reason=audit")

    assert call.viewer.reason == "audit"


def test_nobody_is_no_viewer() -> None:
    call = _call(b"event_reason=audit", Visitor())

    with pytest.raises(NotSignedIn):
        _ = call.viewer


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_viewer_has_the_address_that_the_request_came_from(archive: Archive, people: dict[str, Viewer]) -> None:
    cookie = f"JSESSIONID={archive.sessions.open(people['alice'])}"

    viewer = find_visitor(archive, SITE, _request({"cookie": cookie})).viewer

    assert viewer is not None
    assert (viewer.login, viewer.client) == ("alice", "192.0.2.7")
