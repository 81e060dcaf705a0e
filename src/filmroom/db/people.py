"""Rows of accounts, their sessions and their failed sign-ins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, login_failure, node, session
from filmroom.model.nodes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A row of ``account``: all that signing in needs."""

    pk: int
    login: str
    password_hash: str
    credential_version: int
    is_admin: bool
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    account: Account
    credential_version: int
    last_used_at: datetime


_ACCOUNT: Final = (
    account.c.node_pk.label("pk"),
    account.c.login,
    account.c.password_hash,
    account.c.credential_version,
    account.c.is_admin,
    account.c.is_enabled,
)
_BY_LOGIN: Final = Hot(select(*_ACCOUNT).where(account.c.login == bindparam("login")))
_BY_PK: Final = Hot(select(*_ACCOUNT).where(account.c.node_pk == bindparam("pk")))
_SESSION: Final = Hot(
    select(*_ACCOUNT, session.c.credential_version.label("session_version"), session.c.last_used_at)
    .join(session, session.c.account_pk == account.c.node_pk)
    .where(session.c.id_sha256 == bindparam("id_sha256"))
)


def _to_account(row: AnyRow) -> Account:
    return Account(
        pk=row.pk,
        login=row.login,
        password_hash=row.password_hash,
        credential_version=row.credential_version,
        is_admin=row.is_admin,
        is_enabled=row.is_enabled,
    )


def find_account(connection: Connection, login: str) -> Account | None:
    row = _BY_LOGIN.first(connection, {"login": login})
    return None if row is None else _to_account(row)


def find_account_by_pk(connection: Connection, pk: int) -> Account | None:
    row = _BY_PK.first(connection, {"pk": pk})
    return None if row is None else _to_account(row)


def iter_accounts(connection: Connection, *, since: datetime) -> Iterator[tuple[Account, datetime, int]]:
    """Every account by login, with when it was made and the most failed sign-ins in a row from one address.

    Failures count unless the last one is older than ``since``.
    """
    failures = (
        select(func.max(login_failure.c.count))
        .where(login_failure.c.login == account.c.login, login_failure.c.last_at >= since)
        .scalar_subquery()
    )
    query = (
        select(*_ACCOUNT, node.c.created_at, func.coalesce(failures, 0).label("failures"))
        .join(node, node.c.pk == account.c.node_pk)
        .order_by(account.c.login)
    )
    return ((_to_account(row), row.created_at, row.failures) for row in connection.execute(query))


def has_accounts(connection: Connection) -> bool:
    return connection.execute(select(account.c.node_pk).limit(1)).first() is not None


def insert_account(connection: Connection, login: str, password_hash: str, *, is_admin: bool, now: datetime) -> bool:
    """Whether the account and its node were made; False when the login is taken."""
    if find_account(connection, login) is not None:
        return False
    user = {"kind": Kind.USER, "id": login, "xsi_type": "xdat:user", "created_at": now, "modified_at": now}
    pk = connection.execute(insert(node).values(user).returning(node.c.pk)).scalar_one()
    values = {
        "node_pk": pk,
        "login": login,
        "password_hash": password_hash,
        "is_admin": is_admin,
        "is_enabled": True,
    }
    # Not "on conflict do nothing": whoever loses a race for a login must not leave its node behind.
    connection.execute(insert(account).values(values))
    return True


def update_password(connection: Connection, login: str, password_hash: str) -> bool:
    """Whether there is such an account. Whatever was signed in with the old password is so no more."""
    values = {"password_hash": password_hash, "credential_version": account.c.credential_version + 1}
    return connection.execute(update(account).where(account.c.login == login).values(values)).rowcount == 1


def update_enabled(connection: Connection, login: str, *, is_enabled: bool) -> bool:
    """Whether there is such an account. Its sessions and remembered passwords end either way."""
    values = {"is_enabled": is_enabled, "credential_version": account.c.credential_version + 1}
    return connection.execute(update(account).where(account.c.login == login).values(values)).rowcount == 1


def insert_session(connection: Connection, id_sha256: str, owner: Account, *, now: datetime) -> None:
    values = {
        "id_sha256": id_sha256,
        "account_pk": owner.pk,
        "credential_version": owner.credential_version,
        "created_at": now,
        "last_used_at": now,
    }
    connection.execute(insert(session).values(values))


def find_session(connection: Connection, id_sha256: str) -> Session | None:
    row = _SESSION.first(connection, {"id_sha256": id_sha256})
    if row is None:
        return None
    return Session(account=_to_account(row), credential_version=row.session_version, last_used_at=row.last_used_at)


def touch_session(connection: Connection, id_sha256: str, *, now: datetime) -> None:
    connection.execute(update(session).where(session.c.id_sha256 == id_sha256).values(last_used_at=now))


def delete_session(connection: Connection, id_sha256: str) -> None:
    connection.execute(delete(session).where(session.c.id_sha256 == id_sha256))


def delete_sessions_unused_since(connection: Connection, moment: datetime) -> None:
    connection.execute(delete(session).where(session.c.last_used_at < moment))


def count_failures(connection: Connection, login: str, client: str, *, since: datetime) -> int:
    """Failed sign-ins in a row, unless the last one is older than ``since``."""
    query = select(login_failure.c.count).where(
        login_failure.c.login == login, login_failure.c.client == client, login_failure.c.last_at >= since
    )
    return connection.execute(query).scalar() or 0


def add_failure(connection: Connection, login: str, client: str, *, now: datetime, since: datetime) -> None:
    """Count one more failure; counts whose last one is older than ``since`` are forgotten, this one's too."""
    connection.execute(delete(login_failure).where(login_failure.c.last_at < since))
    connection.execute(
        upsert(login_failure)
        .values(login=login, client=client, count=1, last_at=now)
        .on_conflict_do_update(
            index_elements=[login_failure.c.login, login_failure.c.client],
            set_={"count": login_failure.c.count + 1, "last_at": now},
        )
    )


def delete_failures(connection: Connection, login: str, client: str | None = None) -> None:
    """Forget the failures of a login, from one address or (None) from all."""
    query = delete(login_failure).where(login_failure.c.login == login)
    connection.execute(query if client is None else query.where(login_failure.c.client == client))
