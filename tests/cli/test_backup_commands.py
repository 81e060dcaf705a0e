"""``filmroom backup`` and ``filmroom restore``, rehearsed: a real server, people at work, a bad day, a new server."""

import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from cli.commands import run
from server.process import Server

pytestmark = pytest.mark.usefixtures("own_folder")
FILES = "/data/projects/DEMO/resources/NII/files"


def filmroom(*arguments: str | Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "filmroom", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and what was printed with --json."""
    process = filmroom(*arguments, "--json")
    output, errors = process.communicate(timeout=120)
    assert process.returncode in {0, 1}, errors
    return process.returncode, [json.loads(line) for line in output.splitlines()]


class People:
    """Threads that upload new files and overwrite old ones, and what they were answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(4)]
        self.kept: dict[str, bytes] = {}
        self.latest: dict[str, int] = {}

    def _work(self, number: int) -> None:
        round_number = 0
        while not self._is_over.is_set():
            round_number += 1
            path, content = f"{number}/{round_number}", b"%d of %d;" % (round_number, number) * 1000
            self._server.request("PUT", f"{FILES}/{path}?inbody=true", content)
            self.kept[path] = content
            hot = b"%08d" % round_number * 4000
            self._server.request("PUT", f"{FILES}/hot{number}?inbody=true&overwrite=true", hot)
            self.latest[f"hot{number}"] = round_number

    @contextmanager
    def at_work(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join(60)

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 120
        while len(self.kept) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_backup_made_while_people_work_becomes_a_server_again(
    make_server: Callable[..., Server], empty_database_url: str, tmp_path: Path
) -> None:
    """Everything that was acknowledged before the backup began is there, byte for byte; nothing is torn."""
    flags = [] if empty_database_url.startswith("sqlite") else ["--database", empty_database_url]
    server = make_server(*flags)
    server.request("PUT", "/data/projects/DEMO")
    vault, people = tmp_path / "backups", People(server)

    with people.at_work():
        people.wait_for(20)
        first = told("backup", vault, "--data", server.folder, *flags)
        people.wait_for(len(people.kept) + 20)
        kept, latest = dict(people.kept), dict(people.latest)
        second = told("backup", vault, "--data", server.folder, *flags)
    server.kill()
    verified = told("backup", vault, "--verify")
    restored = told("restore", vault, "--data", tmp_path / "new/data")
    with served(tmp_path / "new/data") as again:
        paths = {row["URI"].partition("/files/")[2] for row in again.rows(FILES)}
        contents = {path: again.request("GET", f"{FILES}/{path}")[1] for path in paths}
        checked = told("fsck", "--data", again.folder, "--scrub")
        again.request("PUT", f"{FILES}/after?inbody=true", b"after")

    assert [code for code, _ in (first, second, verified, restored, checked)] == [0] * 5
    assert second[1][-1]["summary"]["new_blobs"] < second[1][-1]["summary"]["blobs"]
    assert {path: contents.get(path) for path in kept} == kept
    assert all(contents[path] == contents[path][:8] * 4000 for path in latest)
    assert all(int(contents[path][:8]) >= number for path, number in latest.items())
    assert checked[1][-1]["summary"]["names"] == restored[1][-1]["summary"]["blobs"]


def test_nobody_who_was_signed_in_before_is_so_after_a_restore(server: Server, tmp_path: Path) -> None:
    cookie = server.request("POST", "/data/JSESSION")[1].decode()
    told("backup", tmp_path / "backups", "--data", server.folder)
    told("restore", tmp_path / "backups", "--data", tmp_path / "new/data")

    with served(tmp_path / "new/data") as again:
        codes = [_code_with(cookie, one) for one in (server, again)]

    assert codes == [200, 401]


def _code_with(cookie: str, server: Server) -> int:
    request = Request(f"{server.url}/data/projects", headers={"Cookie": f"JSESSIONID={cookie}"})
    try:
        with urlopen(request, timeout=60) as reply:
            return int(reply.status)
    except HTTPError as error:
        return error.code


def _wait_for_bytes(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not any(path.is_file() and path.stat().st_size for path in folder.rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_backup_that_is_killed_half_way_never_looks_whole(server: Server, tmp_path: Path) -> None:
    vault = tmp_path / "backups"
    server.request("PUT", f"{FILES}/large?inbody=true", b"voxels" * 1_000_000)

    process = filmroom("backup", vault, "--rate", "1", "--data", server.folder)
    _wait_for_bytes(vault / "incoming")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    torn = run("restore", str(vault), "--data", str(tmp_path / "new"))
    code, lines = told("backup", vault, "--data", server.folder)

    assert (torn.exit_code, "no snapshot that was finished" in torn.output) == (2, True)
    assert not (tmp_path / "new").exists()
    assert (code, lines[-1]["summary"]["new_blobs"]) == (0, 1)
    assert told("backup", vault, "--verify")[0] == 0


def test_a_restore_that_is_killed_half_way_is_never_served(server: Server, tmp_path: Path) -> None:
    vault, new = tmp_path / "backups", tmp_path / "new"
    for number in range(5):
        server.request("PUT", f"{FILES}/{number}?inbody=true", b"voxels" * 2_000_000)
    told("backup", vault, "--data", server.folder)

    process = filmroom("restore", vault, "--data", new)
    _wait_for_bytes(new / "blobs")
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert (new / "half-restored").exists()
    refused = run("fsck", "--data", str(new))
    assert (refused.exit_code, "was not restored to its end" in refused.output) == (2, True)
    assert "was not restored to its end" in run("user", "list", "--data", str(new)).output
    assert "is not empty" in run("restore", str(vault), "--data", str(new)).output
    serving = filmroom("serve", "--port=0", "--data", new)
    assert "was not restored to its end" in serving.communicate(timeout=60)[1]


def test_what_cannot_be_backed_up_is_told_and_has_its_exit_code(server: Server, tmp_path: Path) -> None:
    vault = tmp_path / "backups"
    server.request("PUT", f"{FILES}/a?inbody=true", b"a")
    server.request("PUT", f"{FILES}/b?inbody=true", b"b")
    next(path for path in (server.folder / "blobs").rglob("*") if path.is_file()).unlink()

    code, [finding, last] = told("backup", vault, "--data", server.folder, "--keep", "3")
    restored, lines = told("restore", vault, "--data", tmp_path / "new")

    assert (code, finding["flaw"], last["summary"]["findings"]) == (1, "missing", {"missing": 1})
    assert finding["address"].startswith("/projects/DEMO/resources/1/files/")
    assert (restored, lines[0]["flaw"], lines[0]["address"]) == (1, "missing", finding["address"])


def test_a_backup_is_not_put_where_it_would_be_lost_or_in_the_way(data: Path, tmp_path: Path) -> None:
    (data / "blobs").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/note").touch()

    inside = run("backup", str(data / "backups"), "--data", str(data))
    in_the_way = run("backup", str(tmp_path / "full"), "--data", str(data))
    none = run("backup", str(tmp_path / "backups"), "--data", str(tmp_path / "none"))
    useless = run("backup", str(tmp_path / "backups"), "--verify", "--keep=1")

    assert {result.exit_code for result in (inside, in_the_way, none, useless)} == {2}
    assert "would be lost with it" in inside.output
    assert "it is not empty" in in_the_way.output
    assert "there is no archive" in none.output
    assert not (data / "backups").exists()
    assert not (tmp_path / "backups").exists()


def test_an_archive_is_restored_into_a_new_folder_and_an_empty_database_only(data: Path, tmp_path: Path) -> None:
    (data / "blobs").mkdir()
    vault = str(tmp_path / "backups")
    made = run("backup", vault, "--data", str(data))

    over = run("restore", vault, "--data", str(data))
    into = run("restore", vault, "--data", str(tmp_path / "new"), "--database", f"sqlite:///{data}/filmroom.db")
    unknown = run("restore", vault, "--data", str(tmp_path / "new"), "--snapshot", "../x")
    inside = run("restore", vault, "--data", f"{vault}/new")

    assert made.exit_code == 0
    assert ": 0 blobs of 0 bytes, 0 of 0 bytes new; 0 findings; 0 old snapshots removed" in made.output
    assert {result.exit_code for result in (over, into, unknown, inside)} == {2}
    assert "would be lost with it" in inside.output
    assert not (tmp_path / "backups/new").exists()
    assert "is not empty; an archive is restored into a new folder" in over.output
    assert "the database to restore into is not empty" in into.output
    assert "there is no snapshot '../x'" in unknown.output
    assert not (tmp_path / "new").exists()


def _sign_is(text: str) -> Callable[[Path], object]:
    return lambda vault: (vault / "filmroom-backup.json").write_text(text)


def _shorten_rows(vault: Path) -> None:
    (rows,) = vault.glob("snapshots/*/node.jsonl.gz")
    rows.write_bytes(gzip.compress(b"".join(b"[1]\n" for _ in gzip.decompress(rows.read_bytes()).splitlines())))


@pytest.mark.parametrize(
    ("tamper", "told_of"),
    [
        (_sign_is("{"), "filmroom-backup.json is damaged"),
        (_sign_is("[]"), "filmroom-backup.json is damaged"),
        (_sign_is('{"format":2}'), "was written by a newer filmroom"),
        (_shorten_rows, "a row of table 'node' has 1 values for"),
    ],
)
def test_a_backup_that_somebody_changed_never_seems_to_be_restored(
    data: Path, tmp_path: Path, tamper: Callable[[Path], object], told_of: str
) -> None:
    """An exit code of 1 would say that it was, but for some bytes."""
    (data / "blobs").mkdir()
    vault = tmp_path / "backups"
    run("backup", str(vault), "--data", str(data))
    tamper(vault)

    result = run("restore", str(vault), "--data", str(tmp_path / "new"))

    assert (result.exit_code, told_of in result.output) == (2, True)
    assert (tmp_path / "new/half-restored").exists() is (tmp_path / "new").exists()
