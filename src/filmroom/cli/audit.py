"""The command that shows what was changed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from filmroom.cli.durations import Duration
from filmroom.cli.options import EVERYWHERE, load_settings, options
from filmroom.model.people import Event


@click.command()
@click.option("--user", "login", help="Only changes by this user.")
@click.option("--address", "begins", help="Only changes at addresses that begin so, such as /projects/DEMO.")
@click.option("--since", type=Duration(), help="Only changes of this long, such as 2d.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@options(*EVERYWHERE)
def audit(config: Path | None, *, as_json: bool, **flags: Any) -> None:
    """Show who changed what, when and from where, the latest first."""
    from filmroom.cli.admin import opened_archive

    said = {name: flags.pop(name) for name in ("login", "begins", "limit")}
    ago = flags.pop("since")
    since = datetime.now(UTC) - ago if ago else None
    with opened_archive(load_settings(config, flags).settings) as archive:
        events = archive.audit.list_all(since=since, **said)
    for event in events:
        click.echo(_as_json(event) if as_json else _as_text(event))


def _as_text(event: Event) -> str:
    told = " ".join(f"{name}={value}" for name, value in event.details.items())
    columns = (event.login or "-", event.client or "-", event.action, event.address, told, event.reason)
    return "\t".join((f"{event.at:%Y-%m-%d %H:%M:%S}", *map(printable, columns))).rstrip()


def printable(text: str) -> str:
    """Escaped where a client's words could pass for another line or column, or tell the terminal something."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def _as_json(event: Event) -> str:
    return orjson.dumps(event, option=orjson.OPT_UTC_Z).decode()
