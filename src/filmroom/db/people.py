"""Rows of accounts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, login_failure, node
from filmroom.model.conflicts import LoginTaken
from filmroom.model.nodes import Kind
from filmroom.model.people import DataRole, Stamp


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

    @property
    def may_sign_in(self) -> bool:
        return self.is_enabled and self.is_verified

    def lets_in(self, credential_version: int) -> bool:
        """Whether what let somebody in, or was issued, when the version was this one still does."""
        return self.may_sign_in and credential_version == self.credential_version


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


def find_account_called(connection: Connection, name: str) -> Account | None:
    """Whose login this is, else whose number, else whose e-mail address, unless several have it (C-153)."""
    found = find_account(connection, name)
    if found is None and name.isascii() and name.isdigit() and len(name) <= _LONGEST_NUMBER:
        found = find_account_by_pk(connection, int(name))
    if found is None and "@" in name:
        query = select(*ACCOUNT).where(func.lower(account.c.email) == func.lower(name)).limit(2)
        rows = connection.execute(query).all()
        found = to_account(rows[0]) if len(rows) == 1 else None
    return found


# As many digits as always fit into a 64-bit integer.
_LONGEST_NUMBER: Final = 18


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


def has_accounts(connection: Connection) -> bool:
    return connection.execute(select(account.c.node_pk).limit(1)).first() is not None


def insert_account(connection: Connection, login: str, password_hash: str, *, is_admin: bool, now: datetime) -> int:
    """The pk of the account and its node. Raises LoginTaken."""
    if find_account(connection, login) is not None:
        raise LoginTaken(login)
    user = {"kind": Kind.USER, "id": login, "xsi_type": "xdat:user", "created_at": now, "modified_at": now}
    pk = int(connection.execute(insert(node).values(user).returning(node.c.pk)).scalar_one())
    values = {
        "node_pk": pk,
        "login": login,
        "password_hash": password_hash,
        "is_admin": is_admin,
        "is_enabled": True,
    }
    # Not "on conflict do nothing": whoever loses a race for a login must not leave its node behind.
    connection.execute(insert(account).values(values))
    return pk


def lock_account(connection: Connection, login: str) -> None:
    """Let nobody else change an account until the transaction ends; read it after this, not before."""
    connection.execute(select(account.c.node_pk).where(account.c.login == login).with_for_update(key_share=True))


def lock_administrators(connection: Connection) -> tuple[int, ...]:
    """The site administrators who can sign in; nobody else changes them until the transaction ends.

    Whoever locks an account too locks it after these, so that nobody waits for each other.
    """
    query = (
        select(account.c.node_pk)
        .where(account.c.is_admin, account.c.is_enabled, account.c.is_verified)
        .order_by(account.c.node_pk)
        .with_for_update(key_share=True)
    )
    return tuple(connection.execute(query).scalars())


def update_account(
    connection: Connection, pk: int, values: Mapping[str, Any], *, ends_sessions: bool, stamp: Stamp
) -> None:
    """Store columns of an account. What was signed in with it may be so no more."""
    values = {**values, **({"credential_version": account.c.credential_version + 1} if ends_sessions else {})}
    if values:
        connection.execute(update(account).where(account.c.node_pk == pk).values(values))
    connection.execute(update(node).where(node.c.pk == pk).values(modified_at=stamp.at, modified_by=stamp.by))


def note_success(connection: Connection, pk: int, *, now: datetime) -> None:
    connection.execute(update(account).where(account.c.node_pk == pk).values(last_success_at=now))
