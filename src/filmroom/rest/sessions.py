"""Sessions over HTTP (core-api section 2.2)."""

from filmroom.model.errors import BadValue, NotSignedIn
from filmroom.model.people import Viewer
from filmroom.rest.auth import (
    LOCAL_PROVIDERS,
    ended_cookie,
    expiration_cookie,
    new_guest_id,
    session_cookie,
    sign_in,
)
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form
from filmroom.rest.reply import NO_STORE, Reply, json_reply
from filmroom.service.archive import Archive
from filmroom.service.sessions import csrf_token


def get_session(archive: Archive, call: Call) -> Reply:
    """C-33: the id of the session, which Basic credentials open; nobody gets an id that stands for nothing."""
    visitor = call.visitor
    if visitor.account is None and visitor.has_dead_cookie:
        raise NotSignedIn  # xnat-access finds out in this way that its session has ended
    if visitor.account is None:
        session_id, headers = new_guest_id(), [NO_STORE]
    else:
        session_id, headers = keep_session(archive, call, visitor.account)
    return Reply(body=f"{session_id}{_token(call, session_id)}".encode(), headers=headers)


def delete_session(archive: Archive, call: Call) -> Reply:
    """C-34: ends the session that the cookie names; 200 also when there is none."""
    if call.visitor.session_id is not None:
        archive.sessions.close(call.visitor.session_id)
    return Reply(headers=[ended_cookie(call), NO_STORE])


def get_login(archive: Archive, call: Call) -> Reply:
    """C-35: who is signed in; Basic credentials open a session here too."""
    text = f"User '{call.viewer.login}' is logged in"
    if call.visitor.account is None:
        return Reply(body=text.encode(), headers=[NO_STORE])
    session_id, headers = keep_session(archive, call, call.visitor.account)
    return Reply(body=f"{text}{_token(call, session_id)}".encode(), headers=headers)


@takes_form
def sign_in_by_form(archive: Archive, call: Call) -> Reply:
    """C-36: always a new session, so that nobody can choose an id for somebody else."""
    call.query.text("authenticatorId")
    provider = call.query.text("provider") or call.query.text("login_method") or ""
    if provider not in LOCAL_PROVIDERS:
        raise BadValue("provider", provider, "there is only localdb here, which need not be said")
    login = call.query.text("username") or call.query.text("j_username")
    password = call.query.text("password") or call.query.text("j_password")
    if login is None or password is None:
        raise NotSignedIn
    session_id, headers = _open_session(archive, call, sign_in(archive, login, password, client=call.request.client))
    return Reply(body=session_id.encode(), headers=headers)


def keep_session(archive: Archive, call: Call, viewer: Viewer) -> tuple[str, list[tuple[str, str]]]:
    """The session that the request named, or else a new one of the viewer; and what the answer's head must say."""
    if call.visitor.session_id is not None:
        return call.visitor.session_id, [NO_STORE]
    return _open_session(archive, call, viewer)


def _open_session(archive: Archive, call: Call, viewer: Viewer) -> tuple[str, list[tuple[str, str]]]:
    session_id = archive.sessions.open(viewer)
    cookies = [session_cookie(call, session_id), expiration_cookie(archive, call.site, call.request)]
    return session_id, [*cookies, NO_STORE]


def _token(call: Call, session_id: str) -> str:
    """C-44."""
    return f"; XNAT_CSRF={csrf_token(session_id)}" if call.query.flag("CSRF") else ""


def count_sessions(archive: Archive, call: Call) -> Reply:
    """C-37."""
    login = call.found["login"]
    return json_reply({login: len(archive.sessions.list_open(call.viewer, login))}, NO_STORE)


def list_sessions(archive: Archive, call: Call) -> Reply:
    """C-37: the first digits of a hash stand for each session, because their ids are not kept."""
    return json_reply([one.mark for one in archive.sessions.list_open(call.viewer, call.found["login"])], NO_STORE)


def list_all_sessions(archive: Archive, call: Call) -> Reply:
    """C-37."""
    marks: dict[str, list[str]] = {}
    for one in archive.sessions.list_open(call.viewer):
        marks.setdefault(one.login, []).append(one.mark)
    return json_reply({login: {"sessions": found, "count": len(found)} for login, found in marks.items()}, NO_STORE)


def end_sessions(archive: Archive, call: Call) -> Reply:
    """C-37."""
    return json_reply([one.mark for one in archive.sessions.close_all(call.viewer, call.found["login"])], NO_STORE)
