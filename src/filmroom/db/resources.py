"""Rows of resources: found, made, counted, marked deleted."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, bindparam, func, select, update

from filmroom.db.columns import Instant
from filmroom.db.counters import next_number
from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, resource
from filmroom.db.upsert import upsert
from filmroom.model.people import Stamp
from filmroom.model.resources import Description, Owner, Resource, Side

_COLUMNS: Final = (
    resource.c.pk,
    resource.c.rid,
    resource.c.side,
    resource.c.label,
    resource.c.format,
    resource.c.content,
    resource.c.description,
    resource.c.tags,
    resource.c.file_count,
    resource.c.size_bytes,
)
_OF_NODE: Final = select(*_COLUMNS).where(
    resource.c.node_pk == bindparam("node_pk"),
    resource.c.side == bindparam("side"),
    resource.c.deleted_at.is_(None),
)


def _lockable(query: Select[Any]) -> dict[bool, Hot]:
    """The query without and with a lock on its row.

    The lock makes concurrent uploads into one resource take turns on PostgreSQL; SQLite has one writer anyway.
    """
    return {False: Hot(query), True: Hot(query.with_for_update())}


_BY_LABEL: Final = _lockable(_OF_NODE.where(resource.c.label == bindparam("label")))
_BY_RID: Final = _lockable(_OF_NODE.where(resource.c.rid == bindparam("rid")))
_FIRST: Final = _lockable(_OF_NODE.order_by(resource.c.rid, resource.c.pk).limit(1))
_ADD: Final = Hot(
    update(resource)
    .where(resource.c.pk == bindparam("resource_pk"))
    .values(
        file_count=func.coalesce(resource.c.file_count, 0) + bindparam("files"),
        size_bytes=func.coalesce(resource.c.size_bytes, 0) + bindparam("bytes"),
        modified_at=bindparam("now", type_=Instant),
        modified_by=bindparam("by"),
    )
)
# PostgreSQL numbers rids in a 32-bit integer's range on the wire (F-52); a larger one cannot exist.
_LARGEST_RID: Final = 2**31 - 1


def _to_resource(row: AnyRow) -> Resource:
    return Resource(
        pk=row.pk,
        rid=row.rid or 0,
        side=Side(row.side),
        label=row.label,
        said=to_description(row),
        file_count=row.file_count,
        size_bytes=row.size_bytes,
    )


def to_description(row: AnyRow) -> Description:
    tags = tuple(orjson.loads(row.tags)) if row.tags != "[]" else ()
    return Description(format=row.format, content=row.content, description=row.description, tags=tags)


def description_values(said: Description) -> dict[str, str]:
    return {
        "format": said.format,
        "content": said.content,
        "description": said.description,
        "tags": orjson.dumps(said.tags).decode(),
    }


def _values(owner: Owner) -> dict[str, Any]:
    return {"node_pk": owner.node_pk, "side": owner.side}


_LIVE: Final = (
    select(*_COLUMNS, resource.c.node_pk).where(resource.c.deleted_at.is_(None)).order_by(resource.c.rid, resource.c.pk)
)
_OF_ONE: Final = Hot(_LIVE.where(resource.c.node_pk == bindparam("node_pk")))
_OF_MANY: Final = _LIVE.where(resource.c.node_pk.in_(bindparam("node_pks", expanding=True)))
_ANYWHERE: Final = select(*_COLUMNS, resource.c.node_pk).where(
    resource.c.rid == bindparam("rid"), resource.c.deleted_at.is_(None)
)
_OWNERS_AT_ONCE: Final = 500


def list_resources_of(connection: Connection, owners: Iterable[Owner]) -> dict[Owner, list[Resource]]:
    """The live resources of many owners, by owner, each by rid (F-68); few statements however many they are."""
    found: dict[Owner, list[Resource]] = {owner: [] for owner in owners}
    pks = list(dict.fromkeys(owner.node_pk for owner in found))
    for start in range(0, len(pks), _OWNERS_AT_ONCE):
        for row in _iter_of(connection, pks[start : start + _OWNERS_AT_ONCE]):
            owner = Owner(row.node_pk, Side(row.side))
            if owner in found:
                found[owner].append(_to_resource(row))
    return found


def _iter_of(connection: Connection, node_pks: Sequence[int]) -> Iterable[AnyRow]:
    if len(node_pks) == 1:
        return _OF_ONE.all(connection, {"node_pk": node_pks[0]})
    return connection.execute(_OF_MANY, {"node_pks": node_pks})


def find_resource_by_label(connection: Connection, owner: Owner, label: str, *, lock: bool = False) -> Resource | None:
    return _find(connection, _BY_LABEL[lock], {**_values(owner), "label": label})


def find_resource_by_rid(connection: Connection, owner: Owner, rid: int, *, lock: bool = False) -> Resource | None:
    if rid > _LARGEST_RID:
        return None
    return _find(connection, _BY_RID[lock], {**_values(owner), "rid": rid})


def find_owner_by_rid(connection: Connection, rid: int) -> tuple[Owner, Resource] | None:
    """A live resource by its number, wherever it is, and what it hangs on."""
    if rid > _LARGEST_RID:
        return None
    row = connection.execute(_ANYWHERE, {"rid": rid}).first()
    return None if row is None else (Owner(row.node_pk, Side(row.side)), _to_resource(row))


def find_first_resource(connection: Connection, owner: Owner, *, lock: bool = False) -> Resource | None:
    return _find(connection, _FIRST[lock], _values(owner))


def _find(connection: Connection, query: Hot, values: dict[str, Any]) -> Resource | None:
    row = query.first(connection, values)
    return None if row is None else _to_resource(row)


def insert_resource(
    connection: Connection,
    owner: Owner,
    *,
    label: str | None,
    said: Description,
    stamp: Stamp,
    has_rid: bool = True,
) -> Resource | None:
    """The new resource with its pk and, if it is to have one, its rid; None when a live one has its label."""
    values = {
        **_values(owner),
        "rid": next_number(connection, "rid") if has_rid else None,  # F-88: one sequence for the whole archive
        "label": label,
        **description_values(said),
        "created_at": stamp.at,
        "created_by": stamp.by,
        "modified_at": stamp.at,
        "modified_by": stamp.by,
    }
    row = connection.execute(upsert(resource).values(values).on_conflict_do_nothing().returning(*_COLUMNS)).first()
    return None if row is None else _to_resource(row)


def add_to_counters(connection: Connection, resource_pk: int, *, files: int, size_bytes: int, stamp: Stamp) -> None:
    """Change the counters; from the first time on they are numbers and exact, 0 included."""
    values = {"resource_pk": resource_pk, "files": files, "bytes": size_bytes, "now": stamp.at, "by": stamp.by}
    _ADD.queue(connection, values)


def set_counters(connection: Connection, resource_pk: int, *, files: int, size_bytes: int) -> None:
    values = {"file_count": files, "size_bytes": size_bytes}
    connection.execute(update(resource).where(resource.c.pk == resource_pk).values(values))


def lock_resource(connection: Connection, resource_pk: int) -> None:
    """Let nobody else change a resource or its files until the transaction ends."""
    connection.execute(select(resource.c.pk).where(resource.c.pk == resource_pk).with_for_update())


def describe_resource(connection: Connection, resource_pk: int, said: Description) -> None:
    connection.execute(update(resource).where(resource.c.pk == resource_pk).values(description_values(said)))


def mark_resources_deleted(connection: Connection, pks: Iterable[int], *, stamp: Stamp) -> None:
    values = {"deleted_at": stamp.at, "modified_at": stamp.at, "modified_by": stamp.by}
    connection.execute(update(resource).where(resource.c.pk.in_(list(pks))).values(values))
