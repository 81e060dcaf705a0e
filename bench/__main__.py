"""``python -m bench [NAME ...]``: run all workloads, or those named, print tables, write bench/results/*.json."""

import argparse
from time import monotonic

from bench.ground import Bench
from bench.report import Result, write_json
from bench.running import RESULTS, name_now, open_bench, read_arguments
from bench.tables import print_result, print_summary
from bench.workloads import LONG, WORKLOADS, list_default_names


def main() -> None:
    """A floor that was missed is a figure and no error."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure filmroom beside its peers. BENCH_DIR is where all keep their files; it must be on a disk.",
        epilog=f"When none is named all are run but {', '.join(sorted(LONG))}.",
    )
    names = read_arguments(parser, list_default_names).name
    path, results = RESULTS / name_now(), []
    with open_bench() as (bench, machine):
        for name in names:
            started = monotonic()
            results.append(_run(bench, name))
            write_json(path, machine, results)  # now, so that whatever ends a run early leaves what it had
            print(f"  took {monotonic() - started:.0f} s", flush=True)
    print_summary(results)
    print(f"\nwritten to {path}")


def _run(bench: Bench, name: str) -> Result:
    result = WORKLOADS[name](bench, name)
    print_result(result)
    return result


if __name__ == "__main__":
    main()
