"""Archives that are taken apart on their way in (F-156 to F-159): all of their files appear, or none."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from packing import pack_stored_zip, pack_tar, pack_tar_gz
from rest.session import results
from zips import saying

Pack = Callable[[Mapping[str, bytes]], bytes]
FILES = {"mr_1/1.dcm": b"one", "mr_1/deep/2.dcm": b"two" * 100_000, "top \u00e9.txt": b""}


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mr_1/", b"")
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


PACKERS = {
    "a.zip": _zip,
    "a.zar": _zip,
    "a.tar": pack_tar,
    "a.xar": pack_tar,
    "a.tar.gz": pack_tar_gz,
    "a.tgz": pack_tar_gz,
}


def _contents(alice: TestClient, demo: str) -> dict[str, bytes]:
    rows = alice.get(f"{demo}/resources/R/files").json()["ResultSet"]["Result"]
    paths = [row["URI"].split("/files/", 1)[1] for row in rows]
    return {path: alice.get(f"{demo}/resources/R/files/{path}").content for path in paths}


def _left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", PACKERS)
def test_an_archive_is_taken_apart_at_the_root_of_the_resource(alice: TestClient, demo: str, name: str) -> None:
    """F-157: whatever folder the URL names; the archive itself is not kept."""
    url = f"{demo}/resources/R/files/some/folder/{name}?extract=true&inbody=true&format=F"

    reply = alice.put(url, content=PACKERS[name](FILES))

    resource = alice.get(f"{demo}/resources").json()["ResultSet"]["Result"][0]
    assert (reply.status_code, reply.content) == (200, b"")
    assert _contents(alice, demo) == FILES
    assert (resource["file_count"], resource["file_size"], resource["format"]) == ("3", "300003", "F")


def test_a_multipart_archive_is_told_by_its_own_name(alice: TestClient, demo: str) -> None:
    """F-156: and a part that is none is a file like any other."""
    parts = [("f", ("x.zip", _zip(FILES))), ("g", ("plain.txt", b"text"))]

    alice.post(f"{demo}/resources/R/files?extract=true", files=parts)

    assert _contents(alice, demo) == {**FILES, "plain.txt": b"text"}


def test_a_zip_without_a_name_is_told_by_its_type(alice: TestClient, demo: str) -> None:
    """What xnatctl sends."""
    headers = {"Content-Type": "application/zip"}

    alice.put(f"{demo}/resources/R/files?extract=true&overwrite=true", content=_zip(FILES), headers=headers)

    assert _contents(alice, demo) == FILES


def test_a_gzipped_file_loses_its_ending(alice: TestClient, demo: str) -> None:
    """F-156."""
    content = b"voxels" * 50_000

    alice.put(f"{demo}/resources/R/files/d/brain.nii.gz?extract=true&inbody=true", content=gzip.compress(content))

    assert _contents(alice, demo) == {"brain.nii": content}


def test_a_gzip_of_very_many_members_is_one_file(alice: TestClient, demo: str) -> None:
    packed = gzip.compress(b"a") * 49_000

    alice.put(f"{demo}/resources/R/files/a.txt.gz?extract=true&inbody=true", content=packed)

    assert _contents(alice, demo) == {"a.txt": b"a" * 49_000}


@pytest.mark.parametrize("place", [-6, -2, 60])
def test_a_gzip_whose_checksum_does_not_match_is_refused_whole(alice: TestClient, demo: str, place: int) -> None:
    """F-159: its members were all there to be read."""
    spoiled = bytearray(pack_tar_gz(FILES))
    spoiled[place] ^= 0xFF

    reply = alice.put(f"{demo}/resources/R/files/a.tar.gz?extract=true&inbody=true", content=bytes(spoiled))

    assert reply.status_code == 422
    assert _contents(alice, demo) == {}


@pytest.mark.parametrize("name", ["a.ZIP", "a.txt", "a.rar"])
def test_what_is_no_archive_by_name_is_kept_as_it_is(alice: TestClient, demo: str, name: str) -> None:
    """F-156: case-sensitively."""
    alice.put(f"{demo}/resources/R/files/{name}?extract=true&inbody=true", content=b"x")

    assert _contents(alice, demo) == {name: b"x"}


def test_members_that_are_there_are_kept_and_told(alice: TestClient, demo: str) -> None:
    """F-158."""
    alice.put(f"{demo}/resources/R/files/mr_1/1.dcm?inbody=true", content=b"old")
    url = f"{demo}/resources/R/files/a.zip?extract=true&inbody=true"

    kept = alice.put(url, content=_zip(FILES))
    replaced = alice.put(f"{url}&overwrite=true", content=_zip(FILES))

    assert kept.json() == {"duplicates": ["mr_1/1.dcm"]}
    assert kept.headers["filmroom-stored"] == "partly"
    assert replaced.content == b""
    assert _contents(alice, demo) == FILES


def test_catalogs_of_another_archive_are_left_out(alice: TestClient, demo: str) -> None:
    """F-158."""
    files = {**FILES, "DICOM_catalog.xml": b"<x/>", "mr_1/.~lock-x": b""}

    alice.put(f"{demo}/resources/R/files/a.tar?extract=true&inbody=true", content=pack_tar(files))

    assert _contents(alice, demo) == FILES


def _with(member: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        good = tarfile.TarInfo("good")
        archive.addfile(good)
        archive.addfile(member)
    return out.getvalue()


def _special(kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo("special")
    member.type = kind
    member.linkname = "/etc/passwd"
    return member


def _zip_link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


_BOMB = {"zeros": bytes(11_000_000)}
_CROWD = {str(number): b"" for number in range(51)}

BAD = {
    "a zip that is none": ("a.zip", b"PK nonsense", 422),
    "an empty zip": ("a.zip", b"", 422),
    "a cut zip": ("a.zip", _zip(FILES)[:-30], 422),
    "a zip with a broken member": ("a.zip", pack_stored_zip({"a": b"one"}).replace(b"one", b"oNe"), 422),
    "a zip that leads outside": ("a.zip", _zip({"good": b"", "../x": b"bad"}), 400),
    "a zip with an absolute name": ("a.zip", _zip({"/etc/x": b"bad"}), 400),
    "a zip with a link": ("a.zip", _zip_link(), 422),
    "a zip bomb": ("a.zip", _zip(_BOMB), 422),
    "a zip with too many members": ("a.zip", _zip(_CROWD), 422),
    "a zip with too many folders": ("a.zip", _zip({f"{number}/": b"" for number in range(101)}), 422),
    "a zip with names that are no UTF-8": ("a.zip", _zip({"\u00e9": b""}).replace(b"\xc3\xa9", b"\xff\xfe"), 422),
    "a tar that is none": ("a.tar", b"nonsense" * 1000, 422),
    "a cut tar": ("a.tar", pack_tar(FILES)[:-310_000], 422),
    "a tar that leads outside": ("a.tar", pack_tar({"good": b"", "a/../../x": b"bad"}), 400),
    "a tar with a symlink": ("a.tar", _with(_special(tarfile.SYMTYPE)), 422),
    "a tar with a hard link": ("a.tar", _with(_special(tarfile.LNKTYPE)), 422),
    "a tar with a device": ("a.tar", _with(_special(tarfile.CHRTYPE)), 422),
    "a tar with a pipe": ("a.tar", _with(_special(tarfile.FIFOTYPE)), 422),
    "a tar with too many members": ("a.tar", pack_tar(_CROWD), 422),
    "a cut tar.gz": ("a.tar.gz", pack_tar_gz(FILES)[:-40], 422),
    "a tar.gz that is none": ("a.tgz", b"nonsense", 422),
    "a tar bomb": ("a.tar.gz", pack_tar_gz(_BOMB), 422),
    "a gzip that is none": ("a.gz", b"nonsense", 422),
    "a cut gzip": ("a.gz", gzip.compress(b"x" * 100_000)[:-10], 422),
    "a gzip bomb": ("a.gz", gzip.compress(bytes(11_000_000)), 422),
    "a file that is a folder too": ("a.zip", _zip({"a": b"", "a/b": b""}), 409),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("how", ["inbody", "multipart"])
def test_a_bad_archive_stores_nothing(alice: TestClient, demo: str, tmp_path: Path, case: str, how: str) -> None:
    """F-159: a sentence, a 4xx, and no bytes left behind."""
    name, body, status = BAD[case]
    url = f"{demo}/resources/R/files"
    send = {
        "inbody": lambda: alice.put(f"{url}/{name}?extract=true&inbody=true", content=body),
        "multipart": lambda: alice.post(f"{url}?extract=true", files=[("g", ("ok", b"x")), ("f", (name, body))]),
    }

    reply = send[how]()

    assert reply.status_code == status
    assert alice.get(f"{demo}/resources").json()["ResultSet"]["Result"] == []
    assert _left(tmp_path) == []


def _broken_second_header() -> bytes:
    spoiled = bytearray(pack_tar({"a.txt": b"A" * 600, "b.txt": b"B" * 600}))
    spoiled[512 + 1536 + 148 : 512 + 1536 + 156] = b"0000000\0"
    return bytes(spoiled)


def _huge_member_that_is_not_kept() -> bytes:
    info = tarfile.TarInfo("a_catalog.xml")
    info.size = 2**60
    return pack_tar({"a.txt": b"A"})[:1536] + info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def _chain_of_long_names() -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 5
    return pack_tar({"a.txt": b"A"})[:1536] + (info.tobuf(tarfile.GNU_FORMAT) + b"name".ljust(512, b"\0")) * 1200


@pytest.mark.parametrize("is_gzipped", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        _broken_second_header,
        _huge_member_that_is_not_kept,
        _chain_of_long_names,
        lambda: pack_tar(FILES)[:1024],
        lambda: pack_tar({"a.txt": b"A" * 600, "b.txt": b"B"})[: 512 + 1536],
        lambda: pack_tar({f"{number}/x_catalog.xml": b"" for number in range(101)}),
    ],
    ids=["broken header", "huge member", "chain of names", "cut early", "cut between members", "too many entries"],
)
def test_a_tar_that_is_broken_anywhere_is_refused_whole(
    alice: TestClient, demo: str, tmp_path: Path, make: Callable[[], bytes], *, is_gzipped: bool
) -> None:
    """F-159."""
    name, body = ("a.tgz", gzip.compress(make())) if is_gzipped else ("a.tar", make())

    reply = alice.put(f"{demo}/resources/R/files/{name}?extract=true&inbody=true", content=body)

    assert reply.status_code == 422
    assert _contents(alice, demo) == {}
    assert _left(tmp_path) == []


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.gz", "a.zip"])
def test_nothing_is_no_archive(alice: TestClient, demo: str, name: str) -> None:
    reply = alice.put(f"{demo}/resources/R/files/{name}?extract=true&inbody=true", content=b"")

    assert reply.status_code == 422
    assert _contents(alice, demo) == {}


@pytest.mark.parametrize("said", [0, 1, 19, 21, 1000])
@pytest.mark.parametrize("pack", [pack_stored_zip, _zip])
def test_a_zip_that_lies_about_a_size_is_refused(
    alice: TestClient, demo: str, pack: Callable[[Mapping[str, bytes]], bytes], said: int
) -> None:
    body = saying(said, pack({"a": b"twenty bytes of text"}))

    reply = alice.put(f"{demo}/resources/R/files/a.zip?extract=true&inbody=true", content=body)

    assert reply.status_code == 422
    assert _contents(alice, demo) == {}


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "a.tgz"])
def test_an_archive_without_files_says_that_nothing_was_stored(alice: TestClient, demo: str, name: str) -> None:
    url = f"{demo}/resources/R/files/{name}?extract=true&inbody=true"

    reply = alice.put(url, content=PACKERS[name]({"x_catalog.xml": b"<x/>"}))

    assert (reply.status_code, reply.content, reply.headers["filmroom-stored"]) == (200, b"", "no")
    assert "no file" in reply.headers["filmroom-note"]
    assert results(alice, f"{demo}/resources") == []
