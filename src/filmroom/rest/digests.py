"""What a client says of its body beforehand, so that it is stored only if it arrived as it was sent."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Final

from filmroom.model.errors import BadValue

# The words of RFC 3230 and RFC 9530 for what hashlib can do; other algorithms say nothing to us.
_ALGORITHMS: Final = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
_ENTRY: Final = re.compile(r"\s*([A-Za-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/=]+):?\s*")


def read_declared_digests(headers: Mapping[str, str]) -> dict[str, bytes]:
    """Digests by the names that hashlib has for them.

    From Content-MD5 (RFC 1864), Digest (RFC 3230), Content-Digest and Repr-Digest (RFC 9530). Raises BadValue for one
    that cannot be read.
    """
    declared = {"md5": _decode("Content-MD5", headers["content-md5"])} if "content-md5" in headers else {}
    for name in ("digest", "content-digest", "repr-digest"):
        declared |= {algorithm: _decode(name, text) for algorithm, text in _entries(headers.get(name, ""))}
    return declared


def _entries(header: str) -> Iterator[tuple[str, str]]:
    for entry in header.split(","):
        match = _ENTRY.fullmatch(entry)
        if match and (algorithm := _ALGORITHMS.get(match[1].lower())):
            yield algorithm, match[2]


def _decode(name: str, text: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadValue(name, text, "it must be a digest in base64") from error
