"""Rows of sessions and of failed sign-ins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from filmroom.db.hot import Hot
from filmroom.db.people import ACCOUNT, Account, to_account
from filmroom.db.schema import account, login_failure, session


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    account: Account
    credential_version: int
    last_used_at: datetime


_SESSION: Final = Hot(
    select(*ACCOUNT, session.c.credential_version.label("session_version"), session.c.last_used_at)
    .join(session, session.c.account_pk == account.c.node_pk)
    .where(session.c.id_sha256 == bindparam("id_sha256"))
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
    row = _SESSION.first(connection, {"id_sha256": id_sha256})
    if row is None:
        return None
    return Session(account=to_account(row), credential_version=row.session_version, last_used_at=row.last_used_at)


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
