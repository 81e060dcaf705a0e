"""The HTTP application: a request to a call in a thread, a call to a reply, an error to its page."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import structlog

from filmroom.model.errors import ArchiveError, Busy, MissingBytes, StorageFailed
from filmroom.rest.auth import expiration_cookie, find_visitor, is_form_login, may_need_check
from filmroom.rest.call import Call, Intake, Request, Site, Visitor
from filmroom.rest.proxies import Hop, first_hop
from filmroom.rest.reply import Reply, error_reply, page
from filmroom.rest.resumable import VERSION as TUS_VERSION
from filmroom.rest.routes import find_call, is_below_xapi
from filmroom.rest.transfer import Body, Receive, Run, Send, Threads, finish, send_reply, take
from filmroom.service.archive import Archive

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
_SECRETS: Final = re.compile(r"(/JSESSION/|/services/tokens/(?:in)?validate/[^/]+/).+")


class Endpoint:
    """Serves one archive to one site. An ASGI application."""

    def __init__(self, archive: Archive, site: Site, threads: Threads) -> None:
        self._archive = archive
        self._site = site
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = _read_head(scope, self._site)
        body = Body(receive, request.headers)
        exchange = _Exchange(self._archive, self._site, request)
        run = self._threads.for_passwords() if is_form_login(request) else self._threads.for_method(request.method)
        reply = await self._answer(exchange, body, run)
        try:
            if not body.is_read and not await body.drain():
                reply.headers.append(("Connection", "close"))
            sent = await send_reply(reply, body, send, run, with_body=request.method != "HEAD")
        finally:
            reply.close()
        _LOG.info(
            "request",
            viewer=exchange.viewer_login,
            client=request.client,
            method=request.method,
            path=_without_secrets(request.raw_path),
            status=reply.status,
            ms=round((time.perf_counter() - started) * 1000, 2),
            bytes=sent,
        )

    async def _answer(self, exchange: "_Exchange", body: Body, run: Run) -> Reply:
        path = exchange.request.raw_path
        is_plain = is_below_xapi(path, self._site.root_path)
        try:
            if may_need_check(self._archive, exchange.request):
                # Whoever waits for a turn at a password must not hold a thread that those need who are known.
                await self._threads.for_passwords()(exchange.sign_in)
            if body.is_small and exchange.request.method != _KEEPS_WHAT_CAME:
                # One hop to a thread in place of two: whoever sends this little has sent it already.
                reply = await run(exchange.answer, await body.read_small())
            else:
                begun = await run(exchange.begin)
                reply = begun if isinstance(begun, Reply) else await take(begun, body, run)
        except ArchiveError as error:
            if isinstance(error, StorageFailed | MissingBytes | Busy):
                _LOG.error("storage", path=_without_secrets(path), error=repr(error), cause=repr(error.__cause__))
            reply = error_reply(error, realm=self._site.site_id, is_plain=is_plain)
        except Exception:  # noqa: BLE001 - the outermost layer: a fault of ours must not end the connection
            _LOG.exception("unexpected", path=_without_secrets(path))
            reply = page(
                500, "The server encountered an unexpected condition; its log has the details", is_plain=is_plain
            )
        reply.headers.extend(exchange.headers(reply))
        return reply


def _without_secrets(raw_path: str) -> str:
    """What a path may tell the log: not what signs somebody in (C-34, C-38)."""
    return _SECRETS.sub(r"\1...", raw_path)


class _Exchange:
    """One request while it is being answered: who sent it, and what it turned out to ask for."""

    def __init__(self, archive: Archive, site: Site, request: Request) -> None:
        self._archive = archive
        self._site = site
        self.request = request
        self._visitor = Visitor()
        self._is_signed_in = False
        self._call: Call | None = None

    @property
    def viewer_login(self) -> str | None:
        return self._visitor.viewer.login if self._visitor.viewer else None

    def sign_in(self) -> None:
        """Find out who sent the request. Raises NotSignedIn, AccountLocked, Busy."""
        self._visitor = find_visitor(self._archive, self._site, self.request)
        self._is_signed_in = True

    def begin(self) -> Reply | Intake:
        """Sign the visitor in, find the operation, start it. Raises ArchiveError of every kind."""
        if not self._is_signed_in:
            self.sign_in()
        self._call, handler = find_call(self._site, self.request, self._visitor)
        return handler(self._archive, self._call)

    def answer(self, body: Sequence[bytes]) -> Reply:
        """Do all there is to do for a request whose whole body is here. Raises as ``begin`` does."""
        begun = self.begin()
        return begun if isinstance(begun, Reply) else finish(begun, body)

    def headers(self, reply: Reply) -> list[tuple[str, str]]:
        """What every answer says: when the session ends, and, if it is done, which parameters had no effect."""
        headers = list(_SECURITY_HEADERS)
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
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query=scope["query_string"],
        headers=headers,
        client=hop.client,
        is_secure=hop.is_secure,
        host=hop.host,
    )
