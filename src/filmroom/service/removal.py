"""The one way in which rows and bytes go for good: rows first, a batch in each transaction; then bytes.

Upkeep, purges and the clearing of caches all go this way. Whoever is broken off in between leaves rows that the next
one takes up, or keys in ``doomed_blob`` whose bytes the next one deletes; never a row without its bytes.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from filmroom.db import upkeep
from filmroom.model.removal import Removed
from filmroom.service.stores import Stores

T = TypeVar("T")
Unit = Callable[[Connection], T]

_LONGEST_PAUSE_SECONDS: Final = 0.1


def _always(_connection: Connection) -> None:
    """Nobody stops it."""


class Removal:
    """One removal, and what it removed so far. ``kept`` counts things that carry experiments of other projects.

    ``guard`` is asked first in each transaction, and raises to stop.
    """

    def __init__(self, stores: Stores, *, guard: Unit[None] = _always) -> None:
        self._stores = stores
        self._guard = guard
        self.removed = Removed()
        self.kept = 0

    def write(self, unit: Unit[T]) -> T:
        """Run a unit and then leave the database to others for as long as that took."""
        began = time.monotonic()

        def guarded(connection: Connection) -> T:
            self._guard(connection)
            return unit(connection)

        result = self._stores.database.write(guarded)
        time.sleep(min(time.monotonic() - began, _LONGEST_PAUSE_SECONDS))
        return result

    def repeat(self, step: Unit[Removed | None]) -> None:
        """Take a step again and again, until nothing is left."""
        while (removed := self.write(step)) is not None:
            self.removed.add(removed)

    def remove_deleted(self, *, before: datetime) -> None:
        """Remove all that was deleted or overwritten by then, rows and bytes."""
        after = 0
        while pks := self._list_deleted_nodes(before, after):
            for pk in pks:
                self._remove_node(pk, before)
            after = pks[-1]
        for step in (upkeep.remove_deleted_resource, upkeep.remove_deleted_files, upkeep.remove_versions):
            self.repeat(partial(step, before=before))
        while self.write(partial(upkeep.remove_names, before=before)):
            pass
        self.delete_bytes()

    def delete_bytes(self) -> None:
        """Delete the bytes whose rows are gone, now or since an earlier removal was broken off."""
        while keys := self._list_doomed():
            self._stores.blobs.destroy(keys)
            self.write(partial(upkeep.forget_doomed, keys=keys))

    def _remove_node(self, pk: int, before: datetime) -> None:
        if self.write(partial(upkeep.seal_node, pk=pk, before=before)):
            self.repeat(partial(upkeep.remove_node, pk=pk))
        else:
            self.kept += 1

    def _list_deleted_nodes(self, before: datetime, after: int) -> list[int]:
        with self._stores.database.read() as connection:
            return list(upkeep.list_deleted_nodes(connection, before=before, after=after))

    def _list_doomed(self) -> list[str]:
        with self._stores.database.read() as connection:
            return list(upkeep.list_doomed(connection))
