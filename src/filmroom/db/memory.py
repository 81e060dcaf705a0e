"""What one upload after another need not look up again: who may put what where, while nothing that says so changes.

A crowd of uploads goes to few places, and half of what each asks of the database is what the one before it asked. On
SQLite all units of a process go through one connection, one after the other, and SQLite tells that connection whether
anybody else has committed anything since; a mark in the database tells whether that may have changed what is
remembered. So what was looked up in there is true until a unit runs that may have changed it, here or elsewhere, or the
connection is made anew: it is not a guess that expires.
"""

import math
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")

_MOST: Final = 1000
_ADVICE_SECONDS: Final = 1.0
_KEPT_AS: Final = "filmroom_memory"


def recall(connection: Connection, key: Hashable, find: Callable[[], T]) -> T:
    """For units: what was found under this key before, or else what is found now; None is no finding to remember.

    Where nobody knows of all changes it is always what is found now.
    """
    memory = _memory_of(connection)
    return find() if memory is None else memory.recall(key, find)


def forget(connection: Connection) -> None:
    """For units that change what others recall, and are known to keep it."""
    if (memory := _memory_of(connection)) is not None:
        memory.forget()


def _memory_of(connection: Connection) -> "Memory | None":
    memory: Memory | None = connection.get_execution_options().get(_KEPT_AS)
    return memory


class Memory:
    """What units have found in the state of the database that the next one will see."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}
        self._held_at = -math.inf
        self.holds = False
        """Whether nothing was forgotten in this transaction."""

    def serve(self, connection: Connection) -> None:
        """Be what units recall from that are run with this connection."""
        connection.execution_options(**{_KEPT_AS: self})

    def recall(self, key: Hashable, find: Callable[[], T]) -> T:
        known: T | None = self._found.get(key)
        if known is not None:
            return known
        found = find()
        if found is not None:
            if len(self._found) >= _MOST:
                self._found.clear()
            self._found[key] = found
        return found

    def peek(self, key: Hashable) -> Any:
        """For anybody: what held within the last second; None where that is unknown.

        Another process may have changed it meanwhile, so nobody must be refused anything, or told anything, by it.
        """
        return self._found.get(key) if time.monotonic() - self._held_at < _ADVICE_SECONDS else None

    def confirm(self) -> None:
        """All that is remembered holds in a transaction that begins now."""
        self._held_at = time.monotonic()
        self.holds = True

    def forget(self) -> None:
        self._found.clear()
        self.holds = False
