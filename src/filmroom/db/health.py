"""Whether the database takes a change."""

from sqlalchemy import Connection, update

from filmroom.db.schema import counter


def try_writing(connection: Connection) -> None:
    """Write what is there already; that it comes to a COMMIT is what its caller wants to see."""
    connection.execute(update(counter).values(next_value=counter.c.next_value))
