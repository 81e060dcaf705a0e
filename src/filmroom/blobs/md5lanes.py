"""MD5 of several small bodies at once, by ``md5lanes.c`` (docs/decisions/0020)."""

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

LANES: Final = 8
"""How many bodies are summed up at once, at most."""

_LIBRARY: Final = Path(__file__).with_name("libmd5lanes.so")
_DIGEST_BYTES: Final = 16
_HEX_LENGTH: Final = 2 * _DIGEST_BYTES
# The function for processors that have a feature, the best first; and what a call of it costs, in bodies as long as its
# longest that hashlib would sum up in that time: it pays where there is more to sum up than that.
_KINDS: Final = (("avx2", "md5lanes_sum_up_avx2", 1.5), ("", "md5lanes_sum_up", 3.5))
_PROBES: Final = tuple((bytes(range(250)) * 16)[:size] for size in (0, 3, 55, 56, 64, 119, 120, 4000))

Hasher = Callable[[Sequence[bytes]], list[str]]


@cache
def find_hasher() -> Hasher | None:
    """What takes bodies, LANES at most and each less than 256 GiB, and returns the MD5 of each in lower-case hex.

    It holds the interpreter's lock. None where there is none, or where it does not what hashlib does: then nobody is to
    wait for company.
    """
    features = _read_features()
    hashers = (make_hasher(name, cost) for feature, name, cost in _KINDS if not feature or feature in features)
    return next(filter(None, hashers), None)


def make_hasher(name: str, cost: float) -> Hasher | None:
    """One of the kinds. None where the library does not have it, or it is wrong."""
    try:
        function = getattr(ctypes.PyDLL(str(_LIBRARY)), name)
    except (OSError, AttributeError):
        return None
    is_right = _sum_up_in_lanes(function, _PROBES) == sum_up_one_by_one(_PROBES)
    return _choosing(function, cost) if is_right else None


def _choosing(function: Any, cost: float) -> Hasher:
    def sum_up(bodies: Sequence[bytes]) -> list[str]:
        if len(bodies) > LANES:
            raise ValueError(f"{len(bodies)} bodies, where there are {LANES} lanes")
        sizes = [len(body) for body in bodies]
        if sum(sizes) < cost * max(sizes, default=0):
            return sum_up_one_by_one(bodies)
        return _sum_up_in_lanes(function, bodies)

    return sum_up


def _sum_up_in_lanes(function: Any, bodies: Sequence[bytes]) -> list[str]:
    count = len(bodies)
    digests = ctypes.create_string_buffer(_DIGEST_BYTES * count)
    pointers = (ctypes.c_char_p * count)(*bodies)
    function(pointers, (ctypes.c_uint64 * count)(*map(len, bodies)), ctypes.c_size_t(count), digests)
    text = digests.raw.hex()
    return [text[at : at + _HEX_LENGTH] for at in range(0, len(text), _HEX_LENGTH)]


def sum_up_one_by_one(bodies: Sequence[bytes]) -> list[str]:
    """By hashlib."""
    return [hashlib.md5(body, usedforsecurity=False).hexdigest() for body in bodies]


def _read_features() -> set[str]:
    """What Linux says this processor has."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return {word for line in lines if line.startswith("flags") for word in line.split()}
