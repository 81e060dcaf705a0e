"""The command that holds rows against bytes."""

from pathlib import Path
from typing import Any, Final

import click

from filmroom.cli.options import EVERYWHERE, options

_MIB: Final = 1024 * 1024


@click.command()
@click.option("--scrub", is_flag=True, help="Read the bytes of every file too, and mark those that are damaged.")
@click.option("--rate", type=click.IntRange(min=1), default=50, show_default=True, help="MiB a second to scrub.")
@click.option("--repair-counters", is_flag=True, help="Set counters of resources that are wrong.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, the summary last.")
@options(*EVERYWHERE)
def fsck(config: Path | None, *, scrub: bool, rate: int, repair_counters: bool, as_json: bool, **flags: Any) -> None:
    """Hold what the database says against the bytes on the disk, while the server runs or not.

    Exit code: 0 when all is well, 1 when there are findings, 2 when it could not be done. Nothing is ever deleted.
    """
    from filmroom.cli.inspecting import FLAWS_FOUND, inspecting, opened_as_it_is, tell_end, teller
    from filmroom.service.fsck import Checks
    from filmroom.service.pacing import Pace

    checks = Checks(scrub=Pace(rate * _MIB) if scrub else None, repairs_counters=repair_counters)
    with inspecting(config, flags) as settings, opened_as_it_is(settings) as archive:
        summary = archive.fsck.run(checks, teller(as_json=as_json))
    count = summary.findings.total()
    text = (
        f"{summary.names} names, {summary.blobs} blobs, {summary.in_flight} in flight, "
        f"{summary.scrubbed} files read, {summary.repaired} counters set, {count} findings"
    )
    tell_end(summary, text, as_json=as_json)
    if count:
        click.get_current_context().exit(FLAWS_FOUND)
