"""What the log tells of a request: one event for each, without what signs anybody in.

Every request has an id, which its answer and its error page tell too.
"""

import re
import secrets
from collections.abc import Mapping
from itertools import count
from typing import Final
from urllib.parse import unquote

import structlog

from filmroom.rest.call import Request
from filmroom.rest.transfer import Body, Sent

_LOG: Final = structlog.get_logger("filmroom.rest")

# Names of parameters whose values are nobody's business; what is no secret after all may be hidden too.
_SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token|csrf|jsession|credential|auth", re.IGNORECASE)
# C-34, C-38: what follows in a path.
_SECRET_PATH: Final = re.compile(r"(/JSESSION/|/services/tokens/(?:in)?validate/[^/]+/).+")
_HIDDEN: Final = "..."
# What a proxy or a client may call a request: nothing that means something to whoever reads a log or a header.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_PREFIX: Final = secrets.token_hex(4)
_NUMBERS: Final = count(1)


def request_id(headers: Mapping[str, str]) -> str:
    """What ``X-Request-ID`` says, where it is short and plain; else an id that no other request has."""
    given = headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else f"{_PREFIX}-{next(_NUMBERS):x}"


def log_request(
    request: Request, login: str | None, status: int, *, milliseconds: float, body: Body, sent: Sent
) -> None:
    """One event for one request, when the last byte of its answer is on its way or will not come.

    Nothing of a body is told, and of the head only its first line.
    """
    _LOG.info(
        "request",
        request=request.id,
        viewer=login,
        client=request.client,
        method=request.method,
        path=_path_without_secrets(request.raw_path),
        query=_query_without_secrets(request.raw_query),
        status=status,
        ms=round(milliseconds, 2),
        bytes_in=body.received_bytes,
        bytes_out=sent.size_bytes,
        is_whole=sent.is_whole,
    )


def log_fault(event: str, request: Request, error: Exception) -> None:
    """What is not the client's fault, or not alone, in words that the client is not told."""
    path = _path_without_secrets(request.raw_path)
    _LOG.error(event, request=request.id, path=path, error=repr(error), cause=repr(error.__cause__))


def _path_without_secrets(raw_path: str) -> str:
    return _SECRET_PATH.sub(_hide_secret, raw_path)


def _hide_secret(match: re.Match[str]) -> str:
    return f"{match[1]}{_HIDDEN}"


def _query_without_secrets(raw_query: bytes) -> str:
    """The query as it came, still encoded; the value of a parameter with a telling name is hidden."""
    text = raw_query.decode("latin-1")
    if "%" not in text and not _SECRET_NAME.search(text):
        return text
    return "&".join(map(_without_secret, text.split("&")))


def _without_secret(part: str) -> str:
    name, equals, _ = part.partition("=")
    return f"{name}={_HIDDEN}" if equals and _SECRET_NAME.search(unquote(name)) else part
