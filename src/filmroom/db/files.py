"""Rows of files: listed, found, added, replaced, marked deleted. Paths were checked before they come here."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)

from filmroom.db.batches import iter_batches
from filmroom.db.columns import to_instant
from filmroom.db.hot import Hot
from filmroom.db.resources import description_values, set_counters, to_description
from filmroom.db.schema import AnyRow, account, file, file_history
from filmroom.db.upsert import upsert
from filmroom.model.errors import Busy
from filmroom.model.names import iter_folders
from filmroom.model.people import Stamp
from filmroom.model.resources import Description, Digest, FileEntry, Selection

EVERYTHING: Final = Selection()
_ROWS_AT_ONCE: Final = 1000

_creator = account.alias("creator")
_modifier = account.alias("modifier")
_ENTRIES: Final = select(
    file.c.path,
    file.c.key,
    file.c.size_bytes,
    file.c.md5,
    file.c.crc32,
    file.c.format,
    file.c.content,
    file.c.description,
    file.c.tags,
    file.c.created_at,
    file.c.modified_at,
    file.c.damaged_at,
    _creator.c.login.label("created_by"),
    _modifier.c.login.label("modified_by"),
).select_from(
    file.outerjoin(_creator, _creator.c.node_pk == file.c.created_by).outerjoin(
        _modifier, _modifier.c.node_pk == file.c.modified_by
    )
)
LIVE: Final = (file.c.resource_pk == bindparam("resource_pk"), file.c.deleted_at.is_(None))
_ONE: Final = Hot(_ENTRIES.where(*LIVE, file.c.path == bindparam("path")))
OF_RESOURCES: Final = (
    file.c.resource_pk.in_(bindparam("resource_pks", expanding=True)),
    file.c.deleted_at.is_(None),
)


class StoredBytes(NamedTuple):
    """What an archive of files needs of each."""

    resource_pk: int
    path: str
    key: str
    size_bytes: int
    crc32: int
    modified_at: datetime


_BYTES: Final = select(
    file.c.resource_pk,
    file.c.path,
    file.c.key,
    file.c.size_bytes,
    file.c.crc32,
    type_coerce(file.c.modified_at, BigInteger).label("modified_at"),
).order_by(file.c.resource_pk, file.c.path)
# A series of images has no more files than this, often.
_FEW: Final = 100
_FEW_BYTES: Final = Hot(_BYTES.where(*LIVE).limit(_FEW + 1))
_RESOURCES_AT_ONCE: Final = 500


@cache
def _clash(names: int) -> Hot:
    """A file that has one of so many names, or is inside a folder.

    What is inside it is found by range ("0" follows "/" in code-point order). Two searches: with OR in place of UNION,
    SQLite reads the whole resource.
    """
    inside = and_(file.c.path > bindparam("inside_from"), file.c.path < bindparam("inside_to"))
    searches = [select(file.c.path).where(*LIVE, inside)]
    if names:
        named: list[ColumnElement[str]] = [bindparam(f"name_{number}") for number in range(names)]
        searches.append(select(file.c.path).where(*LIVE, file.c.path.in_(named)))
    return Hot(union_all(*searches).limit(1))


_WRITTEN: Final = (
    "resource_pk",
    "path",
    *("key", "size_bytes", "md5", "crc32"),
    *("format", "content", "description", "tags"),
    *("created_at", "created_by", "modified_at", "modified_by"),
)
_INSERT: Final = Hot(upsert(file).on_conflict_do_nothing().returning(file.c.pk), columns=_WRITTEN)
_INSERT_NEW: Final = Hot(insert(file), columns=_WRITTEN)
_ANY: Final = Hot(select(file.c.pk).where(*LIVE).limit(1))
_BRIEF: Final = Hot(
    select(
        file.c.pk,
        file.c.size_bytes,
        file.c.md5,
        file.c.format,
        file.c.content,
        file.c.description,
        file.c.tags,
    ).where(*LIVE, file.c.path == bindparam("path"))
)


def select_clauses(selection: Selection) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if selection.prefix is not None:
        clauses.append(_begins_with(selection.prefix))
    if selection.paths:
        inside = (_begins_with(f"{path}/") for path in selection.paths)
        clauses.append(or_(file.c.path.in_(selection.paths), *inside))
    if selection.formats:
        clauses.append(file.c.format.in_(selection.formats))
    if selection.contents:
        clauses.append(file.c.content.in_(selection.contents))
    return clauses


def _begins_with(prefix: str) -> ColumnElement[bool]:
    # The comparison lets the index find the beginning; the function says exactly where it ends.
    return and_(file.c.path >= prefix, func.substr(file.c.path, 1, len(prefix)) == prefix)


def iter_bytes(
    connection: Connection, resource_pks: Sequence[int], selection: Selection
) -> Generator[StoredBytes, None, None]:
    """The selected files of these resources, in ascending order of their pks, the files of each by path, lazily.

    Whoever does not take all of them closes it, within the transaction: the database keeps them ready as long.
    """
    if selection == EVERYTHING and len(resource_pks) == 1:
        few = _FEW_BYTES.all(connection, {"resource_pk": resource_pks[0]})
        if len(few) <= _FEW:
            yield from map(_to_bytes, few)
            return
    query = _BYTES.where(*OF_RESOURCES, *select_clauses(selection))
    for pks in some_at_once(resource_pks):
        for rows in iter_batches(connection, query, pks):
            yield from map(_to_bytes, rows)


def _to_bytes(row: Sequence[Any]) -> StoredBytes:
    resource_pk, path, key, size_bytes, crc32, modified_at = row
    return StoredBytes(resource_pk, path, key, size_bytes, crc32, to_instant(modified_at))


def some_at_once(resource_pks: Sequence[int]) -> Iterator[dict[str, Sequence[int]]]:
    """Values for queries of some resources each: a statement takes no more than so many."""
    pks = sorted(resource_pks)
    for start in range(0, len(pks), _RESOURCES_AT_ONCE):
        yield {"resource_pks": pks[start : start + _RESOURCES_AT_ONCE]}


def iter_files(connection: Connection, resource_pk: int, selection: Selection = EVERYTHING) -> Iterator[FileEntry]:
    """The selected live files of a resource by path, lazily."""
    query = _ENTRIES.where(*LIVE, *select_clauses(selection)).order_by(file.c.path)
    options = {"yield_per": _ROWS_AT_ONCE}
    with connection.execute(query, {"resource_pk": resource_pk}, execution_options=options) as rows:
        yield from map(_to_entry, rows)


def find_file(connection: Connection, resource_pk: int, path: str) -> FileEntry | None:
    row = _ONE.first(connection, {"resource_pk": resource_pk, "path": path})
    return None if row is None else _to_entry(row)


def find_clash(connection: Connection, resource_pk: int, path: str) -> str | None:
    """A live file that cannot stand beside one at ``path``, because one of the two would be a folder."""
    return _find_beside(connection, resource_pk, path, tuple(iter_folders(path)))


def find_in_the_way(connection: Connection, resource_pk: int, path: str) -> str | None:
    """The live file at ``path``, or else one that cannot stand beside it. One statement."""
    return _find_beside(connection, resource_pk, path, (path, *iter_folders(path)))


def _find_beside(connection: Connection, resource_pk: int, path: str, names: Sequence[str]) -> str | None:
    named = {f"name_{number}": name for number, name in enumerate(names)}
    values = {"resource_pk": resource_pk, "inside_from": f"{path}/", "inside_to": f"{path}0", **named}
    row = _clash(len(named)).first(connection, values)
    return None if row is None else str(row.path)


def insert_file(connection: Connection, resource_pk: int, new: FileEntry, *, by: int | None) -> bool:
    """Whether the file was added; False when a live one has its path. Users are named by ``by``."""
    return _INSERT.first(connection, _written(resource_pk, new, by)) is not None


def insert_new_files(
    connection: Connection,
    resource_pk: int,
    new: Iterable[tuple[str, str, Digest]],
    *,
    said: Description,
    stamp: Stamp,
) -> None:
    """Add files to a resource that has none, at paths that can stand beside each other: path, key and digest of each.

    What all of them share is made ready once, for there may be very many.
    """
    shared = {"resource_pk": resource_pk, **description_values(said), **_stamped(stamp.at, stamp.at, stamp.by)}
    rows = ({"path": path, **_byte_values(key, digest)} for path, key, digest in new)
    _INSERT_NEW.run_all(connection, rows, shared=shared)


def has_files(connection: Connection, resource_pk: int) -> bool:
    return _ANY.first(connection, {"resource_pk": resource_pk}) is not None


def _written(resource_pk: int, new: FileEntry, by: int | None) -> dict[str, Any]:
    return {
        "resource_pk": resource_pk,
        "path": new.path,
        **_byte_values(new.key, new.digest),
        **description_values(new.said),
        **_stamped(new.created_at, new.modified_at, by),
    }


def _stamped(created_at: datetime, modified_at: datetime, by: int | None) -> dict[str, Any]:
    return {"created_at": created_at, "created_by": by, "modified_at": modified_at, "modified_by": by}


class Brief(NamedTuple):
    """As much of a file as an upload that meets it must know."""

    pk: int
    size_bytes: int
    md5: str
    said: Description


def find_brief(connection: Connection, resource_pk: int, path: str) -> Brief | None:
    row = _BRIEF.first(connection, {"resource_pk": resource_pk, "path": path})
    return None if row is None else Brief(row.pk, row.size_bytes, row.md5, to_description(row))


def get_brief(connection: Connection, resource_pk: int, path: str) -> Brief:
    """The live file at a path where one is known to be, because its index refused another."""
    found = find_brief(connection, resource_pk, path)
    if found is None:
        raise Busy(f"file {path!r} is being added and deleted at the same time")
    return found


def replace_file(connection: Connection, pk: int, new: FileEntry, *, by: int | None) -> None:
    """Give a file new bytes; what it was goes to the history. ``created_*`` stay (F-153)."""
    old = select(
        file.c.pk,
        *(file.c[column] for column in _KEPT_COLUMNS),
        literal(new.modified_at, file_history.c.replaced_at.type),
        literal(by),
    ).where(file.c.pk == pk)
    targets = ["file_pk", *_KEPT_COLUMNS, "replaced_at", "replaced_by"]
    connection.execute(insert(file_history).from_select(targets, old))
    values = {
        **_byte_values(new.key, new.digest),
        **description_values(new.said),
        "modified_at": new.modified_at,
        "modified_by": by,
        "damaged_at": None,
    }
    connection.execute(update(file).where(file.c.pk == pk).values(values))


_KEPT_COLUMNS: Final = (
    "key",
    "size_bytes",
    "md5",
    "crc32",
    "format",
    "content",
    "description",
    "tags",
    "modified_at",
    "modified_by",
)


def mark_files_deleted(
    connection: Connection, resource_pk: int, selection: Selection, *, now: datetime
) -> tuple[int, int]:
    """How many files were marked deleted, and how many bytes they hold."""
    chosen = (file.c.resource_pk == resource_pk, file.c.deleted_at.is_(None), *select_clauses(selection))
    count, size_bytes = connection.execute(
        select(func.count(), func.coalesce(func.sum(file.c.size_bytes), 0)).where(*chosen)
    ).one()
    if count:
        connection.execute(update(file).where(*chosen).values(deleted_at=now))
    return count, int(size_bytes)


def mark_file_deleted(connection: Connection, resource_pk: int, entry: FileEntry, *, now: datetime) -> bool:
    """Delete one file unless it has other bytes by now; whether it was there."""
    return connection.execute(_same(resource_pk, entry).values(deleted_at=now)).rowcount == 1


def _same(resource_pk: int, entry: FileEntry) -> Update:
    return update(file).where(
        file.c.resource_pk == resource_pk,
        file.c.path == entry.path,
        file.c.key == entry.key,
        file.c.deleted_at.is_(None),
    )


def recount(connection: Connection, resource_pk: int) -> None:
    """Set the counters of a resource to its live files and their bytes; it must be locked."""
    query = select(func.count(), func.coalesce(func.sum(file.c.size_bytes), 0)).where(*LIVE)
    count, size_bytes = connection.execute(query, {"resource_pk": resource_pk}).one()
    set_counters(connection, resource_pk, files=count, size_bytes=int(size_bytes))


def _byte_values(key: str, digest: Digest) -> dict[str, Any]:
    return {"key": key, "size_bytes": digest.size_bytes, "md5": digest.md5, "crc32": digest.crc32}


def _to_entry(row: AnyRow) -> FileEntry:
    return FileEntry(
        path=row.path,
        key=row.key,
        digest=Digest(size_bytes=row.size_bytes, md5=row.md5, crc32=row.crc32),
        said=to_description(row),
        created_at=row.created_at,
        created_by=row.created_by or "",
        modified_at=row.modified_at,
        modified_by=row.modified_by or "",
        damaged_at=row.damaged_at,
    )
