"""Percent-encoding of UTF-8 (RFC 3986), for texts that mostly need none and are read and written with each request."""

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]*")
_UNRESERVED_OR_SLASH: Final = re.compile(r"[A-Za-z0-9_.~/-]*")


def decode(text: str) -> str:
    """What is meant, decoded once. Raises UnicodeDecodeError for what is not UTF-8."""
    return text if "%" not in text and text.isascii() else unquote_to_bytes(text).decode()


def encode(text: str) -> str:
    """One segment of a path: a slash is encoded too."""
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def encode_path(text: str) -> str:
    """Segments with slashes between them."""
    return text if _UNRESERVED_OR_SLASH.fullmatch(text) else quote(text, safe="/")
