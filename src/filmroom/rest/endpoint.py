"""The HTTP application: a request to a call in a thread, a call to a reply, an error to its page."""

import errno
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

import structlog

from filmroom.model.errors import (
    ArchiveError,
    Busy,
    DamagedBytes,
    MissingBytes,
    NotSignedIn,
    StorageFailed,
    StorageFull,
    TooManyUploads,
    WrongMethod,
)
from filmroom.rest.auth import expiration_cookie, find_visitor, has_credentials, is_form_login, recognize
from filmroom.rest.call import Call, Handler, Intake, Request, Site, Visitor, read_body_head
from filmroom.rest.dispatch import find_call, is_below_xapi
from filmroom.rest.health import ALIVE, HEALTH_METHODS, alive_reply, health_path, ready_reply
from filmroom.rest.proxies import Hop, first_hop
from filmroom.rest.reply import Reply, error_reply, page
from filmroom.rest.requestlog import log_fault, log_request, request_id
from filmroom.rest.resumable import VERSION as TUS_VERSION
from filmroom.rest.routes import LOOKING_AGAIN
from filmroom.rest.threads import READING, Run, Threads
from filmroom.rest.transfer import (
    Body,
    BodyLimits,
    Receive,
    Send,
    Sent,
    Uploads,
    finish,
    is_one_piece,
    send_reply,
    take,
)
from filmroom.service.archive import Archive
from filmroom.service.sessions import Remembered

Scope = Mapping[str, Any]

_LOG: Final = structlog.get_logger("filmroom.rest")
_FIRST_ERROR: Final = 400
# Of a resumable upload what came counts, however little, also when the rest never comes.
_KEEPS_WHAT_CAME: Final = "PATCH"
_SECURITY_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "same-origin"),
)
_FRAMES: Final = "frame-ancestors 'self'"
_PAGES: Final = f"default-src 'none'; base-uri 'none'; form-action 'none'; {_FRAMES}"
# What its operator should know of; one account that sends too much is its own business.
_FAULTS: Final = (StorageFailed, StorageFull, MissingBytes, DamagedBytes, Busy)
# What spools say of a disk that is full.
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Endpoint:
    """Serves one archive to one site. An ASGI application."""

    def __init__(self, archive: Archive, site: Site, threads: Threads, limits: BodyLimits) -> None:
        self._archive = archive
        self._site = site
        self._threads = threads
        self._limits = limits
        self._uploads = Uploads(limits.uploads_per_user)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = _read_head(scope, self._site)
        body = Body(receive, request.body, self._limits)
        exchange = _Exchange(self._archive, self._site, request)
        run = self._threads.for_passwords() if is_form_login(request) else self._threads.for_method(request.method)
        reply = await self._answer(exchange, body, run)
        sent = Sent(0, is_whole=False)
        try:
            if not body.is_read and not await body.drain():
                reply.headers.append(("Connection", "close"))
            sending = run if is_one_piece(reply) else self._threads.for_large(run)
            sent = await send_reply(reply, body, send, sending, with_body=request.method != "HEAD")
        except Exception as error:
            log_fault("broken off", request, error)
            raise
        finally:
            reply.close()
            milliseconds = (time.perf_counter() - started) * 1000
            login = exchange.viewer_login
            log_request(request, login, reply.status, milliseconds=milliseconds, body=body, sent=sent)

    async def _answer(self, exchange: "_Exchange", body: Body, run: Run) -> Reply:
        request = exchange.request
        try:
            reply = await self._answer_health(request) or await self._begin(exchange, body, run)
        except Exception as error:  # noqa: BLE001 - the outermost layer: a fault of ours must not end the connection
            reply = self._error_reply(request, error)
        reply.headers.extend(exchange.headers(reply))
        return reply

    async def _answer_health(self, request: Request) -> Reply | None:
        """Without a look at who asks, or at what else there is to do."""
        path = health_path(self._site, request.raw_path)
        if path is None:
            return None
        if request.method not in HEALTH_METHODS:
            raise WrongMethod(request.method, HEALTH_METHODS)
        return alive_reply() if path == ALIVE else await self._threads.for_health()(ready_reply, self._archive)

    async def _begin(self, exchange: "_Exchange", body: Body, run: Run) -> Reply:
        body.check_coding()
        body.check_length()
        if exchange.may_need_check():
            # Whoever waits for a turn at a password must not hold a thread that those need who are known.
            await self._threads.for_passwords()(exchange.sign_in)
        comes_soon = exchange.request.body.is_small and exchange.request.method != _KEEPS_WHAT_CAME
        if body.is_read or (comes_soon and await body.is_here_soon()):
            # One hop to a thread in place of two.
            return await run(exchange.answer, await body.read_piece())
        run = self._threads.for_large(run)
        begun = await run(exchange.begin)
        if isinstance(begun, Reply):
            return begun
        try:
            with self._uploads.one_more(exchange.viewer_login):
                return await take(begun, body, run)
        except TooManyUploads:
            await run(begun.abort)
            raise

    def _error_reply(self, request: Request, error: Exception) -> Reply:
        is_plain = is_below_xapi(request.raw_path, self._site.root_path)
        told = StorageFull() if isinstance(error, OSError) and error.errno in _FULL else error
        if not isinstance(told, ArchiveError):
            _LOG.error("unexpected", request=request.id, exc_info=error)
            text = "The server encountered an unexpected condition; its log has the details"
            return page(500, text, request_id=request.id, is_plain=is_plain)
        if isinstance(told, _FAULTS) and not isinstance(told, TooManyUploads):
            log_fault("storage", request, error)
        return error_reply(told, realm=self._site.site_id, request_id=request.id, is_plain=is_plain)


class _Exchange:
    """One request while it is being answered: who sent it, and what it turned out to ask for."""

    def __init__(self, archive: Archive, site: Site, request: Request) -> None:
        self._archive = archive
        self._site = site
        self.request = request
        self._visitor = Visitor()
        self._known: Remembered | None = None
        self._is_signed_in = False
        self._call: Call | None = None

    @property
    def viewer_login(self) -> str | None:
        return self._visitor.viewer.login if self._visitor.viewer else None

    def may_need_check(self) -> bool:
        """Whether to sign in may take the time of a password, because it was not found right a while ago."""
        self._known = recognize(self._archive, self.request)
        return self._known is None and has_credentials(self.request)

    def sign_in(self, *, believes: bool = False) -> None:
        """Find out who sent the request, as ``find_visitor`` does. Raises NotSignedIn, AccountLocked, Busy."""
        self._visitor = Visitor()  # should the next line raise: nobody, and nobody who is believed
        self._visitor = find_visitor(self._archive, self._site, self.request, known=self._known, believes=believes)
        self._is_signed_in = True

    def begin(self) -> Reply | Intake:
        """Sign the visitor in, find the operation, start it. Raises ArchiveError of every kind."""
        call, handler = self._find(believes=False)
        return handler(self._archive, call)

    def answer(self, body: Sequence[bytes]) -> Reply:
        """Do all there is to do for a request whose whole body is here. Raises as ``begin`` does.

        Whoever changes something may be believed first (decision 0013).
        """
        try:
            return self._answer(body, believes=self.request.method not in READING)
        except ArchiveError as error:
            if not self._is_believed:
                raise
            self.sign_in()  # nothing is told to whom it may be no business of any more
            if not isinstance(error, NotSignedIn):
                raise
            return self._answer(body, believes=False)

    def _answer(self, body: Sequence[bytes], *, believes: bool) -> Reply:
        call, handler = self._find(believes=believes)
        is_change = self.request.method not in READING
        with self._archive.announce_change() if is_change else nullcontext():
            begun = handler(self._archive, call)
            return begun if isinstance(begun, Reply) else finish(begun, body)

    def _find(self, *, believes: bool) -> tuple[Call, Handler]:
        if not self._is_signed_in:
            self.sign_in(believes=believes)
        self._call, handler = find_call(self._site, self.request, self._visitor)
        if self._is_believed and handler not in LOOKING_AGAIN:
            self.sign_in()
            self._call = replace(self._call, visitor=self._visitor)
        return self._call, handler

    @property
    def _is_believed(self) -> bool:
        """Whether the visitor was let in without a look at what is so now."""
        return self._visitor.viewer is not None and self._visitor.viewer.is_believed

    def headers(self, reply: Reply) -> list[tuple[str, str]]:
        """What every answer says: when the session ends, and, if it is done, which parameters had no effect."""
        headers = [("Filmroom-Request", self.request.id), *_SECURITY_HEADERS]
        said = {name for name, _ in reply.headers}
        if "Content-Security-Policy" not in said:
            is_page = reply.media_type.startswith("text/html")
            headers.append(("Content-Security-Policy", _PAGES if is_page else _FRAMES))
        if self._visitor.account is not None:
            # A cache that many share must not give to one what was another's to see (RFC 9111 section 3.5).
            is_told = "Cache-Control" in said
            headers.append(("Vary", "Authorization, Cookie") if is_told else ("Cache-Control", "private"))
        if "tus-resumable" in self.request.headers and "Tus-Resumable" not in said:
            headers.append(("Tus-Resumable", TUS_VERSION))
        is_done = reply.status < _FIRST_ERROR
        if self._visitor.session_id:
            headers.append(expiration_cookie(self._archive, self._site, self.request))
        if is_done and self._call and (ignored := self._call.query.unread()):
            headers.append(("Filmroom-Ignored", ", ".join(quote(name, safe=":/[]@") for name in ignored)))
        return headers


def _read_head(scope: Scope, site: Site) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    client = scope.get("client")
    direct = Hop(
        client=client[0] if client else "",
        is_secure=scope.get("scheme") == "https",
        host=headers.get("host", ""),
    )
    hop = first_hop(direct, headers, site.trusted_proxies)
    return Request(
        id=request_id(headers),
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query=scope["query_string"],
        headers=headers,
        client=hop.client,
        is_secure=hop.is_secure,
        host=hop.host,
        peer=direct.client,
        body=read_body_head(headers),
    )
