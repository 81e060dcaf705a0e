"""A tar is read strictly: every member that was packed, or an error (``blobs/tarstream.py``)."""

import io
import tarfile

import pytest
from hypothesis import given
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


@given(
    st.dictionaries(
        st.text("ab\u00e9 /", min_size=1, max_size=200).filter(lambda name: name.strip("/") == name),
        st.binary(max_size=2000),
        max_size=8,
    )
)
def test_any_tar_is_read_as_it_was_packed(files: dict[str, bytes]) -> None:
    assert _read(_tar(files)) == files


def test_a_tar_that_is_cut_before_its_end_is_an_error_wherever_it_is_cut() -> None:
    data = _tar(FILES)
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512  # the first block of zeros after the last header

    for length in range(0, end, 64):
        with pytest.raises((tarfile.TarError, AssertionError)):
            assert _read(data[:length]) == FILES
    assert _read(data[: end + 512]) == FILES


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_header_that_is_broken_is_an_error_and_no_end(number: int) -> None:
    spoiled = bytearray(_tar({"a": b"A" * 600, "b": b"B" * 600, "c": b""}))
    spoiled[number * 1536 + 148 : number * 1536 + 156] = b"0000000\0"

    with pytest.raises(tarfile.TarError):
        _read(bytes(spoiled))


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
