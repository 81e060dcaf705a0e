"""Rows of alias tokens."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from filmroom.db.hot import Hot
from filmroom.db.people import ACCOUNT, Account, to_account
from filmroom.db.schema import AnyRow, account, alias_token


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A row of ``alias_token`` with its account. ``credential_version`` is the account's when it was issued."""

    pk: int
    alias: str
    secret_sha256: str
    account: Account
    credential_version: int
    is_single_use: bool
    created_at: datetime
    expires_at: datetime


_TOKENS: Final = select(
    *ACCOUNT,
    alias_token.c.pk.label("token_pk"),
    alias_token.c.alias,
    alias_token.c.secret_sha256,
    alias_token.c.credential_version.label("token_version"),
    alias_token.c.is_single_use,
    alias_token.c.created_at,
    alias_token.c.expires_at,
).join(alias_token, alias_token.c.account_pk == account.c.node_pk)
_BY_ALIAS: Final = Hot(_TOKENS.where(alias_token.c.alias == bindparam("wanted")))


def insert_token(connection: Connection, token: TokenRow) -> int:
    """Its number; ``token.pk`` does not count."""
    values = {
        "alias": token.alias,
        "secret_sha256": token.secret_sha256,
        "account_pk": token.account.pk,
        "credential_version": token.credential_version,
        "is_single_use": token.is_single_use,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    return int(connection.execute(insert(alias_token).values(values).returning(alias_token.c.pk)).scalar_one())


def find_token(connection: Connection, alias: str) -> TokenRow | None:
    row = _BY_ALIAS.first(connection, {"wanted": alias})
    return None if row is None else _to_token(row)


def iter_tokens(connection: Connection, account_pk: int) -> Iterator[TokenRow]:
    """Those of an account by age; dead ones too."""
    query = _TOKENS.where(alias_token.c.account_pk == account_pk).order_by(alias_token.c.pk)
    return map(_to_token, connection.execute(query))


def _to_token(row: AnyRow) -> TokenRow:
    return TokenRow(
        pk=row.token_pk,
        alias=row.alias,
        secret_sha256=row.secret_sha256,
        account=to_account(row),
        credential_version=row.token_version,
        is_single_use=row.is_single_use,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def delete_token(connection: Connection, pk: int) -> bool:
    """Whether it was there: of several who delete a token at once, one did."""
    return connection.execute(delete(alias_token).where(alias_token.c.pk == pk)).rowcount == 1


def delete_expired_tokens(connection: Connection, now: datetime) -> int:
    """How many they were."""
    return connection.execute(delete(alias_token).where(alias_token.c.expires_at <= now)).rowcount


def count_expired_tokens(connection: Connection, now: datetime) -> int:
    query = select(func.count()).select_from(alias_token).where(alias_token.c.expires_at <= now)
    return connection.execute(query).scalar_one()
