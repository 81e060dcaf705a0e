"""What the pages create, upload, replace and delete, at every address; each test keeps to a resource of its own."""

from collections.abc import Callable
from itertools import count
from typing import Final

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from pages.forms import EVERY_FORM, WRONG_URLS, Form
from rest.session import OWNERS, make_session, put_file, results

EVERY_OWNER: Final = pytest.mark.parametrize("owner", OWNERS)
NAMED_BY: Final = pytest.mark.parametrize("named_by", ["label", "number"])
_numbers = count()

Sender = Callable[[TestClient, str, str, bytes], Response]
# How a file may be sent; the form gives it another name than the address does.
SENDERS: Final[dict[str, Sender]] = {
    "inbody": lambda alice, method, url, content: alice.request(
        method, url, params={"inbody": "true", "overwrite": "true"}, content=content
    ),
    "content type": lambda alice, method, url, content: alice.request(
        method,
        url,
        params={"overwrite": "true"},
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    ),
    "form": lambda alice, method, url, content: alice.request(
        method, url, params={"overwrite": "true"}, files={"file": ("original.bin", content)}
    ),
}
EVERY_SENDER: Final = pytest.mark.parametrize("sender", SENDERS)


@pytest.fixture(scope="module")
def alice(shared: TestClient) -> TestClient:
    shared.put("/data/projects/DEMO")
    make_session(shared, "/data/projects/DEMO")
    for url in OWNERS.values():
        put_file(shared, f"{url}/resources/R/files/a.txt")
    return shared


@pytest.fixture
def label() -> str:
    """Of a resource that no other test uses."""
    return f"R{next(_numbers)}"


def _row(alice: TestClient, owner: str, label: str) -> dict[str, str] | None:
    rows = results(alice, f"{OWNERS[owner]}/resources")
    return next((row for row in rows if row["label"] == label), None)


def _paths(alice: TestClient, owner: str, label: str) -> list[str]:
    rows = results(alice, f"{OWNERS[owner]}/resources/{label}/files")
    return [row["URI"].partition("/files/")[2] for row in rows]


def _fill(alice: TestClient, owner: str, label: str, named_by: str = "label") -> str:
    """Files ``a.txt`` and ``b.txt`` in a resource; its label or its number."""
    url = f"{OWNERS[owner]}/resources/{label}/files"
    alice.post(url, files=[("file", (name, b"old")) for name in ("a.txt", "b.txt")])
    return {"label": label, "number": results(alice, url)[0]["cat_ID"]}[named_by]


@pytest.mark.page("project-resources:109", "project-resources:113-114", "project-resources:116")
@pytest.mark.page("experiment-resources:154-155", "experiment-resources:160-163", "experiment-resources:168")
@pytest.mark.page("image-assessor-resources:162-163", "image-assessor-resources:167-181")
@pytest.mark.page("image-assessor-resources:195")
@EVERY_FORM
def test_a_resource_is_made_where_the_address_says_and_gets_a_number(alice: TestClient, form: Form, label: str) -> None:
    reply = alice.put(f"{form.url}/resources/{label}")

    row = _row(alice, form.owner, label)
    assert (reply.status_code, reply.content) == (200, b"")
    assert row is not None
    assert row["xnat_abstractresource_id"].isdigit()
    assert (row["file_count"], row["file_size"], row["format"], row["tags"]) == ("", "", "", "")


@pytest.mark.page("experiment-resources:164-166", "image-assessor-resources:183-193")
@EVERY_FORM
def test_a_new_resource_is_described_by_its_parameters(alice: TestClient, form: Form, label: str) -> None:
    alice.put(f"{form.url}/resources/{label}?format=NIFTI&content=some%20words&tags=one,two,side:left")

    row = _row(alice, form.owner, label)
    assert row is not None
    assert (row["format"], row["content"], row["tags"]) == ("NIFTI", "some words", "one,two,side=left")


@pytest.mark.page("experiment-resources:151", "image-assessor-resources:159")
@EVERY_FORM
def test_a_label_that_is_taken_is_refused_and_nothing_changes(alice: TestClient, form: Form, label: str) -> None:
    alice.put(f"{OWNERS[form.owner]}/resources/{label}?format=NIFTI&content=old&tags=one")
    before = _row(alice, form.owner, label)

    reply = alice.put(f"{form.url}/resources/{label}?format=DICOM&content=new&tags=two")

    assert reply.status_code == 409
    assert _row(alice, form.owner, label) == before


@pytest.mark.page("experiment-resources:151", "image-assessor-resources:159")
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_label_is_taken_only_where_it_is_used(alice: TestClient, label: str, method: str) -> None:
    statuses = [alice.request(method, f"{url}/resources/{label}").status_code for url in OWNERS.values()]

    assert statuses == [200] * len(OWNERS)


@pytest.mark.page("project-resources:121", "project-resources:125-129", "project-resources:131")
@pytest.mark.page("experiment-resources:175-176", "experiment-resources:181-187", "experiment-resources:193")
@pytest.mark.page("image-assessor-resources:249", "image-assessor-resources:252-253")
@pytest.mark.page("image-assessor-resources:257-295", "image-assessor-resources:307-309")
@EVERY_FORM
@EVERY_SENDER
def test_a_file_is_stored_under_the_name_in_its_address(alice: TestClient, form: Form, label: str, sender: str) -> None:
    reply = SENDERS[sender](alice, "PUT", f"{form.url}/resources/{label}/files/d/a.bin", b"\0new\xff")

    row = _row(alice, form.owner, label)
    assert (reply.status_code, reply.content) == (200, b"")
    assert _paths(alice, form.owner, label) == ["d/a.bin"]
    assert alice.get(f"{OWNERS[form.owner]}/resources/{label}/files/d/a.bin").content == b"\0new\xff"
    assert row is not None
    assert (row["file_count"], row["file_size"]) == ("1", "5")


@pytest.mark.page("project-resources:126", "experiment-resources:184", "image-assessor-resources:281-283")
@EVERY_FORM
def test_a_file_is_stored_in_the_resource_of_a_number(alice: TestClient, form: Form, label: str) -> None:
    number = _fill(alice, form.owner, label, "number")

    put_file(alice, f"{form.url}/resources/{number}/files/c.bin")

    assert _paths(alice, form.owner, label) == ["a.txt", "b.txt", "c.bin"]


@pytest.mark.page("image-assessor-resources:249")
@EVERY_OWNER
def test_a_number_that_no_resource_has_makes_none(alice: TestClient, owner: str) -> None:
    """F-148: a label can be made up, a number cannot."""
    reply = alice.put(f"{OWNERS[owner]}/resources/999999/files/a?inbody=true", content=b"x")

    assert reply.status_code == 404
    assert _row(alice, owner, "999999") is None


@pytest.mark.page("experiment-resources:172", "experiment-resources:196")
@pytest.mark.page("image-assessor-resources:247", "image-assessor-resources:311")
@EVERY_FORM
@NAMED_BY
def test_a_name_that_is_taken_keeps_its_file_and_is_told(
    alice: TestClient, form: Form, label: str, named_by: str
) -> None:
    url = f"{form.url}/resources/{_fill(alice, form.owner, label, named_by)}/files/b.txt"

    reply = alice.put(f"{url}?inbody=true", content=b"new")

    assert (reply.status_code, reply.text) == (200, '{"duplicates":["b.txt"]}')
    assert alice.get(url).content == b"old"


@pytest.mark.page("experiment-resources:188-189", "image-assessor-resources:297-303")
@EVERY_FORM
def test_an_upload_describes_the_file_and_its_resource(alice: TestClient, form: Form, label: str) -> None:
    put_file(alice, f"{form.url}/resources/{label}/files/a.bin", b"", "format=NIFTI&content=some%20words")

    [file] = results(alice, f"{OWNERS[form.owner]}/resources/{label}/files")
    row = _row(alice, form.owner, label)
    assert (file["file_format"], file["file_content"]) == ("NIFTI", "some words")
    assert row is not None
    assert (row["format"], row["content"]) == ("NIFTI", "some words")


@pytest.mark.page("project-resources:128-129", "experiment-resources:186-187")
@pytest.mark.page("image-assessor-resources:289-295")
@EVERY_FORM
def test_an_upload_that_brings_no_file_makes_nothing(alice: TestClient, form: Form, label: str) -> None:
    bare = alice.put(f"{form.url}/resources/{label}/files/a.bin", content=b"x")
    fields = alice.put(f"{form.url}/resources/{label}/files/a.bin", files={"note": (None, "no file")})

    assert [bare.status_code, fields.status_code] == [400, 400]
    assert _row(alice, form.owner, label) is None


@pytest.mark.page("experiment-resources:202-203", "experiment-resources:208-213", "experiment-resources:217")
@pytest.mark.page("image-assessor-resources:318", "image-assessor-resources:322-356")
@pytest.mark.page("image-assessor-resources:360-362")
@EVERY_FORM
@NAMED_BY
def test_a_file_is_replaced(alice: TestClient, form: Form, label: str, named_by: str) -> None:
    url = f"{form.url}/resources/{_fill(alice, form.owner, label, named_by)}/files/b.txt"

    reply = alice.post(f"{url}?inbody=true&overwrite=true", content=b"newer")

    row = _row(alice, form.owner, label)
    assert (reply.status_code, reply.content) == (200, b"")
    assert alice.get(f"{OWNERS[form.owner]}/resources/{label}/files/b.txt").content == b"newer"
    assert row is not None
    assert (row["file_count"], row["file_size"]) == ("2", "8")


@pytest.mark.page("experiment-resources:212-213", "image-assessor-resources:350-356")
@EVERY_OWNER
@EVERY_SENDER
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_new_bytes_come_in_the_body_or_in_a_form(
    alice: TestClient, owner: str, label: str, sender: str, method: str
) -> None:
    url = f"{OWNERS[owner]}/resources/{_fill(alice, owner, label)}/files/a.txt"

    reply = SENDERS[sender](alice, method, url, b"newer")

    assert (reply.status_code, reply.content) == (200, b"")
    assert alice.get(url).content == b"newer"
    assert _paths(alice, owner, label) == ["a.txt", "b.txt"]


@pytest.mark.page("experiment-resources:203", "experiment-resources:211", "image-assessor-resources:346-348")
@EVERY_OWNER
@pytest.mark.parametrize("query", ["inbody=true", "inbody=true&overwrite=false"])
def test_without_overwrite_nothing_is_replaced(alice: TestClient, owner: str, label: str, query: str) -> None:
    url = f"{OWNERS[owner]}/resources/{_fill(alice, owner, label)}/files/a.txt"

    reply = alice.post(f"{url}?{query}", content=b"newer")

    assert (reply.status_code, reply.text) == (200, '{"duplicates":["a.txt"]}')
    assert alice.get(url).content == b"old"


@pytest.mark.page("experiment-resources:210", "image-assessor-resources:342-344")
@EVERY_OWNER
def test_what_is_not_there_to_be_replaced_is_stored(alice: TestClient, owner: str, label: str) -> None:
    """Files-api S-13."""
    url = f"{OWNERS[owner]}/resources/{_fill(alice, owner, label)}/files/c.txt"

    reply = alice.post(f"{url}?inbody=true&overwrite=true", content=b"new")

    assert (reply.status_code, reply.content) == (200, b"")
    assert alice.get(url).content == b"new"
    assert _paths(alice, owner, label) == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.page("project-resources:136", "project-resources:139", "project-resources:143-144")
@pytest.mark.page("project-resources:146")
@pytest.mark.page("experiment-resources:224", "experiment-resources:227", "experiment-resources:232-233")
@pytest.mark.page("experiment-resources:237")
@pytest.mark.page("image-assessor-resources:366", "image-assessor-resources:369", "image-assessor-resources:373-391")
@pytest.mark.page("image-assessor-resources:395-397", "image-assessor-resources:403")
@EVERY_FORM
@NAMED_BY
def test_a_resource_goes_with_all_its_files(alice: TestClient, form: Form, label: str, named_by: str) -> None:
    name = _fill(alice, form.owner, label, named_by)
    files = f"{OWNERS[form.owner]}/resources/{name}/files"
    before = [alice.get(f"{files}/{path}").status_code for path in ("a.txt", "b.txt")]

    reply = alice.delete(f"{form.url}/resources/{name}")

    assert (reply.status_code, reply.content) == (200, b"")
    assert before == [200, 200]
    assert [alice.get(f"{files}/{path}").status_code for path in ("a.txt", "b.txt")] == [404, 404]
    assert _row(alice, form.owner, label) is None


@pytest.mark.page("project-resources:151", "project-resources:155-157", "project-resources:159")
@pytest.mark.page("experiment-resources:243", "experiment-resources:248-250", "experiment-resources:254")
@pytest.mark.page("image-assessor-resources:408", "image-assessor-resources:412-434")
@pytest.mark.page("image-assessor-resources:438-440", "image-assessor-resources:446")
@EVERY_FORM
@NAMED_BY
def test_a_file_goes_and_the_others_stay(alice: TestClient, form: Form, label: str, named_by: str) -> None:
    name = _fill(alice, form.owner, label, named_by)

    reply = alice.delete(f"{form.url}/resources/{name}/files/a.txt")

    row = _row(alice, form.owner, label)
    assert (reply.status_code, reply.content) == (200, b"")
    assert _paths(alice, form.owner, label) == ["b.txt"]
    assert row is not None
    assert (row["file_count"], row["file_size"]) == ("1", "3")


@pytest.mark.page("project-resources:157", "experiment-resources:250", "image-assessor-resources:432-434")
@EVERY_OWNER
def test_a_file_that_is_not_there_cannot_be_deleted(alice: TestClient, owner: str, label: str) -> None:
    """Files-api S-16."""
    url = f"{OWNERS[owner]}/resources/{_fill(alice, owner, label)}/files"

    assert alice.delete(f"{url}/none").status_code == 404
    assert alice.delete(url).status_code == 400
    assert _paths(alice, owner, label) == ["a.txt", "b.txt"]


# Every operation on resources and files.
OPERATIONS: Final = {
    "list resources": ("GET", "resources"),
    "list files": ("GET", "files"),
    "list the files of a resource": ("GET", "resources/R/files"),
    "read a catalog": ("GET", "resources/R"),
    "read a file": ("GET", "resources/R/files/a.txt"),
    "make a resource": ("PUT", "resources/NEW"),
    "store a file": ("PUT", "resources/R/files/new?inbody=true"),
    "replace a file": ("POST", "resources/R/files/a.txt?inbody=true&overwrite=true"),
    "download all": ("GET", "files?format=zip"),
    "delete a file": ("DELETE", "resources/R/files/a.txt"),
    "delete a resource": ("DELETE", "resources/R"),
}


def _statuses(alice: TestClient, url: str) -> dict[str, int]:
    return {name: alice.request(method, f"{url}/{rest}").status_code for name, (method, rest) in OPERATIONS.items()}


@pytest.mark.page("project-resources:13", "project-resources:55", "project-resources:100", "project-resources:113")
@pytest.mark.page("project-resources:125", "project-resources:143", "project-resources:155")
@pytest.mark.page("experiment-resources:33-35", "experiment-resources:84-86", "experiment-resources:139-141")
@pytest.mark.page("experiment-resources:160-162", "experiment-resources:181-183", "experiment-resources:208")
@pytest.mark.page("experiment-resources:232", "experiment-resources:248")
@pytest.mark.page("image-assessor-resources:26-40", "image-assessor-resources:94-108")
@pytest.mark.page("image-assessor-resources:207-221", "image-assessor-resources:167-177")
@pytest.mark.page("image-assessor-resources:257-271", "image-assessor-resources:322-328")
@pytest.mark.page("image-assessor-resources:373-379", "image-assessor-resources:412-418")
@pytest.mark.parametrize("url", WRONG_URLS)
def test_an_address_with_a_part_that_is_not_there_leads_nowhere(alice: TestClient, url: str) -> None:
    assert _statuses(alice, url) == dict.fromkeys(OPERATIONS, 404)


@pytest.mark.page("experiment-resources:34-35", "experiment-resources:85-86", "experiment-resources:140-141")
@pytest.mark.page("experiment-resources:176", "experiment-resources:232")
@pytest.mark.page("image-assessor-resources:30-36", "image-assessor-resources:98-104")
@pytest.mark.page("image-assessor-resources:211-217")
@pytest.mark.parametrize("url", ["subjects/S1", "experiments/MR1", "experiments/MR1/assessors/QC", "experiments/QC"])
def test_a_label_needs_a_project(alice: TestClient, url: str) -> None:
    """Files-api S-18."""
    assert _statuses(alice, f"/data/{url}") == dict.fromkeys(OPERATIONS, 404)
