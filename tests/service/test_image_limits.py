"""Rendering takes neither more memory nor more time than it may, whatever a file says of itself."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from filmroom.model.errors import BadValue
from filmroom.model.resources import Description, Digest, FileEntry
from filmroom.service.confined import Confined
from filmroom.service.files import OpenFile
from filmroom.service.images import Images

# More than the process that renders may have of memory: whoever reads all of it fails.
_HUGE_BYTES = 4_194_304_000
_PIXEL_DATA = b"\xe0\x7f\x10\x00OW\x00\x00"
_ITEM = b"\xfe\xff\x00\xe0"


def _open(path: Path) -> OpenFile:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    entry = FileEntry(
        path=path.name,
        key="a-0-0",
        digest=Digest(size_bytes=path.stat().st_size, md5="", crc32=0),
        said=Description(),
        created_at=now,
        created_by="alice",
        modified_at=now,
        modified_by="alice",
    )
    return OpenFile(entry, path.open("rb", buffering=0), path.name)


def _with_hole(path: Path, head: bytes) -> Path:
    """A file that begins so and then holds zeros, which take no room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + _HUGE_BYTES)
    return path


def _sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name, download=False))).read_bytes()


def test_of_many_frames_the_first_is_read_and_no_more(tmp_path: Path) -> None:
    """512,000 frames of 64 x 64 pixels, 16 bits each."""
    raw = _sample("MR_small.dcm")
    place = raw.rindex(_PIXEL_DATA) + len(_PIXEL_DATA)
    pixels = raw[place + 4 : place + 4 + 8192]
    frames = struct.pack("<HH2sH6s", 0x28, 8, b"IS", 6, b"512000")
    before_rows = raw.index(b"\x28\x00\x10\x00US")
    head = raw[:before_rows] + frames + raw[before_rows:place] + struct.pack("<L", _HUGE_BYTES) + pixels
    found = _open(_with_hole(tmp_path / "many.dcm", head))

    with found.blob, Images(Confined(spool_dir=tmp_path)).render(found) as jpeg, Image.open(jpeg) as image:
        shown = image.format, image.size

    assert shown == ("JPEG", (64, 64))


def test_a_frame_that_says_it_is_huge_ends_at_the_limit(tmp_path: Path) -> None:
    raw = _sample("MR_small_RLE.dcm")
    place = raw.rindex(_ITEM) + len(_ITEM)
    found = _open(_with_hole(tmp_path / "huge.dcm", raw[:place] + struct.pack("<L", _HUGE_BYTES)))

    with found.blob, pytest.raises(BadValue, match="is broken, or takes too much memory or time"):
        Images(Confined(spool_dir=tmp_path)).render(found)
