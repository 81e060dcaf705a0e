"""What a client says of its body beforehand, so that it is stored only if it arrived as it was sent."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Final

from filmroom.model.errors import BadValue
from filmroom.rest.params import Query

# The words of RFC 3230 and RFC 9530 for what hashlib can do, and the bytes of each.
_ALGORITHMS: Final = {"md5": ("md5", 16), "sha": ("sha1", 20), "sha-256": ("sha256", 32), "sha-512": ("sha512", 64)}
_CONTENT_MD5: Final = "content-md5"
_CHECKSUM: Final = "upload-checksum"
CHECKSUMS: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
"""The algorithms of Upload-Checksum, and the bytes of each."""
_INSTANCE: Final = "digest"
_FIELDS: Final = (_INSTANCE, "content-digest", "repr-digest")
# RFC 8941: a key, and then (section 3.3.5) bytes between colons, which may have parameters.
_ENTRY: Final = re.compile(r"\s*([A-Za-z*][A-Za-z0-9_.*-]*)\s*(?:=\s*(.*?)\s*)?", re.DOTALL)
_BYTES: Final = re.compile(r":([^:;]*):(?:;.*)?")
_RULE: Final = "it must be such as sha-256=:BASE64:, with commas between several"
_INSTANCE_RULE: Final = "it must be such as SHA-256=BASE64, with commas between several"


def read_declared_digests(headers: Mapping[str, str], query: Query) -> dict[str, bytes]:
    """Digests by the names that hashlib has for them.

    From Content-MD5 (RFC 1864), Digest (RFC 3230), Content-Digest and Repr-Digest (RFC 9530), and Upload-Checksum
    (tus); their base64 may also be hexadecimal. Algorithms that are not known here are passed over, as the RFCs have
    it, but for Upload-Checksum; of a header that names no other, the answer will say that it was ignored.
    Raises BadValue for what cannot be read, and for two digests that no body can have.
    """
    declared: dict[str, bytes] = {}
    for name, algorithm, digest in _iter_declared(headers, query):
        if declared.setdefault(algorithm, digest) != digest:
            raise BadValue(name, headers[name], f"it contradicts another {algorithm} of the same body")
    return declared


def _iter_declared(headers: Mapping[str, str], query: Query) -> Iterator[tuple[str, str, bytes]]:
    if _CONTENT_MD5 in headers:
        yield _CONTENT_MD5, "md5", _decode(_CONTENT_MD5, headers[_CONTENT_MD5], 16)
    if _CHECKSUM in headers:
        yield _CHECKSUM, *_checksum(headers[_CHECKSUM])
    for name in _FIELDS:
        if name in headers:
            found = list(_entries(name, headers[name]))
            yield from ((name, algorithm, digest) for algorithm, digest in found)
            if not found:
                query.ignore([name.title()])


def _entries(name: str, header: str) -> Iterator[tuple[str, bytes]]:
    rule = _INSTANCE_RULE if name == _INSTANCE else _RULE
    for entry in header.split(","):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise BadValue(name, header, rule)
        if known := _ALGORITHMS.get(match[1].lower()):
            algorithm, size_bytes = known
            text = match[2] or ""
            inside = _BYTES.fullmatch(text)
            if inside is None and name != _INSTANCE:
                raise BadValue(name, header, rule)
            yield algorithm, _decode(name, inside[1] if inside else text, size_bytes)


def _checksum(header: str) -> tuple[str, bytes]:
    algorithm, _, text = header.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise BadValue(_CHECKSUM, header, f"it must be one of {', '.join(CHECKSUMS)}, a space, and a digest in base64")
    return algorithm, _decode(_CHECKSUM, text, CHECKSUMS[algorithm])


def _decode(name: str, text: str, size_bytes: int) -> bytes:
    """So many bytes in base64 or, which its length tells from that, in hexadecimal."""
    text = text.strip()
    try:
        if len(text) == 2 * size_bytes:
            return bytes.fromhex(text)
        digest = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadValue(name, text, "it must be a digest in base64") from error
    if len(digest) != size_bytes:
        raise BadValue(name, text, f"it must be a digest of {size_bytes} bytes in base64")
    return digest
