"""Resumable uploads are uploads of this archive: its rights, its rules for names, its archives, caches and events."""

import io
import zipfile
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rest.tus import CONTENT, TUS, begin, files, md5, named, offset, patch


@pytest.fixture
def uploads(demo: str) -> str:
    return f"{demo}/resources/R/uploads"


def test_only_who_began_an_upload_and_administrators_see_it(
    client: Callable[[str], TestClient], alice: TestClient, demo: str, uploads: str
) -> None:
    alice.put(f"{demo}/users/owner/bob")
    url = begin(alice, uploads, "a", 10)
    bob, admin = client("bob"), client("admin")

    seen = [person.head(url, headers=TUS).status_code for person in (bob, admin, client(""))]
    sent = [patch(person, url, 0, CONTENT).status_code for person in (bob, admin)]
    ended = [person.delete(url, headers=TUS).status_code for person in (bob, admin)]

    assert (seen, sent, ended) == ([404, 200, 401], [404, 403], [404, 204])
    assert files(alice, demo) == {}


def test_an_upload_is_found_only_where_it_was_begun(alice: TestClient, demo: str, uploads: str) -> None:
    upload_id = begin(alice, uploads, "a", 10).rsplit("/", 1)[1]

    elsewhere = [f"{demo}/resources/OTHER/uploads/{upload_id}", f"/data/user/cache/resources/R/uploads/{upload_id}"]

    assert [alice.head(url, headers=TUS).status_code for url in elsewhere] == [404, 404]
    assert alice.head(f"{uploads.replace('/data', '/REST')}/{upload_id}", headers=TUS).status_code == 200


def test_who_may_not_edit_begins_no_upload(client: Callable[[str], TestClient], uploads: str) -> None:
    reply = client("bob").post(uploads, headers=named("a", 10))

    assert reply.status_code == 403


def test_rights_that_were_lost_meanwhile_count(
    client: Callable[[str], TestClient], alice: TestClient, demo: str, uploads: str
) -> None:
    alice.put(f"{demo}/users/owner/bob")
    bob = client("bob")
    url = begin(bob, uploads, "a", 10)
    patch(bob, url, 0, CONTENT[:4])
    alice.delete(f"{demo}/users/owner/bob")

    reply = patch(bob, url, 4, CONTENT[4:])

    assert reply.status_code == 403
    assert files(alice, demo) == {}


def test_a_name_that_is_taken_is_409_before_the_first_byte_unless_it_is_to_be_replaced(
    alice: TestClient, demo: str, uploads: str
) -> None:
    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"old")

    taken = alice.post(uploads, headers=named("a", 10))
    url = begin(alice, f"{uploads}?overwrite=true&content=T1", "a", 10)
    patch(alice, url, 0, CONTENT)
    again = begin(alice, f"{uploads}?overwrite=true", "a", 10)
    same = patch(alice, again, 0, CONTENT)

    assert taken.status_code == 409
    assert files(alice, demo) == {"a": md5(CONTENT)}
    assert (same.status_code, same.headers["Filmroom-Stored"]) == (204, "same")
    (row,) = alice.get(f"{demo}/resources/R/files").json()["ResultSet"]["Result"]
    assert row["file_content"] == "T1"


def test_a_name_that_was_taken_meanwhile_is_409_and_the_upload_goes_on_when_it_is_free(
    alice: TestClient, demo: str, uploads: str
) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, url, 0, CONTENT[:4])
    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"quicker")

    taken = patch(alice, url, 4, CONTENT[4:])
    kept = (alice.get(f"{demo}/resources/R/files/a").content, offset(alice, url))
    alice.delete(f"{demo}/resources/R/files/a")
    free = patch(alice, url, 4, CONTENT[4:])

    assert (taken.status_code, kept, free.status_code) == (409, (b"quicker", 4), 204)
    assert files(alice, demo) == {"a": md5(CONTENT)}


def test_an_archive_is_extracted_when_all_of_it_is_there(alice: TestClient, demo: str, uploads: str) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("in/a.txt", b"a")
        archive.writestr("b.txt", b"b")
    content = target.getvalue()
    url = begin(alice, f"{uploads}?extract=true", "some.zip", len(content))

    patch(alice, url, 0, content[:50])
    patch(alice, url, 50, content[50:])

    assert files(alice, demo) == {"in/a.txt": md5(b"a"), "b.txt": md5(b"b")}


def test_what_is_no_archive_is_422_at_its_end(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, f"{uploads}?extract=true", "some.zip", 10)

    reply = patch(alice, url, 0, CONTENT)

    assert reply.status_code == 422
    assert files(alice, demo) == {}


def test_a_cache_takes_resumable_uploads_and_still_folders_of_that_name(alice: TestClient) -> None:
    folder = "/data/user/cache/resources/F"
    url = begin(alice, f"{folder}/uploads", "a", 10)

    patch(alice, url, 0, CONTENT)
    made = [alice.put(f"{folder}/uploads").status_code, alice.put(f"{folder}/uploads/deep").status_code]
    again = [alice.put(f"{folder}/uploads").status_code, alice.put(f"{folder}/uploads/deep").status_code]

    assert alice.get(f"{folder}/files/a").content == CONTENT
    assert (made, again) == ([200, 200], [412, 412])


def test_the_event_of_a_resumable_upload_is_that_of_every_upload(alice: TestClient, demo: str, uploads: str) -> None:
    url = begin(alice, uploads, "a", 10)
    patch(alice, f"{url}?event_reason=trial", 0, CONTENT)

    rows = alice.get(f"{demo}/history?format=json").json()["ResultSet"]["Result"]

    (row,) = [row for row in rows if "uploaded file" in row.values()]
    assert "trial" in row.values()


def test_every_form_of_address_takes_resumable_uploads(alice: TestClient, demo: str) -> None:
    session = f"{demo}/subjects/S/experiments/E"
    alice.put(f"{demo}/subjects/S")
    alice.put(f"{session}?xsiType=xnat:mrSessionData")
    alice.put(f"{session}/scans/1?xsiType=xnat:mrScanData")
    alice.put(f"{session}/assessors/A?xsiType=xnat:qcManualAssessorData")
    alice.put(f"{session}/reconstructions/R1")
    owners = [demo, f"{demo}/subjects/S", session, f"{demo}/experiments/E", f"{session}/scans/1"]
    owners += [f"{session}/assessors/A/in", f"{session}/assessors/A/out", f"{session}/reconstructions/R1"]

    for number, owner in enumerate(owners):
        url = begin(alice, f"{owner}/resources/R/uploads", f"{number}", 10)
        assert patch(alice, url, 0, CONTENT).status_code == 204, owner

    for number, owner in enumerate(owners):
        assert alice.get(f"{owner}/resources/R/files/{number}").content == CONTENT
