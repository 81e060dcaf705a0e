"""Sessions over HTTP (core-api section 2.2)."""

from filmroom.model.errors import NotSignedIn
from filmroom.rest.auth import ended_cookie, expiration_cookie, new_guest_id, session_cookie
from filmroom.rest.call import Call
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.sessions import csrf_token


def get_session(archive: Archive, call: Call) -> Reply:
    """C-33: the id of the session, which Basic credentials open; nobody gets an id that stands for nothing."""
    visitor = call.visitor
    if visitor.viewer is None and visitor.has_dead_cookie:
        raise NotSignedIn  # xnat-access finds out in this way that its session has ended
    headers: list[tuple[str, str]] = []
    if visitor.viewer is None:
        session_id = new_guest_id()
    elif visitor.session_id is not None:
        session_id = visitor.session_id
    else:
        session_id = archive.sessions.open(visitor.viewer)
        headers = [session_cookie(call, session_id), expiration_cookie(archive, call.site)]
    token = f"; XNAT_CSRF={csrf_token(session_id)}" if call.query.flag("CSRF") else ""
    return Reply(body=f"{session_id}{token}".encode(), headers=headers)


def delete_session(archive: Archive, call: Call) -> Reply:
    """C-34: ends the session that the cookie names; 200 also when there is none."""
    if call.visitor.session_id is not None:
        archive.sessions.close(call.visitor.session_id)
    return Reply(headers=[ended_cookie(call)])
