"""A tar is read strictly: every member that was packed, or an error (``blobs/tarstream.py``)."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmroom.blobs.tarstream import iter_members

FILES = {"a.txt": b"A" * 600, "b/" + "long" * 60 + ".txt": b"B" * 600, "c.txt": b""}


def _tar(files: dict[str, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _read(data: bytes, most: int = 100) -> dict[str, bytes]:
    members = iter_members(io.BytesIO(data), most=most)
    return {member.name: b"".join(member.pieces) for member in members if member.pieces is not None}


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_what_was_packed_is_read(tar_format: int) -> None:
    assert _read(_tar(FILES, tar_format)) == FILES


def test_a_member_that_claims_more_than_there_is_takes_nothing_of_the_next() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        sparse, following = tarfile.TarInfo("sparse"), tarfile.TarInfo("following")
        sparse.pax_headers = {"GNU.sparse.map": "0,1536", "GNU.sparse.size": "1536"}
        sparse.size = following.size = 512
        archive.addfile(sparse, io.BytesIO(b"A" * 512))
        archive.addfile(following, io.BytesIO(b"B" * 512))

    with pytest.raises(tarfile.TarError):
        _read(out.getvalue())


@given(
    st.dictionaries(
        st.text("ab\u00e9 /", min_size=1, max_size=200).filter(lambda name: name.strip("/") == name),
        st.binary(max_size=2000),
        max_size=8,
    )
)
@settings(deadline=None)
def test_any_tar_is_read_as_it_was_packed(files: dict[str, bytes]) -> None:
    assert _read(_tar(files)) == files


def test_a_tar_that_is_cut_before_its_end_is_an_error_wherever_it_is_cut() -> None:
    data = _tar(FILES)
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512  # the first block of zeros after the last header

    for length in range(0, end, 64):
        with pytest.raises((tarfile.TarError, AssertionError)):
            assert _read(data[:length]) == FILES
    assert _read(data[: end + 512]) == FILES


@pytest.mark.parametrize("place", [812, 1111, 2348, 2647])
def test_a_member_that_is_cut_is_told_with_its_bytes(place: int) -> None:
    """The first is read by the library, the second is not."""
    cut = io.BytesIO(_tar({"a": b"A" * 600, "b": b"B" * 600})[:place])
    members = iter_members(cut, most=2)
    last = next(members) if place < 1536 else [next(members), next(members)][1]

    assert last.pieces is not None
    with pytest.raises(tarfile.ReadError, match="unexpected end"):
        list(last.pieces)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_header_that_is_broken_is_an_error_and_no_end(number: int) -> None:
    spoiled = bytearray(_tar({"a": b"A" * 600, "b": b"B" * 600, "c": b""}))
    spoiled[number * 1536 + 148 : number * 1536 + 156] = b"0000000\0"

    with pytest.raises(tarfile.TarError):
        _read(bytes(spoiled))


def _by_the_library(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        files = [(info.name, archive.extractfile(info)) for info in archive if info.isreg()]
        return {name: file.read() for name, file in files if file is not None}


_TIMES = st.floats(0, 2**33 - 1) | st.integers(-1, 2**34)
_NAMES = st.text("ab\u00e9./ ", min_size=1, max_size=130)
_KINDS = st.sampled_from([tarfile.REGTYPE] * 3 + [tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE])
_MEMBERS = st.tuples(_NAMES, st.binary(max_size=1200), _TIMES, _KINDS, st.integers(-1, 2**22))
_FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
_NOTES_FOR_ALL = st.sampled_from([{}, {"comment": "x"}, {"path": "elsewhere"}])


def _pack(members: list[tuple[str, bytes, float, bytes, int]], tar_format: int, said: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format, pax_headers=said) as archive:
        for name, content, mtime, kind, uid in members:
            info = tarfile.TarInfo(name)
            held = b"" if kind == tarfile.DIRTYPE or name.endswith("/") else content
            info.type, info.size, info.uid = kind, len(held), uid
            info.mtime = int(mtime) if tar_format == tarfile.GNU_FORMAT else mtime
            archive.addfile(info, io.BytesIO(held))
    return out.getvalue()


@given(st.lists(_MEMBERS, min_size=1, max_size=6), _FORMATS, _NOTES_FOR_ALL)
def test_headers_are_read_as_the_library_reads_them(
    members: list[tuple[str, bytes, float, bytes, int]], tar_format: int, said: dict[str, str]
) -> None:
    data = _pack(members, tar_format, said)

    assert _read(data) == _by_the_library(data)


@given(
    spots=st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), min_size=1, max_size=3),
    block=st.sampled_from([1, 2, 3]),
    is_summed=st.booleans(),
)
def test_a_spoiled_header_is_read_as_the_library_reads_it_or_not_at_all(
    spots: list[tuple[int, int]], block: int, *, is_summed: bool
) -> None:
    """Block 1 is the note of the second member, 2 what it says, 3 its header."""
    member = (b"B" * 600, 1700000000.5, tarfile.REGTYPE, 0)
    data = bytearray(_pack([("d", b"", 0, tarfile.DIRTYPE, 0), ("b", *member), ("c", *member)], tarfile.PAX_FORMAT, {}))
    for offset, value in spots:
        data[block * 512 + offset] = value
    if is_summed:
        header = data[block * 512 : (block + 1) * 512]
        header[148:156] = b" " * 8
        data[block * 512 + 148 : block * 512 + 156] = b"%06o\0 " % sum(header)

    try:
        found = _read(bytes(data))
    except (tarfile.TarError, ValueError):
        return
    assert found == _by_the_library(bytes(data))


@pytest.mark.parametrize(
    "record",
    [
        b"21 path=elsewhere.dcm\n",
        b"22 path=elsewhere.dcm\n",
        b"23 path=elsewhere.dcm/\n",
        b"13 mtime=1.5\n11 ctime=1\n22 path=elsewhere.dcm\n",
        b"22 path=elsewhere.dcm/\n",
        b"7 path=\n",
        b"20 mtime=1.5\n22 ctime=1\n",
        b"",
        b"12 size=600\n",
    ],
)
def test_what_a_note_says_is_heeded_as_by_the_library(record: bytes) -> None:
    first = _pack([("d", b"", 0, tarfile.DIRTYPE, 0)], tarfile.GNU_FORMAT, {})[:512]
    note = _note(tarfile.XHDTYPE, len(record)) + record + bytes(-len(record) % 512)
    data = first + note + _pack([("b", b"B" * 600, 0, tarfile.REGTYPE, 0)], tarfile.GNU_FORMAT, {})

    assert _read(data) == _by_the_library(data)


def _note(kind: bytes, size_bytes: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, size_bytes
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_note_that_would_fill_the_memory_is_not_read(kind: bytes) -> None:
    class Endless(io.RawIOBase):
        """Zeros, after a header; it fails when more of them are asked for than a note may have."""

        def __init__(self) -> None:
            self._left = 2 * 1024 * 1024
            self._head = _note(kind, 600 * 1024 * 1024)

        def read(self, size: int = -1) -> bytes:
            head, self._head = self._head[:size], self._head[size:]
            self._left -= size
            assert self._left > 0
            return head.ljust(size, b"\0")

    with pytest.raises(tarfile.ReadError):
        list(iter_members(Endless(), most=10))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_notes_on_notes_end(kind: bytes) -> None:
    text = (b"name\0" if kind == tarfile.GNUTYPE_LONGNAME else b"13 comment=x\n").ljust(512, b"\0")
    size_bytes = len(text.rstrip(b"\0"))

    with pytest.raises(tarfile.ReadError):
        _read((_note(kind, size_bytes) + text) * 2000 + _tar({"a": b""}))


def test_no_more_members_are_read_than_allowed() -> None:
    with pytest.raises(tarfile.ReadError):
        _read(_tar({str(number): b"" for number in range(4)}), most=3)


def test_a_member_that_is_shorter_than_it_says_is_an_error() -> None:
    info = tarfile.TarInfo("a")
    info.size = 2**60

    with pytest.raises(tarfile.ReadError):
        _read(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
