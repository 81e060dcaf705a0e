"""A DICOM image as JPEG, over HTTP (F-124)."""

import io
import struct
import sys
from pathlib import Path

import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from starlette.testclient import TestClient

from filmroom.service import confined
from filmroom.service.archive import Archive
from filmroom.service.turns import Turns

JPEG = {"Accept": "image/jpeg"}


def _sample(name: str) -> bytes:
    return Path(str(get_testdata_file(name, download=False))).read_bytes()


def _size(content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "JPEG"
        return image.size


def _lying_jpeg2000() -> bytes:
    """A code stream that says it has 60,000 x 60,000 pixels (ISO 15444-1, A.5.1)."""
    raw = bytearray(_sample("MR_small_jp2klossless.dcm"))
    place = raw.index(b"\xff\x4f\xff\x51") + 8
    for offset in (0, 16):
        raw[place + offset : place + offset + 8] = struct.pack(">LL", 60_000, 60_000)
    return bytes(raw)


CT = _sample("CT_small.dcm")


@pytest.fixture
def files(alice: TestClient, demo: str) -> str:
    """The URL of files: a CT image, and others that are none."""
    url = f"{demo}/resources/R/files"
    for path, content in (("ct.dcm", CT), ("notes.txt", b"notes"), ("look.png", b"png"), ("look.JPG", b"jpg")):
        assert alice.put(f"{url}/{path}?inbody=true", content=content).status_code == 200
    return url


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", JPEG),
        ("?format=image/jpeg", {}),
        ("", {"Accept": "image/jpeg, */*;q=0.1"}),
        ("", {"Accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"}),
    ],
)
def test_an_image_is_shown_to_who_asks_for_one(
    alice: TestClient, files: str, query: str, headers: dict[str, str]
) -> None:
    reply = alice.get(f"{files}/ct.dcm{query}", headers=headers)

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.headers["content-length"] == str(len(reply.content))
    assert "etag" not in reply.headers
    assert _size(reply.content) == (128, 128)


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "image/avif,image/webp,*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    ],
)
def test_who_takes_anything_gets_the_file(alice: TestClient, files: str, accept: str) -> None:
    """Clients of every language say something like this without wanting an image."""
    assert alice.get(f"{files}/ct.dcm", headers={"Accept": accept}).content == CT


@pytest.mark.parametrize(
    ("path", "accept", "content"),
    [
        ("notes.txt", "image/*,*/*;q=0.8", b"notes"),
        ("look.png", "image/jpeg", b"png"),
        ("look.png", "image/*,*/*;q=0.8", b"png"),
        ("look.JPG", "image/jpeg", b"jpg"),
    ],
)
def test_what_is_no_dicom_goes_out_as_it_is(
    alice: TestClient, files: str, path: str, accept: str, content: bytes
) -> None:
    assert alice.get(f"{files}/{path}", headers={"Accept": accept}).content == content


@pytest.mark.parametrize(("query", "headers"), [("", JPEG), ("?format=image/jpeg", {"Accept": "*/*"})])
def test_what_is_no_dicom_is_no_image_either(
    alice: TestClient, files: str, query: str, headers: dict[str, str]
) -> None:
    reply = alice.get(f"{files}/notes.txt{query}", headers=headers)

    assert reply.status_code == 400
    assert "it cannot be shown as JPEG, because it is no DICOM file" in reply.text


def test_an_image_is_shown_by_its_number(alice: TestClient, files: str) -> None:
    """F-103, F-124."""
    assert _size(alice.get(f"{files}?index=0", headers=JPEG).content) == (128, 128)
    assert alice.get(f"{files}?index=0").content == CT


def test_head_tells_of_the_image(alice: TestClient, files: str) -> None:
    got, told = alice.get(f"{files}/ct.dcm", headers=JPEG), alice.head(f"{files}/ct.dcm", headers=JPEG)

    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-length"] == got.headers["content-length"]


BROKEN = {
    "no image in it": _sample("test-SR.dcm"),
    "pixels that end early": _sample("MR_truncated.dcm"),
    "a number that is none": _sample("badVR.dcm"),
    "a header that ends early": CT[:400],
    "no header at all": CT[:132],
    "a code stream that ends early": _sample("JPEG2000.dcm")[:-8000],
    "a code stream that is none": _sample("JPEG-lossy.dcm"),
    "a code stream that says it is huge": _lying_jpeg2000(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_shown_is_told_so(alice: TestClient, files: str, content: bytes) -> None:
    """F-124: 400 in one sentence, whatever is the matter."""
    alice.put(f"{files}/broken.dcm?inbody=true", content=content)

    reply = alice.get(f"{files}/broken.dcm", headers=JPEG)

    assert reply.status_code == 400
    assert "it cannot be shown as JPEG, because it" in reply.text


def test_only_two_are_rendered_at_once(alice: TestClient, archive: Archive, files: str) -> None:
    archive.images._confined._turns = turns = Turns(2, wait_seconds=0.05, reason="too many")

    with turns.take(), turns.take():
        refused = alice.get(f"{files}/ct.dcm", headers=JPEG)
    let_in = alice.get(f"{files}/ct.dcm", headers=JPEG)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert let_in.status_code == 200


def test_what_takes_too_long_is_given_up(alice: TestClient, files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_LONGEST_SECONDS", 0.01)

    reply = alice.get(f"{files}/ct.dcm", headers=JPEG)

    assert reply.status_code == 400
    assert "takes more than" in reply.text


@pytest.mark.parametrize("missing", ["PIL", "pydicom", "pylibjpeg"])
def test_a_server_without_the_extra_says_what_to_install(
    alice: TestClient, files: str, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    reply = alice.get(f"{files}/ct.dcm", headers=JPEG)

    assert reply.status_code == 406
    assert "pip install 'filmroom[images]'" in reply.text
    assert alice.get(f"{files}/ct.dcm").content == CT


def test_a_process_that_cannot_start_is_told_as_busy(
    alice: TestClient, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert alice.get(f"{files}/ct.dcm", headers=JPEG).status_code == 503
