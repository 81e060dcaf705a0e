"""Rows of the sub-folders that people made in their caches; they stay when nothing is in them."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, or_, select

from filmroom.db.schema import folder
from filmroom.db.upsert import upsert


def insert_folders(connection: Connection, resource_pk: int, paths: Iterable[str]) -> None:
    """Add folders; those that are there already are passed over."""
    rows = [{"resource_pk": resource_pk, "path": path} for path in paths]
    connection.execute(upsert(folder).on_conflict_do_nothing(), rows)


def has_folder(connection: Connection, resource_pk: int, path: str) -> bool:
    query = select(folder.c.pk).where(folder.c.resource_pk == resource_pk, folder.c.path == path)
    return connection.execute(query).first() is not None


def delete_folders(connection: Connection, resource_pk: int, path: str) -> int:
    """Remove a folder and all folders in it; how many there were."""
    inside = func.substr(folder.c.path, 1, len(path) + 1) == f"{path}/"
    chosen = (folder.c.resource_pk == resource_pk, or_(folder.c.path == path, inside))
    return connection.execute(delete(folder).where(*chosen)).rowcount
