"""Resumable uploads: what the tus protocol 1.0 asks of a server, and that a file is there whole or not at all."""

import hashlib
from base64 import b64encode
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import Clock
from filmroom.service.archive import Archive
from rest.tus import CONTENT, STRETCH, TUS, begin, bytes_left, files, md5, metadata, named, offset, patch


@pytest.fixture
def uploads(demo: str) -> str:
    return f"{demo}/resources/R/uploads"


def test_a_server_tells_what_it_speaks(alice: TestClient, uploads: str) -> None:
    told = alice.options(uploads)

    assert told.status_code == 200
    assert told.headers["Tus-Version"] == told.headers["Tus-Resumable"] == "1.0.0"
    assert set(told.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "expiration",
        "termination",
    }
    assert {"md5", "sha1", "sha256"} <= set(told.headers["Tus-Checksum-Algorithm"].split(","))
    assert told.headers["Allow"] == "POST, OPTIONS"


def test_a_file_arrives_in_stretches_and_is_there_when_the_last_one_is(
    alice: TestClient, demo: str, uploads: str, tmp_path: Path
) -> None:
    url = begin(alice, uploads, "deep/a.txt", 10)
    before = (files(alice, demo), offset(alice, url))

    first = patch(alice, url, 0, CONTENT[:4])
    between = (files(alice, demo), offset(alice, url))
    last = patch(alice, url, 4, CONTENT[4:])

    assert (before, between) == (({}, 0), ({}, 4))
    assert [(reply.status_code, reply.headers["Upload-Offset"]) for reply in (first, last)] == [(204, "4"), (204, "10")]
    assert files(alice, demo) == {"deep/a.txt": md5(CONTENT)}
    assert alice.get(f"{demo}/resources/R/files/deep/a.txt").content == CONTENT
    assert offset(alice, url) == 10
    assert len(bytes_left(tmp_path)) == 1


def test_the_state_of_an_upload_is_told_and_kept_by_no_cache(alice: TestClient, uploads: str) -> None:
    said = metadata(path="a", filetype="text/plain", flag="")
    url = alice.post(uploads, headers={**TUS, "Upload-Length": "10", "Upload-Metadata": said}).headers["Location"]

    told = alice.head(url, headers=TUS)

    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Upload-Offset"] == "0"
    assert told.headers["Upload-Length"] == "10"
    assert told.headers["Upload-Metadata"] == said
    assert told.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0", ""])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_412_and_does_nothing(
    alice: TestClient, uploads: str, method: str, version: str | None
) -> None:
    url = begin(alice, uploads, "a", 10)
    headers = {**STRETCH, "Upload-Offset": "0", "Upload-Length": "10", "Upload-Metadata": metadata(path="b")}
    headers |= {} if version is None else {"Tus-Resumable": version}
    if version is None:
        del headers["Tus-Resumable"]

    reply = alice.request(method, uploads if method == "POST" else url, headers=headers, content=b"x")

    assert (reply.status_code, reply.headers["Tus-Version"]) == (412, "1.0.0")
    assert offset(alice, url) == 0


def test_errors_speak_the_protocol_too(alice: TestClient, uploads: str) -> None:
    reply = alice.head(f"{uploads}/{'0' * 32}", headers=TUS)

    assert (reply.status_code, reply.headers["Tus-Resumable"]) == (404, "1.0.0")
    assert "Upload-Offset" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "x"}, 400),
        ({"Upload-Length": "1.0"}, 400),
        ({"Upload-Length": "\u00b2".encode("latin-1")}, 400),
        ({"Upload-Length": "9" * 30}, 400),
        ({"Upload-Length": "0" * 20 + "9" * 30}, 400),
        ({"Upload-Length": ""}, 400),
        ({}, 400),
        ({"Upload-Defer-Length": "2"}, 400),
        ({"Upload-Length": "1", "Upload-Defer-Length": "1"}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": ""}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": "path"}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": "path !"}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": "path /w=="}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": "path YQ==,path YQ=="}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(path="../a")}, 400),
        ({"Upload-Length": "1", "Upload-Metadata": metadata(filename="..")}, 400),
    ],
)
def test_an_upload_that_cannot_be_is_not_begun(
    alice: TestClient, uploads: str, headers: dict[str, Any], status: int
) -> None:
    reply = alice.post(uploads, headers={**TUS, "Upload-Metadata": metadata(path="a"), **headers})

    assert (reply.status_code, reply.headers.get("Location")) == (status, None)


@pytest.mark.parametrize("sent", [-1, 0, 3, 5, 10, 11])
def test_a_stretch_begins_where_the_last_one_ended(alice: TestClient, uploads: str, sent: int) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT[:4])

    reply = patch(alice, url, sent, b"x")

    assert reply.status_code == (400 if sent < 0 else 409)
    assert offset(alice, url) == 4


def test_numbers_of_bytes_may_begin_with_zeros_and_are_never_too_large(alice: TestClient, uploads: str) -> None:
    told = named("a", 1, **{"Upload-Length": "0" * 5000 + "1"})
    deferred = {**TUS, "Upload-Metadata": metadata(path="b"), "Upload-Defer-Length": "1"}
    urls = [str(alice.post(uploads, headers=headers).headers["Location"]) for headers in (told, deferred)]

    length = patch(alice, urls[1], 0, b"", **{"Upload-Length": "0" * 20 + "9" * 30})
    offsets = [patch(alice, urls[0], 0, b"x", **{"Upload-Offset": said}) for said in ("0" * 20 + "9" * 30, "0" * 5000)]

    assert [reply.status_code for reply in (length, *offsets)] == [400, 400, 204]


def test_a_stretch_says_its_offset_and_is_of_the_protocols_own_type(alice: TestClient, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)

    without = alice.patch(url, content=b"x", headers=STRETCH)
    other = alice.patch(url, content=b"x", headers={**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"})

    assert (without.status_code, other.status_code, offset(alice, url)) == (400, 415, 0)


def test_more_than_was_said_is_400_and_counts_not(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT[:4])

    reply = patch(alice, url, 4, CONTENT)

    assert (reply.status_code, offset(alice, url)) == (400, 4)
    assert patch(alice, url, 4, CONTENT[4:]).status_code == 204
    assert files(alice, demo) == {"a": md5(CONTENT)}


def test_an_upload_may_begin_with_its_first_stretch(alice: TestClient, demo: str, uploads: str) -> None:
    part = alice.post(uploads, content=CONTENT[:4], headers={**named("a", 10), **STRETCH})
    whole = alice.post(uploads, content=CONTENT, headers={**named("b", 10), **STRETCH})

    assert [(reply.status_code, reply.headers["Upload-Offset"]) for reply in (part, whole)] == [(201, "4"), (201, "10")]
    assert patch(alice, part.headers["Location"], 4, CONTENT[4:]).status_code == 204
    assert files(alice, demo) == {"a": md5(CONTENT), "b": md5(CONTENT)}


def test_a_first_stretch_of_another_type_is_415_and_begins_nothing(
    alice: TestClient, uploads: str, tmp_path: Path
) -> None:
    reply = alice.post(uploads, content=CONTENT, headers=named("a", 10))

    assert (reply.status_code, bytes_left(tmp_path)) == (415, [])


def test_a_first_stretch_that_is_wrong_leaves_nothing(alice: TestClient, uploads: str, tmp_path: Path) -> None:
    headers = {**named("a", 10), **STRETCH, "Upload-Checksum": f"md5 {b64encode(bytes(16)).decode()}"}

    reply = alice.post(uploads, content=CONTENT, headers=headers)

    assert (reply.status_code, bytes_left(tmp_path)) == (460, [])


def test_a_file_without_bytes_is_there_at_once(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "empty", 0)

    assert files(alice, demo) == {"empty": md5(b"")}
    assert offset(alice, url) == 0


def test_the_length_may_be_told_later(alice: TestClient, demo: str, uploads: str) -> None:
    headers = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": metadata(filename="some/where\\a.txt")}
    url = alice.post(uploads, headers=headers).headers["Location"]

    patch(alice, url, 0, CONTENT[:4])
    before = alice.head(url, headers=TUS).headers
    patch(alice, url, 4, CONTENT[4:6], **{"Upload-Length": "10"})
    after = alice.head(url, headers=TUS).headers
    again = patch(alice, url, 6, b"", **{"Upload-Length": "11"})
    patch(alice, url, 6, CONTENT[6:])

    assert (before["Upload-Defer-Length"], before.get("Upload-Length")) == ("1", None)
    assert (after.get("Upload-Defer-Length"), after["Upload-Length"]) == (None, "10")
    assert again.status_code == 400
    assert files(alice, demo) == {"a.txt": md5(CONTENT)}


def test_a_length_that_is_told_when_all_is_there_ends_the_upload(alice: TestClient, demo: str, uploads: str) -> None:
    headers = {**TUS, "Upload-Defer-Length": "1", "Upload-Metadata": metadata(path="a")}
    url = alice.post(uploads, headers=headers).headers["Location"]
    patch(alice, url, 0, CONTENT)

    short = patch(alice, url, 10, b"", **{"Upload-Length": "9"})
    right = patch(alice, url, 10, b"", **{"Upload-Length": "10"})

    assert (short.status_code, right.status_code) == (400, 204)
    assert files(alice, demo) == {"a": md5(CONTENT)}


def _checksum(algorithm: str, content: bytes) -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_stretch_counts_only_if_it_has_its_checksum(
    alice: TestClient, demo: str, uploads: str, algorithm: str
) -> None:
    url = begin(alice, uploads, "a", 10)
    checksum = {"Upload-Checksum": _checksum(algorithm, CONTENT[:4])}

    wrong = patch(alice, url, 0, b"0124", **checksum)
    between = offset(alice, url)
    right = patch(alice, url, 0, CONTENT[:4], **checksum)
    patch(alice, url, 4, CONTENT[4:])

    assert (wrong.status_code, between, right.status_code) == (460, 0, 204)
    assert files(alice, demo) == {"a": md5(CONTENT)}


def test_a_last_stretch_with_a_wrong_checksum_stores_nothing(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT[:4])

    wrong = patch(alice, url, 4, b"xxxxxx", **{"Upload-Checksum": _checksum("sha1", CONTENT[4:])})

    assert (wrong.status_code, offset(alice, url)) == (460, 4)
    assert files(alice, demo) == {}


@pytest.mark.parametrize("checksum", ["crc32 AAAA", "sha1", "sha1 AAAA", "sha1 !", ""])
def test_a_checksum_that_cannot_be_read_is_400(alice: TestClient, uploads: str, checksum: str) -> None:
    url = begin(alice, uploads, "a", 10)

    reply = patch(alice, url, 0, CONTENT, **{"Upload-Checksum": checksum})

    assert (reply.status_code, offset(alice, url)) == (400, 0)


def test_the_digest_of_a_stretch_may_be_declared_as_that_of_any_upload(alice: TestClient, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)

    reply = patch(alice, url, 0, b"0124", **{"Content-MD5": md5(CONTENT[:4])})

    assert (reply.status_code, offset(alice, url)) == (422, 0)


def test_an_upload_can_be_ended_by_its_sender(alice: TestClient, demo: str, uploads: str, tmp_path: Path) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT[:4])

    reply = alice.delete(url, headers=TUS)

    assert (reply.status_code, reply.headers["Tus-Resumable"]) == (204, "1.0.0")
    assert alice.head(url, headers=TUS).status_code == 404
    assert patch(alice, url, 4, CONTENT[4:]).status_code == 404
    assert bytes_left(tmp_path) == []
    assert files(alice, demo) == {}


def test_what_is_stored_outlives_the_upload_that_brought_it(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT)

    alice.delete(url, headers=TUS)

    assert alice.get(f"{demo}/resources/R/files/a").content == CONTENT


def test_an_upload_that_rests_too_long_is_removed(
    alice: TestClient, uploads: str, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    url = begin(alice, uploads, "a", 10)
    clock.move(hours=71)
    expires_at = parsedate_to_datetime(patch(alice, url, 0, CONTENT[:4]).headers["Upload-Expires"])
    early = (archive.resumable.remove_expired(), offset(alice, url))
    clock.move(hours=73)
    told = alice.head(url, headers=TUS).status_code

    removed = archive.resumable.remove_expired()

    assert abs((expires_at - clock.now).total_seconds()) < 3700
    assert early == (0, 4)
    assert (told, removed, bytes_left(tmp_path)) == (404, 1, [])


def test_an_upload_that_is_done_is_known_until_its_time_is_over_and_its_file_stays(
    alice: TestClient, demo: str, uploads: str, archive: Archive, clock: Clock
) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT)
    clock.move(hours=71)
    known = offset(alice, url)
    clock.move(hours=2)

    removed = archive.resumable.remove_expired()

    assert (known, removed) == (10, 1)
    assert "Upload-Expires" not in patch(alice, begin(alice, uploads, "b", 1), 0, b"x").headers
    assert alice.get(f"{demo}/resources/R/files/a").content == CONTENT


def test_a_done_upload_takes_no_more(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT)

    replies = [patch(alice, url, 10, b"x"), patch(alice, url, 0, CONTENT), patch(alice, url, 10, b"")]

    assert [reply.status_code for reply in replies] == [400, 409, 400]
    assert files(alice, demo) == {"a": md5(CONTENT)}


def test_clients_that_know_no_patch_say_it_in_a_header(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    headers = {**STRETCH, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}

    reply = alice.post(url, content=CONTENT, headers=headers)

    assert (reply.status_code, files(alice, demo)) == (204, {"a": md5(CONTENT)})
