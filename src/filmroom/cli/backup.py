"""The commands that make backups and archives of backups."""

from pathlib import Path
from typing import Any, Final

import click

from filmroom.cli.options import EVERYWHERE, options

_MIB: Final = 1024 * 1024
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("dest", type=_FOLDER)
@click.option("--keep", type=click.IntRange(min=1), help="Remove all but so many snapshots afterwards.")
@click.option("--link", is_flag=True, help="Share bytes with the archive where DEST is on the same file system.")
@click.option("--verify", is_flag=True, help="Make none; read all that DEST has, and set damaged blobs aside.")
@click.option("--rate", type=click.IntRange(min=1), help="Read at most so many MiB a second.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, the summary last.")
@options(*EVERYWHERE)
def backup(dest: Path, config: Path | None, *, verify: bool, as_json: bool, rate: int | None, **flags: Any) -> None:
    """Back the archive up into the folder DEST, while the server runs or not; what DEST has is not copied again.

    Exit code: 0 when all is well, 1 when something could not be backed up or read, 2 when nothing could.
    """
    from filmroom.cli import vaults
    from filmroom.service.pacing import Pace

    pace = Pace(rate * _MIB if rate else None)
    keep, links = flags.pop("keep"), flags.pop("link")
    if verify and (keep or links):
        raise click.UsageError("--verify makes no backup, so --keep and --link have no use")
    if verify:
        vaults.verify_backups(dest, pace, (config, flags), as_json=as_json)
    else:
        vaults.make_backup(dest, (config, flags), keep=keep, links=links, pace=pace, as_json=as_json)


@click.command()
@click.argument("src", type=_FOLDER)
@click.option("--snapshot", "wanted", help="Which one, by its name; the newest unless said.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, the summary last.")
@options(*EVERYWHERE)
def restore(src: Path, config: Path | None, *, wanted: str | None, as_json: bool, **flags: Any) -> None:
    """Make a new archive of a backup in the folder SRC: in a data folder and a database that are empty.

    The database need not be of the kind that was backed up. Exit code: 0 when all is there, 1 when bytes are missing
    that the backup does not have, 2 when it could not be done.
    """
    from filmroom.cli import vaults

    vaults.restore_archive(src, (config, flags), wanted=wanted, as_json=as_json)
