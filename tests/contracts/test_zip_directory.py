"""A zip's directory, read entry by entry, is what ``zipfile`` reads at once."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmroom.blobs.zipdirectory import UNREADABLE, iter_entries, iter_member
from zips import saying

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
# What stands before or after a zip. With a record's signature in it, zipfile cannot read what it wrote.
AROUND = st.binary(max_size=300).filter(lambda raw: b"PK" not in raw)
FILES = st.dictionaries(NAMES, st.binary(max_size=100), max_size=12)


def _zip(files: Mapping[str, bytes], *, comment: bytes = b"", method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _zip64(files: Mapping[str, bytes]) -> bytes:
    """With zip64's fields and end records, as a very large one would have."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    plain = out.getvalue()
    (*_, count, size, offset, _) = struct.unpack("<4s4H2LH", plain[-22:])
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(plain) - 22, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return plain[:-22] + wide + locator + end


def _read(raw: bytes, *, most: int = 1000) -> dict[str, bytes]:
    source = io.BytesIO(raw)
    return {entry.name: b"".join(iter_member(source, entry)) for entry in iter_entries(source, most=most)}


@given(
    files=FILES,
    comment=AROUND,
    prefix=AROUND,
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_it_reads_what_zipfile_wrote(files: dict[str, bytes], comment: bytes, prefix: bytes, method: int) -> None:
    raw = prefix + _zip(files, comment=comment, method=method)

    entries = list(iter_entries(io.BytesIO(raw), most=1000))

    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        infos = archive.infolist()
    assert [(entry.name, entry.size_bytes, entry.packed_bytes, entry.crc32, entry.offset) for entry in entries] == [
        (info.orig_filename, info.file_size, info.compress_size, info.CRC, info.header_offset) for info in infos
    ]
    assert _read(raw) == files


@pytest.mark.parametrize("comment", [b"PK\5\6", b"PK\5\6" + bytes(50), b"x" * 0xFFFF])
def test_a_comment_may_hold_anything(comment: bytes) -> None:
    """APPNOTE 4.4.12."""
    assert _read(_zip({"a": b"one"}, comment=comment)) == {"a": b"one"}


def test_what_follows_a_zip_is_passed_over() -> None:
    assert _read(_zip({"a": b"one"}) + b"more") == {"a": b"one"}


@given(files=FILES, prefix=AROUND)
def test_it_reads_zip64(files: dict[str, bytes], prefix: bytes) -> None:
    assert _read(prefix + _zip64(files)) == files


def test_numbers_beyond_32_bits_are_in_the_extra_field() -> None:
    """APPNOTE 4.5.3: size, packed size and offset, each only where it is needed."""
    entry = next(iter_entries(io.BytesIO(_wide_entry(2**40, 2**41)), most=1))

    assert (entry.size_bytes, entry.packed_bytes, entry.offset) == (2**40, 3, 2**41)


def test_a_member_said_to_be_beyond_all_files_is_refused() -> None:
    source = io.BytesIO(_wide_entry(1, 2**64 - 1))
    entry = next(iter_entries(source, most=1))

    with pytest.raises(zipfile.BadZipFile, match="cut off"):
        iter_member(source, entry)


def _wide_entry(size_bytes: int, offset: int) -> bytes:
    """A zip that is only a directory, of one member of 3 packed bytes."""
    extra = struct.pack("<HH4s", 9, 4, b"else") + struct.pack("<HHQQ", 1, 16, size_bytes, offset)
    fields = (45, 45, 0, 0, 0, 0, 7, 3, 0xFFFFFFFF, 1, len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
    directory = struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + b"a" + extra
    return directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)


def test_a_directory_longer_than_the_limit_is_refused() -> None:
    raw = _zip({str(number): b"" for number in range(11)})

    assert len(_read(raw, most=11)) == 11
    with pytest.raises(zipfile.BadZipFile, match="more than 10 entries"):
        _read(raw, most=10)


def test_a_long_directory_costs_no_memory() -> None:
    raw = _zip({f"{number:05}": b"" for number in range(20_000)})
    source = io.BytesIO(raw)
    tracemalloc.start()

    count = sum(1 for _ in iter_entries(source, most=20_000))

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak_bytes < 400_000  # twice the longest comment, read once; ZipFile takes 10 MB


@given(files=FILES, cut=st.integers(min_value=0), place=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_damaged_zip_is_read_or_refused(files: dict[str, bytes], cut: int, place: int, byte: int) -> None:
    raw = bytearray(_zip64(files))
    raw[place % len(raw)] = byte
    for damaged in (bytes(raw), bytes(raw[: cut % len(raw)])):
        try:
            found = _read(damaged)
        except UNREADABLE:
            continue
        assert len(found) <= len(files)


BROKEN = {
    "nothing": b"",
    "less than an end record": b"PK\5\6",
    "an end record that points before the file": struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0),
    "a directory of something else": b"x" * 46 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0),
    "a directory that ends in the middle of an entry": (
        b"PK\1\2" + b"\xff" * 42 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0)
    ),
    "a zip64 locator that leads nowhere": (
        struct.pack("<4sLQL", b"PK\6\7", 0, 2**60, 1) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)
    ),
    "a member of another method": _zip({"a": b"x" * 99}, method=zipfile.ZIP_BZIP2),
    "a member that is not where it should be": _zip({"a": b""}).replace(b"PK\3\4", b"PK\3\5"),
    "a name that is no UTF-8": _zip({"\u00e9": b""}).replace("\u00e9".encode(), b"\xff\xfe"),
    "a broken member": _zip({"a": b"one"}).replace(b"one", b"oNe"),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_zip_is_told_as_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(UNREADABLE):
        _read(raw)


def test_an_encrypted_member_is_refused() -> None:
    """APPNOTE 4.4.4, bit 0."""
    raw = bytearray(_zip({"a": b"secret"}))
    raw[raw.index(b"PK\1\2") + 8] |= 1

    with pytest.raises(zipfile.BadZipFile, match="encrypted"):
        _read(bytes(raw))


_MIB = 2**20


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size_bytes", [0, 1, _MIB - 1, _MIB, _MIB + 1, 2 * _MIB, 2 * _MIB + 1, 2 * _MIB + 2])
def test_a_member_comes_whole_in_pieces(method: int, size_bytes: int) -> None:
    source = io.BytesIO(_zip({"a": bytes(size_bytes)}, method=method))
    (entry,) = iter_entries(source, most=1)

    pieces = list(iter_member(source, entry))

    assert b"".join(pieces) == bytes(size_bytes)
    assert all(0 < len(piece) <= _MIB for piece in pieces)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size_bytes", [1, 3, _MIB, 3 * _MIB, 3 * _MIB + 2])
@pytest.mark.parametrize("more_bytes", [-1, 1, 2, -_MIB, -_MIB + 1, _MIB, 2**31])
def test_a_member_is_never_taken_for_whole_that_is_longer_or_shorter_than_its_directory_says(
    method: int, size_bytes: int, more_bytes: int
) -> None:
    """APPNOTE 4.4.9; its CRC-32 is right."""
    said_bytes = max(0, size_bytes + more_bytes)
    source = io.BytesIO(saying(said_bytes, _zip({"a": bytes(size_bytes)}, method=method)))
    (entry,) = iter_entries(source, most=1)
    pieces: list[bytes] = []

    with pytest.raises(UNREADABLE):
        pieces.extend(iter_member(source, entry))

    assert entry.size_bytes == said_bytes
    assert sum(map(len, pieces)) < max(1, said_bytes)
