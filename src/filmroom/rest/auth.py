"""Who sent a request, and the two cookies."""

import binascii
import secrets
from base64 import b64decode
from datetime import UTC, datetime
from typing import Final

from filmroom.model.errors import NotSignedIn
from filmroom.rest import compat
from filmroom.rest.call import Call, Request, Site, Visitor
from filmroom.service.archive import Archive

SESSION_COOKIE: Final = "JSESSIONID"
# C-33: nobody gets a session id too. It stands for nothing and is not kept, so it must be told from a dead one.
_GUEST_PREFIX: Final = "GUEST"


def find_visitor(archive: Archive, request: Request) -> Visitor:
    """Basic credentials decide where there are any (C-27); else the session that the cookie names.

    Raises NotSignedIn for wrong credentials, even where none are needed (C-28).
    """
    session_id = _cookie(request)
    session_viewer = archive.sessions.find_viewer(session_id) if session_id else None
    pair = _basic_pair(request)
    if pair is None:
        is_dead = session_id is not None and session_viewer is None
        return Visitor(viewer=session_viewer, session_id=None if is_dead else session_id, has_dead_cookie=is_dead)
    viewer = archive.sessions.sign_in(*pair, client=request.client)
    is_same = session_viewer is not None and session_viewer.pk == viewer.pk
    return Visitor(viewer=viewer, session_id=session_id if is_same else None)


def _cookie(request: Request) -> str | None:
    """The session id in the cookie; read by hand, because a general reader can be made to take minutes for a header."""
    found = None
    for pair in request.headers.get("cookie", "").split(";"):
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
        raw = b64decode(token.strip(), validate=True)
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
    path = _cookie_path(call.site)
    secure = "; Secure" if call.request.is_secure else ""
    return "Set-Cookie", f"{SESSION_COOKIE}={session_id}; Path={path}; HttpOnly; SameSite=Lax{secure}"


def ended_cookie(call: Call) -> tuple[str, str]:
    return "Set-Cookie", f"{SESSION_COOKIE}=; Path={_cookie_path(call.site)}; Max-Age=0; HttpOnly; SameSite=Lax"


def expiration_cookie(archive: Archive, site: Site) -> tuple[str, str]:
    """When the session ends, for clients that keep it alive (C-31)."""
    idle_limit = archive.sessions.idle_limit
    path = _cookie_path(site)
    return "Set-Cookie", compat.expiration_cookie(now=datetime.now(UTC), idle_limit=idle_limit, path=path)


def _cookie_path(site: Site) -> str:
    return site.root_path or "/"
