"""Sequences of the whole archive. They begin at 1; a number that is not used in the end is lost."""

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as upsert

from filmroom.db.schema import counter


def next_number(connection: Connection, name: str) -> int:
    """The next number of a sequence, given to nobody else; the sequence is made if need be."""
    bump = (
        upsert(counter)
        .values(name=name, next_value=2)
        .on_conflict_do_update(index_elements=[counter.c.name], set_={"next_value": counter.c.next_value + 1})
        .returning(counter.c.next_value)
    )
    return int(connection.execute(bump).scalar_one()) - 1
