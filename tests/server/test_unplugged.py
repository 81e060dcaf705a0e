"""What a server needs is taken from it while it works.

Answers, log, ``readyz`` and ``filmroom fsck`` tell the truth, all else goes on.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from cli.commands import run
from server.process import AUTHORIZATION, Server

FILES = "/data/projects/DEMO/resources/R/files"
MIB = 1024 * 1024
GOOD = {"database": "ok", "migrations": "ok", "blobs": "ok", "space": "ok"}


def _status(server: Server, method: str, path: str, body: bytes | None = None) -> int:
    try:
        return server.request(method, path, body)[0]
    except HTTPError as error:
        error.read()
        return error.code


def _ready(server: Server) -> tuple[int, Mapping[str, str]]:
    time.sleep(1.1)  # for so long what was found before is told again
    try:
        with urlopen(f"{server.url}/readyz", timeout=20) as reply:
            return reply.status, json.load(reply)["checks"]
    except HTTPError as error:
        return error.code, json.load(error)["checks"]


def _faults(server: Server) -> list[dict[str, Any]]:
    """What the log has of it."""
    lines = server.log.read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["level"] != "info"]


def _fsck(server: Server, *flags: str) -> tuple[int, set[tuple[str, str]]]:
    """The exit code, and which flaws are where."""
    result = run("fsck", "--json", *flags, "--data", str(server.folder))
    findings = [json.loads(line) for line in result.output.splitlines() if line.startswith('{"flaw"')]
    return result.exit_code, {(finding["flaw"], finding["address"].rpartition("/")[2]) for finding in findings}


def _blobs(server: Server) -> list[Path]:
    paths = server.folder.joinpath("blobs").rglob("*")
    return sorted(path for path in paths if path.is_file() and path.parent.parent.name != "check")


@pytest.fixture
def filled(server: Server) -> Server:
    """With two files."""
    server.request("PUT", f"{FILES}/first?inbody=true", b"first voxels")
    server.request("PUT", f"{FILES}/second?inbody=true", b"second voxels")
    return server


def test_while_blobs_cannot_be_written_nothing_is_stored_and_metadata_go_on(filled: Server) -> None:
    assert _ready(filled) == (200, GOOD)
    blobs = filled.folder / "blobs"
    blobs.rename(filled.folder / "elsewhere")

    taken = _ready(filled)
    put = _status(filled, "PUT", f"{FILES}/third?inbody=true", b"third voxels")
    got = _status(filled, "GET", f"{FILES}/first")
    others = [_status(filled, *asked) for asked in (("GET", FILES), ("PUT", "/data/projects/DEMO/subjects/S1"))]
    checked = _fsck(filled)
    (filled.folder / "elsewhere").rename(blobs)

    assert taken == (503, {**GOOD, "blobs": "failed", "space": "failed"})
    assert (put, got, others) == (500, 404, [200, 201])
    assert (checked, _fsck(filled)) == ((2, set()), (0, set()))
    assert {(fault["event"], fault.get("what") or fault["path"]) for fault in _faults(filled)} == {
        ("health", "blobs"),
        ("health", "space"),
        ("storage", f"{FILES}/third"),
        ("storage", f"{FILES}/first"),
    }
    assert _ready(filled) == (200, GOOD)
    assert filled.request("GET", f"{FILES}/first")[1] == b"first voxels"
    assert _status(filled, "PUT", f"{FILES}/third?inbody=true", b"third voxels") == 200


def test_while_blobs_are_read_only_nothing_is_stored_and_all_that_is_there_is_served(filled: Server) -> None:
    """As a file system becomes whose disk has errors."""
    blobs = str(filled.folder / "blobs")
    mounts = (["mount", "--bind", blobs, blobs], ["mount", "-o", "remount,ro,bind", blobs])
    if shutil.which("mount") is None or any(subprocess.run(mount, check=False).returncode for mount in mounts):
        pytest.skip("NO READ-ONLY FOLDER WAS TRIED: nobody but root can mount one")
    try:
        taken = _ready(filled)
        put = _status(filled, "PUT", f"{FILES}/third?inbody=true", b"third voxels")
        got = filled.request("GET", f"{FILES}/first")
        others = [_status(filled, *asked) for asked in (("DELETE", f"{FILES}/second"), ("GET", FILES))]
        checked = _fsck(filled, "--scrub")
    finally:
        subprocess.run(["umount", "-l", blobs], check=True)

    assert taken == (503, {**GOOD, "blobs": "failed"})
    assert (put, got, others, checked) == (500, (200, b"first voxels"), [200, 200], (0, set()))
    assert {(fault["event"], fault.get("what") or fault["path"]) for fault in _faults(filled)} == {
        ("health", "blobs"),
        ("storage", f"{FILES}/third"),
    }
    assert _ready(filled) == (200, GOOD)
    assert _status(filled, "PUT", f"{FILES}/third?inbody=true", b"third voxels") == 200


def test_while_the_database_is_elsewhere_nothing_is_answered_as_if_it_were_there(filled: Server) -> None:
    database = filled.folder / "filmroom.db"
    database.rename(filled.folder / "elsewhere.db")

    taken = _ready(filled)
    asked = (("GET", f"{FILES}/first"), ("PUT", f"{FILES}/third?inbody=true"), ("DELETE", f"{FILES}/first"))
    statuses = [_status(filled, method, path, b"x" if method == "PUT" else None) for method, path in asked * 8]
    with urlopen(f"{filled.url}/healthz", timeout=20) as reply:
        alive = reply.status
    checked = _fsck(filled)
    was_made = database.exists()
    (filled.folder / "elsewhere.db").rename(database)

    assert taken == (503, {**GOOD, "database": "failed", "migrations": "failed"})
    assert (set(statuses), alive, was_made) == ({503}, 200, False)
    assert (checked, _fsck(filled)) == ((2, set()), (0, set()))
    assert all("not where it was" in fault["error"] for fault in _faults(filled))
    assert _ready(filled) == (200, GOOD)
    assert _status(filled, "PUT", f"{FILES}/third?inbody=true", b"third voxels") == 200
    assert [row["Name"] for row in filled.rows("/data/projects/DEMO/files")] == ["first", "second", "third"]


def test_a_server_does_not_start_without_its_database(filled: Server) -> None:
    """It would be an empty archive; what went into it would be lost with it. What lies beside the file stays."""
    filled.kill()
    database = filled.folder / "filmroom.db"
    database.rename(filled.folder / "elsewhere.db")
    beside = {path.name: path.read_bytes() for path in filled.folder.glob("filmroom.db*")}

    with pytest.raises(AssertionError, match="their database is empty or not there"):
        filled.start()
    filled.stop()
    assert {path.name: path.read_bytes() for path in filled.folder.glob("filmroom.db*")} == beside

    database.touch()
    with pytest.raises(AssertionError, match="their database is empty or not there"):
        filled.start()
    filled.stop()
    (filled.folder / "elsewhere.db").rename(database)
    filled.start()
    assert [row["Name"] for row in filled.rows("/data/projects/DEMO/files")] == ["first", "second"]


def test_a_folder_of_backups_is_not_served(filled: Server, tmp_path: Path) -> None:
    vault = tmp_path / "backups"
    assert run("backup", str(vault), "--data", str(filled.folder)).exit_code == 0
    before = sorted(vault.rglob("*"))
    wrong = Server(vault, log=str(tmp_path / "wrong.log"))

    with pytest.raises(AssertionError, match="their database is empty or not there"):
        wrong.start()
    wrong.stop()

    assert sorted(vault.rglob("*")) == before


def test_a_blob_that_is_gone_is_told_and_all_others_are_there(filled: Server) -> None:
    first, _ = _blobs(filled)
    first.unlink()

    statuses = [_status(filled, "GET", f"{FILES}/{name}") for name in ("first", "second")]

    assert statuses == [404, 200]
    assert _fsck(filled) == (1, {("missing", "first")})
    assert [fault["path"] for fault in _faults(filled)] == [f"{FILES}/first"]
    assert _ready(filled) == (200, GOOD)
    assert _status(filled, "PUT", f"{FILES}/first?inbody=true&overwrite=true", b"first voxels") == 200
    assert filled.request("GET", f"{FILES}/first")[1] == b"first voxels"


def test_a_byte_that_has_changed_is_never_given_out_as_if_it_were_whole(filled: Server) -> None:
    filled.request("PUT", f"{FILES}/third?inbody=true", b"x" * 5 * MIB)
    for blob in (blob for blob in _blobs(filled) if blob.read_bytes() != b"second voxels"):
        with blob.open("r+b") as file:
            file.seek(-2, os.SEEK_END)
            file.write(b"?")

    statuses = [_status(filled, "GET", f"{FILES}/{name}") for name in ("first", "second")]
    for asked in (f"{FILES}/third", f"{FILES}?format=zip", f"{FILES}?format=tar.gz"):
        with pytest.raises((IncompleteRead, ConnectionError)):
            filled.request("GET", asked)
    name, _, value = AUTHORIZATION.strip().partition(": ")
    third = Request(f"{filled.url}{FILES}/third", headers={"Range": "bytes=0-9", name: value})
    with urlopen(third, timeout=20) as reply:
        part = reply.read()

    assert statuses == [500, 200]
    assert _fsck(filled) == (0, set())  # the size is what it was
    assert _fsck(filled, "--scrub") == (1, {("damaged", "first"), ("damaged", "third")})
    assert part == b"x" * 10
    assert [(fault["event"], fault["path"].rpartition("/")[2]) for fault in _faults(filled) if "path" in fault] == [
        ("storage", "first"),
        ("broken off", "third"),
        ("broken off", "files"),
        ("broken off", "files"),
    ]
    assert _status(filled, "PUT", f"{FILES}/first?inbody=true&overwrite=true", b"first voxels") == 200
    assert filled.request("GET", f"{FILES}/first")[1] == b"first voxels"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """32 MiB of a file system of their own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "filmroom-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("NO FULL DISK WAS TRIED: nobody but root can mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def crammed(small_disk: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A server on a small disk with one file in it, and with some settings."""
    with ExitStack() as stack:

        def make(**settings: int) -> Server:
            config = tmp_path / "full.toml"
            config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")
            server = Server(small_disk / "data", "--config", str(config), log=str(tmp_path / "full.log"))
            server.start()
            stack.callback(server.stop)
            server.request("PUT", "/data/projects/DEMO")
            server.request("PUT", f"{FILES}/first?inbody=true", b"first voxels")
            return server

        yield make


def test_what_is_to_stay_free_stays_free(crammed: Callable[..., Server]) -> None:
    server = crammed(min_free_bytes=16 * MIB)
    assert _ready(server) == (200, GOOD)

    announced = _status(server, "PUT", f"{FILES}/large?inbody=true", b"x" * 20 * MIB)
    stored = [_status(server, "PUT", f"{FILES}/{number}?inbody=true", b"x" * 2 * MIB) for number in range(10)]
    (server.folder.parent / "others").write_bytes(b"x" * 2 * MIB)
    ready = _ready(server)
    tiny = _status(server, "PUT", f"{FILES}/tiny?inbody=true", b"x")
    reads = [_status(server, "GET", f"{FILES}/first"), _status(server, "GET", FILES)]
    deleted = _status(server, "DELETE", f"{FILES}/first")

    assert announced == 507
    assert (stored[0], stored[-1]) == (200, 507)
    assert shutil.disk_usage(server.folder).free > 12 * MIB
    assert tiny == 507
    assert ready == (503, {**GOOD, "space": "failed"})
    assert (reads, deleted) == ([200, 200], 200)
    assert {fault["event"] for fault in _faults(server)} == {"storage", "health"}
    assert len(_blobs(server)) == 1 + stored.count(200)


def test_a_disk_that_is_full_takes_nothing_in_part(crammed: Callable[..., Server]) -> None:
    server = crammed(min_free_bytes=0)
    before = len(_blobs(server))

    too_large = _status(server, "PUT", f"{FILES}/large?inbody=true", b"x" * 64 * MIB)
    left = len(_blobs(server))
    filler = server.folder.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        _fill(file.write)
    small = [_status(server, "PUT", f"{FILES}/{number}?inbody=true", b"x" * 100_000) for number in range(5)]
    subjects = [_status(server, "PUT", f"/data/projects/DEMO/subjects/{number}") for number in range(5)]
    reads = [_status(server, "GET", f"{FILES}/first"), _status(server, "GET", FILES)]
    ready, checked = _ready(server)[0], _fsck(server, "--scrub")
    filler.unlink()

    assert (too_large, left) == (507, before)
    assert set(small) == {507}
    assert set(subjects) <= {201, 507}
    assert (reads, ready, checked) == ([200, 200], 503, (0, set()))
    assert _status(server, "PUT", f"{FILES}/after?inbody=true", b"x" * 100_000) == 200
    assert [row["Name"] for row in server.rows("/data/projects/DEMO/files")] == ["after", "first"]
    assert _ready(server) == (200, GOOD)


def _fill(write: Callable[[bytes], int | None]) -> None:
    """Write until there is no room for another byte."""
    for size in (MIB, 4096, 1):
        try:
            while write(b"x" * size):
                pass
        except OSError:
            continue
