"""strace on a process that runs: what it asks of the system, and what befalls it at the n-th time that it asks.

strace counts for each thread, and begins to count when it attaches.
"""

import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STRACE: Final = shutil.which("strace")
MISSING: Final = "strace is not here, so nothing was struck: apt-get install strace"

_CALL: Final = re.compile(r"^(\d+) +([a-z0-9]+)\(", re.MULTILINE)
_PATIENCE_SECONDS: Final = 5.0


@contextmanager
def traced(pid: int, log: Path, *, calls: Sequence[str], effect: str = "") -> Iterator[None]:
    """Trace while inside; ``effect`` is strace's ``inject`` without the calls, such as ``error=EIO:when=3``.

    What happened is in the log, which is whole when this ends.
    """
    assert STRACE is not None
    names = ",".join(calls)
    command = [STRACE, "-f", "-p", str(pid), "-o", str(log), "-e", f"trace={names}", "-e", "signal=none", "-s", "0"]
    if effect:
        command += ["-e", f"inject={names}:{effect}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()  # which comes when all threads are attached to
        try:
            assert "attached" in told, told
            yield
        finally:
            _end(process, pid)


def _end(strace: "subprocess.Popen[str]", pid: int) -> None:
    """Let strace see a process that was killed to its end, and detach it from one that lives."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while strace.poll() is None and not _is_alive(pid) and time.monotonic() < give_up_at:
        time.sleep(0.002)
    strace.terminate()
    try:
        strace.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        strace.kill()


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    state = status.split("State:", 1)[1].split()[0]
    pending = int(status.split("ShdPnd:", 1)[1].split()[0], 16) | int(status.split("SigPnd:", 1)[1].split()[0], 16)
    return state not in "ZX" and not pending & 1 << signal.SIGKILL - 1


def tally(log: Path) -> Counter[str]:
    """How often each call was made by the thread that made it most often."""
    made = Counter(_CALL.findall(log.read_text(encoding="utf-8", errors="replace")))
    most: Counter[str] = Counter()
    for (_thread, call), times in made.items():
        most[call] = max(most[call], times)
    return most


def was_struck(log: Path) -> bool:
    """Whether a call was made to fail, or the process was killed in one, which then never returned."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return "(INJECTED)" in text or " = ?" in text
