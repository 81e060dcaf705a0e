"""The lease of each server process: who may still commit uploads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, update

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


def fence_silent_leases(connection: Connection, *, before: datetime, now: datetime) -> int:
    """Fence what was not renewed since a moment, behind all uploads that are being named; how many those were."""
    return connection.execute(update(lease).where(_silent_since(before)).values(fenced_at=now)).rowcount


def count_silent_leases(connection: Connection, *, before: datetime) -> int:
    """How many ``fence_silent_leases`` would fence."""
    return connection.execute(select(func.count()).select_from(lease).where(_silent_since(before))).scalar_one()


def list_ended_leases(connection: Connection, *, silent_since: datetime) -> Sequence[str]:
    """Leases that are fenced, or silent since a moment."""
    ended = or_(lease.c.fenced_at.is_not(None), _silent_since(silent_since))
    return connection.execute(select(lease.c.id).where(ended).order_by(lease.c.id)).scalars().all()


def _silent_since(moment: datetime) -> ColumnElement[bool]:
    return and_(lease.c.renewed_at < moment, lease.c.fenced_at.is_(None))


def list_leases_to_sweep(connection: Connection, *, settled: datetime) -> Sequence[str]:
    """Fenced leases that were never swept, and those fenced before a moment that were not swept since then.

    A process that was only paused may write a last blob after its lease was fenced and swept.
    """
    is_settled = and_(lease.c.fenced_at <= settled, lease.c.swept_at.is_not(None))
    query = select(lease.c.id).where(lease.c.fenced_at.is_not(None), or_(lease.c.swept_at.is_(None), is_settled))
    return connection.execute(query.order_by(lease.c.id)).scalars().all()


def mark_lease_swept(connection: Connection, lease_id: str, *, now: datetime, settled: datetime) -> None:
    """Forget a lease that has been fenced since before a moment: without its row it stays as fenced as it was."""
    connection.execute(delete(lease).where(lease.c.id == lease_id, lease.c.fenced_at <= settled))
    connection.execute(update(lease).where(lease.c.id == lease_id).values(swept_at=now))
