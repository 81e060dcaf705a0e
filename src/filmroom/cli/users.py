"""The commands for accounts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from filmroom.cli.options import EVERYWHERE, Group, load_settings, options
from filmroom.model.people import AccountChange, DataRole

_DATA_ROLES: Final = {"none": DataRole.NONE, "access": DataRole.ACCESS, "admin": DataRole.ADMIN}


@click.group(cls=Group)
def user() -> None:
    """Accounts: who there is, and what they may."""


@user.command("add")
@click.argument("login")
@click.option("--admin", "is_admin", is_flag=True, help="A site administrator, who may do everything.")
@click.option("--unverified", is_flag=True, help="Not to be let in before it is verified.")
@click.option("--email", default="", help="An e-mail address.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--password", help="The password; asked for when it is not given.")
@options(*EVERYWHERE)
def add_user(config: Path | None, login: str, **flags: Any) -> None:
    """Make an account."""
    from filmroom.cli import admin

    said = {name: flags.pop(name) for name in ("is_admin", "email", "first_name", "last_name")}
    change = AccountChange(is_verified=not flags.pop("unverified"), **said)
    password = flags.pop("password") or _ask_password()
    admin.add_user(load_settings(config, flags).settings, login, password, change)


@user.command("list")
@options(*EVERYWHERE)
def list_users(config: Path | None, **flags: Any) -> None:
    """List every account: who, since when, and what is special about it."""
    from filmroom.cli import admin

    admin.list_users(load_settings(config, flags).settings)


@user.command("show")
@click.argument("login")
@options(*EVERYWHERE)
def show_user(config: Path | None, login: str, **flags: Any) -> None:
    """Show all there is to know of an account."""
    from filmroom.cli import admin

    admin.show_user(load_settings(config, flags).settings, login)


@user.command("password")
@click.argument("login")
@click.option("--password", help="The new password; asked for when it is not given.")
@options(*EVERYWHERE)
def set_password(config: Path | None, login: str, *, password: str | None, **flags: Any) -> None:
    """Change a password; whoever was signed in with the old one is signed out."""
    change = AccountChange(password=password or _ask_password())
    _change(config, flags, login, change, told=f"changed the password of {login}")


def _switch(name: str, change: AccountChange, help_text: str) -> Callable[..., Any]:
    """A command that changes one thing of an account."""
    ending = {"enable": "enabled", "disable": "disabled", "verify": "verified", "unverify": "unverified"}[name]

    @user.command(name, help=help_text)
    @click.argument("login")
    @options(*EVERYWHERE)
    def command(config: Path | None, login: str, **flags: Any) -> None:
        _change(config, flags, login, change, told=f"{ending} {login}")

    return command


_switch("enable", AccountChange(is_enabled=True), "Let an account sign in again that was disabled.")
_switch("disable", AccountChange(is_enabled=False), "Let an account sign in no more; it is signed out everywhere.")
_switch("verify", AccountChange(is_verified=True), "Say that an account is whose it claims to be, and let it sign in.")
_switch("unverify", AccountChange(is_verified=False), "Let an account sign in only after it is verified again.")


@user.command("admin")
@click.argument("login")
@click.option("--off", is_flag=True, help="Make it an ordinary account again.")
@options(*EVERYWHERE)
def set_admin(config: Path | None, login: str, *, off: bool, **flags: Any) -> None:
    """Make an account a site administrator, who may do everything."""
    told = f"{login} is an administrator {'no more' if off else 'now'}"
    _change(config, flags, login, AccountChange(is_admin=not off), told=told)


@user.command("role")
@click.argument("login")
@click.argument("role", type=click.Choice(list(_DATA_ROLES)))
@options(*EVERYWHERE)
def set_role(config: Path | None, login: str, *, role: str, **flags: Any) -> None:
    """Let an account read (access) or change (admin) the data of every project, or only of its own (none)."""
    told = f"{login} has the role {role} for all data"
    _change(config, flags, login, AccountChange(data_role=_DATA_ROLES[role]), told=told)


@user.command("unlock")
@click.argument("login")
@options(*EVERYWHERE)
def unlock_user(config: Path | None, login: str, **flags: Any) -> None:
    """Let an account try again that is locked after too many failed sign-ins."""
    from filmroom.cli import admin

    admin.unlock(load_settings(config, flags).settings, login)


def _change(config: Path | None, flags: dict[str, Any], login: str, change: AccountChange, *, told: str) -> None:
    from filmroom.cli import admin

    admin.change_user(load_settings(config, flags).settings, login, change, told=told)


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
