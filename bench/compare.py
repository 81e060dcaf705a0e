"""``python -m bench.compare BASE [NAME ...]``: the same workloads on another commit and on this tree, in turns.

Both are measured by this tree's bench and with this environment's libraries; only filmroom's own source differs, which
each server takes from PYTHONPATH. So a change of the libraries is not measured, and BASE must know the tables that the
bench fills. The peers are the same on both sides: how far they differ is the noise.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.goals import RATIO
from bench.ground import Bench
from bench.report import Result, Sample, Series
from bench.running import RESULTS, name_now, open_bench, read_arguments
from bench.tables import shown, spread
from bench.workloads import WORKLOADS

_ROOT: Final = Path(__file__).parents[1]
_ROUNDS: Final = 3
# Within ten minutes: what a change most often touches.
_USUAL: Final = ("put-small", "get-small", "list")
_HEAD: Final = f"  {'':<20}{'base':>9}{'present':>10}  {'':<9}{'present / base':<26}better in"


@dataclass(frozen=True, slots=True)
class Change:
    """One series: medians of the runs' medians, and the present tree by the base in each pair of runs."""

    workload: str
    label: str
    unit: str
    base: float
    present: float
    ratios: Sequence[float]
    better: int
    """In how many of the pairs the present tree was better."""


def compare(pairs: Sequence[tuple[Result, Result]]) -> list[Change]:
    """Of the runs of one workload, each time first on the base and then on the present tree."""
    labels = [series.label for series in _series(pairs[0][0])]
    return [_compare(label, [(_find(base, label), _find(present, label)) for base, present in pairs], pairs[0][0].name)
            for label in labels]  # fmt: skip


def _series(result: Result) -> list[Series]:
    """With the comparison with the peer as one more."""
    ratios = result.ratios()
    more = [Series(RATIO, "x", [Sample(number=number) for number in ratios])] if ratios else []
    return [*result.series, *more]


def _find(result: Result, label: str) -> Series:
    return next(series for series in _series(result) if series.label == label)


def _compare(label: str, pairs: Sequence[tuple[Series, Series]], workload: str) -> Change:
    bases = [median(base.numbers) for base, _ in pairs]
    presents = [median(present.numbers) for _, present in pairs]
    unit = pairs[0][0].unit
    is_more_better = unit.endswith("/s") or label == RATIO
    won = [present > base if is_more_better else present < base for base, present in zip(bases, presents, strict=True)]
    return Change(
        workload=workload,
        label=label,
        unit=unit,
        base=median(bases),
        present=median(presents),
        ratios=[present / base for base, present in zip(bases, presents, strict=True)],
        better=sum(won),
    )


def print_changes(changes: Sequence[Change]) -> None:
    print(f"\n{changes[0].workload}\n{_HEAD}")
    for each in changes:
        ratio = f"{median(each.ratios):.2f} ({spread(each.ratios)})"
        better = f"{each.better} of {len(each.ratios)}"
        print(f"  {each.label:<20}{shown(each.base):>9}{shown(each.present):>10}  {each.unit:<9}{ratio:<26}{better}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("base", help="a commit, branch or tag")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each is run")
    arguments = read_arguments(parser, _USUAL)
    commit = _git("rev-parse", "--verify", f"{arguments.base}^{{commit}}").strip()
    with open_bench() as (bench, machine), _open_tree(bench.folder / "base", commit) as tree:
        print(
            f"base is {arguments.base} ({commit[:10]}), present is {_ROOT}; {arguments.rounds} runs of each, in turns"
        )
        changes = [
            change
            for name in arguments.name
            for change in _measure(bench, name, (tree / "src", _ROOT / "src"), arguments.rounds)
        ]
    path = RESULTS / "compare" / name_now()
    path.parent.mkdir(exist_ok=True)
    content = {"base": commit, "machine": asdict(machine), "changes": [asdict(each) for each in changes]}
    path.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")
    print(f"\nwritten to {path}")


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", _ROOT, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench.compare: git {words[0]}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def _open_tree(folder: Path, commit: str) -> Iterator[Path]:
    """A worktree of that commit, which is gone when the context ends, also by Ctrl-C."""
    try:
        _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        yield folder
    finally:
        subprocess.run(["git", "-C", _ROOT, "worktree", "remove", "--force", folder], check=False)


def _measure(bench: Bench, name: str, sources: tuple[Path, Path], rounds: int) -> list[Change]:
    pairs = []
    for number in range(rounds):
        print(f"{name}: {number + 1} of {rounds}", flush=True)
        base, present = (_run(bench, name, source) for source in sources)
        pairs.append((base, present))
    changes = compare(pairs)
    print_changes(changes)
    return changes


def _run(bench: Bench, name: str, source: Path) -> Result:
    with _servers_from(source):
        return WORKLOADS[name](bench, name)


@contextmanager
def _servers_from(source: Path) -> Iterator[None]:
    """Every server that is started within takes filmroom from there; exits if it would not."""
    os.environ["PYTHONPATH"] = str(source)
    try:
        asked = [sys.executable, "-c", "import filmroom; print(filmroom.__file__)"]
        found = subprocess.run(asked, cwd=source.parent, stdout=subprocess.PIPE, text=True, check=True).stdout
        if not Path(found.strip()).is_relative_to(source):
            sys.exit(f"bench.compare: filmroom would come from {found.strip()} and not from {source}")
        yield
    finally:
        del os.environ["PYTHONPATH"]


if __name__ == "__main__":
    main()
