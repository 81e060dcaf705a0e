"""``/openapi.json`` says what can be asked, all of it and nothing else."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
from jsonschema_rs import ValidationError
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.model.people import Viewer
from filmroom.rest.call import Handler, Request, Site, Visitor
from filmroom.rest.dispatch import find_call
from filmroom.rest.openapi import describe, iter_paths
from filmroom.rest.operation import Operation
from filmroom.rest.reply import STATUS
from filmroom.rest.routes import MOUNTS, TABLES
from filmroom.service.archive import Archive
from filmroom.settings import Settings

DOCUMENT: Final[dict[str, Any]] = describe(TABLES, with_contexts=MOUNTS[0])
PATHS: Final[dict[str, Any]] = DOCUMENT["paths"]
SITE: Final = Site(
    site_id="XNAT",
    root_path="",
    requires_login=True,
    checks_csrf=True,
    trusted_proxies=(),
    has_strict_uploads=False,
)
VISITOR: Final = Visitor(viewer=Viewer(pk=1, login="alice", is_admin=False))


def _route(method: str, path: str) -> Handler:
    request = Request(
        id="1", method=method, raw_path=path, raw_query=b"", headers={}, client="", is_secure=False, host="localhost"
    )
    return find_call(SITE, request, VISITOR)[1]


def _operations() -> Iterator[tuple[str, Operation, str]]:
    for mount, operations in TABLES.items():
        for operation in operations:
            for path in iter_paths(mount, operation, has_contexts=mount == MOUNTS[0]):
                yield path, operation, mount


def test_it_is_valid() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_what_is_not_valid_is_found_to_be_so() -> None:
    broken = {**DOCUMENT, "paths": {**PATHS, "/more": {"get": {"responses": 3}}}}

    with pytest.raises(ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_operation_is_in_it() -> None:
    missing = [
        (path, method)
        for path, operation, _ in _operations()
        for method in operation.handlers
        if method.lower() not in PATHS[path]
    ]

    assert not missing
    assert {operation.suffix for operations in TABLES.values() for operation in operations} == {
        operation.suffix for _, operation, _ in _operations()
    }


def test_every_path_in_it_leads_to_the_operation_it_was_made_from() -> None:
    first: dict[str, Operation] = {}
    for path, operation, _ in _operations():
        first.setdefault(path, operation)

    astray = [
        (path, method)
        for path, operation in first.items()
        for method, handler in operation.handlers.items()
        if _route(method, re.sub(r"\{\w+\}", "in", path)) is not handler
    ]

    assert first.keys() == PATHS.keys()
    assert not astray


def test_no_two_paths_differ_only_in_the_names_of_their_parameters() -> None:
    alike = [re.sub(r"\{\w+\}", "{}", path) for path in PATHS]

    assert len(set(alike)) == len(alike)


def test_every_parameter_of_a_path_is_described() -> None:
    told = {path: [one["name"] for one in item.get("parameters", ())] for path, item in PATHS.items()}

    assert told == {path: re.findall(r"\{(\w+)\}", path) for path in PATHS}


def test_every_status_of_an_error_is_in_it() -> None:
    assert DOCUMENT["components"]["responses"].keys() == {str(status) for status in STATUS.values()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("put", "/data/projects/{project}/resources/{resource}/files/{path}", "*/*"),
        ("put", "/data/projects/{project}/resources/{resource}/files/{path}", "multipart/form-data"),
        ("post", "/data/user/cache/resources/{resource}/files", "multipart/form-data"),
        ("put", "/data/projects/{project}/subjects/{subject}", "text/xml"),
        ("post", "/data/search", "text/xml"),
        ("post", "/data/services/move-files", "application/x-www-form-urlencoded"),
        ("post", "/xapi/users", "application/json"),
        (
            "patch",
            "/data/experiments/{experiment}/resources/{resource}/uploads/{upload}",
            "application/offset+octet-stream",
        ),
    ],
)
def test_what_a_body_may_be_is_said(method: str, path: str, body: str) -> None:
    assert body in PATHS[path][method]["requestBody"]["content"]


def test_everybody_may_read_it(client: Callable[[str], TestClient]) -> None:
    reply = client("").get("/openapi.json")

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.json() == DOCUMENT


def test_it_tells_where_a_site_below_a_path_is(archive: Archive) -> None:
    below = TestClient(create_app(archive, Settings(root_path="/xnat")), root_path="/xnat")
    below.auth = ("alice", PASSWORD)

    reply = below.get("/xnat/openapi.json")

    assert reply.json() == {**DOCUMENT, "servers": [{"url": "/xnat"}]}
