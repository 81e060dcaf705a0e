"""Where something is in the archive: one table of contexts, one grammar, both ways.

An address is what follows ``/data`` (or ``/REST``) and the optional ``/archive`` in a URL: files-api section 2, c1 to
c12, the aliases of F-35 and the user cache. Paths are read raw, split at ``/`` first and percent-decoded afterwards,
once; a ``%2F`` separates inside a file path and is refused everywhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Final

from filmroom.model.errors import BadName, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.percent import decode, encode, encode_path
from filmroom.model.resources import Side


@dataclass(frozen=True, slots=True)
class Context:
    """A kind of thing that owns resources, and the shapes of the URLs that lead to it.

    ``sides`` says whether ``/in`` or ``/out`` may follow (F-32).
    """

    kind: Kind
    shapes: tuple[str, ...]
    sides: bool = False


_SESSIONS: Final = (
    "projects/{project}/subjects/{subject}/experiments/{experiment}",
    "projects/{project}/experiments/{experiment}",
    "experiments/{experiment}",
)


def _inside_session(shape: str) -> tuple[str, ...]:
    return tuple(f"{session}/{shape}" for session in _SESSIONS)


CONTEXTS: Final = (
    Context(Kind.SITE, ("",)),
    Context(Kind.PROJECT, ("projects/{project}",)),
    Context(Kind.SUBJECT, ("projects/{project}/subjects/{subject}", "subjects/{subject}")),
    Context(Kind.EXPERIMENT, _SESSIONS),
    Context(Kind.SCAN, _inside_session("scans/{scan}")),
    Context(Kind.RECONSTRUCTION, _inside_session("reconstructions/{reconstruction}"), sides=True),
    Context(Kind.ASSESSOR, _inside_session("assessors/{assessor}"), sides=True),
    Context(Kind.USER, ("user/cache",)),
)

# What may follow a context when the address goes on to a resource or a file; ``{path}`` takes all that is left.
RESOURCE_SUFFIXES: Final = ("resources/{resource}", "resources/{resource}/files/{path}", "files/{path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One place: a thing, one of its resources, or one file or folder in it.

    The levels hold what the URL says (ids or labels), decoded; None where it does not say. ``side`` is OUT for
    reconstructions and assessors that do not say (F-32) and NONE for every other kind. ``path`` is inside the
    resource, without a leading slash; a trailing one means a folder (F-97).
    """

    kind: Kind
    project: str | None = None
    subject: str | None = None
    experiment: str | None = None
    scan: str | None = None
    reconstruction: str | None = None
    assessor: str | None = None
    side: Side = Side.NONE
    resource: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        """The address as a URL path below the mount, percent-encoded; ``parse_address`` reads it back.

        A thing itself has no side, so OUT, which is no more than the absence of IN, is said of resources only.
        """
        text = _say_without_path(self.resource, *thing_of(self))
        return (text or "/") if self.path is None else f"{text}/files/{encode_path(self.path)}"


_NOT_LEVELS: Final = frozenset({"kind", "side", "resource", "path"})
_LEVELS: Final = tuple(field.name for field in fields(Address) if field.name not in _NOT_LEVELS)
thing_of: Final = attrgetter("kind", "side", *_LEVELS)
"""All that an address says but for what is inside the thing that it names."""


@lru_cache(maxsize=1000)  # each file of a resource is said to be there
def _say_without_path(resource: str | None, kind: Kind, side: Side, *levels: str | None) -> str:
    """The text of an address without a path; empty for that of the site."""
    said = {name: encode(level) for name, level in zip(_LEVELS, levels, strict=True) if level is not None}
    context, shape = _find_shape(kind, frozenset(said))
    parts = [shape.format_map(said)] if shape else []
    if context.sides and (side is Side.IN or resource is not None):
        parts.append(side)
    if resource is not None:
        parts.append(f"resources/{encode(resource)}")
    return "".join(f"/{part}" for part in parts)


@cache
def _find_shape(kind: Kind, named: frozenset[str]) -> tuple[Context, str]:
    """The shape that says of a thing of this kind just these levels."""
    return next(
        (context, shape)
        for context in CONTEXTS
        for shape in context.shapes
        if context.kind is kind and {name for _, name in read_suffix(shape).names} == named
    )


def parse_address(text: str) -> Address:
    """Read an address as ``str(address)`` writes it, or as the path of a URL below its mount.

    Raises NotFound when the path leads to no kind of place, BadName when one of its parts cannot be a name at all.
    """
    address, rest = split_address(text)
    if rest in ((), ("",)) and address.kind is not Kind.SITE:
        return address
    for suffix in RESOURCE_SUFFIXES:
        if address.kind is not Kind.SITE and (found := match_suffix(suffix, rest)) is not None:
            return with_found(address, found)
    raise NotFound(f"a kind of place that {text!r} could name")


def split_address(raw_path: str) -> tuple[Address, tuple[str, ...]]:
    """The longest context that the path begins with, and the raw segments that are left.

    A trailing slash leaves one empty segment at the end, which means something only in a file path (F-5, F-97).
    A path that begins with no other context has the archive itself (SITE) for its context.
    """
    segments = raw_path.removeprefix("/").split("/")
    for pattern in _among(segments[0], "".join(segments[2:3])):
        if pattern.matches(segments):
            return pattern.read(segments)
    raise AssertionError  # the empty shape of SITE matches everything


@dataclass(frozen=True, slots=True)
class Suffix:
    """What a suffix is made of: ``count`` words and names at their places, and whether ``{path}`` comes after them."""

    count: int
    words: tuple[tuple[int, str], ...]
    names: tuple[tuple[int, str], ...]
    takes_all: bool

    def may_have(self, place: int, word: str) -> bool:
        """Whether segments that it matches may have this word there."""
        return dict(self.words).get(place, word) == word


@cache
def read_suffix(suffix: str) -> Suffix:
    parts = suffix.split("/") if suffix else []
    takes_all = parts[-1:] == ["{path}"]
    parts = parts[:-1] if takes_all else parts
    named = [part.startswith("{") for part in parts]
    return Suffix(
        count=len(parts),
        words=tuple((place, part) for place, part in enumerate(parts) if not named[place]),
        names=tuple((place, part[1:-1]) for place, part in enumerate(parts) if named[place]),
        takes_all=takes_all,
    )


@dataclass(frozen=True, slots=True)
class _Pattern:
    context: Context
    shape: Suffix

    def matches(self, segments: Sequence[str]) -> bool:
        count = self.shape.count
        if len(segments) < count or "" in segments[:count]:
            return not count
        return all(segments[place] == word for place, word in self.shape.words)

    def read(self, segments: Sequence[str]) -> tuple[Address, tuple[str, ...]]:
        levels = {name: decode_segment(segments[place], what=name) for place, name in self.shape.names}
        rest = tuple(segments[self.shape.count :])
        side, rest = _read_side(rest) if self.context.sides else (Side.NONE, rest)
        return Address(kind=self.context.kind, side=side, **levels), rest


_PATTERNS: Final = sorted(
    (_Pattern(context, read_suffix(shape)) for context in CONTEXTS for shape in context.shapes),
    key=lambda pattern: -pattern.shape.count,
)
_WORDS: Final = {word for pattern in _PATTERNS for _, word in pattern.shape.words}


def _among(first: str, third: str) -> Sequence[_Pattern]:
    """Those that a path with these words may have, the longest first. Most addresses are told apart by the two."""
    return _with_words(first if first in _WORDS else "", third if third in _WORDS else "")


@cache
def _with_words(first: str, third: str) -> Sequence[_Pattern]:
    return [pattern for pattern in _PATTERNS if pattern.shape.may_have(0, first) and pattern.shape.may_have(2, third)]


_AFTER_SIDE: Final = ("resources", "files")
_SIDE_WORDS: Final = {"in": Side.IN, "out": Side.OUT}


def _read_side(rest: tuple[str, ...]) -> tuple[Side, tuple[str, ...]]:
    """F-32: ``in`` in any case is in; any other single word before ``resources`` or ``files``, or none, is out."""
    word = rest[0].lower() if rest else ""
    is_side = word in _SIDE_WORDS or (len(rest) > 1 and word not in _AFTER_SIDE and rest[1] in _AFTER_SIDE)
    return (_SIDE_WORDS.get(word, Side.OUT), rest[1:]) if is_side else (Side.OUT, rest)


def with_found(address: Address, found: Mapping[str, str]) -> Address:
    """The address extended by the resource and the path that a suffix held, if it held any."""
    return replace(address, resource=found.get("resource"), path=found.get("path"))


def with_name(address: Address, kind: Kind, name: str | None) -> Address:
    """The address of what is called so, of a kind, at or below another address."""
    level: dict[str, Any] = {kind.value: name}
    return replace(address, kind=kind, **level)


def match_suffix(suffix: str, rest: Sequence[str]) -> dict[str, str] | None:
    """The decoded variables of a suffix such as ``resources/{resource}/files/{path}``; None where it does not match.

    ``{path}`` takes all segments that are left and must stand last; it may be empty.
    """
    parts = read_suffix(suffix)
    count = len(rest) - (bool(rest) and rest[-1] == "" and not parts.takes_all)
    if count != parts.count if not parts.takes_all else count < parts.count:
        return None
    for place, word in parts.words:
        if rest[place] != word:
            return None
    found = {name: decode_segment(rest[place], what=name) for place, name in parts.names}
    if parts.takes_all and (path := decode_path("/".join(rest[parts.count :]))):
        found["path"] = path
    return found


def decode_segment(raw: str, *, what: str) -> str:
    """One percent-decoded segment. Raises BadName for an empty one, a ``%2F``, a NUL or broken UTF-8."""
    text = _decode(raw, what=what)
    if not text:
        raise BadName(what, raw, "it must not be empty")
    if "/" in text:
        raise BadName(what, raw, "it must not hold an encoded slash")
    return text


def decode_path(raw: str) -> str:
    """A percent-decoded file path: any number of segments, without its leading slash. Raises BadName as above."""
    return _decode(raw, what="file path").removeprefix("/")


def _decode(raw: str, *, what: str) -> str:
    try:
        text = decode(raw)
    except UnicodeDecodeError as error:
        raise BadName(what, raw, "its percent-encoding is not valid UTF-8") from error
    if "\0" in text:
        raise BadName(what, raw, "it must not hold a NUL character")
    return text
