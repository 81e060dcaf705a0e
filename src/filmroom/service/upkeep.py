"""What an archive needs from time to time: what is past its grace period goes, and what nobody names any more.

One process at a time does it, whichever of those over one database comes first (``db/chores.py``). Every transaction
looks whether it still may, so that one that was paused and has lost its turn changes nothing.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from threading import Event
from typing import Final

from sqlalchemy import Connection

from filmroom.db import chores, holdings, leases, sessions, tokens, upkeep
from filmroom.model.errors import Busy, MissingBytes
from filmroom.model.removal import Removed
from filmroom.service.removal import Removal
from filmroom.service.sessions import LOCKED_FOR
from filmroom.service.stores import Stores

_CHORE: Final = "upkeep"
# Far longer than any one transaction, and short enough for the next to begin soon after a crash.
_HELD_FOR: Final = timedelta(minutes=10)
# A process renews its lease each minute.
_SILENT_AFTER: Final = timedelta(hours=1)
_SETTLED_AFTER: Final = timedelta(days=1)
_KEYS_AT_ONCE: Final = 1000


@dataclass(slots=True)
class Report:
    """What was done, or would be.

    ``unnamed_blobs`` were uploads that never ended well; ``kept`` are things past their grace period that carry live
    experiments of other projects.
    """

    removed: Removed = field(default_factory=Removed)
    kept: int = 0
    fenced_leases: int = 0
    unnamed_blobs: int = 0
    unnamed_bytes: int = 0
    sessions: int = 0
    login_failures: int = 0
    tokens: int = 0

    def as_flat(self) -> dict[str, int]:
        """Every count by its name."""
        counts = asdict(self)
        return {**counts.pop("removed"), **counts}


class Upkeep:
    def __init__(self, stores: Stores, *, undo_period: timedelta, session_idle_limit: timedelta) -> None:
        self._stores = stores
        self._undo_period = undo_period
        self._session_idle_limit = session_idle_limit

    def run(self, *, stop: Event | None = None, unless_done_since: datetime | None = None) -> Report | None:
        """Do all of it; None when another process is at it, or when it was done since that moment.

        Raises Busy when it is to stop, or has lost its turn. What was done by then stays done, and the rest is left to
        the next time.
        """
        with self._turn(unless_done_since or self._stores.clock()) as holder:
            if holder is None:
                return None
            removal = Removal(self._stores, guard=partial(self._keep, holder=holder, stop=stop or Event()))
            now, report = self._stores.clock(), Report()
            self._stores.leases.renew()
            removal.remove_deleted(before=now - self._undo_period)
            report.removed, report.kept = removal.removed, removal.kept
            silent = partial(leases.fence_silent_leases, before=now - _SILENT_AFTER, now=now)
            report.fenced_leases = removal.write(silent)
            self._sweep(removal, now, report)
            self._forget_visitors(removal, now, report)
            return report

    def run_if_due(self, interval: timedelta, *, stop: Event) -> Report | None:
        """As ``run``; None also when it was done less than an interval ago."""
        return self.run(stop=stop, unless_done_since=self._stores.clock() - interval)

    def preview(self) -> Report:
        """What a run would do now."""
        now = self._stores.clock()
        before = now - self._undo_period
        with self._stores.database.read() as connection:
            report = Report(
                removed=holdings.count_deleted(connection, before=before),
                fenced_leases=leases.count_silent_leases(connection, before=now - _SILENT_AFTER),
                sessions=sessions.count_sessions_unused_since(connection, now - self._session_idle_limit),
                login_failures=sessions.count_failures_before(connection, now - LOCKED_FOR),
                tokens=tokens.count_expired_tokens(connection, now),
            )
            ended = leases.list_ended_leases(connection, silent_since=now - _SILENT_AFTER)
        for lease_id in ended:
            for keys in self._iter_unnamed(lease_id):
                self._count_unnamed(keys, report)
        return report

    @contextmanager
    def _turn(self, unless_done_since: datetime) -> Iterator[str | None]:
        """Who we are while it is our turn; None when it is not."""
        holder, now = secrets.token_hex(8), self._stores.clock()
        taking = partial(
            chores.take_chore, name=_CHORE, holder=holder, now=now, until=now + _HELD_FOR, due_since=unless_done_since
        )
        if not self._stores.database.write(taking):
            yield None
            return
        done_at: datetime | None = None
        try:
            yield holder
            done_at = self._stores.clock()
        finally:
            ending = partial(chores.end_chore, name=_CHORE, holder=holder, done_at=done_at)
            self._stores.database.write(ending)

    def _keep(self, connection: Connection, *, holder: str, stop: Event) -> None:
        if stop.is_set():
            raise Busy("upkeep was told to stop")
        until = self._stores.clock() + _HELD_FOR
        if not chores.keep_chore(connection, _CHORE, holder, until=until):
            raise Busy("another process has taken over upkeep")

    def _sweep(self, removal: Removal, now: datetime, report: Report) -> None:
        """Delete what was written under leases that are fenced, so that it can never be named, and is not."""
        settled = now - _SETTLED_AFTER
        with self._stores.database.read() as connection:
            ended = leases.list_leases_to_sweep(connection, settled=settled)
        for lease_id in ended:
            for keys in self._iter_unnamed(lease_id):
                removal.write(_do_nothing)  # it may be long since the guard was asked
                self._count_unnamed(keys, report)
                self._stores.blobs.destroy(keys)
            removal.write(partial(leases.mark_lease_swept, lease_id=lease_id, now=now, settled=settled))

    def _iter_unnamed(self, lease_id: str) -> Iterator[list[str]]:
        keys = self._stores.blobs.iter_keys_of(lease_id)
        while batch := list(islice(keys, _KEYS_AT_ONCE)):
            with self._stores.database.read() as connection:
                named = upkeep.list_named(connection, batch)
            if unnamed := [key for key in batch if key not in named]:
                yield unnamed

    def _count_unnamed(self, keys: list[str], report: Report) -> None:
        for key in keys:
            with suppress(MissingBytes):  # the upload that failed may have cleaned up meanwhile
                report.unnamed_bytes += self._stores.blobs.size_bytes(key)
                report.unnamed_blobs += 1

    def _forget_visitors(self, removal: Removal, now: datetime, report: Report) -> None:
        unused = partial(sessions.delete_sessions_unused_since, moment=now - self._session_idle_limit)
        report.sessions = removal.write(unused)
        report.login_failures = removal.write(partial(sessions.delete_failures_before, moment=now - LOCKED_FOR))
        report.tokens = removal.write(partial(tokens.delete_expired_tokens, now=now))


def _do_nothing(_connection: Connection) -> None:
    """All that is done is what the guard does."""
