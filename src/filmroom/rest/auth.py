"""Who sent a request, and the two cookies."""

import binascii
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from filmroom.model.errors import NotSignedIn
from filmroom.model.people import GUEST, Viewer
from filmroom.rest import compat
from filmroom.rest.call import Call, Request, Site, Visitor
from filmroom.service.archive import Archive
from filmroom.service.sessions import Remembered

SESSION_COOKIE: Final = "JSESSIONID"
# C-33: nobody gets a session id too. It stands for nothing and is not kept, so it must be told from a dead one.
_GUEST_PREFIX: Final = "GUEST"
# What clients may call the archive's own accounts where they say who is to check a password (C-36).
LOCAL_PROVIDERS: Final = frozenset({"", "db", "localdb"})


def find_visitor(
    archive: Archive, site: Site, request: Request, *, known: Remembered | None = None, believes: bool = False
) -> Visitor:
    """Basic credentials decide where there are any (C-27); else the session that the cookie names.

    ``known`` are those credentials, if they were recognized; ``believes`` is as for ``Sessions.admit``.
    Without either it is a guest, where guests are let in. Raises NotSignedIn for wrong credentials, even where none
    are needed (C-28).
    """
    if known is not None and not _cookie(request):
        viewer = archive.sessions.admit(known, client=request.client, believes=believes)
        if viewer is not None:
            return Visitor(viewer=viewer)
    visitor = _find(archive, request)
    viewer = visitor.viewer or (None if site.requires_login else GUEST)
    return visitor if viewer is None else replace(visitor, viewer=replace(viewer, client=request.client))


def _find(archive: Archive, request: Request) -> Visitor:
    session_id = _cookie(request)
    session_viewer = archive.sessions.find_viewer(session_id) if session_id else None
    pair = _basic_pair(request)
    if pair is None:
        is_dead = session_id is not None and session_viewer is None
        return Visitor(viewer=session_viewer, session_id=None if is_dead else session_id, has_dead_cookie=is_dead)
    if session_viewer is not None and session_viewer.login == _without_provider(pair[0]):
        return Visitor(viewer=session_viewer, session_id=session_id)  # C-27: sent again, they say nothing new
    viewer = sign_in(archive, *pair, client=request.client)
    is_same = session_viewer is not None and session_viewer.pk == viewer.pk
    return Visitor(viewer=viewer, session_id=session_id if is_same else None)


def sign_in(archive: Archive, login: str, password: str, *, client: str) -> Viewer:
    """Who has this pair: an alias and its secret (C-40), or a user name, which its provider may precede (C-27).

    Whatever is no token is checked as a password, so that a wrong secret costs as much as an unknown alias.
    Raises NotSignedIn, AccountLocked, Busy.
    """
    name = _without_provider(login)
    token_viewer = archive.tokens.find_viewer(name, password, client=client)
    return token_viewer or archive.sessions.sign_in(name, password, client=client)


def _without_provider(login: str) -> str:
    """Raises NotSignedIn for a provider that is not known."""
    provider, slash, name = login.rpartition("/")
    if provider not in LOCAL_PROVIDERS or (slash and not provider):
        raise NotSignedIn
    return name


def has_credentials(request: Request) -> bool:
    """Whether Basic credentials are there that can be read, right or wrong."""
    try:
        return _basic_pair(request) is not None
    except NotSignedIn:
        return False


def recognize(archive: Archive, request: Request) -> Remembered | None:
    """What is remembered of Basic credentials that were right a while ago: to check others may take time."""
    try:
        pair = _basic_pair(request)
        if pair is None:
            return None
        login, password = pair
        return archive.sessions.recognize(_without_provider(login), password, client=request.client)
    except NotSignedIn:
        return None


def is_form_login(request: Request) -> bool:
    """Whether it is the request itself that has a password checked (C-36)."""
    return request.raw_path.rstrip("/").endswith("/services/auth")


def _cookie(request: Request) -> str | None:
    """The session id in the cookie; read by hand, because a general reader can be made to take minutes for a header."""
    cookies = request.headers.get("cookie")
    if cookies is None:
        return None
    found = None
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == SESSION_COOKIE:
            found = value.strip('"')
    return found if found and not found.startswith(_GUEST_PREFIX) else None


def _basic_pair(request: Request) -> tuple[str, str] | None:
    """RFC 7617: UTF-8, or else Latin-1, which older clients send. Raises NotSignedIn for what cannot be read."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = binascii.a2b_base64(token.strip(), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise NotSignedIn from error
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    login, colon, password = text.partition(":")
    if not colon or "\0" in text:
        raise NotSignedIn
    return login, password


def new_guest_id() -> str:
    return f"{_GUEST_PREFIX}{secrets.token_hex(14).upper()}"


def session_cookie(call: Call, session_id: str) -> tuple[str, str]:
    """C-27: for the whole site; scripts of a page cannot read it, other sites cannot send it along."""
    where = _cookie_attributes(call.site, call.request)
    return "Set-Cookie", f"{SESSION_COOKIE}={session_id}; {where}; HttpOnly"


def ended_cookie(call: Call) -> tuple[str, str]:
    where = _cookie_attributes(call.site, call.request)
    return "Set-Cookie", f"{SESSION_COOKIE}=; {where}; HttpOnly; Max-Age=0"


def expiration_cookie(archive: Archive, site: Site, request: Request) -> tuple[str, str]:
    """When the session ends, for clients that keep it alive (C-31), scripts of pages among them."""
    idle_limit = archive.sessions.idle_limit
    value = compat.expiration_cookie(now=datetime.now(UTC), idle_limit=idle_limit)
    return "Set-Cookie", f"{value}; {_cookie_attributes(site, request)}"


def _cookie_attributes(site: Site, request: Request) -> str:
    return f"Path={site.root_path or '/'}; SameSite=Lax{'; Secure' if request.is_secure else ''}"
