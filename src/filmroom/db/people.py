"""Rows of accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, login_failure, node
from filmroom.model.nodes import Kind
from filmroom.model.people import DataRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A row of ``account``: all that signing in needs."""

    pk: int
    login: str
    password_hash: str
    credential_version: int
    is_admin: bool
    is_enabled: bool
    is_verified: bool
    data_role: DataRole


ACCOUNT: Final = (
    account.c.node_pk.label("pk"),
    account.c.login,
    account.c.password_hash,
    account.c.credential_version,
    account.c.is_admin,
    account.c.is_enabled,
    account.c.is_verified,
    account.c.data_role,
)
_BY_LOGIN: Final = Hot(select(*ACCOUNT).where(account.c.login == bindparam("login")))
_BY_PK: Final = Hot(select(*ACCOUNT).where(account.c.node_pk == bindparam("pk")))


def to_account(row: AnyRow) -> Account:
    return Account(
        pk=row.pk,
        login=row.login,
        password_hash=row.password_hash,
        credential_version=row.credential_version,
        is_admin=row.is_admin,
        is_enabled=row.is_enabled,
        is_verified=row.is_verified,
        data_role=DataRole(row.data_role),
    )


def find_account(connection: Connection, login: str) -> Account | None:
    row = _BY_LOGIN.first(connection, {"login": login})
    return None if row is None else to_account(row)


def find_account_by_pk(connection: Connection, pk: int) -> Account | None:
    row = _BY_PK.first(connection, {"pk": pk})
    return None if row is None else to_account(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An account and what is only shown: ``failures`` is the most failed sign-ins in a row from one address."""

    account: Account
    email: str
    first_name: str
    last_name: str
    created_at: datetime
    modified_at: datetime
    last_success_at: datetime | None
    failures: int


def iter_profiles(connection: Connection, *, since: datetime, login: str | None = None) -> Iterator[Profile]:
    """Every account by login, or the one that is named. Failures count unless the last one is older than ``since``."""
    failures = (
        select(func.max(login_failure.c.count))
        .where(login_failure.c.login == account.c.login, login_failure.c.last_at >= since)
        .scalar_subquery()
    )
    shown = (account.c.email, account.c.first_name, account.c.last_name, account.c.last_success_at)
    query = (
        select(*ACCOUNT, *shown, node.c.created_at, node.c.modified_at, func.coalesce(failures, 0).label("failures"))
        .join(node, node.c.pk == account.c.node_pk)
        .order_by(account.c.login)
    )
    if login is not None:
        query = query.where(account.c.login == login)
    return map(_to_profile, connection.execute(query))


def _to_profile(row: AnyRow) -> Profile:
    return Profile(
        account=to_account(row),
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        created_at=row.created_at,
        modified_at=row.modified_at,
        last_success_at=row.last_success_at,
        failures=row.failures,
    )


def find_pk(connection: Connection, name: str) -> int | None:
    """The account of this login, number or e-mail address, the first of these that is one."""
    is_number = name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS
    columns = (account.c.login == name, account.c.node_pk == (int(name) if is_number else 0), account.c.email == name)
    for is_it in columns:
        found = connection.execute(select(account.c.node_pk).where(is_it).limit(2)).scalars().all()
        if len(found) == 1 and name:
            return int(found[0])
    return None


_MOST_DIGITS: Final = 18


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
