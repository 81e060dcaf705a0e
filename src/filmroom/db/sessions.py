"""Rows of sessions and of failed sign-ins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from filmroom.db.hot import Hot
from filmroom.db.people import ACCOUNT, Account, to_account
from filmroom.db.schema import AnyRow, account, login_failure, session
from filmroom.db.upsert import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id_sha256: str
    account: Account
    credential_version: int
    last_used_at: datetime


_COLUMNS: Final = (
    *ACCOUNT,
    session.c.id_sha256,
    session.c.credential_version.label("session_version"),
    session.c.last_used_at,
)
_SESSION: Final = Hot(
    select(*_COLUMNS)
    .join(session, session.c.account_pk == account.c.node_pk)
    .where(session.c.id_sha256 == bindparam("wanted"))
)


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
    row = _SESSION.first(connection, {"wanted": id_sha256})
    return None if row is None else _to_session(row)


def list_sessions(connection: Connection, login: str | None) -> Iterator[Session]:
    """Those of one account, or (None) of all, by login and age; dead ones too."""
    query = (
        select(*_COLUMNS)
        .join(session, session.c.account_pk == account.c.node_pk)
        .order_by(account.c.login, session.c.created_at, session.c.id_sha256)
    )
    return map(_to_session, connection.execute(query if login is None else query.where(account.c.login == login)))


def _to_session(row: AnyRow) -> Session:
    return Session(
        id_sha256=row.id_sha256,
        account=to_account(row),
        credential_version=row.session_version,
        last_used_at=row.last_used_at,
    )


def touch_session(connection: Connection, id_sha256: str, *, now: datetime) -> None:
    connection.execute(update(session).where(session.c.id_sha256 == id_sha256).values(last_used_at=now))


def delete_session(connection: Connection, id_sha256: str) -> None:
    connection.execute(delete(session).where(session.c.id_sha256 == id_sha256))


def delete_sessions_of(connection: Connection, login: str) -> None:
    pk = select(account.c.node_pk).where(account.c.login == login).scalar_subquery()
    connection.execute(delete(session).where(session.c.account_pk == pk))


def delete_all_but_latest(connection: Connection, account_pk: int, *, kept: int) -> None:
    """Leave an account so many of its sessions: those that were used last."""
    surplus = (
        select(session.c.id_sha256)
        .where(session.c.account_pk == account_pk)
        .order_by(session.c.last_used_at.desc(), session.c.created_at.desc(), session.c.id_sha256)
        .offset(kept)
    )
    connection.execute(delete(session).where(session.c.id_sha256.in_(surplus)))


def delete_sessions_unused_since(connection: Connection, moment: datetime) -> int:
    """How many they were."""
    return connection.execute(delete(session).where(session.c.last_used_at < moment)).rowcount


def count_sessions_unused_since(connection: Connection, moment: datetime) -> int:
    query = select(func.count()).select_from(session).where(session.c.last_used_at < moment)
    return connection.execute(query).scalar_one()


def count_failures_before(connection: Connection, moment: datetime) -> int:
    query = select(func.count()).select_from(login_failure).where(login_failure.c.last_at < moment)
    return connection.execute(query).scalar_one()


def delete_failures_before(connection: Connection, moment: datetime) -> int:
    """Forget failures of which the last was before a moment; how many counts that were."""
    return connection.execute(delete(login_failure).where(login_failure.c.last_at < moment)).rowcount


def count_failures(connection: Connection, login: str, client: str, *, since: datetime) -> int:
    """Failed sign-ins in a row, unless the last one is older than ``since``."""
    query = select(login_failure.c.count).where(
        login_failure.c.login == login, login_failure.c.client == client, login_failure.c.last_at >= since
    )
    return connection.execute(query).scalar() or 0


def add_failure(connection: Connection, login: str, client: str, *, now: datetime, since: datetime) -> None:
    """Count one more failure; counts whose last one is older than ``since`` are forgotten, this one's too."""
    delete_failures_before(connection, since)
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
