"""Labels of subjects and experiments in their projects, and the numbers in generated ids."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from filmroom.db.counters import next_number
from filmroom.db.schema import name, node
from filmroom.model.nodes import Kind

_TAKEN: Final = (node.c.kind.in_([Kind.SUBJECT, Kind.EXPERIMENT]),)


def insert_label(connection: Connection, project_pk: int, family: Kind, label: str, *, node_pk: int) -> None:
    """Give a node a label that nobody holds.

    Not "on conflict do nothing": on PostgreSQL whoever loses a race for it begins anew, and finds what won.
    """
    values = {
        "project_pk": project_pk,
        "family": family,
        "label": label,
        "node_pk": node_pk,
        "is_primary": True,
    }
    connection.execute(insert(name).values(values))


def find_label_holder(connection: Connection, project_pk: int, family: Kind, label: str) -> int | None:
    """The pk of the node, live or below something deleted, that has a label."""
    query = select(name.c.node_pk).where(
        name.c.project_pk == project_pk,
        name.c.family == family,
        name.c.label == label,
        name.c.deleted_at.is_(None),
    )
    return connection.execute(query).scalar()


def mark_labels_deleted(connection: Connection, node_pk: int, *, at: datetime) -> None:
    """Free all labels of a node."""
    live = (name.c.node_pk == node_pk, name.c.deleted_at.is_(None))
    connection.execute(update(name).where(*live).values(deleted_at=at))


def next_id(connection: Connection, prefix: str) -> str:
    """C-58: the prefix and the next number of five digits or more, one that was never used in the archive."""
    while True:
        candidate = f"{prefix}{next_number(connection, prefix):05d}"
        if connection.execute(select(node.c.pk).where(node.c.id == candidate, *_TAKEN).limit(1)).first() is None:
            return candidate
