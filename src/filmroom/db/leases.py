"""The lease of each server process: who may still commit uploads."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from filmroom.db.hot import Hot
from filmroom.db.schema import lease

# On PostgreSQL the weakest lock there is: other uploads and renewals go on, a fence waits until this has ended.
_ALIVE: Final = Hot(
    select(lease.c.id)
    .where(lease.c.id == bindparam("lease_id"), lease.c.fenced_at.is_(None))
    .with_for_update(read=True, key_share=True)
)


def insert_lease(connection: Connection, lease_id: str, *, owner: str, now: datetime) -> None:
    connection.execute(insert(lease).values(id=lease_id, owner=owner, started_at=now, renewed_at=now))


def renew_lease(connection: Connection, lease_id: str, *, now: datetime) -> bool:
    """Whether the lease could be renewed; False when it is fenced or gone."""
    alive = (lease.c.id == lease_id, lease.c.fenced_at.is_(None))
    return connection.execute(update(lease).where(*alive).values(renewed_at=now)).rowcount == 1


def is_lease_alive(connection: Connection, lease_id: str) -> bool:
    """Whether uploads begun under this lease may be committed; it stays so until the transaction ends."""
    return _ALIVE.first(connection, {"lease_id": lease_id}) is not None


def fence_lease(connection: Connection, lease_id: str, *, now: datetime) -> None:
    """From here on no upload that was begun under this lease can be committed."""
    connection.execute(select(lease.c.id).where(lease.c.id == lease_id).with_for_update())
    alive = (lease.c.id == lease_id, lease.c.fenced_at.is_(None))
    connection.execute(update(lease).where(*alive).values(fenced_at=now))


def list_living(connection: Connection, lease_ids: Collection[str]) -> set[str]:
    """Those of these leases under which uploads may still be committed."""
    return set(
        connection.execute(select(lease.c.id).where(lease.c.id.in_(lease_ids), lease.c.fenced_at.is_(None))).scalars()
    )
