"""The root of the site: what is here, and who is signed in (C-42, C-176)."""

from typing import Final

from filmroom.rest import compat
from filmroom.rest.call import Call
from filmroom.rest.reply import NO_STORE, Reply
from filmroom.rest.sessions import keep_session
from filmroom.service.archive import Archive

_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>filmroom</title></head>\n<body>\n'
    "<h1>filmroom</h1>\n<p>{user_info}</p>\n"
    "<p>This is an archive for medical images. Its REST API, at <code>{root_path}/data</code>, works with XNAT "
    "clients. filmroom is not affiliated with XNAT.</p>\n</body>\n</html>\n"
)


def get_home(archive: Archive, call: Call) -> Reply:
    """A small page; Basic credentials open a session, which is how xnatpy signs in with a token (C-42)."""
    account = call.visitor.account
    headers = keep_session(archive, call, account)[1] if account else [NO_STORE]
    shown = _user_info(call)
    body = _PAGE.format(user_info=shown, root_path=call.site.root_path).encode("utf-8", "xmlcharrefreplace")
    return Reply(body=body, media_type="text/html; charset=UTF-8", headers=headers)


def _user_info(call: Call) -> str:
    """Nobody is no guest: xnatpy must not take a closed site for an open one."""
    if call.visitor.account is not None:
        return compat.user_info(call.visitor.account.login)
    return "Not logged in." if call.visitor.viewer is None else compat.user_info(None)
