"""One request, read and checked, on its way to a handler; and what a handler may answer with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from filmroom.model.address import Address
from filmroom.model.errors import NotSignedIn
from filmroom.model.people import LONGEST_REASON, Viewer
from filmroom.rest.params import Query
from filmroom.rest.proxies import Networks
from filmroom.rest.reply import PIECE_BYTES, Reply
from filmroom.service.archive import Archive


class Tier(IntEnum):
    """Who is told a property of the site (C-163); each includes those before."""

    EVERYBODY = 0
    SIGNED_IN = 1
    ADMINISTRATORS = 2


@dataclass(frozen=True, slots=True)
class SiteProperty:
    """What XNAT calls a property of the site; ``setting`` is ours that it comes from, empty where it cannot be set."""

    name: str
    value: str | int | bool
    setting: str = ""
    tier: Tier = Tier.SIGNED_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a site is to those who visit it.

    ``root_path`` is its context path without a trailing slash; empty at the root. ``requires_login`` says that nobody
    sees anything without signing in, ``checks_csrf`` that a browser's changes need its session's token (C-43).
    ``accel_location`` is where its trusted proxies have the blobs, to send them themselves; empty where they have not.
    ``has_strict_uploads`` says that an upload which is not stored is an error unless its sender wants it otherwise.
    """

    site_id: str
    root_path: str
    requires_login: bool
    checks_csrf: bool
    trusted_proxies: Networks
    has_strict_uploads: bool
    accel_location: str = ""
    properties: Sequence[SiteProperty] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who sent the request; ``session_id`` is None unless a live session was named.

    ``viewer`` is None for nobody; where guests are let in, it is a guest. ``has_dead_cookie`` says that a session was
    named which is no more.
    """

    viewer: Viewer | None = None
    session_id: str | None = None
    has_dead_cookie: bool = False

    @property
    def account(self) -> Viewer | None:
        """The viewer who signed in: neither nobody nor a guest."""
        return None if self.viewer is None or self.viewer.is_guest else self.viewer


@dataclass(frozen=True, slots=True)
class BodyHead:
    """What the head of a request says of its body.

    ``size_bytes`` is 0 when it does not say, ``coding`` empty. ``is_held_back`` says that the client waits to be asked
    for it (RFC 9110 section 10.1.1).
    """

    size_bytes: int = 0
    coding: str = ""
    is_held_back: bool = False

    @property
    def is_small(self) -> bool:
        """Whether it is one piece, and on its way already."""
        return 0 < self.size_bytes <= PIECE_BYTES and not self.is_held_back


def read_body_head(headers: Mapping[str, str]) -> BodyHead:
    """A size counts however many zeros come first (RFC 9110)."""
    length = headers.get("content-length", "")
    return BodyHead(
        size_bytes=int(length.lstrip("0") or "0") if length.isdecimal() else 0,
        coding=headers.get("transfer-encoding", ""),
        is_held_back=headers.get("expect", "").lower() == "100-continue",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request as it came. Header names are in lower case. ``id`` is what it is called in the log.

    ``client``, ``is_secure`` and ``host`` are those of the first hop, where trusted proxies tell of it; ``peer`` is the
    other end of the connection itself.
    """

    id: str
    method: str
    raw_path: str
    raw_query: bytes
    headers: Mapping[str, str]
    client: str
    is_secure: bool
    host: str
    peer: str = ""
    body: BodyHead = BodyHead()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that found its operation. ``found`` are the operation's own variables, decoded.

    ``spellings`` are the ways in which its file path may be meant: decoded, then as it was sent (F-6, F-232).
    """

    request: Request
    site: Site
    address: Address
    found: Mapping[str, str]
    spellings: Sequence[str]
    query: Query
    visitor: Visitor

    @property
    def viewer(self) -> Viewer:
        """Who asks, and why (``event_reason``, F-311). Raises NotSignedIn for nobody."""
        if self.visitor.viewer is None:
            raise NotSignedIn
        reason = self.query.text("event_reason") or self.query.text("event_comment")
        return replace(self.visitor.viewer, reason=reason[:LONGEST_REASON]) if reason else self.visitor.viewer

    @property
    def site_url(self) -> str:
        """The site's own URL as this client reached it, without a trailing slash."""
        return f"{'https' if self.request.is_secure else 'http'}://{self.request.host}{self.site.root_path}"

    @property
    def media_type(self) -> str:
        """The body's type in lower case without parameters; empty when the request does not say."""
        return self.request.headers.get("content-type", "").split(";", 1)[0].strip().lower()


class Intake(Protocol):
    """What a handler answers with that wants the body first: pieces go in, a reply comes out, all in threads.

    Exactly one of ``finish`` and ``abort`` ends it; when ``finish`` raises, it has cleaned up by itself.
    """

    def feed(self, chunks: Sequence[bytes]) -> None: ...

    def finish(self) -> Reply: ...

    def abort(self) -> None: ...


Handler = Callable[[Archive, Call], Reply | Intake]
