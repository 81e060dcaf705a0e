"""What an id, a label and a file path may be. Traversal is refused here, once, for every door.

Each ``check_*`` returns the value to use or raises ``BadName`` with the rule that was broken. Names are compared as
received: no Unicode normalisation.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from filmroom.model.errors import BadName, IllegalId
from filmroom.model.people import GUEST_LOGIN, LONGEST_LOGIN

LONGEST_LABEL: Final = 64
# What fits into a row of PostgreSQL's b-tree (docs/decisions/0006).
LONGEST_PATH_BYTES: Final = 2048
LONGEST_SEGMENT_BYTES: Final = 255

# Longer ones do not fit into the header of a mail (RFC 5321 section 4.5.3.1.3).
_LONGEST_EMAIL: Final = 254
_LONGEST_PERSON_NAME: Final = 255

# The user's name of nobody, and the word that follows /user/ in the address of a cache.
_RESERVED_LOGINS: Final = frozenset({GUEST_LOGIN, "cache"})
# Control characters, and what a command line makes of bytes that are no text.
_NOT_IN_PROFILES: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
# C-57: the characters of an id.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_IN_LABELS: Final = re.compile(r"[/\\,]")
# F-51: NULL, in any case, is the clients' word for "no label".
_RESERVED_LABELS: Final = frozenset({".", "..", "null"})
# Breaks no rule for paths, as almost all do not; what does not match may still be a path.
_PLAIN_PATH: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}/){0,7}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


def check_id(text: str, *, what: str) -> str:
    """The rule of C-57 for IDs of projects and scans and for labels of subjects and experiments. Raises IllegalId."""
    if not _ID.fullmatch(text):
        raise IllegalId(what, text)
    return text


def check_label(text: str, *, in_cache: bool = False) -> str:
    """A resource's label. Outside a user's cache it may not be all digits: those are resource numbers (F-53)."""
    if broken := _broken_label_rule(text):
        raise BadName("resource label", text, broken)
    if not in_cache and is_rid(text):
        raise BadName("resource label", text, "it must not be all digits, because digits address a resource by number")
    return text


def is_rid(text: str) -> bool:
    """Whether the text is a resource number rather than a label (F-51)."""
    return text.isascii() and text.isdigit()


def to_rid(digits: str) -> int:
    """The number; one too long to be any is a number that no resource has."""
    return int(digits) if len(digits) <= _LONGEST_RID else 0


_LONGEST_RID: Final = 10


def _broken_label_rule(text: str) -> str | None:
    rules = (
        (not 1 <= len(text) <= LONGEST_LABEL, f"it must be 1 to {LONGEST_LABEL} characters long"),
        (_NOT_IN_LABELS.search(text), "it must not hold a slash, a backslash or a comma"),
        (_CONTROL.search(text), "it must not hold a control character"),
        (text != text.strip(), "it must not begin or end with a blank"),
        (text.lower() in _RESERVED_LABELS, "this word is reserved"),
    )
    return next((rule for broken, rule in rules if broken), None)


@lru_cache(maxsize=1000)  # that of an upload is checked at its beginning, when it is received, and when it is stored
def check_file_path(text: str) -> str:
    """A file's path inside its resource: ``a/b.dcm``, without slashes at its ends."""
    path = _check_path(text, what="file path")
    if is_reserved_file_name(path):
        raise BadName("file path", text, "names ending in _catalog.xml or beginning with .~lock- are reserved")
    return path


def is_reserved_file_name(path: str) -> bool:
    """Whether tools that read the archive would take it for a resource's own catalog, or for its lock (F-140)."""
    return path.endswith("_catalog.xml") or path.rpartition("/")[2].startswith(".~lock-")


def check_folder_path(text: str) -> str:
    """A folder's path inside its resource, with or without its trailing slash; given back without."""
    return _check_path(text.removesuffix("/"), what="folder path")


def _check_path(text: str, *, what: str) -> str:
    if broken := _broken_path_rule(text):
        raise BadName(what, text, broken)
    return text


def _broken_path_rule(path: str) -> str | None:
    if _PLAIN_PATH.fullmatch(path):
        return None
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        return "it must be valid Unicode text"
    segments = raw.split(b"/")
    rules = (
        (len(raw) > LONGEST_PATH_BYTES, f"it must be at most {LONGEST_PATH_BYTES} bytes long"),
        (b"\0" in raw, "it must not hold a NUL character"),
        (b"" in segments, "no part of it between slashes may be empty"),
        (b"." in segments or b".." in segments, "no part of it may be . or .."),
        (
            any(len(segment) > LONGEST_SEGMENT_BYTES for segment in segments),
            f"each part of it between slashes must be at most {LONGEST_SEGMENT_BYTES} bytes long",
        ),
    )
    return next((rule for broken, rule in rules if broken), None)


def check_login(text: str) -> str:
    allowed = all(character.isalnum() or character in "._-@" for character in text)
    if not 1 <= len(text) <= LONGEST_LOGIN or not allowed:
        raise BadName("user name", text, f"use 1 to {LONGEST_LOGIN} letters, digits and . _ - @")
    if text.lower() in _RESERVED_LOGINS:
        raise BadName("user name", text, "this word is reserved")
    return text


def check_email(text: str) -> str:
    """An e-mail address, or nothing. Whether it is anybody's, only a mail can tell."""
    if text and (len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text) or _NOT_IN_PROFILES.search(text)):
        raise BadName("e-mail address", text, "it must look like somebody@example.org")
    return text


def check_person_name(text: str, *, what: str) -> str:
    """A first or last name, or nothing."""
    if len(text) > _LONGEST_PERSON_NAME or _NOT_IN_PROFILES.search(text):
        raise BadName(what, text, f"use at most {_LONGEST_PERSON_NAME} characters, none of them a control character")
    return text


def iter_folders(path: str) -> Iterator[str]:
    """Every folder that a path lies in, the innermost first."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
