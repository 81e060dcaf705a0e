"""``filmroom fsck``, as an operator or a timer would run it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.commands import run
from server.process import Server

pytestmark = pytest.mark.usefixtures("own_folder")


def blobs_of(server: Server) -> list[Path]:
    return sorted(path for path in (server.folder / "blobs").rglob("*") if path.is_file())


@pytest.fixture
def filled(server: Server) -> Server:
    for number in range(3):
        server.request("PUT", f"/data/projects/DEMO/resources/NII/files/{number}?inbody=true", b"voxels%d" % number)
    return server


def fsck(folder: Path, *flags: str) -> tuple[int, list[dict[str, Any]]]:
    """In a process of its own: what it prints must be JSON and nothing else."""
    command = [sys.executable, "-m", "filmroom", "fsck", "--json", "--data", str(folder), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_an_archive_that_is_being_served_is_looked_at(filled: Server) -> None:
    missing, damaged, _ = blobs_of(filled)
    stray = filled.folder / "blobs/stray/b0/stray-b0-0"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")

    before = run("fsck", "--data", str(filled.folder))
    stray.unlink()
    clean = fsck(filled.folder, "--scrub", "--rate=1000")
    missing.unlink()
    damaged.write_bytes(b"voxelsX")
    code, [*found, last] = fsck(filled.folder, "--scrub")

    assert before.exit_code == 1
    assert before.output.splitlines()[0] == "orphan\t-\tstray-b0-0\t1 bytes that no row names"
    assert before.output.splitlines()[1].endswith("0 files read, 0 counters set, 1 findings")
    assert clean[0] == 0
    assert clean[1][-1]["summary"]["scrubbed"] == 3
    assert code == 1
    assert {(one["flaw"], one["address"]) for one in found} == {
        ("missing", "/projects/DEMO/resources/1/files/0"),
        ("damaged", "/projects/DEMO/resources/1/files/1"),
    }
    assert last["summary"]["findings"] == {"missing": 1, "damaged": 1}
    tags = {row["Name"]: row["file_tags"] for row in filled.rows("/data/projects/DEMO/resources/NII/files")}
    assert tags["1"].startswith("DAMAGED=")


def test_what_cannot_be_looked_at_has_an_exit_code_of_its_own(data: Path, tmp_path: Path) -> None:
    nothing = run("fsck", "--data", str(tmp_path / "none"))
    no_blobs = run("fsck", "--data", str(data))
    wrong = run("fsck", "--data", str(data), environment={"FILMROOM_PORT": "none"})

    assert {nothing.exit_code, no_blobs.exit_code, wrong.exit_code} == {2}
    assert "there is no archive in" in nothing.output
    assert not (tmp_path / "none").exists()
    assert not (data / "blobs").exists()


def test_a_database_of_another_schema_is_left_as_it_is(data: Path) -> None:
    (data / "blobs").mkdir()
    with closing(sqlite3.connect(data / "filmroom.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()

    refused = run("fsck", "--data", str(data))

    assert refused.exit_code == 2
    assert "has schema 0001" in refused.output


def test_torn_pages_of_the_database_are_told_or_stop_it(data: Path) -> None:
    (data / "blobs").mkdir()
    with (data / "filmroom.db").open("r+b") as database:
        database.seek(-3 * 4096, 2)
        database.write(b"\xff" * 2 * 4096)

    result = run("fsck", "--data", str(data))

    assert result.exit_code in {1, 2}
    assert "database" in result.output
