"""The right of a server process to commit uploads, and the keys of its blobs.

Every blob's key begins with the lease under which it was written, and committing an upload checks that lease in the
same transaction. So whoever cleans up after a process that died need only fence its lease: from then on none of its
blobs can become named, and those that no row names can go. A lease lasts as long as it is renewed each minute.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from itertools import count
from typing import Final

from sqlalchemy import Connection

from filmroom.db import leases as rows
from filmroom.db.engine import Database
from filmroom.db.memory import recall
from filmroom.model.errors import ArchiveError, LeaseLost

RENEW_AFTER_SECONDS: Final = 60.0
# Blobs of one folder: small enough to list, large enough that concurrent uploads share a folder's fsync.
_BLOBS_PER_BATCH: Final = 1000
_DRAWN_AT_ONCE: Final = 100


class Leases:
    """Takes a lease when the first key is asked for, and a new one when it finds the old one fenced."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._lease_id: str | None = None
        self._numbers = count()
        self._drawn: list[str] = []
        self._taking = threading.Lock()
        self._stopped = threading.Event()

    def new_key(self) -> str:
        """A key that was never used and never will be again; later keys of a process sort after earlier ones."""
        lease_id = self._lease_id or self._take()
        number = next(self._numbers)
        return f"{lease_id}-{number // _BLOBS_PER_BATCH:06x}-{number:09x}{self._draw()}"

    def _draw(self) -> str:
        """64 random bits, drawn for many keys at once: each draw gives the interpreter's lock away."""
        while True:
            try:
                return self._drawn.pop()
            except IndexError:
                drawn = secrets.token_hex(8 * _DRAWN_AT_ONCE)
                self._drawn += [drawn[start : start + 16] for start in range(0, len(drawn), 16)]

    def renew(self) -> None:
        """Say that this process lives; a lease that was fenced meanwhile is given up."""
        lease_id, now = self._lease_id, self._clock()
        if lease_id and not self._database.write(lambda connection: rows.renew_lease(connection, lease_id, now=now)):
            self.give_up()

    def give_up(self) -> None:
        """Use the lease no more, because it was found fenced; the next key takes a new one."""
        self._lease_id = None

    def close(self) -> None:
        """Fence the lease: this process commits no more uploads."""
        self._stopped.set()
        lease_id, now = self._lease_id, self._clock()
        if lease_id:
            self._database.write(lambda connection: rows.fence_lease(connection, lease_id, now=now))

    def _take(self) -> str:
        with self._taking:
            if self._lease_id is None:
                now = self._clock()
                lease_id = f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(4)}"
                owner = f"{socket.gethostname()}:{os.getpid()}"
                self._database.write(lambda connection: rows.insert_lease(connection, lease_id, owner=owner, now=now))
                self._lease_id = lease_id
                threading.Thread(target=self._keep_renewing, args=(lease_id,), daemon=True).start()
            return self._lease_id

    def _keep_renewing(self, lease_id: str) -> None:
        while self._lease_id == lease_id and not self._stopped.wait(RENEW_AFTER_SECONDS):
            try:
                self.renew()
            except ArchiveError:
                continue  # the database may be back in a minute; until then commits fail by themselves


def check_leases(connection: Connection, keys: Iterable[str]) -> None:
    """Raises LeaseLost unless every key was made under a lease that is alive until this transaction ends."""
    for lease_id in {key.split("-", 1)[0] for key in keys}:
        if not recall(connection, ("lease", lease_id), partial(rows.is_lease_alive, connection, lease_id)):
            raise LeaseLost
