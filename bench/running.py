"""What a run of workloads needs around it: the peers' programs, a disk to work on, and a clean end."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.ground import Bench
from bench.load import WrongAnswerError, open_generator
from bench.machine import Machine, read_machine, spread_folders
from bench.servers import find_program
from bench.tables import print_machine
from bench.workloads import WORKLOADS

RESULTS: Final = Path(__file__).with_name("results")
_PEERS: Final = ("nginx", "zip", "unzip")  # as Debian names its packages too
_NOT_DISKS: Final = frozenset({"tmpfs", "ramfs"})
_MOST_DISK_BYTES: Final = 6 * 2**30


@contextmanager
def open_bench() -> Iterator[tuple[Bench, Machine]]:
    """A bench on a disk, gone with all in it when the context ends, also by SIGTERM. Exits where it cannot be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # so that the servers are stopped too
    if missing := [program for program in _PEERS if find_program(program) is None]:
        sys.exit(f"bench: {' and '.join(missing)} not installed: apt-get install {' '.join(missing)}")
    RESULTS.mkdir(exist_ok=True)
    place = Path(os.environ.get("BENCH_DIR", RESULTS)).absolute()
    machine = read_machine(place)
    _check_place(place, machine)
    print_machine(machine)
    with tempfile.TemporaryDirectory(prefix="run-", dir=place) as folder, open_generator() as generator:
        try:
            spread_folders(Path(folder))
            yield Bench(Path(folder), generator), machine
        except (WrongAnswerError, OSError) as error:
            sys.exit(f"bench: {error}")


def read_arguments(parser: argparse.ArgumentParser, usual: Callable[[], Sequence[str]]) -> argparse.Namespace:
    """With the workloads that are named in ``name``, or the usual ones."""
    parser.add_argument("name", nargs="*", help=", ".join(WORKLOADS))
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.name if name not in WORKLOADS]:
        parser.error(f"there is no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    arguments.name = arguments.name or list(usual())
    return arguments


def _check_place(place: Path, machine: Machine) -> None:
    if machine.file_system in _NOT_DISKS:
        sys.exit(f"bench: {place} is on {machine.file_system}, which is no disk: set BENCH_DIR to a folder on one")
    if shutil.disk_usage(place).free < _MOST_DISK_BYTES:
        sys.exit(f"bench: {place} has less than {_MOST_DISK_BYTES / 2**30:.0f} GiB free: set BENCH_DIR to another disk")


def name_now() -> str:
    """For a file of results: later ones sort behind earlier ones."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
