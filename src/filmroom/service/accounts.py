"""Accounts: signing in, sessions, lock-out, and what operators do to accounts."""

import hashlib
import hmac
import secrets
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from filmroom.db import people as rows
from filmroom.model.errors import AccountLocked, BadName, Busy, NotFound, NotSignedIn, StorageFailed, StorageFull
from filmroom.model.people import User, Viewer
from filmroom.service.stores import Stores
from filmroom.service.turns import Turns

# C-32: XNAT's defaults.
MOST_FAILURES: Final = 20
LOCKED_FOR: Final = timedelta(hours=1)

_REMEMBERED_FOR: Final = timedelta(minutes=5)
_MOST_REMEMBERED: Final = 10_000
_HASHES_AT_ONCE: Final = 2
_LONGEST_WAIT_SECONDS: Final = 2.0
_TOUCH_AFTER: Final = timedelta(minutes=1)
_LONGEST_LOGIN: Final = 64
_SHORTEST_PASSWORD: Final = 8
_LONGEST_PASSWORD: Final = 1024


class Passwords:
    """Hashes and checks passwords, at most two at a time, because each costs 64 MiB and some 50 ms (RFC 9106)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = Turns(_HASHES_AT_ONCE, wait_seconds=_LONGEST_WAIT_SECONDS, reason="too many sign-ins at once")
        self._nobodys_hash = ""

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the password belongs to the hash; None costs as much time as any.

        Raises Busy after two seconds, or at once when too many wait already.
        """
        with self._turns.take():
            self._nobodys_hash = self._nobodys_hash or self._hasher.hash(secrets.token_hex())
            try:
                self._hasher.verify(password_hash or self._nobodys_hash, password)
            except (VerificationError, InvalidHashError):
                return False
            return password_hash is not None


class Accounts:
    def __init__(self, stores: Stores, *, session_idle_limit: timedelta) -> None:
        self._stores = stores
        self.session_idle_limit = session_idle_limit
        self._passwords = Passwords()
        self._secret = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[int, int, datetime]] = {}
        self._checking: dict[bytes, Future[Viewer]] = {}
        self._joining = threading.Lock()

    def sign_in(self, login: str, password: str, *, client: str) -> Viewer:
        """Who has this login and password. Raises NotSignedIn, AccountLocked, Busy.

        A pair that was right is remembered for five minutes, as an HMAC under a key of this process, and counts only
        while its account's ``credential_version`` is what it was. So many clients with one password cost one argon2.
        """
        pair = hmac.digest(self._secret, f"{login}\0{password}".encode(), "sha256")
        if viewer := self._recall(pair):
            return viewer
        if len(login) > _LONGEST_LOGIN or len(password) > _LONGEST_PASSWORD:
            raise NotSignedIn
        return self._check_once(login, password, pair=pair, client=client)

    def _check_once(self, login: str, password: str, *, pair: bytes, client: str) -> Viewer:
        """Check a pair, or wait for whoever is checking the same one and share what comes of it."""
        mine: Future[Viewer] = Future()
        with self._joining:
            running = self._checking.setdefault(pair, mine)
        if running is not mine:
            return running.result()
        try:
            mine.set_result(self._recall(pair) or self._check(login, password, pair=pair, client=client))
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._joining:
                del self._checking[pair]
        return mine.result()

    def _recall(self, pair: bytes) -> Viewer | None:
        pk, version, until = self._remembered.get(pair, (0, 0, None))
        if until is None or until < self._stores.clock():
            return None
        with self._stores.database.glance() as connection:
            account = rows.find_account_by_pk(connection, pk)
        is_same = account is not None and account.is_enabled and account.credential_version == version
        return _to_viewer(account) if account is not None and is_same else None

    def _check(self, login: str, password: str, *, pair: bytes, client: str) -> Viewer:
        now = self._stores.clock()
        since = now - LOCKED_FOR
        with self._stores.database.read() as connection:
            account = rows.find_account(connection, login)
            failures = rows.count_failures(connection, login, client, since=since)
        if failures >= MOST_FAILURES:
            raise AccountLocked
        is_right = self._passwords.is_right(password, account.password_hash if account else None)
        if account is None or not is_right or not account.is_enabled:
            self._write_if_possible(
                lambda connection: rows.add_failure(connection, login, client, now=now, since=since)
            )
            raise NotSignedIn
        if failures:
            self._write_if_possible(lambda connection: rows.delete_failures(connection, login, client))
        self._remember(pair, account, now)
        return _to_viewer(account)

    def _write_if_possible(self, unit: Callable[[Connection], None]) -> None:
        """Note something in passing: on a full disk signing in and reading go on without it."""
        with suppress(StorageFull, StorageFailed, Busy):
            self._stores.database.write(unit)

    def _remember(self, pair: bytes, account: rows.Account, now: datetime) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[pair] = (account.pk, account.credential_version, now + _REMEMBERED_FOR)

    def open_session(self, viewer: Viewer) -> str:
        """The id of a new session, 32 hex digits. It is told here once and only its hash is kept."""
        session_id = secrets.token_hex(16).upper()
        now = self._stores.clock()

        def unit(connection: Connection) -> None:
            rows.delete_sessions_unused_since(connection, now - self.session_idle_limit)
            account = rows.find_account_by_pk(connection, viewer.pk)
            if account is None:
                raise NotSignedIn
            rows.insert_session(connection, _sha256(session_id), account, now=now)

        self._stores.database.write(unit)
        return session_id

    def find_session_viewer(self, session_id: str) -> Viewer | None:
        """Whose session this is; None for one that is unknown, ended or idle for too long. Using it keeps it alive."""
        now = self._stores.clock()
        with self._stores.database.glance() as connection:
            session = rows.find_session(connection, _sha256(session_id))
        if session is None or not _is_alive(session, now=now, idle_limit=self.session_idle_limit):
            return None
        if now - session.last_used_at >= _TOUCH_AFTER:
            self._write_if_possible(lambda connection: rows.touch_session(connection, _sha256(session_id), now=now))
        return _to_viewer(session.account)

    def close_session(self, session_id: str) -> None:
        self._stores.database.write(lambda connection: rows.delete_session(connection, _sha256(session_id)))

    def add(self, login: str, password: str, *, is_admin: bool = False) -> None:
        """Make an account. Raises BadName for a login that is taken or cannot be one, or a password too short."""
        _check_login(login)
        password_hash = self._passwords.hash(_check_password(password))
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
            return tuple(
                User(
                    login=account.login,
                    is_admin=account.is_admin,
                    is_enabled=account.is_enabled,
                    is_locked=failures >= MOST_FAILURES,
                    created_at=created_at,
                )
                for account, created_at, failures in rows.iter_accounts(connection, since=since)
            )

    def set_password(self, login: str, password: str) -> None:
        """Change a password; whatever was signed in with the old one is so no more. Raises NotFound, BadName."""
        password_hash = self._passwords.hash(_check_password(password))
        self._change(login, lambda connection: rows.update_password(connection, login, password_hash))

    def set_enabled(self, login: str, *, is_enabled: bool) -> None:
        """Let an account sign in, or not; its sessions end either way. Raises NotFound."""
        self._change(login, lambda connection: rows.update_enabled(connection, login, is_enabled=is_enabled))

    def unlock(self, login: str) -> None:
        """Forget the failed sign-ins of a login, whether or not it has an account."""
        self._stores.database.write(lambda connection: rows.delete_failures(connection, login))

    def _change(self, login: str, unit: Callable[[Connection], bool]) -> None:
        if not self._stores.database.write(unit):
            raise NotFound(f"user {login!r}")


def csrf_token(session_id: str) -> str:
    """The session's CSRF token: a UUID that whoever knows the session's id can work out, and nobody else (C-44)."""
    return str(uuid.UUID(bytes=hmac.digest(session_id.encode(), b"XNAT_CSRF", "sha256")[:16]))


def _is_alive(session: rows.Session, *, now: datetime, idle_limit: timedelta) -> bool:
    is_current = session.account.is_enabled and session.credential_version == session.account.credential_version
    return is_current and now - session.last_used_at <= idle_limit


def _to_viewer(account: rows.Account) -> Viewer:
    return Viewer(pk=account.pk, login=account.login, is_admin=account.is_admin)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _check_login(login: str) -> None:
    allowed = all(character.isalnum() or character in "._-@" for character in login)
    if not 1 <= len(login) <= _LONGEST_LOGIN or not allowed or login.lower() == "guest":
        rule = f"use 1 to {_LONGEST_LOGIN} letters, digits and . _ - @ (and not the word guest)"
        raise BadName("user name", login, rule)


def _check_password(password: str) -> str:
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise BadName("password", "***", f"it must be {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters long")
    return password
