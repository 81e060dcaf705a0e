"""Accounts: who there is, and what operators do to them."""

from collections.abc import Callable

from sqlalchemy import Connection

from filmroom.db import people as rows
from filmroom.db.sessions import delete_failures
from filmroom.model.errors import BadName, NotFound
from filmroom.model.people import LONGEST_LOGIN, User
from filmroom.service.passwords import Passwords, check_password
from filmroom.service.sessions import LOCKED_FOR, MOST_FAILURES
from filmroom.service.stores import Stores


class Accounts:
    def __init__(self, stores: Stores, passwords: Passwords) -> None:
        self._stores = stores
        self._passwords = passwords

    def add(self, login: str, password: str, *, is_admin: bool = False) -> None:
        """Make an account. Raises BadName for a login that is taken or cannot be one, or a password too short."""
        _check_login(login)
        password_hash = self._passwords.hash(check_password(password))
        now = self._stores.clock()
        is_made = self._stores.database.write(
            lambda connection: rows.insert_account(connection, login, password_hash, is_admin=is_admin, now=now)
        )
        if not is_made:
            raise BadName("user name", login, "it is taken")

    def has_any(self) -> bool:
        with self._stores.database.read() as connection:
            return rows.has_accounts(connection)

    def list_all(self) -> tuple[User, ...]:
        """Every account by login."""
        since = self._stores.clock() - LOCKED_FOR
        with self._stores.database.read() as connection:
            return tuple(map(_to_user, rows.iter_profiles(connection, since=since)))

    def set_password(self, login: str, password: str) -> None:
        """Change a password; whatever was signed in with the old one is so no more. Raises NotFound, BadName."""
        password_hash = self._passwords.hash(check_password(password))
        self._change(login, lambda connection: rows.update_password(connection, login, password_hash))

    def set_enabled(self, login: str, *, is_enabled: bool) -> None:
        """Let an account sign in, or not; its sessions end either way. Raises NotFound."""
        self._change(login, lambda connection: rows.update_enabled(connection, login, is_enabled=is_enabled))

    def unlock(self, login: str) -> None:
        """Forget the failed sign-ins of a login, whether or not it has an account."""
        self._stores.database.write(lambda connection: delete_failures(connection, login))

    def _change(self, login: str, unit: Callable[[Connection], bool]) -> None:
        if not self._stores.database.write(unit):
            raise NotFound(f"user {login!r}")


def _check_login(login: str) -> None:
    allowed = all(character.isalnum() or character in "._-@" for character in login)
    if not 1 <= len(login) <= LONGEST_LOGIN or not allowed or login.lower() == "guest":
        rule = f"use 1 to {LONGEST_LOGIN} letters, digits and . _ - @ (and not the word guest)"
        raise BadName("user name", login, rule)


def _to_user(profile: rows.Profile) -> User:
    account = profile.account
    return User(
        number=account.pk,
        login=account.login,
        is_admin=account.is_admin,
        is_enabled=account.is_enabled,
        is_verified=account.is_verified,
        is_locked=profile.failures >= MOST_FAILURES,
        data_role=account.data_role,
        email=profile.email,
        first_name=profile.first_name,
        last_name=profile.last_name,
        created_at=profile.created_at,
        modified_at=profile.modified_at,
        last_success_at=profile.last_success_at,
    )
