"""The load generator: bare blocking sockets, four threads in each of two processes, requests made beforehand.

Its own CPU time is part of every outcome, so that a reader can see whether it was the bottleneck. Every answer is
checked while it is measured; one that is not as it must be ends the bench.
"""

import re
import resource
import signal
import socket
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing import TimeoutError, get_context  # noqa: A004 - it is not the built-in one
from multiprocessing.pool import Pool
from typing import Final, Literal

from bench.content import FORM_TYPE, Content, iter_content, iter_form, random_bytes

FOLDERS: Final = 100

_PROCESSES: Final = 2
_BUFFER_BYTES: Final = 1024 * 1024
_LONGEST_HEAD_BYTES: Final = 16 * 1024
_LONGEST_READ_BODY_BYTES: Final = 16 * 1024
_ANSWER_LIMIT_SECONDS: Final = 60.0
_RUN_LIMIT_SECONDS: Final = 180.0
# Time for both processes to hear of a run and to connect before it starts.
_LEAD_SECONDS: Final = 0.25
_STORED: Final = frozenset({200, 201, 204})
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class WrongAnswerError(Exception):
    """An answer that makes the measurement worthless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One request for each name, in turn over the connections, whichever is free.

    ``target`` may hold what ``fill_target`` knows. ``headers`` are whole lines. A pace is for each connection; 0 means
    as fast as it goes. With ``is_form`` each file is sent as one part of a multipart form. ``stored_answer`` is
    something that the answer to a file that was stored holds; empty where that answer is empty.
    """

    port: int
    method: Literal["PUT", "POST", "GET"]
    target: str
    headers: str
    names: Sequence[str]
    size_bytes: int
    connections: int
    pace_bytes_per_second: int = 0
    content_of: Content = iter_content
    is_form: bool = False
    stored_answer: bytes = b""

    def iter_body(self, name: str) -> Iterator[memoryview]:
        content = self.content_of(name, self.size_bytes)
        return iter_form(name, content) if self.is_form else content

    def body_bytes(self, name: str) -> int:
        return self.size_bytes + (sum(map(len, iter_form(name, iter(())))) if self.is_form else 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """From the common start to the last answer, and what the generator itself used of the CPUs."""

    wall_seconds: float
    client_cpu_seconds: float


class Generator:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def run(self, load: Load) -> Outcome:
        """Raises WrongAnswerError, OSError."""
        start_at = time.monotonic() + _LEAD_SECONDS
        parts = [load.names[number :: load.connections] for number in range(load.connections)]
        shares = [
            (load, len(share), list(chain.from_iterable(share)), start_at)
            for number in range(_PROCESSES)
            if (share := parts[number::_PROCESSES])
        ]
        try:
            done = self._pool.starmap_async(_run_share, shares, chunksize=1).get(_RUN_LIMIT_SECONDS)
        except TimeoutError as error:
            raise WrongAnswerError(f"not all answers came within {_RUN_LIMIT_SECONDS:.0f} s") from error
        return Outcome(max(ended_at for ended_at, _ in done) - start_at, sum(cpu for _, cpu in done))


@contextmanager
def open_generator() -> Iterator[Generator]:
    # Only the parent hears Ctrl-C; it ends the children.
    with get_context("spawn").Pool(_PROCESSES, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        yield Generator(pool)


def fill_target(target: str, name: str, *, size_bytes: int = 0) -> str:
    """``{name}``, ``{size_bytes}``, and ``{folder}``: which one of FOLDERS a file of that name goes into."""
    return target.format(name=name, size_bytes=size_bytes, folder=zlib.crc32(name.encode()) % FOLDERS)


def _run_share(load: Load, count: int, names: Sequence[str], start_at: float) -> tuple[float, float]:
    """When the last answer had come (``time.monotonic``), and the CPU seconds that this process used until then.

    So many connections, each of which takes the next name when it has an answer, as whoever uploads many files does.
    """
    random_bytes()
    connections = [_Connection(load) for _ in range(count)]
    requests = iter([(name, _head(load, name)) for name in names])
    with ThreadPoolExecutor(count) as executor:
        used_before = _own_cpu_seconds()
        list(executor.map(lambda connection: connection.run(requests, start_at), connections))
        return time.monotonic(), _own_cpu_seconds() - used_before


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class _Connection:
    """One keep-alive connection, which sends a request when the answer to the one before has come."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = bytearray(_BUFFER_BYTES)
        self._socket = socket.create_connection(("127.0.0.1", load.port), timeout=_ANSWER_LIMIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self, requests: Iterator[tuple[str, bytes]], start_at: float) -> None:
        """Send what is left of the requests, which other connections take from too."""
        exchange = self._get if self._load.method == "GET" else self._put
        with closing(self._socket):
            time.sleep(max(0.0, start_at - time.monotonic()))
            for name, head in requests:
                exchange(name, head)

    def _put(self, name: str, head: bytes) -> None:
        self._socket.sendall(head)
        pace, sent_bytes, started = self._load.pace_bytes_per_second, 0, time.monotonic()
        for piece in self._load.iter_body(name):
            self._socket.sendall(piece)
            sent_bytes += len(piece)
            if pace:
                time.sleep(max(0.0, started + sent_bytes / pace - time.monotonic()))
        status, length, body = self._read_answer()
        # nginx says nothing more; filmroom neither, unless it stored nothing and lists the duplicates.
        wanted = self._load.stored_answer
        if status not in _STORED or (wanted not in body if wanted else length != 0):
            raise WrongAnswerError(f"{self._load.method} {name}: {status} with {length} bytes: {body!r}")

    def _get(self, name: str, head: bytes) -> None:
        self._socket.sendall(head)
        status, length, body = self._read_answer()
        if status != 200 or length != self._load.size_bytes:
            raise WrongAnswerError(f"GET {name}: {status} with {length} bytes: {body[:200]!r}")

    def _read_answer(self) -> tuple[int, int, bytes]:
        """Read an answer to its end: its status, its length and its body, or the beginning of a long one."""
        filled, end = 0, -1
        while end < 0:
            filled += self._receive(filled)
            end = self._buffer.find(b"\r\n\r\n", 0, min(filled, _LONGEST_HEAD_BYTES))
        head = bytes(self._buffer[:end])
        status, length = int(head[9:12]), _length(head)
        while filled - (end + 4) < min(length, _LONGEST_READ_BODY_BYTES):
            filled += self._receive(filled)
        body = bytes(self._buffer[end + 4 : filled])
        left = length - len(body)
        while left > 0:
            left -= self._receive(0)
        if left < 0:
            raise WrongAnswerError("more bytes came than the answer announced")
        return status, length, body

    def _receive(self, filled: int) -> int:
        received = self._socket.recv_into(memoryview(self._buffer)[filled:])
        if not received:
            raise WrongAnswerError("the server closed the connection before its answer was whole")
        return received


def _head(load: Load, name: str) -> bytes:
    target = fill_target(load.target, name, size_bytes=load.size_bytes)
    length = "" if load.method == "GET" else f"Content-Length: {load.body_bytes(name)}\r\n"
    kind = f"Content-Type: {FORM_TYPE}\r\n" if load.is_form else ""
    return f"{load.method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{load.headers}{kind}{length}\r\n".encode()


def _length(head: bytes) -> int:
    match = _LENGTH.search(head)
    if match is None and not head.startswith(b"HTTP/1.1 204"):
        raise WrongAnswerError(f"an answer without a length: {head!r}")
    return int(match[1]) if match else 0
