"""XNAT's oddities, each with its source. Nowhere else may the code be strange because XNAT is.

Rule numbers (F-n, C-n) are those of ``docs/reference/wire/``, read from XNAT 1.8.11-SNAPSHOT of June 2024 and from
its clients.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

import orjson

from filmroom.model.percent import encode

ERROR_PAGE_TYPE: Final = "text/html; charset=ISO-8859-1"
"""F-13."""

NOTHING_STORED_TYPE: Final = "text/plain; charset=ISO-8859-1"
"""F-143: the type of the empty answer to an upload."""

XNAT_VERSION: Final = "1.8.11"
"""C-162: clients choose by it how to talk; this is the version whose rules are followed here."""

DUPLICATES_TYPE: Final = "text/html"
"""F-142: JSON text, HTML type."""


def user_info(login: str | None) -> str:
    """C-46: what xnatpy looks for on the root page, a name or (None) a guest, with XNAT's own markup."""
    if login is None:
        return '<span id="user_info">Logged in as: <span style="color:red;">Guest</span></span>'
    return f'<span id="user_info">Logged in as: &nbsp;<a href="data/auth">{escape(login)}</a></span>'


def error_page(message: str, request_id: str) -> bytes:
    """C-17, F-13: the page of XNAT's framework, which clients know by its ``<h3>`` and by beginning with ``<html>``.

    Its ``<br>`` must stay unclosed: pyxnat 1.6.4 breaks on an error page that is well-formed XML. It takes the words
    "Not Found" for a lost connection, so they never occur (C-18). What the request is called is ours.
    """
    text = escape(message, quote=False).replace("Not Found", "not found")
    page = (
        "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body>\n"
        f"<h3>{text}</h3>"
        '<p>You can get technical details <a href="http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html">here</a>.'
        '<br>\nPlease continue your visit at our <a href="/">home page</a>.\n</p>\n'
        f"<p>Request {escape(request_id)}</p>\n</body>\n</html>"
    )
    return page.encode("ascii", "xmlcharrefreplace")


def duplicates_body(paths: Sequence[str]) -> bytes:
    """F-142: the only way a client learns that an upload met files of the same name. The status is 200."""
    text = orjson.dumps({"duplicates": list(paths)})
    return text.replace(b"<", b"\\u003C").replace(b">", b"\\u003E").replace(b"&", b"\\u0026")


def expiration_cookie(*, now: datetime, idle_limit: timedelta) -> str:
    """C-31: server time and idle limit in milliseconds, with the quotes and the bare comma that xnatpy wants."""
    return f'SESSION_EXPIRATION_TIME="{round(now.timestamp() * 1000)},{round(idle_limit / _MS)}"'


_MS: Final = timedelta(milliseconds=1)


def content_disposition(name: str) -> str:
    """F-122: ``attachment; filename="NAME";`` with its last semicolon; RFC 6266's ``filename*`` where NAME needs it."""
    plain = "".join("_" if character in '"\\' or not " " <= character <= "~" else character for character in name)
    if plain == name:
        return f'attachment; filename="{name}";'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encode(name)}"


# F-123: by the extension as it is written, so that ``.XML`` is octet-stream.
_DOWNLOAD_TYPES: Final = {
    "bmp": "image/bmp",
    "gif": "image/gif",
    "html": "text/html",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "xml": "text/xml",
}


def download_type(name: str) -> str:
    """F-123."""
    return _DOWNLOAD_TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream")


# F-112, F-126: upstream's setting of files that are looked into. It asks whether a name holds one anywhere, in lower
# case; here it must end with one, in any case.
ZIP_EXTENSIONS: Final = ("zip", "jar", "rar", "ear", "gar", "mrb")


def is_zip_name(name: str) -> bool:
    """F-112: whether ``listContents`` means anything for a file of this name."""
    return name.lower().endswith(tuple(f".{extension}" for extension in ZIP_EXTENSIONS))


# F-139: what an in-body upload without a name is called.
_UPLOAD_NAMES: Final = {
    "application/octet-stream": "upload",
    "application/dicom": "upload.dcm",
    "application/msword": "upload.doc",
    "application/pdf": "upload.pdf",
    "application/vnd.ms-excel": "upload.xls",
    "application/vnd.ms-powerpoint": "upload.ppt",
    "application/x-gtar": "upload.tar.gz",
    "application/x-gzip": "upload.gzip",
    "application/x-tar": "upload.tar",
    "application/xar": "upload.xar",
    "application/zip": "upload.zip",
    "image/bmp": "upload.bmp",
    "image/gif": "upload.gif",
    "image/jpeg": "upload.jpeg",
    "image/png": "upload.png",
    "image/svg+xml": "upload.svg",
    "image/tiff": "upload.tiff",
    "text/csv": "upload.csv",
    "text/plain": "upload.txt",
    "text/xml": "upload.xml",
}


def default_upload_name(media_type: str) -> str:
    """F-139."""
    return _UPLOAD_NAMES.get(media_type, "upload.unsupported")
