"""Rows of uploads that come in several stretches."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from filmroom.db.resources import description_values, to_description
from filmroom.db.schema import AnyRow, upload
from filmroom.model.uploads import Upload

_PLAIN: Final = tuple(field.name for field in fields(Upload) if field.name != "said")


def insert_upload(connection: Connection, new: Upload, *, now: datetime) -> None:
    values = {name: getattr(new, name) for name in _PLAIN}
    connection.execute(insert(upload).values(**values, **description_values(new.said), created_at=now))


def find_upload(connection: Connection, upload_id: str, *, lock: bool = False) -> Upload | None:
    """With ``lock``, as it is when all transactions that change it have ended; none begins before this one's end."""
    query = select(upload).where(upload.c.id == upload_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _to_upload(row)


def advance_upload(connection: Connection, new: Upload, *, since: int) -> bool:
    """Store how far an upload has come; False when it is not where it was (``since``) any more."""
    is_there = (upload.c.id == new.id, upload.c.offset_bytes == since, upload.c.is_done.is_(False))
    values = {
        "offset_bytes": new.offset_bytes,
        "size_bytes": new.size_bytes,
        "is_done": new.is_done,
        "expires_at": new.expires_at,
    }
    return connection.execute(update(upload).where(*is_there).values(values)).rowcount == 1


def delete_upload(connection: Connection, upload_id: str) -> None:
    connection.execute(delete(upload).where(upload.c.id == upload_id))


def count_uploads(connection: Connection, account_pk: int) -> int:
    """How many uploads of an account go on."""
    query = select(func.count()).where(upload.c.account_pk == account_pk, upload.c.is_done.is_(False))
    return connection.execute(query).scalar_one()


def list_addresses(connection: Connection) -> list[tuple[str, str]]:
    """The id and the address of every upload."""
    return [(row.id, row.address) for row in connection.execute(select(upload.c.id, upload.c.address))]


def list_expired(connection: Connection, *, now: datetime) -> Sequence[str]:
    """The ids of uploads whose time is over."""
    return connection.execute(select(upload.c.id).where(upload.c.expires_at <= now)).scalars().all()


def delete_expired(connection: Connection, upload_id: str, *, now: datetime) -> bool:
    """Remove the upload of an id unless its time has come to be extended; whether there is none any more."""
    connection.execute(delete(upload).where(upload.c.id == upload_id, upload.c.expires_at <= now))
    return find_upload(connection, upload_id) is None


def _to_upload(row: AnyRow) -> Upload:
    return Upload(**{name: getattr(row, name) for name in _PLAIN}, said=to_description(row))
