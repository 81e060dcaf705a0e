"""INSERT with ON CONFLICT, which both databases have in the same words.

SQLAlchemy has it once for each. PostgreSQL's would be loaded with all there is of its dialect, a twentieth of a start;
SQLite's lacks one attribute that the other dialect asks for.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate


class _Nothing(OnConflictDoNothing):
    inherit_cache = True
    constraint_target = None


class _Update(OnConflictDoUpdate):
    inherit_cache = True
    constraint_target = None


class Upsert(Insert):
    """An INSERT that says what is done where a row like the new one is there."""

    inherit_cache = True

    def on_conflict_do_nothing(self) -> "Upsert":  # type: ignore[override] # it takes less
        return self.ext(_Nothing())

    def on_conflict_do_update(  # type: ignore[override] # it takes less
        self, *, index_elements: Sequence[Column[Any]], set_: dict[str, Any]
    ) -> "Upsert":
        return self.ext(_Update(index_elements, set_=set_))


def upsert(table: Table) -> Upsert:
    return Upsert(table)
