"""What a query string says. Every parameter that a handler never asked for is named in the answer."""

from collections.abc import Container, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from filmroom.model.errors import BadValue
from filmroom.model.percent import decode
from filmroom.model.resources import Description

# C-60, F-154, F-311: accepted everywhere without effect, so that saying so each time would be noise.
_HARMLESS: Final = frozenset(
    {"_", "timestamp", "XNAT_CSRF", "req_format", "xsiType", "columns", "format", "update-stats", "file_stats"}
)
_HARMLESS_PREFIX: Final = "event_"
# What many requests say alike, one after the other.
_SHORT_BYTES: Final = 200
_MOST_REMEMBERED: Final = 256

Pairs = tuple[tuple[str, str], ...]


class Query:
    """The parameters of a request: names are case-sensitive, the first value counts, an empty one is none (F-11).

    Raises BadValue for a NUL or broken UTF-8 anywhere.
    """

    def __init__(self, raw: bytes) -> None:
        self._pairs = _short_pairs(raw) if len(raw) <= _SHORT_BYTES else _pairs(raw)
        self._read: set[str] = set()
        self._ignored: list[str] = []

    def add_form(self, raw: bytes) -> None:
        """Take in what a body of type ``application/x-www-form-urlencoded`` says; the query comes first (C-48)."""
        self.add(_pairs(raw))

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs += tuple(pairs)

    def text(self, name: str) -> str | None:
        self._read.add(name)
        for key, value in self._pairs:
            if key == name and value:
                return value
        return None

    def has(self, name: str) -> bool:
        """Whether it is there, with or without a value."""
        return self._first(name) is not None

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value that is not empty."""
        self._read.add(name)
        return tuple(value for key, value in self._pairs if key == name and value)

    def has_any(self, names: Container[str]) -> bool:
        """Whether one of them is there; none of them counts as asked for."""
        return any(name in names for name, _ in self._pairs)

    def flag(self, name: str) -> bool:
        """F-12: absent is false; present is true unless the value is ``false`` or ``0``."""
        return (value := self._first(name)) is not None and value.lower() not in _FALSE

    def is_false(self, name: str) -> bool:
        """F-12: whether it is there and says ``false`` or ``0``."""
        return (value := self._first(name)) is not None and value.lower() in _FALSE

    def items(self) -> Iterator[tuple[str, str]]:
        """Every pair as it came; none of them counts as asked for."""
        return iter(self._pairs)

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Every pair whose name is a path rather than a word."""
        self._read.update(name for name, _ in self._pairs if name.startswith("/"))
        return ((name, value) for name, value in self._pairs if name.startswith("/"))

    def ignore(self, names: Iterable[str]) -> None:
        """Note what a body said and what means nothing here."""
        self._ignored += names

    def unread(self) -> tuple[str, ...]:
        """Names that are there and that nobody asked for, as many of them as a header can well hold."""
        names = [*(name for name, _ in self._pairs if name not in self._read and name not in _HARMLESS), *self._ignored]
        return tuple(name for name in dict.fromkeys(names) if not name.startswith(_HARMLESS_PREFIX))[:_MOST_NAMED]

    def _first(self, name: str) -> str | None:
        self._read.add(name)
        for key, value in self._pairs:
            if key == name:
                return value
        return None


_FALSE: Final = frozenset({"false", "0"})
_MOST_NAMED: Final = 50


def _pairs(raw: bytes) -> Pairs:
    return tuple(_pair(part) for part in raw.decode("latin-1").split("&") if part)


@lru_cache(maxsize=_MOST_REMEMBERED)
def _short_pairs(raw: bytes) -> Pairs:
    return _pairs(raw)


def _pair(part: str) -> tuple[str, str]:
    """The ``=`` of a condition in a path (C-52) belongs to the name, written as it is or encoded."""
    end = part.find("=")
    while end >= 0 and part.rfind("[", 0, end) > part.rfind("]", 0, end) and (close := part.find("]", end)) > 0:
        end = part.find("=", close)
    name, value = (part[:end], part[end + 1 :]) if end >= 0 else part.partition("=")[::2]
    return _decode(name), _decode(value)


def _decode(raw: str) -> str:
    try:
        text = decode(raw.replace("+", " "))
    except UnicodeDecodeError as error:
        raise BadValue("query parameter", raw, "its percent-encoding is not valid UTF-8") from error
    if "\0" in text:
        raise BadValue("query parameter", raw, "it must not hold a NUL character")
    return text


def read_description(query: Query, *, split_tags: bool) -> Description:
    """``format``, ``content``, ``description`` and ``tags``.

    On creating a resource tags are split at commas and ``n:v`` means ``n=v`` (F-87); on an upload each is one (F-151).
    """
    if not query.has_any(_DESCRIBING):
        return _NOTHING_SAID
    tags = query.texts("tags")
    return Description(
        format=_said(query, "format"),
        content=_said(query, "content"),
        description=_said(query, "description"),
        tags=_split_tags(tags) if split_tags else tags,
    )


def _said(query: Query, name: str) -> str:
    """F-87: by its name, or by the path that it has in XNAT's schema."""
    return query.text(name) or query.text(f"{_CATALOG}/{name}") or ""


_CATALOG: Final = "xnat:resourceCatalog"
_DESCRIBING: Final = frozenset(
    {"tags", *(f"{prefix}{name}" for prefix in ("", f"{_CATALOG}/") for name in ("format", "content", "description"))}
)
_NOTHING_SAID: Final = Description()


def _split_tags(texts: Sequence[str]) -> tuple[str, ...]:
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(part if "=" in part else part.replace(":", "=", 1) for part in parts if part)


def read_whole(text: str, name: str) -> int:
    """The number that a parameter says. Raises BadValue."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadValue(name, text, f"it must be a whole number of at most {_MOST_DIGITS} digits")
    return int(text)


_MOST_DIGITS: Final = 9


def read_limit(query: Query) -> tuple[int, int]:
    """How many rows of a list are wanted at most (``limit``), and how many before them are not (``offset``)."""
    limit = read_whole(query.text("limit") or _DEFAULT_LIMIT, "limit")
    return limit, read_whole(query.text("offset") or "0", "offset")


_DEFAULT_LIMIT: Final = "1000"
