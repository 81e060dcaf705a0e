"""Rows that tests of the database need again and again."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, insert, select

from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.files import EVERYTHING, insert_file
from filmroom.db.listing import iter_listing
from filmroom.db.migrate import migrate
from filmroom.db.nodes import insert_node
from filmroom.db.resources import insert_resource
from filmroom.db.schema import counter
from filmroom.model.nodes import Kind, Node
from filmroom.model.people import Stamp
from filmroom.model.resources import Description, Digest, FileEntry, Owner, Resource, Selection
from waiting import PATIENCE_SECONDS, wait_until

T = TypeVar("T")

NOW: Final = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 22, 12, 0, 0, 654321, tzinfo=UTC)
NOTHING_SAID: Final = Description()


def open_migrated(path: Path) -> SQLiteDatabase:
    """The database in a file, at the newest schema."""
    database = open_database(f"sqlite:///{path}")
    assert isinstance(database, SQLiteDatabase)
    migrate(database)
    return database


def new_node(node_id: str, *, by: int | None = None, kind: Kind = Kind.PROJECT) -> Node:
    return Node(
        pk=0,
        kind=kind,
        parent_pk=None,
        project_pk=None,
        id=node_id,
        label=None,
        xsi_type="xnat:projectData",
        accessibility=None,
        fields={"name": node_id},
        created_at=NOW,
        created_by="",
        creator_pk=by,
    )


def add_node(database: Database, node_id: str = "DEMO", *, by: int | None = None) -> int:
    return database.write(lambda connection: insert_node(connection, new_node(node_id), stamp=Stamp(NOW, by)))


def add_resource(database: Database, owner: Owner, label: str | None = "NII") -> Resource:
    made = database.write(
        lambda connection: insert_resource(connection, owner, label=label, said=NOTHING_SAID, stamp=Stamp(NOW, None))
    )
    assert made is not None
    return made


def new_entry(path: str, *, key: str = "", size_bytes: int = 1, at: datetime = NOW) -> FileEntry:
    return FileEntry(
        path=path,
        key=key or f"lease-batch-{abs(hash(path)):x}",
        digest=Digest(size_bytes=size_bytes, md5="0" * 32, crc32=0),
        said=NOTHING_SAID,
        created_at=at,
        created_by="",
        modified_at=at,
        modified_by="",
    )


def add_files(database: Database, resource: Resource, *paths: str, size_bytes: int = 1) -> None:
    def unit(connection: Connection) -> None:
        for path in paths:
            assert insert_file(connection, resource.pk, new_entry(path, size_bytes=size_bytes), by=None)

    database.write(unit)


def read(database: Database, query: Callable[[Connection], T]) -> T:
    with database.read() as connection:
        return query(connection)


def listed_rows(
    database: Database, pks: Sequence[int], selection: Selection = EVERYTHING, *, with_keys: bool = False
) -> list[tuple[Any, ...]]:
    def query(connection: Connection) -> list[tuple[Any, ...]]:
        batches = iter_listing(connection, pks, selection, with_keys=with_keys)
        return [row for columns in batches for row in zip(*columns, strict=True)]

    return read(database, query)


def count_up(name: str) -> Callable[[Connection], None]:
    """A unit that adds a row of its own; the simplest of changes."""
    return lambda connection: connection.execute(insert(counter).values(name=name, next_value=1)).close()


def counted_up(database: Database) -> set[str]:
    """The names that ``count_up`` left, as a reader sees them now."""
    return set(read(database, lambda connection: connection.execute(select(counter.c.name)).scalars().all()))


@contextmanager
def busy_writer(database: SQLiteDatabase) -> Iterator[None]:
    """The writer has its hands full meanwhile, so that units wait in its queue and become one group."""
    entered, leave = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        entered.set()
        assert leave.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(database.write, hold)
        try:
            assert entered.wait(PATIENCE_SECONDS)
            yield
        finally:
            leave.set()
            holding.result(PATIENCE_SECONDS)


def enqueue(pool: ThreadPoolExecutor, database: SQLiteDatabase, unit: Callable[[Connection], T]) -> "Future[T]":
    """Write in a thread; on return the unit stands in the queue behind those that came before."""
    waiting = len(database._writer._waiting)
    future = pool.submit(database.write, unit)
    wait_until(lambda: len(database._writer._waiting) > waiting)
    return future
