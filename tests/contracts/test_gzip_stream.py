"""Gzips that come in pieces of any size, against Python's own reader."""

import gzip
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmroom.blobs.gzipstream import Inflater

MOST_BYTES = 256 * 1024

_Member = tuple[str, int, int, int]
"""What is packed and how many bytes of it, which flags its header has, and how many zeros are behind it."""

_CHECKSUM, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16
_members = st.tuples(
    st.sampled_from(["zeros", "noise", "text"]),
    st.one_of(st.integers(0, 200), st.integers(0, 3 * MOST_BYTES), st.just(MOST_BYTES)),
    st.integers(0, 31),
    st.integers(0, 3),
)
_some_members = st.lists(_members, min_size=1, max_size=5)
_sizes = st.lists(st.one_of(st.integers(1, 40), st.integers(1000, 400_000)), min_size=1, max_size=6)


def _pack(*members: _Member) -> bytes:
    return b"".join(_pack_one(_make(what, size), flags) + bytes(zeros) for what, size, flags, zeros in members)


def _pack_one(text: bytes, flags: int) -> bytes:
    """RFC 1952 section 2.3."""
    header = b"\x1f\x8b\x08" + bytes([flags, 0, 0, 0, 0, 0, 255])
    header += struct.pack("<H", 300) + bytes(range(256)) + bytes(44) if flags & _EXTRA else b""
    header += b"series.tar\0" if flags & _NAME else b""
    header += b"from the scanner\0" if flags & _COMMENT else b""
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF) if flags & _CHECKSUM else b""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return header + packer.compress(text) + packer.flush() + struct.pack("<LL", zlib.crc32(text), len(text))


def _make(what: str, size: int) -> bytes:
    match what:
        case "noise":
            return random.Random(size).randbytes(size)
        case "text":
            return b" ".join(b"%d" % number for number in range(size))[:size]
        case _:
            return bytes(size)


def _inflate(packed: bytes, sizes: list[int]) -> bytes:
    """In pieces of these sizes, over and over."""
    inflater, told, at, turn = Inflater(), list[bytes](), 0, 0
    while at < len(packed):
        size = sizes[turn % len(sizes)]
        for piece in inflater.push(packed[at : at + size]):
            assert 0 < len(piece) <= MOST_BYTES
            told.append(piece)
        at, turn = at + size, turn + 1
    inflater.finish()
    return b"".join(told)


@settings(deadline=None)
@given(_some_members, _sizes)
def test_it_tells_what_is_in_it_whatever_the_pieces(members: list[_Member], sizes: list[int]) -> None:
    packed = _pack(*members)
    sizes = [max(size, len(packed) // 1000) for size in sizes]

    assert _inflate(packed, sizes) == gzip.decompress(packed)


@settings(deadline=None)
@given(_members, _sizes, st.data())
def test_one_that_is_cut_is_at_no_end(member: _Member, sizes: list[int], data: st.DataObject) -> None:
    packed = _pack((*member[:3], 0))
    stop = data.draw(st.integers(1, len(packed) - 1))

    with pytest.raises(EOFError):
        _inflate(packed[:stop], [max(size, len(packed) // 1000) for size in sizes])


@settings(deadline=None)
@given(_members, _sizes, st.integers(-8, -1))
def test_a_checksum_or_length_that_does_not_match_is_told(member: _Member, sizes: list[int], place: int) -> None:
    packed = bytearray(_pack((*member[:3], 0)))
    packed[place] ^= 1

    with pytest.raises(gzip.BadGzipFile):
        _inflate(bytes(packed), [max(size, len(packed) // 1000) for size in sizes])


@pytest.mark.parametrize("flags", range(32))
def test_a_header_may_come_in_two_parts(flags: int) -> None:
    packed = _pack(("text", 500, flags, 0))

    for place in range(1, 400):
        assert _inflate(packed + packed, [place, len(packed)]) == 2 * _make("text", 500)


@pytest.mark.parametrize("flag", [32, 64, 128])
def test_flags_that_mean_nothing_are_refused(flag: int) -> None:
    """RFC 1952 section 2.3.1.2."""
    with pytest.raises(gzip.BadGzipFile, match="flags"):
        _inflate(_pack_one(b"text", flag), [7])


def test_a_header_may_be_one_mebibyte_long_and_no_longer() -> None:
    start, rest = b"\x1f\x8b\x08\x08" + bytes(6), _pack_one(b"text", 0)[10:]
    longest = b"x" * (1024 * 1024 - 11) + b"\0"

    assert _inflate(start + longest + rest, [400_000]) == b"text"
    for size in (1000, 400_000, 3_000_000):
        with pytest.raises(gzip.BadGzipFile, match="longer than"):
            _inflate(start + b"x" + longest + rest, [size])


def test_a_header_without_end_is_told() -> None:
    with pytest.raises(gzip.BadGzipFile, match="longer than"):
        _inflate(b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 3_000_000, [400_000])


@pytest.mark.parametrize(
    "packed",
    [b"plain text, and not a gzip", bytes(30), bytes(2) + gzip.compress(b"a", mtime=0)],
    ids=["text", "zeros", "zeros before it"],
)
def test_what_is_no_gzip_is_told(packed: bytes) -> None:
    with pytest.raises(gzip.BadGzipFile):
        _inflate(packed, [7])


def test_what_stands_behind_a_gzip_and_is_none_is_told() -> None:
    with pytest.raises(gzip.BadGzipFile):
        _inflate(gzip.compress(b"a") + b"something else", [1000])


def test_one_without_a_byte_holds_nothing() -> None:
    assert _inflate(b"", [1]) == b""


def test_one_of_many_short_members_is_read_to_its_end() -> None:
    packed = gzip.compress(b"") * 50_000 + gzip.compress(b"the last")

    assert _inflate(packed, [1024 * 1024]) == b"the last"


def test_errors_say_what_is_wrong() -> None:
    packed = bytearray(gzip.compress(b"abc"))
    packed[-1] ^= 1

    with pytest.raises(gzip.BadGzipFile, match=r"^its gzip is broken: Incorrect checksum found$"):
        _inflate(bytes(packed), [100])
    with pytest.raises(gzip.BadGzipFile, match=r"^it is no gzip: b'PK\\x03'$"):
        _inflate(b"PK\3\4 and so on", [100])
