"""``python -m bench [NAME ...]``: run all workloads, or those named, print tables, write bench/results/*.json."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.ground import Bench
from bench.load import WrongAnswerError, open_generator
from bench.machine import Machine, read_machine
from bench.report import Result, write_json
from bench.servers import find_program
from bench.tables import print_machine, print_result, print_summary
from bench.workloads import LONG, WORKLOADS

_RESULTS: Final = Path(__file__).with_name("results")
_PEERS: Final = ("nginx", "zip", "unzip")  # as Debian names its packages too
_NOT_DISKS: Final = frozenset({"tmpfs", "ramfs"})
_MOST_DISK_BYTES: Final = 6 * 2**30


def main() -> None:
    names = _read_names()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # so that the servers are stopped too
    if missing := [program for program in _PEERS if find_program(program) is None]:
        sys.exit(f"bench: {' and '.join(missing)} not installed: apt-get install {' '.join(missing)}")
    _RESULTS.mkdir(exist_ok=True)
    place = Path(os.environ.get("BENCH_DIR", _RESULTS)).absolute()
    machine = read_machine(place)
    _check_place(place, machine)
    print_machine(machine)
    with tempfile.TemporaryDirectory(prefix="run-", dir=place) as folder:
        try:
            results = _run(names, Path(folder))
        except (WrongAnswerError, OSError) as error:
            sys.exit(f"bench: {error}")
    print_summary(results)
    path = _RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    write_json(path, machine, results)
    print(f"\nwritten to {path}")


def _read_names() -> list[str]:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure filmroom beside its peers. BENCH_DIR is where all keep their files; it must be on a disk.",
    )
    parser.add_argument("name", nargs="*", help=f"{', '.join(WORKLOADS)}; all but {', '.join(LONG)} when none is named")
    names: list[str] = parser.parse_args().name
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"there is no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    return names or [name for name in WORKLOADS if name not in LONG]


def _check_place(place: Path, machine: Machine) -> None:
    if machine.file_system in _NOT_DISKS:
        sys.exit(f"bench: {place} is on {machine.file_system}, which is no disk: set BENCH_DIR to a folder on one")
    if shutil.disk_usage(place).free < _MOST_DISK_BYTES:
        sys.exit(f"bench: {place} has less than {_MOST_DISK_BYTES / 2**30:.0f} GiB free: set BENCH_DIR to another disk")


def _run(names: list[str], folder: Path) -> list[Result]:
    results = []
    with open_generator() as generator:
        for name in names:
            result = WORKLOADS[name](Bench(folder, generator), name)
            print_result(result)
            sys.stdout.flush()
            results.append(result)
    return results


if __name__ == "__main__":
    main()
