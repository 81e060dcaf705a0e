"""The command line: options to settings, errors to one line and exit code 1."""

import os
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from filmroom import __version__
from filmroom.cli.durations import Duration
from filmroom.model.errors import ArchiveError
from filmroom.settings import Loaded, SettingError, Settings, load

_Command = Callable[..., Any]
# The settings that are options of commands; all others come from the file or the environment.
_EVERYWHERE: Final = ("data", "database")
_SERVING: Final = (*_EVERYWHERE, "host", "port", "workers", "root_path", "log_level")


class _Group(click.Group):
    """Tells every foreseen error in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (ArchiveError, SettingError, OSError) as error:
            raise click.ClickException(_in_one_line(error)) from error


def _in_one_line(error: Exception) -> str:
    """What went wrong, with what lies behind it: operators may know, and must."""
    cause = f" ({error.__cause__})" if isinstance(error, ArchiveError) and error.__cause__ else ""
    return " ".join(f"{error}{cause}".split())


def _options(*names: str) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        command = click.option("--config", type=click.Path(path_type=Path), help="Settings file.")(command)
        for option in reversed([option for option in fields(Settings) if option.name in names]):
            shown = str(option.default) or "none"
            text = f"{option.metadata['doc']} [default: {shown}]"
            command = click.option(f"--{option.name.replace('_', '-')}", option.name, help=text)(command)
        return command

    return decorate


def _load(config: Path | None, flags: dict[str, Any]) -> Loaded:
    return load(flags, config=config)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="filmroom")
def main() -> None:
    """An archive for medical images and their files that speaks XNAT's REST API."""
    os.umask(0o077)  # whatever is made is its owner's alone


@main.command()
@_options(*_SERVING)
def serve(config: Path | None, **flags: Any) -> None:
    """Serve the archive until it is told to stop (SIGTERM or Ctrl-C lets running requests finish)."""
    from filmroom.cli.serve import run

    run(_load(config, flags).settings)


@main.command()
@_options(*_SERVING)
def check(config: Path | None, **flags: Any) -> None:
    """Show the settings in force and where each comes from; try the database and the blob store."""
    from filmroom.cli.admin import check_all

    check_all(_load(config, flags))


@main.group(cls=_Group)
def user() -> None:
    """Accounts: add, list, password, disable, unlock."""


@user.command("add")
@click.argument("login")
@click.option("--admin", "is_admin", is_flag=True, help="A site administrator, who may do everything.")
@click.option("--password", help="The password; asked for when it is not given.")
@_options(*_EVERYWHERE)
def add_user(config: Path | None, login: str, *, is_admin: bool, password: str | None, **flags: Any) -> None:
    """Make an account."""
    from filmroom.cli import admin

    admin.add_user(_load(config, flags).settings, login, password or _ask_password(), is_admin=is_admin)


@user.command("list")
@_options(*_EVERYWHERE)
def list_users(config: Path | None, **flags: Any) -> None:
    """List every account."""
    from filmroom.cli import admin

    admin.list_users(_load(config, flags).settings)


@user.command("password")
@click.argument("login")
@click.option("--password", help="The new password; asked for when it is not given.")
@_options(*_EVERYWHERE)
def set_password(config: Path | None, login: str, *, password: str | None, **flags: Any) -> None:
    """Change a password; whoever was signed in with the old one is signed out."""
    from filmroom.cli import admin

    admin.set_password(_load(config, flags).settings, login, password or _ask_password())


@user.command("disable")
@click.argument("login")
@click.option("--undo", is_flag=True, help="Let the account sign in again.")
@_options(*_EVERYWHERE)
def disable_user(config: Path | None, login: str, *, undo: bool, **flags: Any) -> None:
    """Let an account sign in no more; it is signed out everywhere."""
    from filmroom.cli import admin

    admin.set_enabled(_load(config, flags).settings, login, is_enabled=undo)


@user.command("unlock")
@click.argument("login")
@_options(*_EVERYWHERE)
def unlock_user(config: Path | None, login: str, **flags: Any) -> None:
    """Let an account try again that is locked after too many failed sign-ins."""
    from filmroom.cli import admin

    admin.unlock(_load(config, flags).settings, login)


@main.group(cls=_Group)
def upkeep() -> None:
    """What an archive needs from time to time."""


@upkeep.command("cache")
@click.option("--older-than", type=Duration(), required=True, help="Such as 30d; units are m, h, d and w.")
@_options(*_EVERYWHERE)
def clear_cache(config: Path | None, older_than: timedelta, **flags: Any) -> None:
    """Remove for good what was not written for some time from all users' caches."""
    from filmroom.cli import admin

    admin.clear_cache(_load(config, flags).settings, older_than)


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
