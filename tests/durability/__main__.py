"""All of the proofs, at length: ``make test-durability``. The figures go into docs/explanations/durability.md.

``python -m durability SEED PART...`` does some parts only: kills, errors, crowds, cuts. Parts may run side by side.
"""

import fcntl
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from durability import campaigns, disks
from durability.campaigns import Kill, Result
from durability.clusters import kill_postgresql, make_cluster_ground
from durability.crowds import kill_all, kill_one, kill_worker
from durability.ground import Ground, opened
from durability.nursery import ForkedServer, Nursery
from durability.powercuts import opened_ground_on_disk, opened_ground_with_postgresql_on_disk
from durability.strikes import ERRORS, KILL
from durability.tracing import MISSING, STRACE
from postgresql import PostgreSQL

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanations" / "durability.md"
_BEGIN: Final = "<!-- figures: written by make test-durability -->"
_END: Final = "<!-- end of figures -->"
_KILL_POINTS: Final = 700
_ON_POSTGRESQL: Final = 150
_FIRST_STARTS: Final = 30
_ERRORS: Final = 120
_CROWD_ROUNDS: Final = 25
_WORKER_ROUNDS: Final = 4
_CUTS: Final = (
    ("power cuts amid eight writers", opened_ground_on_disk, 42),
    ("power cuts amid eight writers: PostgreSQL on the same disk", opened_ground_with_postgresql_on_disk, 20),
)


@dataclass(frozen=True, slots=True)
class Line:
    """Of the table."""

    proof: str
    times: str
    operations: str
    violations: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Servers over one archive."""

    servers: int = 1
    flags: Sequence[str] = ()
    is_on_postgresql: bool = False


@dataclass(frozen=True, slots=True)
class Crowd:
    """How the servers of a site are killed amid writers."""

    name: str
    site: Site
    kills: Sequence[Kill]
    rounds: int = _CROWD_ROUNDS


CROWDS: Final = (
    Crowd("SQLite, one server", Site(), [kill_all]),
    Crowd("SQLite, two servers", Site(servers=2), [kill_one, kill_all]),
    Crowd(
        "SQLite, one server of two processes", Site(flags=("--workers", "2")), [kill_worker, kill_all], _WORKER_ROUNDS
    ),
    Crowd("PostgreSQL, one server", Site(is_on_postgresql=True), [kill_all]),
    Crowd("PostgreSQL, two servers", Site(servers=2, is_on_postgresql=True), [kill_one, kill_all]),
)


class Proofs:
    def __init__(self, folder: Path, nursery: Nursery, seed: int) -> None:
        self._folder = folder
        self._nursery = nursery
        self._seed = seed
        self.faults: list[str] = []

    def kill(self) -> None:
        if STRACE is None:
            self._skip("kill points", MISSING)
            return
        self._strike("kill points", Site(), [KILL], most=_KILL_POINTS)
        self._strike("kill points on PostgreSQL", Site(is_on_postgresql=True), [KILL], most=_ON_POSTGRESQL)
        chance = Random(self._seed)
        made = campaigns.strike_first_starts(self._nursery, self._place(), chance, most=_FIRST_STARTS)
        self._tell("kill points while an archive is made", made)

    def fail(self) -> None:
        if STRACE is None:
            self._skip("injected I/O errors", MISSING)
            return
        self._strike("injected I/O errors", Site(), ERRORS, most=_ERRORS)

    def _strike(self, proof: str, site: Site, effects: Sequence[str], *, most: int) -> None:
        chance = Random(self._seed)
        with self._opened(site) as ground:
            strikes = campaigns.find_all_strikes(ground, effects, chance)
            self._tell(proof, campaigns.strike_at(ground, strikes, chance, most=most))

    def crowd(self) -> None:
        for crowd in CROWDS:
            with self._opened(crowd.site) as ground:
                result = campaigns.kill_crowds(ground, Random(self._seed), crowd.kills, rounds=crowd.rounds)
            self._tell(f"kill -9 amid eight writers: {crowd.name}", result)
        place = self._place()
        with opened(make_cluster_ground(self._nursery, place, place)) as ground:
            result = campaigns.kill_crowds(ground, Random(self._seed), [kill_postgresql], rounds=_CROWD_ROUNDS)
        self._tell("kill -9 amid eight writers: PostgreSQL itself", result)

    def cut(self) -> None:
        for proof, open_ground, rounds in _CUTS:
            if obstacle := disks.find_obstacle():
                self._skip(proof, obstacle)
                continue
            with open_ground(self._nursery, self._place()) as (ground, disk):
                result = campaigns.cut_powers(ground, disk, Random(self._seed), rounds=rounds)
            self._tell(proof, result)

    @contextmanager
    def _opened(self, site: Site) -> Iterator[Ground]:
        place = self._place()
        server = PostgreSQL(place) if site.is_on_postgresql else None
        database = ("--database", server.url(server.create())) if server else ()
        flags = (*database, *site.flags)
        ground = Ground(*(ForkedServer(self._nursery, place / "data", *flags) for _ in range(site.servers)))
        try:
            with opened(ground):
                yield ground
        finally:
            if server:
                server.stop()

    def _place(self) -> Path:
        place = Path(tempfile.mkdtemp(dir=self._folder))
        place.chmod(0o755)  # as root PostgreSQL runs as a user of its own, who must get there
        return place

    def _tell(self, proof: str, result: Result) -> None:
        operations = f"{result.operations:,}" if result.operations else ""
        self._add(Line(proof, f"{result.times.total():,}", operations, f"{len(result.faults):,}"))
        self.faults += result.faults

    def _skip(self, proof: str, reason: str) -> None:
        self._add(Line(proof, "none", "", f"NOT PROVEN: {reason}"))
        self.faults.append(f"{proof}: {reason}")

    def _add(self, line: Line) -> None:
        _write(line, self._seed)
        sys.stdout.write(f"{line.times:>6}  {line.proof}: {line.violations} violations\n")
        sys.stdout.flush()


PARTS: Final[dict[str, Callable[[Proofs], None]]] = {
    "kills": Proofs.kill,
    "errors": Proofs.fail,
    "crowds": Proofs.crowd,
    "cuts": Proofs.cut,
}


def _read_rows(table: str) -> dict[str, str]:
    """The rows of a table by what they tell of."""
    rows = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("| proof")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def _show(rows: Iterable[str]) -> str:
    where = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, {os.cpu_count()} processors"
    head = ["| proof | times | acknowledged meanwhile | violations | seed and day |", "|---|---:|---:|---:|---|"]
    return "\n".join([f"On {where}:", "", *head, *rows])


def _write(line: Line, seed: int) -> None:
    """Put the line into the page, in place of the one that told of the same."""
    today = f"{datetime.now(UTC):%d %B %Y}".lstrip("0")
    with PAGE.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        before, rest = page.read().split(_BEGIN)
        table, after = rest.split(_END)
        told = f"{line.times} | {line.operations} | {line.violations} | {seed}, {today}"
        rows = _read_rows(table) | {line.proof: f"| {line.proof} | {told} |"}
        page.seek(0)
        page.truncate()
        page.write(f"{before}{_BEGIN}\n{_show(sorted(rows.values()))}\n{_END}{after}")


def main(seed: int, parts: Sequence[str]) -> int:
    """0 if everything was proven and nothing was found."""
    with tempfile.TemporaryDirectory(prefix="filmroom-durability-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Nursery(folder / "nursery") as nursery:
            proofs = Proofs(folder, nursery, seed)
            for part in parts or PARTS:
                PARTS[part](proofs)
    for fault in proofs.faults:
        sys.stdout.write(f"VIOLATION {fault}\n")
    return 1 if proofs.faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2:]))
