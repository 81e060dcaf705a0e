"""The commands about what was deleted or overwritten: tell of it, bring it back, remove it for good."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson

from filmroom.cli.audit import printable
from filmroom.cli.options import EVERYWHERE, load_settings, options
from filmroom.cli.upkeep import told
from filmroom.model.address import Address, parse_address
from filmroom.model.errors import ArchiveError, NotFound
from filmroom.model.people import OPERATOR, Event
from filmroom.model.undo import Deleted

_MOMENT: Final = "%Y-%m-%d %H:%M"


class AddressParameter(click.ParamType[Address]):
    """Such as /projects/DEMO/subjects/S1; what is before /projects in a URL may be there too."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        if isinstance(value, Address):
            return value
        path = str(value)
        for mount in ("/data", "/REST", "/archive"):
            path = path.removeprefix(mount)
        try:
            return parse_address(path if path.startswith("/") else f"/{path}")
        except ArchiveError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


_at_address = click.argument("address", type=AddressParameter())
_as_json = click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")


@click.command()
@_at_address
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many of each.")
@_as_json
@options(*EVERYWHERE)
def history(address: Address, config: Path | None, *, limit: int, as_json: bool, **flags: Any) -> None:
    """Show what can be brought back at an address and until when, and what happened there, the latest first."""
    from filmroom.cli.admin import opened_archive

    deleted: tuple[Deleted, ...] = ()
    with opened_archive(load_settings(config, flags).settings) as archive:
        events = archive.audit.list_at(address, limit=limit)
        try:
            deleted = archive.undo.list_all(OPERATOR, address, limit=limit)
        except NotFound:
            if not events:
                raise
    if as_json:
        rows = {"deleted": [as_flat(row) for row in deleted], "events": events}
        click.echo(orjson.dumps(rows, option=orjson.OPT_UTC_Z).decode())
        return
    for line in (*map(_deleted_line, deleted), *map(_event_line, events)):
        click.echo(line)


@click.command()
@_at_address
@click.option("--version", type=click.IntRange(min=1), help="Which version of a file; history shows their numbers.")
@click.option("--as", "new_name", metavar="NAME", help="Another label, ID of a scan or path, where the old is taken.")
@options(*EVERYWHERE)
def undelete(address: Address, config: Path | None, *, version: int | None, new_name: str | None, **flags: Any) -> None:
    """Bring back what was deleted last at an address, or a version of a file that was overwritten."""
    from filmroom.cli.admin import opened_archive

    with opened_archive(load_settings(config, flags).settings) as archive:
        archive.undo.undelete(OPERATOR, address, version=version, new_name=new_name)
    click.echo(f"brought back {address}{f' as {new_name}' if new_name else ''}")


@click.command()
@_at_address
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
@options(*EVERYWHERE)
def purge(address: Address, config: Path | None, *, yes: bool, as_json: bool, **flags: Any) -> None:
    """Remove for good, at once, all that is or was at an address, with its bytes: for withdrawn consent.

    Nothing of it can be brought back. Backups, events and copies elsewhere are not touched.
    """
    from filmroom.cli.admin import opened_archive

    with opened_archive(load_settings(config, flags).settings) as archive:
        if not yes:
            counts = archive.purge.preview(address).as_flat()
            click.confirm(f"{told(f'at {address} for good', counts)}\nRemove all of it?", abort=True, err=True)
        purged = archive.purge.run(address)
    counts = purged.removed.as_flat()
    click.echo(orjson.dumps({**counts, "is_wiped": purged.is_wiped}) if as_json else told("removed for good", counts))
    if not purged.is_wiped:
        click.echo("the database's own files may still hold traces; docs/guides/undo.md says what to do", err=True)


def as_flat(row: Deleted) -> dict[str, Any]:
    """What is known of it, by name."""
    return {
        "what": row.what,
        "address": str(row.address),
        "label": row.label,
        "version": row.number or None,
        "deleted": row.deleted_at,
        "until": row.until,
        "user": row.login,
        "files": row.files,
        "bytes": row.size_bytes,
    }


def _deleted_line(row: Deleted) -> str:
    version = f" --version {row.number}" if row.number else ""
    size = "" if row.size_bytes is None else f"{row.size_bytes} bytes"
    until = f"can be brought back until {row.until.strftime(_MOMENT)}"
    return _line(row.deleted_at, row.login, f"{row.what} {row.label}", size, until, f"{row.address}{version}")


def _event_line(event: Event) -> str:
    said = " ".join(f"{name}={value}" for name, value in event.details.items())
    return _line(event.at, event.login, event.action, event.address, said, event.reason)


def _line(at: datetime, login: str, *columns: str) -> str:
    return "\t".join((at.strftime(_MOMENT), *map(printable, (login or "-", *columns)))).rstrip()
