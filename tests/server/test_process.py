"""The server as a process: it starts, says so, stops, is killed, and starts again."""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from server.process import AUTHORIZATION, Server

URL = "/data/projects/DEMO/resources/R/files"
MIB = 1024 * 1024


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "filmroom", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FILMROOM_")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**inherited, **environment}
    )


def test_it_says_in_one_line_where_it_answers(server: Server) -> None:
    assert server.first_line == f"filmroom answers at http://127.0.0.1:{server.port}\n"


def test_what_it_makes_is_its_owners_alone(server: Server) -> None:
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700


def test_a_running_request_is_finished_before_it_stops(server: Server) -> None:
    with server.connect() as connection:
        head = f"PUT {URL}/a?inbody=true HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Content-Length: 10\r\n\r\n"
        connection.sendall(head.encode() + b"hello")
        time.sleep(0.3)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        time.sleep(0.3)
        connection.sendall(b"world")
        reply = connection.recv(65536)
        stopping.join()

    server.start()
    assert reply.startswith(b"HTTP/1.1 200")
    assert server.request("GET", f"{URL}/a")[1] == b"helloworld"


def test_memory_does_not_grow_with_the_size_of_an_upload(server: Server) -> None:
    """No timing and no exact figure: a 64 MiB body, and much less than that in memory."""
    server.request("PUT", f"{URL}/warm?inbody=true", b"x" * MIB)
    before = _peak_bytes(server.pid)

    server.request("PUT", f"{URL}/large?inbody=true", b"x" * 64 * MIB)
    server.request("GET", f"{URL}/large")

    assert _peak_bytes(server.pid) - before < 16 * MIB


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_a_port_in_use_is_one_line_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    result = _run("serve", "--data", str(tmp_path / "other"), "--port", str(server.port))

    assert result.returncode == 1
    assert result.stderr == f"Error: cannot listen on 127.0.0.1 port {server.port}: Address already in use\n"
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (("--port", "many"), {}, "--port: port cannot be 'many': it must be a whole number from 0 to 65535"),
        (("--workers", "65"), {}, "--workers: workers cannot be '65'"),
        ((), {"FILMROOM_THREADS": "lots"}, "FILMROOM_THREADS: threads cannot be 'lots'"),
        ((), {"FILMROOM_COLOUR": "red"}, "FILMROOM_COLOUR: there is no setting 'colour'"),
        ((), {"FILMROOM_DATABASE": "mysql://x"}, "FILMROOM_DATABASE: database cannot be"),
        (("--host", "no.such.host.invalid"), {}, "cannot listen on no.such.host.invalid"),
        (("--config", "/no/such/file.toml"), {}, "No such file"),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], told: str
) -> None:
    result = _run("serve", "--data", str(tmp_path / "data"), *arguments, **environment)

    assert result.returncode == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_without_a_terminal_the_first_password_goes_to_a_file_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "filmroom", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILMROOM_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        process.stdout.readline()
        process.terminate()

    note = tmp_path / "data" / "initial-password"
    assert told == f"user admin, password in {note}\n"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert len(note.read_text().strip()) >= 16


def test_a_first_start_that_could_not_tell_the_password_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    note = tmp_path / "data" / "initial-password"
    note.mkdir(parents=True)
    failed = _run("serve", "--data", str(note.parent), "--port", "0")
    note.rmdir()

    command = [sys.executable, "-m", "filmroom", "serve", "--data", str(note.parent), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILMROOM_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        process.terminate()

    assert failed.returncode != 0
    assert told == f"user admin, password in {note}\n"
