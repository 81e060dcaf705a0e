"""Zips that say what is not so."""

import struct


def saying(size_bytes: int, raw: bytes) -> bytes:
    """The zip, its last member said to have another size; what else is said of it stays (APPNOTE 4.3.12)."""
    changed = bytearray(raw)
    struct.pack_into("<L", changed, raw.rindex(b"PK\1\2") + 24, size_bytes)
    return bytes(changed)
