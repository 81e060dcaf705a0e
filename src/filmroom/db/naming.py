"""Which rows name which blobs: the one place that knows every table that does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, case, func, literal, null, select, union_all, update

from filmroom.db.schema import AnyRow, doomed_blob, file, file_history, node, resource
from filmroom.model.holdings import Holding, Holds
from filmroom.model.nodes import Kind
from filmroom.model.resources import Digest, Side

_ROWS_AT_ONCE: Final = 1000
_session = node.alias("session")
_PLACE: Final = (
    func.coalesce(resource.c.pk, 0).label("resource_pk"),
    func.coalesce(resource.c.rid, 0).label("rid"),
    func.coalesce(resource.c.label, "").label("label"),
    func.coalesce(resource.c.side, "").label("side"),
    func.coalesce(node.c.pk, 0).label("node_pk"),
    case((node.c.kind == Kind.PROJECT, node.c.pk), else_=node.c.project_pk).label("project_pk"),
    func.coalesce(node.c.kind, "").label("kind"),
    func.coalesce(node.c.id, "").label("node_id"),
    func.coalesce(_session.c.id, "").label("session_id"),
)
_IS_LIVE: Final = file.c.deleted_at.is_(None)
_FILES: Final = select(
    case((_IS_LIVE, Holds.LIVE.value), else_=Holds.DELETED.value).label("holds"),
    file.c.pk,
    file.c.key,
    file.c.size_bytes,
    file.c.md5,
    file.c.crc32,
    file.c.damaged_at,
    file.c.path,
    *_PLACE,
).select_from(
    file.outerjoin(resource, resource.c.pk == file.c.resource_pk)
    .outerjoin(node, node.c.pk == resource.c.node_pk)
    .outerjoin(_session, _session.c.pk == node.c.parent_pk)
)
_OLD: Final = select(
    literal(Holds.OVERWRITTEN.value).label("holds"),
    file_history.c.pk,
    file_history.c.key,
    file_history.c.size_bytes,
    file_history.c.md5,
    file_history.c.crc32,
    null().label("damaged_at"),
    func.coalesce(file.c.path, "").label("path"),
    *_PLACE,
).select_from(
    file_history.outerjoin(file, file.c.pk == file_history.c.file_pk)
    .outerjoin(resource, resource.c.pk == file.c.resource_pk)
    .outerjoin(node, node.c.pk == resource.c.node_pk)
    .outerjoin(_session, _session.c.pk == node.c.parent_pk)
)
_NAMES: Final = union_all(
    select(file.c.key, file.c.size_bytes, file.c.damaged_at),
    select(file_history.c.key, file_history.c.size_bytes, null().label("damaged_at")),
).order_by("key")


class Named(NamedTuple):
    key: str
    size_bytes: int
    damaged_at: datetime | None


def iter_names(connection: Connection) -> Iterator[Named]:
    """Every key that a row names, sorted by code point, once for each row; lazily: the database does the sorting."""
    with connection.execute(_NAMES, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        yield from (Named(row.key, row.size_bytes, row.damaged_at) for row in rows)


def list_named(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of these keys that a row names."""
    wanted = list(keys)
    queries = (select(table.c.key).where(table.c.key.in_(wanted)) for table in (file, file_history))
    return {key for query in queries for key in connection.execute(query).scalars()}


def find_doomed(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of these keys whose bytes are about to go, because their last row was removed."""
    return {*connection.execute(select(doomed_blob.c.key).where(doomed_blob.c.key.in_(list(keys)))).scalars()}


def list_holdings(connection: Connection, keys: Sequence[str]) -> list[Holding]:
    """The rows that name these blobs."""
    halves = (_FILES.where(file.c.key.in_(keys)), _OLD.where(file_history.c.key.in_(keys)))
    return [_to_holding(row) for half in halves for row in connection.execute(half)]


def list_files_in(connection: Connection, *, resource_pk: int, after: str, limit: int) -> list[Holding]:
    """The first live files of a resource whose paths come after the given one."""
    query = _FILES.where(file.c.resource_pk == resource_pk, _IS_LIVE, file.c.path > after)
    return _list(connection, query.order_by(file.c.path).limit(limit))


def list_files_after(connection: Connection, *, after: int, limit: int) -> list[Holding]:
    """The first live files of the whole archive whose rows come after the given one."""
    return _list(connection, _FILES.where(file.c.pk > after, _IS_LIVE).order_by(file.c.pk).limit(limit))


def mark_damaged(connection: Connection, holding: Holding, *, at: datetime | None) -> bool:
    """Say since when a file is damaged, or (None) that it is well. False if it has other bytes by now, or is gone."""
    same = (file.c.pk == holding.pk, file.c.key == holding.key, _IS_LIVE)
    return connection.execute(update(file).where(*same).values(damaged_at=at)).rowcount == 1


def _list(connection: Connection, query: Select[Any]) -> list[Holding]:
    return [_to_holding(row) for row in connection.execute(query)]


def _to_holding(row: AnyRow) -> Holding:
    return Holding(
        holds=Holds(row.holds),
        pk=row.pk,
        key=row.key,
        digest=Digest(size_bytes=row.size_bytes, md5=row.md5, crc32=row.crc32),
        damaged_at=row.damaged_at,
        path=row.path,
        resource_pk=row.resource_pk,
        rid=row.rid,
        label=row.label,
        side=Side(row.side),
        node_pk=row.node_pk,
        project_pk=row.project_pk,
        kind=row.kind,
        node_id=row.node_id,
        session_id=row.session_id,
    )
