"""From a request to its operation, by the tables of ``routes.py``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

from filmroom.model.address import Address, decode_path, match_suffix, read_suffix, split_address, with_found
from filmroom.model.errors import BadName, BadValue, NotFound, NotSignedIn, WrongMethod
from filmroom.model.nodes import Kind
from filmroom.rest import cache as user_cache
from filmroom.rest import csrf
from filmroom.rest.call import Call, Handler, Request, Site, Visitor
from filmroom.rest.operation import Operation
from filmroom.rest.params import Query
from filmroom.rest.reply import Reply
from filmroom.rest.routes import MOUNTS, OWNERS, SIGNING_IN, TABLES, WITHOUT_CONTEXTS, XAPI
from filmroom.rest.threads import READING

_HOME: Final = ""
_DATA: Final = MOUNTS[0]
# What stands before the path of a file, and ends the suffix of whatever works with files.
_FILES: Final = "/files/"
_ALL_FILES: Final = "files/{path}"
# Those resources into which many files go, one after the other.
_MOST_REMEMBERED: Final = 256

_WORDS: Final = {
    (place, word)
    for operations in TABLES.values()
    for operation in operations
    for place, word in read_suffix(operation.suffix).words
}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads. ``found`` and ``spellings`` are as in ``Call``."""

    operation: Operation
    address: Address
    found: Mapping[str, str]
    spellings: Sequence[str]

    def to_file(self, raw_path: str) -> "Route":
        """To one of the files that this one leads to, and to all of them for an empty path. Raises BadName."""
        if not (path := decode_path(raw_path)):
            return self
        return Route(
            self.operation,
            replace(self.address, path=path),
            {**self.found, "path": path},
            _spellings(path, raw_path.removeprefix("/")),
        )


def find_call(site: Site, request: Request, visitor: Visitor) -> tuple[Call, Handler]:
    """What a request asks for, and the handler of it. Raises NotFound, BadValue, WrongMethod, NotSignedIn."""
    table, path = _below_mount(request.raw_path, site.root_path)
    if visitor.viewer is None and not _is_open(table, path):
        raise NotSignedIn  # before anything is told of what is there (F-25)
    route = find_route(table, path)
    query = Query(request.raw_query)
    method = _method(request, query, is_xapi=table == XAPI)
    if route is None:
        raise _no_operation(*_split(table, path), method)
    call = Call(
        request=request,
        site=site,
        address=route.address,
        found=route.found,
        spellings=route.spellings,
        query=query,
        visitor=visitor,
    )
    handler = _handler(route.operation, method)
    if route.address.kind is Kind.USER and visitor.account is None:
        user_cache.refuse_guest(method)
    is_guarded = table == _DATA and method not in READING and handler not in SIGNING_IN
    return call, csrf.guard(handler, call) if is_guarded else handler


def find_route(table: str, path: str) -> Route | None:
    """Where a raw path leads that is among the operations of one of ``TABLES``; None to nowhere. Raises BadName."""
    before, files, raw_path = path.partition(_FILES)
    if raw_path and (to_files := _route_to_files(table, f"{before}{files}")):
        return to_files.to_file(raw_path)
    return read_route(table, path)


@lru_cache(maxsize=_MOST_REMEMBERED)
def _route_to_files(table: str, path: str) -> Route | None:
    """Where a path leads after which nothing can follow but the path of a file; None for any other."""
    try:
        route = read_route(table, path)
    except BadName:
        return None  # it is told of the whole path
    return route if route and route.operation.suffix.endswith(_ALL_FILES) else None


def read_route(table: str, path: str) -> Route | None:
    """As ``find_route``, whatever is remembered."""
    address, rest = _split(table, path)
    for operation in _among(table, address.kind, rest):
        if (found := match_suffix(operation.suffix, rest)) is not None:
            sent = "/".join(rest[read_suffix(operation.suffix).count :]).removeprefix("/")
            spellings = _spellings(found["path"], sent) if "path" in found else ()
            return Route(operation, with_found(address, found), found, spellings)
    return None


def _split(table: str, path: str) -> tuple[Address, tuple[str, ...]]:
    return split_address(path) if table == _DATA else (Address(kind=Kind.SITE), _segments(path))


def _among(table: str, kind: Kind, rest: Sequence[str]) -> Sequence[Operation]:
    """Those for a kind of thing that may be meant, in the order of their table; most are told apart by two words."""
    first = rest[0] if rest and (0, rest[0]) in _WORDS else ""
    third = word if (2, word := "".join(rest[2:3])) in _WORDS else ""
    return _with_words(table, kind, first, third)


@cache
def _with_words(table: str, kind: Kind, first: str, third: str) -> Sequence[Operation]:
    """For words of the tables alone, so that no client can make up more of them."""
    return tuple(
        operation for operation in TABLES[table] if kind in operation.kinds and _may_have(operation, first, third)
    )


def _may_have(operation: Operation, first: str, third: str) -> bool:
    suffix = read_suffix(operation.suffix)
    return suffix.may_have(0, first) and suffix.may_have(2, third)


def is_below_xapi(raw_path: str, root_path: str) -> bool:
    """Whether errors there are plain text (C-22)."""
    return f"{raw_path.removeprefix(root_path)}/".startswith(f"{XAPI}/")


def _method(request: Request, query: Query, *, is_xapi: bool) -> str:
    """HEAD is GET without the body (F-9); a POST may say ``method=`` (F-10, C-10), or as tus has it, in a header.

    Not below ``/xapi``: a page of another site can make a browser send a POST but no PUT, and no token is asked there.
    """
    method = "GET" if request.method == "HEAD" else request.method
    said = query.text("method") or request.headers.get("x-http-method-override")
    return (said or method).upper() if method == "POST" and not is_xapi else method


def _handler(operation: Operation, method: str) -> Handler:
    """Raises WrongMethod (F-8)."""
    if handler := operation.handlers.get(method):
        return handler
    allowed = (*operation.handlers, *(["HEAD"] if "GET" in operation.handlers else []), "OPTIONS")
    if method == "OPTIONS":
        return lambda _archive, _call: Reply(headers=[("Allow", ", ".join(allowed)), *operation.offered])
    raise WrongMethod(method, allowed)


def _below_mount(raw_path: str, root_path: str) -> tuple[str, str]:
    """The table that a raw URL path is of, by its name in ``TABLES``, and the part of the path that tells which."""
    path = raw_path.removeprefix(root_path) if root_path else raw_path
    if path in {"", "/"}:
        return _HOME, path
    for mount in (*MOUNTS, *WITHOUT_CONTEXTS):
        if path == mount or path.startswith(f"{mount}/"):
            below = path.removeprefix(mount)
            if mount in WITHOUT_CONTEXTS:
                return mount, below
            return _DATA, below.removeprefix("/archive") if below.startswith("/archive/") else below
    raise NotFound("anything at this address")


def _is_open(table: str, path: str) -> bool:
    """C-25: whether nobody may ask."""
    segments = _segments(path)
    return any(each.is_open and match_suffix(each.suffix, segments) is not None for each in TABLES[table])


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix("/").split("/"))


def _spellings(meant: str, sent: str) -> tuple[str, ...]:
    """A file path as it is meant: decoded and, because clients send back raw URIs of listings, as it was sent."""
    return (meant,) if sent == meant else (meant, sent)


def _no_operation(address: Address, rest: tuple[str, ...], method: str) -> Exception:
    """F-79: after a resource only ``/files`` can follow. C-5: what is surplus must not change what is before it."""
    if address.kind in OWNERS and rest[:1] == ("resources",):
        return BadValue("address", "/".join(rest), "append /files to the resource to work with its files")
    if address.kind in OWNERS and method in {"PUT", "DELETE"}:
        return BadValue(
            "address", "/".join(rest), f"nothing like this follows a {address.kind}, so nothing was changed"
        )
    return NotFound("anything at this address")
