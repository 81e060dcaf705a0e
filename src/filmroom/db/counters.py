"""Sequences of the whole archive. They begin at 1; a number that is not used in the end is lost."""

from typing import Final

from sqlalchemy import Connection, bindparam

from filmroom.db.hot import Hot
from filmroom.db.schema import counter
from filmroom.db.upsert import upsert

_BUMP: Final = Hot(
    upsert(counter)
    .values(name=bindparam("counter_name"), next_value=2)
    .on_conflict_do_update(index_elements=[counter.c.name], set_={"next_value": counter.c.next_value + 1})
    .returning(counter.c.next_value)
)


def next_number(connection: Connection, name: str) -> int:
    """The next number of a sequence, given to nobody else; the sequence is made if need be."""
    return int(_BUMP.first(connection, {"counter_name": name}).next_value) - 1
