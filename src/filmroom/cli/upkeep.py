"""The commands for what an archive needs from time to time."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from filmroom.cli.durations import Duration
from filmroom.cli.options import EVERYWHERE, Group, load_settings, options
from filmroom.model.errors import Busy


@click.group(cls=Group, invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as one JSON object.")
@options(*EVERYWHERE)
@click.pass_context
def upkeep(context: click.Context, /, config: Path | None, *, dry_run: bool, as_json: bool, **flags: Any) -> None:
    """Remove for good what is past its grace period: deleted and overwritten things, dead uploads, old sessions."""
    if context.invoked_subcommand is not None:
        return
    from filmroom.cli.admin import opened_archive

    with opened_archive(load_settings(config, flags).settings) as archive:
        report = archive.upkeep.preview() if dry_run else archive.upkeep.run()
    if report is None:
        raise Busy("upkeep is being done by another process")
    counts = report.as_flat()
    title = "what would be done" if dry_run else "what was done"
    click.echo(orjson.dumps(counts) if as_json else told(title, counts))


def told(title: str, counts: Mapping[str, int]) -> str:
    """A line for each count."""
    lines = (f"{count:>15}  {name.replace('_', ' ')}" for name, count in counts.items())
    return "\n".join((f"{title}:", *lines))


@upkeep.command("cache")
@click.option("--older-than", type=Duration(), required=True, help="Such as 30d; units are m, h, d and w.")
@options(*EVERYWHERE)
def clear_cache(config: Path | None, older_than: timedelta, **flags: Any) -> None:
    """Remove for good what was not written for some time from all users' caches."""
    from filmroom.cli import admin

    admin.clear_cache(load_settings(config, flags).settings, older_than)
