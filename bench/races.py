"""Races: the same files to and from a peer, filmroom and others, in turn, each on the same disk, round by round."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from bench.content import Content, iter_content
from bench.ground import MIB, SMALL_BYTES, Bench
from bench.load import FOLDERS, Generator, Load, WrongAnswerError
from bench.machine import back_memory, busy_cores, busy_seconds, cpu_seconds
from bench.report import Result, Sample, Series
from bench.servers import (
    PROJECT,
    FileServer,
    Filmroom,
    Nginx,
    Server,
    open_filmroom,
    open_keeper,
    open_nginx,
    open_sink,
)

Opener = Callable[[Path], AbstractContextManager[FileServer]]

PLAIN: Final = "plain PUT"
_WARM_UP_FILES: Final = 32
# The pages that a round gets are not just those that were freed last, so a small round wants more than it writes.
_LEAST_BACKED_BYTES: Final = 512 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One kind of request, ``requests`` times a round over some connections.

    A PUT round puts new files, which ``is_cleared`` deletes after it; a GET round asks for ``files`` different ones
    in turn, all of them in the page cache. ``has_keeper`` lets a bare server run along that only keeps what filmroom
    promises. ``note`` says what is special about it.
    """

    method: Literal["PUT", "GET"]
    size_bytes: int
    connections: int
    requests: int
    rounds: int
    files: int = 0
    is_cleared: bool = False
    has_keeper: bool = False
    content_of: Content = iter_content
    open_peer: Opener = open_nginx
    open_ours: Opener = open_filmroom
    note: str = ""

    @property
    def title(self) -> str:
        return ", ".join(
            filter(
                None,
                (
                    f"{self.method} of {_shown_size(self.size_bytes)} each",
                    f"{self.connections} connections" if self.connections > 1 else "1 connection",
                    f"{self.requests} requests a round" if self.requests > 1 else "1 request a round",
                    self.note,
                ),
            )
        )

    @property
    def unit(self) -> str:
        return "files/s" if self.size_bytes < MIB else "MiB/s"

    def speed(self, wall_seconds: float) -> float:
        files_per_second = self.requests / wall_seconds
        return files_per_second * (1 if self.unit == "files/s" else self.size_bytes / MIB)

    def load(self, server: Server, number: int) -> Load:
        if self.method == "PUT":
            names = _names(f"round{number}", self.requests)
            return server.put(names, size_bytes=self.size_bytes, connections=self.connections)
        names = [f"first-{request % self.files}" for request in range(self.requests)]
        return server.get(names, size_bytes=self.size_bytes, connections=self.connections)


def _shown_size(size_bytes: int) -> str:
    for unit_bytes, unit in ((2**30, "GiB"), (MIB, "MiB")):
        if size_bytes >= unit_bytes:
            return f"{size_bytes // unit_bytes} {unit}"
    return f"{size_bytes // 1000} kB"


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def run_race(race: Race, bench: Bench, name: str) -> Result:
    samples: dict[str, list[Sample]] = {}
    with bench.open_folder() as folder, _open_racers(race, folder) as racers:
        for server in racers:
            _warm_up(race, bench.generator, server)
        os.sync()
        busy = busy_cores()
        for number in range(race.rounds):
            for server in racers:
                # What the server before has left to be written must not be this one's burden.
                os.sync()
                if race.method == "PUT":
                    back_memory(max(_LEAST_BACKED_BYTES, race.size_bytes * race.requests))
                samples.setdefault(server.name, []).append(_run_round(bench.generator, server, race, number=number))
                if race.method == "PUT" and isinstance(server, FileServer):
                    _check_round(race, server, number)
    series = [Series(label, race.unit, taken) for label, taken in samples.items()]
    return Result(name=name, title=race.title, busy_cores=busy, series=series, peer=racers[0].name)


@contextmanager
def _open_racers(race: Race, folder: Path) -> Iterator[Sequence[Server]]:
    """Start the peer, filmroom, with nothing in them but resources, and those beside them; all are sent the same."""
    with ExitStack() as stack:
        stores = [stack.enter_context(race.open_peer(folder / "peer"))]
        stores.append(stack.enter_context(race.open_ours(folder / "filmroom")))
        for filmroom in stores:
            if isinstance(filmroom, Filmroom):
                filmroom.make_resource()
        others = [stack.enter_context(open_keeper(folder / "keeper"))] if race.has_keeper else []
        others.append(stack.enter_context(open_sink()))
        yield [replace(server, content_of=race.content_of) for server in (*stores, *others)]


def _warm_up(race: Race, generator: Generator, server: Server) -> None:
    """Sign in, fill caches, and put the files that a GET race asks for; they come back as they were sent."""
    count, size_bytes = (race.files, race.size_bytes) if race.method == "GET" else (_WARM_UP_FILES, SMALL_BYTES)
    generator.run(server.put(_names("first", count), size_bytes=size_bytes, connections=min(count, 8)))
    if isinstance(server, FileServer):
        server.check_content("first-0", size_bytes)


def _run_round(generator: Generator, server: Server, race: Race, *, number: int) -> Sample:
    load = race.load(server, number)
    started, busy_before, used_before = time.monotonic(), busy_seconds(), cpu_seconds(server.pid)
    outcome = generator.run(load)
    server_cpu_seconds = cpu_seconds(server.pid) - used_before
    other_seconds = busy_seconds() - busy_before - server_cpu_seconds - outcome.client_cpu_seconds
    return Sample(
        number=race.speed(outcome.wall_seconds),
        wall_seconds=outcome.wall_seconds,
        client_cpu_seconds=outcome.client_cpu_seconds,
        server_cpu_seconds=server_cpu_seconds,
        other_cores=max(0.0, other_seconds) / (time.monotonic() - started),
    )


def _check_round(race: Race, server: FileServer, number: int) -> None:
    """Raises WrongAnswerError unless the server holds all that it was sent."""
    rounds_kept = 1 if race.is_cleared else number + 1
    sent, held = _WARM_UP_FILES + rounds_kept * race.requests, server.count_files()
    if held != sent:
        raise WrongAnswerError(f"{server.name}: {sent} files were sent, {held} are there")
    names = _names(f"round{number}", race.requests)
    server.check_content(names[-1], race.size_bytes)
    for name in names if race.is_cleared else ():
        server.delete(name)


@contextmanager
def open_filmroom_of_many(folder: Path) -> Iterator[Filmroom]:
    """One whose files go into FOLDERS resources of a project."""
    with open_filmroom(folder) as filmroom:
        filmroom.ask("PUT", PROJECT)
        for number in range(FOLDERS):
            filmroom.ask("PUT", f"{PROJECT}/resources/R{number}")
        target = f"{PROJECT}/resources/R{{folder}}/files/{{name}}"
        yield replace(filmroom, put_target=f"{target}?inbody=true", get_target=target)


@contextmanager
def open_nginx_of_many(folder: Path) -> Iterator[Nginx]:
    """One whose files go into FOLDERS folders."""
    with open_nginx(folder) as nginx:
        for number in range(FOLDERS):
            (nginx.root / str(number)).mkdir()
        yield replace(nginx, put_target="/dav/{folder}/{name}", get_target="/dav/{folder}/{name}")


@contextmanager
def open_filmroom_for_forms(folder: Path) -> Iterator[Filmroom]:
    """One that is sent each file in a multipart form."""
    with open_filmroom(folder) as filmroom:
        yield replace(filmroom, put_target=filmroom.get_target, is_form=True)


@contextmanager
def open_plain_filmroom(folder: Path) -> Iterator[Filmroom]:
    """One that is compared with one for forms."""
    with open_filmroom(folder) as filmroom:
        yield replace(filmroom, name=PLAIN)
