"""Labels in a project: whoever wants one must find it free."""

from datetime import datetime

from sqlalchemy import Connection

from filmroom.db import names
from filmroom.model.conflicts import LabelTaken
from filmroom.model.nodes import Kind
from filmroom.model.resources import Owner
from filmroom.service.resolve import find_live_place


def free_label(connection: Connection, project_pk: int, family: Kind, label: str, *, at: datetime) -> None:
    """Make sure that nobody has this label in a project. Raises LabelTaken.

    One that belongs to what is below something deleted is taken from there.
    """
    holder = names.find_label_holder(connection, project_pk, family, label)
    if holder is None:
        return
    if find_live_place(connection, Owner(holder)) is not None:
        raise LabelTaken(label)
    names.mark_labels_deleted(connection, holder, at=at)
