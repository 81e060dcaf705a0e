"""``upkeep``, ``history``, ``undelete`` and ``purge``, as an operator types them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from cli.commands import run
from filmroom.composition import open_archive
from filmroom.db.chores import take_chore
from filmroom.model.people import OPERATOR, Viewer
from filmroom.settings import Settings
from server.process import Server
from service.desk import REPLACE, Desk, at, open_desk

pytestmark = pytest.mark.usefixtures("own_folder")
FILE = "/projects/DEMO/resources/NII/files/a"


@contextmanager
def _desk(data: Path) -> Iterator[Desk]:
    """Somebody's who is an administrator."""
    archive = open_archive(Settings(data=str(data)))
    try:
        number = archive.accounts.get(OPERATOR, "admin").number
        yield open_desk(archive, Viewer(pk=number, login="admin", is_admin=True))
    finally:
        archive.close()


@pytest.fixture
def with_file(data: Path) -> Path:
    """The data folder of an archive with a file that was overwritten once."""
    with _desk(data) as desk:
        desk.upload("a", b"first")
        desk.upload("a", b"second", REPLACE)
    return data


def _delete(data: Path) -> None:
    with _desk(data) as desk:
        desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])


def _read(data: Path) -> bytes:
    with _desk(data) as desk:
        return desk.read("a")


def _json(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_upkeep_tells_what_it_would_do_and_what_it_did(with_file: Path) -> None:
    here = ("--data", str(with_file))
    (with_file / "filmroom.toml").write_text("undo_days = 0\n")
    said = ("upkeep", "--config", str(with_file / "filmroom.toml"), *here)

    told = _json(*said, "--dry-run")
    done = _json(*said)
    again = run(*said)

    assert told["versions"] == done["versions"] == 1
    assert told["size_bytes"] == done["size_bytes"] == 5
    assert again.output.splitlines()[0] == "what was done:"
    assert "0  versions" in again.output
    assert _read(with_file) == b"second"


def test_upkeep_says_so_when_another_process_is_at_it(with_file: Path) -> None:
    now = datetime.now(UTC)
    until = now + timedelta(minutes=5)
    with _desk(with_file) as desk:
        take = partial(take_chore, name="upkeep", holder="other", now=now, until=until, due_since=now)
        assert desk.archive.upkeep._stores.database.write(take)

    result = run("upkeep", "--data", str(with_file))

    assert result.exit_code == 1
    assert "by another process" in result.output


def test_history_tells_what_can_be_brought_back_and_undelete_does_so(with_file: Path) -> None:
    here = ("--data", str(with_file))
    _delete(with_file)

    told = run("history", FILE, *here).output.splitlines()
    result = run("undelete", f"/data/archive{FILE}", *here)
    [version] = _json("history", FILE, *here)["deleted"]
    again = run("undelete", FILE, "--version", str(version["version"]), *here)

    assert "file NII\t6 bytes\tcan be brought back until 20" in told[0]
    assert [line.split("\t")[2] for line in told[1:]] == ["deleted files", "uploaded file", "uploaded file"]
    assert (result.output, again.exit_code) == (f"brought back {FILE}\n", 0)
    assert _read(with_file) == b"first"


def test_history_of_what_never_was_is_an_error(with_file: Path) -> None:
    for address in ("/projects/NO", "/projects/NO/resources/NO/files/x/y", "/nowhere", "x%00y"):
        assert run("history", address, "--data", str(with_file)).exit_code in {1, 2}


def test_another_name_can_be_given(with_file: Path) -> None:
    _delete(with_file)

    run("undelete", FILE, "--as", "b", "--data", str(with_file))

    with _desk(with_file) as desk:
        assert desk.paths() == ["b"]


def test_a_purge_asks_first(with_file: Path) -> None:
    refused = run("purge", FILE, "--data", str(with_file), typed="n\n")
    assert (refused.exit_code, _read(with_file)) == (1, b"second")
    assert "1  versions" in refused.output

    done = run("purge", FILE, "--data", str(with_file), typed="y\n")

    assert (done.exit_code, "removed for good:" in done.output) == (0, True)
    assert not [path for path in (with_file / "blobs").rglob("*") if path.is_file()]


def test_a_purge_that_was_agreed_to_does_not_ask(with_file: Path) -> None:
    purged = _json("purge", "/projects/DEMO", "--yes", "--data", str(with_file))

    assert (purged["things"], purged["files"], purged["versions"], purged["is_wiped"]) == (1, 1, 1, True)
    assert run("purge", "/projects/DEMO", "--yes", "--data", str(with_file)).exit_code == 1
    audited = run("audit", "--data", str(with_file)).output.splitlines()[0]
    assert "purged project\t/projects/DEMO" in audited


def test_a_purge_while_the_archive_is_served(server: Server) -> None:
    url = "/data/projects/DEMO/subjects/S1"
    server.request("PUT", url)
    server.request("PUT", f"{url}/resources/R/files/a?inbody=true", b"SECRET-BYTES")

    purged = _json("purge", "/projects/DEMO/subjects/S1", "--yes", "--data", str(server.folder))

    assert purged["files"] == 1
    with pytest.raises(HTTPError, match="404"):
        server.request("GET", url)
    server.request("PUT", url)
    contents = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
    assert not any(b"SECRET-BYTES" in content for content in contents)
