"""A real server for each module, and a watch on what tests say that their client asks of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compat.endpoints import has_form
from server.process import Server

_SERVERS = ("site", "open_site", "server")


@contextmanager
def served(folder: Path, settings: str = "") -> Iterator[Server]:
    """A server in a folder, with what its ``filmroom.toml`` says."""
    config = folder / "filmroom.toml"
    config.write_text(settings)
    server = Server(folder / "data", "--config", str(config))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of a module, which keep apart by names."""
    with served(tmp_path_factory.mktemp("site")) as server:
        yield server


@pytest.fixture(scope="module")
def open_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that lets guests in."""
    with served(tmp_path_factory.mktemp("open"), "require_login = false\n") as server:
        yield server


@pytest.fixture(scope="module")
def url(site: Server) -> str:
    return site.url


@pytest.fixture(scope="module")
def session(url: str) -> Iterator[Any]:
    """One of xnatpy 0.8.1, signed in as an administrator."""
    from compat.xnatpy import connect  # the client takes long to import, and most tests need none

    with connect(url) as session:
        yield session


@pytest.fixture(autouse=True)
def clients_ask_what_tests_say(request: pytest.FixtureRequest) -> Iterator[None]:
    """The endpoints that a test's ``client`` mark names are in the log of its server, so that the page tells facts."""
    if request.node.get_closest_marker("client") is None:
        yield
        return
    servers = [request.getfixturevalue(name) for name in _SERVERS if name in request.fixturenames]
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        return
    claimed = {form for mark in request.node.iter_markers("client") for form in mark.args[2:]}
    assert not _never_asked(claimed, servers)


def _never_asked(forms: set[str], servers: list[Server]) -> set[str]:
    """A request is logged just after its answer has gone out; so look again for a while."""
    until = time.monotonic() + 3
    while missing := {form for form in forms if not any(_is_asked(form, server) for server in servers)}:
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return missing


def _is_asked(form: str, server: Server) -> bool:
    return any(has_form(form, method, path) for method, path in server.list_requests())
