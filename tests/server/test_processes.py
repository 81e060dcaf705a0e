"""A server of several processes: connections that go from one to another, processes that come, end and are killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import count
from pathlib import Path

import pytest

from server.process import AUTHORIZATION, Server
from waiting import PATIENCE_SECONDS, wait_until

FILES = "/data/projects/DEMO/resources/R/files"
CONNECTIONS = 8


@pytest.fixture
def two(make_server: Callable[..., Server]) -> Server:
    """A server of two processes which both serve, with a project DEMO."""
    server = make_server("--workers", "2")
    server.request("PUT", "/data/projects/DEMO")
    wait_until(lambda: len(server.list_helpers()) == 1)
    return server


def _head(name: str, size: int) -> bytes:
    return (
        f"PUT {FILES}/{name}?inbody=true HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Content-Length: {size}\r\n\r\n".encode()
    )


def _read_answer(connection: socket.socket) -> bytes:
    """The head of an answer that has nothing else."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        received = connection.recv(65536)
        assert received, "the connection was closed"
        answer += received
    return answer.split(b" ", 2)[1]


def _put_on_one_connection(
    server: Server, prefix: str, numbers: Iterable[int], content: bytes = b"voxels"
) -> set[bytes]:
    """The statuses of uploads, one after the other; each is sent with the beginning of the next one's head."""
    cut = random.Random(prefix)
    statuses = set()
    with server.connect() as connection:
        begun = b""
        for number in numbers:
            whole = _head(f"{prefix}-{number}", len(content)) + content
            following = _head(f"{prefix}-{number + 1}", len(content))[: cut.choice([0, 0, 1, 40])]
            connection.sendall(whole[len(begun) :] + following)
            begun = following
            statuses.add(_read_answer(connection))
    return statuses


def _put_sixty(server: Server) -> set[int]:
    """The statuses of uploads on as many connections, eight at a time; each holds as many bytes as its number says."""

    def put(number: int) -> int:
        return server.request("PUT", f"{FILES}/{number}?inbody=true", b"x" * number)[0]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return set(pool.map(put, range(60)))


def _leases(server: Server) -> int:
    """How many processes have stored something."""
    return len(list(server.folder.joinpath("blobs").iterdir()))


def _counted(server: Server) -> str:
    return server.rows("/data/projects/DEMO/resources")[0]["file_count"]


def test_all_processes_serve_one_archive(two: Server) -> None:
    statuses = _put_sixty(two)

    resource = two.rows("/data/projects/DEMO/resources")[0]
    assert statuses == {200}
    assert (resource["file_count"], resource["file_size"]) == ("60", str(sum(range(60))))
    assert _leases(two) == 2


def test_connections_that_stay_open_are_shared_and_nothing_on_them_is_lost(make_server: Callable[..., Server]) -> None:
    """They begin with the first process, before there is another, and go over between two requests."""
    server = make_server("--workers", "2")
    server.request("PUT", "/data/projects/DEMO")
    numbers = {name: count() for name in "abcdefgh"}
    until = time.monotonic() + PATIENCE_SECONDS

    def put(name: str) -> set[bytes]:
        def some() -> Iterable[int]:
            while time.monotonic() < until and (_leases(server) < 2 or next(more) < 200):
                yield next(numbers[name])

        more = count()
        return _put_on_one_connection(server, name, some())

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        statuses = set.union(*pool.map(put, numbers))

    assert statuses == {b"200"}
    assert _leases(server) == 2
    assert _counted(server) == str(sum(next(number) for number in numbers.values()))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one process is all there is room for")
def test_a_server_that_has_too_much_to_do_starts_another_process(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "0")
    server.request("PUT", "/data/projects/DEMO")
    until = time.monotonic() + 2 * PATIENCE_SECONDS

    def put(name: str) -> int:
        number = 0
        while time.monotonic() < until and _leases(server) < 2:
            _put_on_one_connection(server, f"{name}{number}", range(50), bytes(50_000))
            number += 1
        return number * 50

    assert server.list_helpers() == []
    used, started = _cpu_seconds(server.pid), time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sent = sum(pool.map(put, "abcdefgh"))

    share = (_cpu_seconds(server.pid) - used) / (time.monotonic() - started)
    if not server.list_helpers() and share < 0.8:
        pytest.skip(f"this machine gave it {share:.2f} of a processor, which is not too much to do")
    assert len(server.list_helpers()) >= 1
    assert _counted(server) == str(sent)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_process_that_is_slow_to_answer_is_not_killed_for_it(two: Server) -> None:
    [helper] = two.list_helpers()

    os.kill(helper, signal.SIGSTOP)
    time.sleep(7)
    os.kill(helper, signal.SIGCONT)

    assert two.list_helpers() == [helper]


def test_a_process_that_is_killed_is_replaced_and_the_others_go_on(two: Server) -> None:
    [killed] = two.list_helpers()

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: two.list_helpers() not in ([], [killed]))
    statuses = _put_sixty(two)
    assert statuses == {200}
    assert _leases(two) == 2


def test_what_another_process_is_answering_is_finished_before_the_server_stops(two: Server) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(two.connect())) for _ in range(CONNECTIONS)]
        for number, connection in enumerate(connections):
            connection.sendall(_head(str(number), 10) + b"hello")
        time.sleep(0.5)
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(two.stop)
            time.sleep(0.5)
            for connection in connections:
                connection.sendall(b"world")
            statuses = {_read_answer(connection) for connection in connections}
            stopping.result()

    two.start()
    assert statuses == {b"200"}
    assert _counted(two) == str(CONNECTIONS)
    assert _leases(two) == 2


@pytest.mark.parametrize("end", [Server.kill, Server.stop])
def test_no_process_outlives_the_first_one(two: Server, end: Callable[[Server], object]) -> None:
    [helper] = two.list_helpers()

    end(two)

    try:
        wait_until(lambda: not _is_alive(helper))
    finally:
        with suppress(ProcessLookupError):
            os.kill(helper, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_under_load_ends_them_soon(tmp_path: Path, number: signal.Signals) -> None:
    """As systemd and a terminal send it. What another process was given after it had heard of it kept that alive."""
    log, data = tmp_path / "log", tmp_path / "data"
    command = [sys.executable, "-m", "filmroom", "serve", "--data", str(data), "--port", "0", "--workers", "2"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FILMROOM_")}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment, start_new_session=True, text=True
        ) as process,
    ):
        assert process.stdout is not None
        port = next(int(line.rsplit(":", 1)[1]) for line in process.stdout if "answers at" in line)
        wait_until(lambda: "another process serves" in log.read_text())
        with ThreadPoolExecutor(12) as pool:
            asking = [pool.submit(_ask_until_it_ends, port, stays=client % 2 == 0) for client in range(12)]
            time.sleep(1)
            os.killpg(process.pid, number)
            process.wait(PATIENCE_SECONDS)
        assert sum(asked.result() for asked in asking) > 0

    assert "Traceback" not in log.read_text()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def _ask_until_it_ends(port: int, *, stays: bool) -> int:
    """How many answers came, on one connection for as long as it stays open or on a new one for each."""
    answers = 0
    with suppress(OSError, EOFError):
        while True:
            with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)) as connection:
                for _ in range(1_000 if stays else 1):
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                    if not connection.recv(65536):
                        break
                    answers += 1
    return answers


def test_new_connections_are_shared_though_nothing_is_asked_on_them(make_server: Callable[..., Server]) -> None:
    """Each process has room for as many as the settings say."""
    server = make_server("--workers", "2", environment={"FILMROOM_MAX_CONNECTIONS": "4"})
    wait_until(lambda: len(server.list_helpers()) == 1)

    with ExitStack() as stack:
        connections = []
        for _ in range(7):
            connections.append(stack.enter_context(closing(server.connect())))
            time.sleep(0.3)
        for connection in connections:
            connection.sendall(f"GET /data/JSESSION HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}\r\n".encode())
        answers = [connection.recv(65536).split(b" ", 2)[1] for connection in connections]

    assert answers == [b"200"] * 7


def test_a_process_whose_parent_died_before_it_had_begun_ends_by_itself(tmp_path: Path) -> None:
    ours, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    command = [sys.executable, "-m", "filmroom.cli.helper", str(others.fileno())]
    with others:
        done = subprocess.run(command, cwd=tmp_path, check=False, timeout=60, pass_fds=[others.fileno()])

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
