"""The page that says what works with which client tells what the tests prove."""

import pytest

from compat.endpoints import has_form
from compat.table import PATH, list_proofs, render


def test_the_documentation_shows_what_clients_do() -> None:
    assert PATH.read_text(encoding="utf-8") == render(), "out of date: run `make compat`"


def test_every_test_that_proves_something_has_a_name_of_its_own() -> None:
    tests = {(proof.module, proof.test) for proof in list_proofs()}

    assert len({test for _, test in tests}) == len(tests)


@pytest.mark.parametrize(
    "path",
    [
        "/data/projects/P/resources/R/files/deep/a.txt",
        "/REST/archive/projects/P/subjects/S/experiments/E/scans/1/resources/R/files/a.txt",
        "/data/archive/experiments/E/assessors/A/out/resources/R/files/a.txt",
    ],
)
def test_a_request_has_the_form_of_its_endpoint(path: str) -> None:
    assert has_form("PUT /data/{thing}/resources/{resource}/files/{path}", "PUT", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/data/projects/P/resources/R/files/a.txt"),
        ("PUT", "/data/projects/P/resources/R/files"),
        ("PUT", "/data/user/cache/resources/R/files/a.txt"),
    ],
)
def test_other_requests_have_not(method: str, path: str) -> None:
    assert not has_form("PUT /data/{thing}/resources/{resource}/files/{path}", method, path)
