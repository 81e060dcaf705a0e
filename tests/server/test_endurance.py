"""What a server lives through: a locked database, clients that go away, odd folders, the death of its parent."""

import json
import os
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from server.process import AUTHORIZATION, Server
from waiting import PATIENCE_SECONDS, wait_until

FILES = "/data/projects/DEMO/resources/R/files"
MIB = 1024 * 1024


def _blobs(server: Server) -> list[Path]:
    return [path for path in server.folder.joinpath("blobs").rglob("*") if path.is_file()]


def test_reading_goes_on_while_another_process_keeps_everybody_from_writing(server: Server) -> None:
    server.request("PUT", f"{FILES}/a?inbody=true", b"voxels")
    with closing(sqlite3.connect(server.folder / "filmroom.db")) as other, ThreadPoolExecutor(33) as pool:
        other.execute("BEGIN IMMEDIATE")
        writing = [pool.submit(server.request, "PUT", f"{FILES}/{name}?inbody=true", b"x") for name in range(32)]
        wait_until(lambda: len(_blobs(server)) > 16)  # each of the sixteen threads for changes has one to commit

        content = pool.submit(server.request, "GET", f"{FILES}/a").result(PATIENCE_SECONDS)[1]

        has_written = any(write.done() for write in writing)
        other.rollback()
    assert content == b"voxels"
    assert not has_written


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def _open_blobs(server: Server) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{server.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(str(descriptor.readlink()))
    return {path for path in found if "/blobs/" in path}


def _logged(server: Server) -> list[dict[str, Any]]:
    lines = (server.folder.parent / "server.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("leave", [socket.socket.close, _reset])
@pytest.mark.parametrize("target", [f"{FILES}/large", f"{FILES}?format=zip"], ids=["file", "zip"])
def test_nothing_more_is_read_for_a_client_that_went_away(
    server: Server, target: str, leave: Callable[[socket.socket], None]
) -> None:
    server.request("PUT", f"{FILES}/large?inbody=true", b"x" * 64 * MIB)
    with server.connect() as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        wait_until(lambda: bool(_open_blobs(server)))
        leave(connection)

    wait_until(lambda: not _open_blobs(server))
    server.request("GET", "/data/projects")
    server.stop()
    logged = _logged(server)
    [given_up] = [event for event in logged if event.get("method") == "GET" and event["path"] != "/data/projects"]
    assert given_up["bytes_out"] < 64 * MIB
    assert not given_up["is_whole"]
    assert {event["level"] for event in logged} == {"info"}


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    server = Server(tmp_path / '50%25 of #1? it\'s "ünï" ☃;a&b=c+d:e@f\\')
    server.start()
    server.request("PUT", "/data/projects/DEMO")
    server.request("PUT", f"{FILES}/a?inbody=true", b"voxels")
    server.stop()

    server.start()
    content = server.request("GET", f"{FILES}/a")[1]
    server.stop()

    assert content == b"voxels"
    assert {path.name for path in tmp_path.iterdir()} == {server.folder.name, "server.log"}


@pytest.fixture
def no_umask() -> Iterator[None]:
    usual = os.umask(0)
    yield
    os.umask(usual)


@pytest.mark.usefixtures("no_umask")
def test_all_that_a_server_makes_is_its_owners_alone_whatever_the_umask(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.request("PUT", "/data/projects/DEMO")
    server.request("PUT", f"{FILES}/a?inbody=true", b"voxels")

    paths = [server.folder, *server.folder.rglob("*")]

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {path.name: 0o700 if path.is_dir() else 0o600 for path in paths}
    assert {"filmroom.db", "filmroom.db-wal", "filmroom.db.lock", "blobs", "spool"} <= set(modes)
