"""Alias tokens: pairs that stand for somebody's login and password for a while (C-38 to C-41).

They are checked without the cost of a password, because nobody chose them, and never remembered, because they can be
taken back at any moment.
"""

import hmac
import re
import secrets
import string
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from filmroom.db import people as people_rows
from filmroom.db import sessions as session_rows
from filmroom.db import tokens as rows
from filmroom.model.errors import AccountLocked, NotFound
from filmroom.model.people import Token, Viewer
from filmroom.service.audit import record_of_account
from filmroom.service.gate import is_administrator, require_admin
from filmroom.service.sessions import Lockout, hash_secret, to_viewer
from filmroom.service.stores import Stores

# C-39.
_SECRET_LENGTH: Final = 64
_ALPHABET: Final = string.ascii_letters + string.digits
_ALIAS: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Tokens:
    def __init__(self, stores: Stores, *, lockout: Lockout, lifetime: timedelta) -> None:
        self._stores = stores
        self._lockout = lockout
        self._lifetime = lifetime

    def issue(self, viewer: Viewer, login: str | None = None, *, is_single_use: bool = False) -> tuple[Token, str]:
        """A new token and its secret, which is told only here, for oneself or (administrators) for another.

        Raises NotAllowed, NotFound.
        """
        require_admin(viewer, unless_own=login or viewer.login)
        secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
        stamp = self._stores.stamp(viewer)
        now = stamp.at

        def unit(connection: Connection) -> rows.TokenRow:
            rows.delete_expired_tokens(connection, now)
            owner = _get_account(connection, login or viewer.login)
            token = rows.TokenRow(
                pk=0,
                alias=str(uuid.uuid4()),
                secret_sha256=hash_secret(secret),
                account=owner,
                credential_version=owner.credential_version,
                is_single_use=is_single_use,
                created_at=now,
                expires_at=now + self._lifetime,
            )
            record_of_account(connection, stamp, owner.login, "issued a token", alias=token.alias)
            return replace(token, pk=rows.insert_token(connection, token))

        return _to_token(self._stores.database.write(unit)), secret

    def list_live(self, viewer: Viewer, login: str | None = None) -> tuple[Token, ...]:
        """One's own or (administrators) another's tokens that can be used. Raises NotAllowed, NotFound."""
        require_admin(viewer, unless_own=login or viewer.login)
        now = self._stores.clock()
        with self._stores.database.read() as connection:
            owner = _get_account(connection, login or viewer.login)
            return tuple(_to_token(row) for row in rows.iter_tokens(connection, owner.pk) if _is_live(row, now))

    def find_viewer(self, alias: str, secret: str, *, client: str) -> Viewer | None:
        """Who has this token; None for a pair that is none. One for a single use is used up by it.

        Raises AccountLocked after too many failures from this address, which whoever asks has to count.
        """
        if not _ALIAS.fullmatch(alias):
            return None
        now = self._stores.clock()
        with self._stores.database.read() as connection:
            token = rows.find_token(connection, alias)
            failures = session_rows.count_failures(connection, alias, client, since=now - self._lockout.period)
        if failures >= self._lockout.failures:
            raise AccountLocked
        if token is None or not _is_secret(token, secret) or not _is_live(token, now):
            return None
        if token.is_single_use and not self._stores.database.write(
            lambda connection: rows.delete_token(connection, token.pk)
        ):
            return None  # somebody else was faster
        return to_viewer(token.account)

    def validate(self, alias: str, secret: str, *, client: str) -> str | None:
        """Whose token it is; None when the secret is not that of the alias, or its time is over.

        It counts as a use, and as a failure. Raises NotFound, AccountLocked.
        """
        with self._stores.database.read() as connection:
            if rows.find_token(connection, alias) is None:
                raise NotFound(f"token {alias!r}")
        viewer = self.find_viewer(alias, secret, client=client)
        if viewer is None:
            now = self._stores.clock()
            since = now - self._lockout.period
            self._stores.database.write(
                lambda connection: session_rows.add_failure(connection, alias, client, now=now, since=since)
            )
        return viewer.login if viewer else None

    def invalidate(self, viewer: Viewer, alias: str, secret: str | None = None) -> None:
        """End a token: one's own or (administrators) anybody's, and any whose secret one knows. Raises NotFound."""
        require_admin(viewer, unless_own=viewer.login)
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            token = rows.find_token(connection, alias)
            if token is None or not _may_end(viewer, token, secret):
                raise NotFound(f"token {alias!r}")
            if not rows.delete_token(connection, token.pk):
                raise NotFound(f"token {alias!r}")
            record_of_account(connection, stamp, token.account.login, "ended a token", alias=alias)

        self._stores.database.write(unit)


def _get_account(connection: Connection, login: str) -> people_rows.Account:
    account = people_rows.find_account(connection, login)
    if account is None:
        raise NotFound(f"user {login!r}")
    return account


def _may_end(viewer: Viewer, token: rows.TokenRow, secret: str | None) -> bool:
    if secret is not None:
        return _is_secret(token, secret)
    return is_administrator(viewer) or viewer.pk == token.account.pk


def _is_secret(token: rows.TokenRow, secret: str) -> bool:
    return hmac.compare_digest(token.secret_sha256, hash_secret(secret))


def _is_live(token: rows.TokenRow, now: datetime) -> bool:
    return token.account.lets_in(token.credential_version) and now < token.expires_at


def _to_token(row: rows.TokenRow) -> Token:
    return Token(
        number=row.pk,
        alias=row.alias,
        login=row.account.login,
        is_single_use=row.is_single_use,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
