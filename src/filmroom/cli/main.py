"""The command line."""

import gc
import os
from pathlib import Path
from typing import Any

import click

from filmroom import __version__
from filmroom.cli.audit import audit
from filmroom.cli.backup import backup, restore
from filmroom.cli.fsck import fsck
from filmroom.cli.options import SERVING, Group, load_settings, options
from filmroom.cli.undo import history, purge, undelete
from filmroom.cli.upkeep import upkeep
from filmroom.cli.users import user


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="filmroom")
def main() -> None:
    """An archive for medical images and their files that speaks XNAT's REST API."""
    os.umask(0o077)  # whatever is made is its owner's alone


@main.command()
@options(*SERVING)
def serve(config: Path | None, **flags: Any) -> None:
    """Serve the archive until it is told to stop (SIGTERM or Ctrl-C lets running requests finish)."""
    gc.disable()  # what is loaded stays: to look through it again and again is a quarter of a start
    try:
        from filmroom.cli.serve import run

        run(load_settings(config, flags).settings)
    finally:
        gc.enable()


@main.command()
@options(*SERVING)
def check(config: Path | None, **flags: Any) -> None:
    """Show the settings in force and where each comes from; try the database and the blob store."""
    from filmroom.cli.admin import check_all

    check_all(load_settings(config, flags))


main.add_command(user)
main.add_command(audit)
main.add_command(upkeep)
main.add_command(history)
main.add_command(undelete)
main.add_command(purge)
main.add_command(fsck)
main.add_command(backup)
main.add_command(restore)
