"""What the pages say of those who may not: Bob, a collaborator of Alice's project, may look at all of it."""

from typing import Final

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from conftest import PASSWORD
from pages.forms import EVERY_FORM, Form
from rest.session import OWNERS, make_session, put_file, results

BROWSER: Final = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture(scope="module")
def alice(shared: TestClient) -> TestClient:
    shared.put("/data/projects/DEMO")
    shared.put("/data/projects/DEMO/users/collaborator/bob")
    make_session(shared, "/data/projects/DEMO")
    for url in OWNERS.values():
        put_file(shared, f"{url}/resources/R/files/a.txt")
    return shared


def _ask_as_bob(alice: TestClient, method: str, url: str, content: bytes = b"") -> Response:
    return alice.request(method, url, content=content, auth=("bob", PASSWORD))


def _holds_what_it_held(alice: TestClient, form: Form) -> bool:
    url = OWNERS[form.owner]
    labels = [row["label"] for row in results(alice, f"{url}/resources")]
    paths = [row["URI"].partition("/files/")[2] for row in results(alice, f"{url}/resources/R/files")]
    content = alice.get(f"{url}/resources/R/files/a.txt").content
    return (labels, paths, content) == (["R"], ["a.txt"], b"voxels")


@pytest.mark.page("experiment-resources:197", "image-assessor-resources:313")
@pytest.mark.parametrize("target", ["R/files/b.txt?inbody=true", "R/files/a.txt?inbody=true&overwrite=true"])
@EVERY_FORM
def test_an_upload_by_who_may_not_is_answered_with_200_and_changes_nothing(
    alice: TestClient, form: Form, target: str
) -> None:
    reply = _ask_as_bob(alice, "PUT", f"{form.url}/resources/{target}", b"other")

    assert (reply.status_code, reply.headers["filmroom-stored"]) == (200, "no")
    assert _holds_what_it_held(alice, form)


@pytest.mark.page("experiment-resources:238", "image-assessor-resources:399-401")
@EVERY_FORM
def test_who_may_not_delete_a_resource_is_told_so(alice: TestClient, form: Form) -> None:
    reply = _ask_as_bob(alice, "DELETE", f"{form.url}/resources/R")

    assert reply.status_code == 403
    assert _holds_what_it_held(alice, form)


@pytest.mark.page("experiment-resources:255", "image-assessor-resources:442-444")
@EVERY_FORM
def test_who_may_not_delete_a_file_is_told_so(alice: TestClient, form: Form) -> None:
    reply = _ask_as_bob(alice, "DELETE", f"{form.url}/resources/R/files/a.txt")

    assert reply.status_code == 403
    assert _holds_what_it_held(alice, form)


@pytest.mark.page("user-cache-resources:19")
def test_a_change_of_a_cache_needs_the_token_of_a_browsers_session(alice: TestClient) -> None:
    browser = TestClient(alice.app, headers=BROWSER)
    browser.put("/data/services/auth", data={"username": "alice", "password": PASSWORD})
    token = browser.get("/data/JSESSION?CSRF=true").text.partition("XNAT_CSRF=")[2]

    without = browser.put("/data/user/cache/resources/browsers")
    with_token = browser.put(f"/data/user/cache/resources/browsers?XNAT_CSRF={token}")

    assert (without.status_code, with_token.status_code) == (403, 200)
