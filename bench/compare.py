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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.changes import Change, compare, print_changes
from bench.ground import Bench
from bench.report import Result
from bench.running import RESULTS, name_now, open_bench, read_arguments
from bench.workloads import WORKLOADS

_ROOT: Final = Path(__file__).parents[1]
_ROUNDS: Final = 3
# Within ten minutes: what a change most often touches.
_USUAL: Final = ("put-small", "get-small", "list")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare", description=__doc__, epilog=f"When none is named: {', '.join(_USUAL)}."
    )
    parser.add_argument("base", help="a commit, branch or tag")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each is run")
    arguments = read_arguments(parser, lambda: _USUAL)
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
        if (compiler := folder / "hatch_build.py").exists():
            subprocess.run([sys.executable, compiler], cwd=folder, check=True)
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
