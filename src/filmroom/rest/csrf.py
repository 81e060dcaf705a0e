"""Whether a change that a browser asks for was meant by the person who uses it (C-43 to C-45, F-26).

A page of any other site can make a browser send a request, with its cookie and all; it cannot know the token of the
session. Clients that are no browsers send nothing by themselves, so nothing is asked of them.
"""

import hmac
import re
from collections.abc import Callable
from typing import Final

from filmroom.model.errors import NeedsCsrfToken
from filmroom.rest.call import Call, Handler, Intake
from filmroom.rest.documents import FormHandler
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.params import Query
from filmroom.rest.reply import Reply
from filmroom.rest.transfer import finish
from filmroom.service.archive import Archive
from filmroom.service.sessions import csrf_token

_PARAMETER: Final = "XNAT_CSRF"
_BROWSER: Final = re.compile("MSIE|Mozilla|AppleWebKit|Opera")
_NO_BROWSER: Final = re.compile("XNATDesktopClient|(?i:java)")
_FORM: Final = "application/x-www-form-urlencoded"


def _is_browser(agent: str) -> bool:
    """C-43."""
    return bool(_BROWSER.search(agent)) and not _NO_BROWSER.search(agent)


def guard(handler: Handler, call: Call) -> Handler:
    """The handler of a change, which a browser reaches only with the token: in the query, or else in a form."""
    is_asked = call.site.checks_csrf and call.visitor.account is not None
    if not is_asked or not _is_browser(call.request.headers.get("user-agent", "")):
        return handler
    if call.query.text(_PARAMETER) is not None:
        return _guarded(handler)
    if isinstance(handler, FormHandler):
        return FormHandler(_guarded_answer(handler.answer))
    is_form = call.media_type == _FORM and not call.query.flag("inbody")
    return _guarded_by_form(handler) if is_form else _guarded(handler)


def _guarded(handler: Handler) -> Handler:
    def handle(archive: Archive, call: Call) -> Reply | Intake:
        _check(call, call.query)
        return handler(archive, call)

    return handle


def _guarded_answer(answer: Callable[[Archive, Call], Reply]) -> Callable[[Archive, Call], Reply]:
    """By then the form is among the parameters."""

    def answer_if_meant(archive: Archive, call: Call) -> Reply:
        _check(call, call.query)
        return answer(archive, call)

    return answer_if_meant


def _guarded_by_form(handler: Handler) -> Handler:
    """The body is read for the token alone, and then given to the handler as it came."""

    def handle(archive: Archive, call: Call) -> Reply | Intake:
        def go_on(body: bytes) -> Reply:
            form = Query(b"")
            form.add_form(body)
            _check(call, form)
            begun = handler(archive, call)
            return begun if isinstance(begun, Reply) else finish(begun, [body])

        return DocumentIntake(go_on)

    return handle


def _check(call: Call, said: Query) -> None:
    """Raises NeedsCsrfToken."""
    session_id = call.visitor.session_id
    if session_id is None:
        raise NeedsCsrfToken(
            "a browser needs a session and its token to change anything: GET /data/JSESSION?CSRF=true first, then say "
            f"{_PARAMETER}=... in the query or form"
        )
    given = said.text(_PARAMETER) or ""
    if not hmac.compare_digest(given.lower().encode(), csrf_token(session_id).lower().encode()):
        raise NeedsCsrfToken(
            f"a change that a browser asks for must say {_PARAMETER}=... with the token of its session, which "
            "GET /data/JSESSION?CSRF=true shows"
        )
