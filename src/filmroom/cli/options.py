"""What commands share: options to settings, errors to one line and exit code 1."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click

from filmroom.model.errors import ArchiveError
from filmroom.settings import Loaded, SettingError, Settings, load

Command = Callable[..., Any]
# The settings that are options of commands; all others come from the file or the environment.
EVERYWHERE: Final = ("data", "database")
SERVING: Final = (*EVERYWHERE, "host", "port", "workers", "root_path", "log_level")


class Group(click.Group):
    """Tells every foreseen error in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ArchiveError, SettingError, OSError) as error:
            raise click.ClickException(in_one_line(error)) from error


def in_one_line(error: Exception) -> str:
    """What went wrong, with what lies behind it: operators may know, and must."""
    cause = f" ({error.__cause__})" if isinstance(error, ArchiveError) and error.__cause__ else ""
    return " ".join(f"{error}{cause}".split())


def printable(text: str) -> str:
    """Escaped where a client's words could pass for another line or column, or tell the terminal something."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def options(*names: str) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        command = click.option("--config", type=click.Path(path_type=Path), help="Settings file.")(command)
        for option in reversed([option for option in fields(Settings) if option.name in names]):
            shown = str(option.default) or "none"
            text = f"{option.metadata['doc']} [default: {shown}]"
            command = click.option(f"--{option.name.replace('_', '-')}", option.name, help=text)(command)
        return command

    return decorate


def load_settings(config: Path | None, flags: dict[str, Any]) -> Loaded:
    return load(flags, config=config)
