"""What operators do to an archive from its own machine, whether or not it is being served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from typing import Final

import click

from filmroom.blobs.local import LocalStore
from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.composition import database_of, open_archive
from filmroom.db.migrate import REVISIONS, read_revision
from filmroom.model.people import OPERATOR, AccountChange, DataRole, User
from filmroom.service.archive import Archive
from filmroom.settings import Loaded, SettingError, Settings


@contextmanager
def opened_archive(settings: Settings) -> Iterator[Archive]:
    """The archive of a data folder that is there already; a command must not make one because of a mistyped path."""
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        raise SettingError(f"there is no archive in {settings.data_dir}; name its folder with --data")
    archive = open_archive(settings)
    try:
        yield archive
    finally:
        archive.close()


def add_user(settings: Settings, login: str, password: str, said: AccountChange) -> None:
    with opened_archive(settings) as archive:
        archive.accounts.create(OPERATOR, login, password, said)
    click.echo(f"added {login}")


def list_users(settings: Settings) -> None:
    with opened_archive(settings) as archive:
        for user in archive.accounts.list_all():
            click.echo("\t".join([user.login, user.created_at.strftime("%Y-%m-%d"), _states(user)]).rstrip())


def _states(user: User) -> str:
    words = {
        "admin": user.is_admin,
        user.data_role.value: user.data_role is not DataRole.NONE,
        "disabled": not user.is_enabled,
        "unverified": not user.is_verified,
        "locked": user.is_locked,
    }
    return ", ".join(word for word, holds in words.items() if holds)


def show_user(settings: Settings, login: str) -> None:
    with opened_archive(settings) as archive:
        user = archive.accounts.get(OPERATOR, login)
    last = user.last_success_at.strftime(_MOMENT) if user.last_success_at else "never"
    lines = {
        "login": user.login,
        "number": str(user.number),
        "name": f"{user.first_name} {user.last_name}".strip(),
        "e-mail": user.email,
        "state": _states(user),
        "made": user.created_at.strftime(_MOMENT),
        "changed": user.modified_at.strftime(_MOMENT),
        "last sign-in": last,
    }
    for name, value in lines.items():
        click.echo(f"{name:13} {value}".rstrip())


_MOMENT: Final = "%Y-%m-%d %H:%M UTC"


def change_user(settings: Settings, login: str, change: AccountChange, *, told: str) -> None:
    with opened_archive(settings) as archive:
        archive.accounts.change(OPERATOR, login, change)
    click.echo(told)


def unlock(settings: Settings, login: str) -> None:
    with opened_archive(settings) as archive:
        archive.accounts.unlock(login)
    click.echo(f"unlocked {login}")


def clear_cache(settings: Settings, older_than: timedelta) -> None:
    with opened_archive(settings) as archive:
        removed = archive.cache.clear(older_than)
    click.echo(f"removed {removed.files} files of {removed.size_bytes} bytes in all")


def check_all(loaded: Loaded) -> None:
    """Print every setting with its origin, then try what a server would use. Nothing is made or migrated."""
    settings = loaded.settings
    for option in fields(Settings):
        value = getattr(settings, option.name)
        shown = "(hidden)" if option.metadata["is_secret"] and value else repr(value)
        click.echo(f"{option.name:22} {shown:30} {loaded.origins[option.name]}")
    refuse_network_file_system(settings)
    _check_database(settings)
    _check_blobs(settings)


def _check_database(settings: Settings) -> None:
    if settings.sqlite_path is not None and not settings.sqlite_path.exists():
        click.echo("database: not there yet; the first start makes it")
        return
    database = database_of(settings)
    try:
        revision = read_revision(database)
    finally:
        database.close()
    newest = REVISIONS[-1]
    state = "current" if revision == newest else f"schema {revision}, which a start brings to {newest}"
    click.echo(f"database: works, {state}")


def _check_blobs(settings: Settings) -> None:
    if not settings.data_dir.exists():
        click.echo("blobs: not there yet; the first start makes their folder")
        return
    LocalStore(settings.data_dir / "blobs").check()
    click.echo("blobs: written, read and deleted")
