"""Work that one process at a time does. A process that is heard of no more loses it when its time is over."""

from datetime import datetime

from sqlalchemy import Connection, or_, update

from filmroom.db.schema import chore
from filmroom.db.upsert import upsert
from filmroom.model.removal import SEALED


def take_chore(
    connection: Connection, name: str, holder: str, *, now: datetime, until: datetime, due_since: datetime
) -> bool:
    """Whether the holder has it now; not if another has it, or if it was done later than ``due_since``."""
    connection.execute(upsert(chore).values(name=name, holder="", held_until=SEALED).on_conflict_do_nothing())
    is_free = chore.c.held_until <= now
    is_due = or_(chore.c.done_at.is_(None), chore.c.done_at <= due_since)
    taken = update(chore).where(chore.c.name == name, is_free, is_due).values(holder=holder, held_until=until)
    return connection.execute(taken).rowcount == 1


def keep_chore(connection: Connection, name: str, holder: str, *, until: datetime) -> bool:
    """Whether the holder still has it; nobody else takes it before this transaction ends."""
    own = (chore.c.name == name, chore.c.holder == holder)
    return connection.execute(update(chore).where(*own).values(held_until=until)).rowcount == 1


def end_chore(connection: Connection, name: str, holder: str, *, done_at: datetime | None) -> None:
    """Give it up, done at that moment or (None) not done."""
    own = (chore.c.name == name, chore.c.holder == holder)
    values = {"holder": "", "held_until": SEALED, **({"done_at": done_at} if done_at else {})}
    connection.execute(update(chore).where(*own).values(values))
