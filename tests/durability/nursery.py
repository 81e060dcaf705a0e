"""Server processes by the hundred: one process that has imported filmroom forks each of them when it is asked to.

What is forked runs ``filmroom serve`` as the command line does, in a process group of its own; it only need not import
everything again, which is most of what a start costs. Run as a module this file is the process that forks.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from durability import faults
from server.process import PASSWORD, Server

_PATIENCE_SECONDS: Final = 60.0
# From the manual of prctl.
_PR_SET_PDEATHSIG: Final = 1
_IMPORTED: Final = (
    "alembic.command",
    "filmroom.app",
    "filmroom.cli.admin",
    "filmroom.cli.main",
    "filmroom.cli.serve",
    "httptools",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvloop",
)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was forked, known by a descriptor, so that its number cannot come to mean another."""

    pid: int
    descriptor: int
    output: Path

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self.descriptor, number)

    def has_ended(self, within_seconds: float = 0.0) -> bool:
        return bool(select.select([self.descriptor], [], [], within_seconds)[0])

    def wait_for_line(self) -> str:
        """The first line of what it says; empty if it ends without one."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            has_ended = self.has_ended()
            if "\n" in (text := self.output.read_text(encoding="utf-8")) or has_ended:
                return text.partition("\n")[0]
            time.sleep(0.005)
        raise TimeoutError(f"process {self.pid} does not say anything")


class Nursery:
    """Where processes are forked; with ``fault`` each of them has that fault planted. They end with it."""

    def __init__(self, folder: Path, fault: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FILMROOM_")}
        # The disks that lose their power are smaller than what usually stays free.
        small = {"FILMROOM_MIN_FREE_BYTES": "0"}
        environment |= {"FILMROOM_ADMIN_PASSWORD": PASSWORD, "PYTHONPATH": str(Path(__file__).parents[1]), **small}
        command = [sys.executable, "-m", "durability.nursery", *([fault] if fault else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def fork(self, *arguments: str, is_stopped: bool = False) -> Process:
        """Begin a command of filmroom's; ``is_stopped`` has it wait for SIGCONT before it does anything."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        output = self._folder / f"{self._count}.out"
        output.write_bytes(b"")
        job = {"arguments": arguments, "output": str(output), "log": str(self.log), "is_stopped": is_stopped}
        self._process.stdin.write(f"{json.dumps(job)}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        return Process(pid, os.pidfd_open(pid), output)

    @property
    def log(self) -> Path:
        return self._folder / "server.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(_PATIENCE_SECONDS)
        self._process.stdout.close()


class ForkedServer(Server):
    """``filmroom serve`` out of a nursery."""

    def __init__(self, nursery: Nursery, folder: Path, *flags: str) -> None:
        super().__init__(folder, *flags, log=str(nursery.log))
        self.nursery = nursery
        self._forked: Process | None = None

    def start(self) -> None:
        self.begin()
        self.wait_until_up()

    def begin(self, *, is_stopped: bool = False) -> Process:
        """Start without waiting for anything."""
        if self._forked is not None:
            os.close(self._forked.descriptor)
        arguments = self.arguments
        self._forked = self.nursery.fork(*arguments, is_stopped=is_stopped)
        return self._forked

    def wait_until_up(self) -> None:
        self.first_line = self.process.wait_for_line()
        assert "answers at" in self.first_line, self.nursery.log.read_text(encoding="utf-8")[-4000:]
        self.port = int(self.first_line.rsplit(":", 1)[1])

    @property
    def process(self) -> Process:
        assert self._forked is not None
        return self._forked

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self._forked is not None and not self._forked.has_ended()

    def _end(self, number: int) -> int:
        """SIGKILL ends all processes of a server, every other signal is for the first of them."""
        process = self.process
        if number == signal.SIGKILL:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        elif not process.has_ended():
            process.send(number)
        assert process.has_ended(_PATIENCE_SECONDS)
        os.close(process.descriptor)
        self._forked = None
        return 0


def _become(job: dict[str, Any]) -> None:
    """In the child: what the job says, and nothing of the nursery's any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(job["output"], os.O_WRONLY), 1)
    os.dup2(os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    if job["is_stopped"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    from filmroom.cli.main import main

    sys.argv = ["filmroom", *job["arguments"]]
    main(job["arguments"], prog_name="filmroom")


def _import_all() -> None:
    for name in _IMPORTED:
        import_module(name)


def _nurse(fault: Sequence[str]) -> None:
    _import_all()
    # The turn of a process that was killed is free at once, and not after minutes.
    faults.replace(import_module("filmroom.service.upkeep"), "_HELD_FOR", timedelta())
    for name in fault:
        faults.plant(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody need wait for those who end
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            _become(json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _nurse(sys.argv[1:])
