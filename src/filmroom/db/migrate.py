"""Bring a database to this program's schema, under a lock, after saving a copy of an SQLite database beside it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable

from filmroom.db.columns import indexes_of
from filmroom.db.engine import Database, SQLiteDatabase
from filmroom.db.schema import node
from filmroom.db.writer import locked
from filmroom.model.errors import DatabaseTooNew

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision this program knows, oldest first. Kept here so that only an upgrade need load Alembic; a test holds it
to the migrations themselves."""

# Any number of our own: PostgreSQL's advisory locks are told apart by number only.
_ADVISORY_LOCK: Final = 6_645_172_001


def migrate(database: Database) -> Path | None:
    """Upgrade the schema if it is not current; the path of the copy that was saved, or None where none was needed.

    Raises DatabaseTooNew, having changed nothing, when the schema is not one that this program knows.
    """
    if read_revision(database) == REVISIONS[-1]:
        return None
    with _lock(database):
        revision = read_revision(database)
        if revision == REVISIONS[-1]:
            return None
        if revision is not None and revision not in REVISIONS:
            raise DatabaseTooNew(revision)
        saved = _save_copy(database, revision) if revision and isinstance(database, SQLiteDatabase) else None
        with database.engine.begin() as connection:
            if revision is None:
                _create(connection)
            else:
                _upgrade(connection, "head")
    return saved


def make_schema(database: Database, revision: str) -> None:
    """Give an empty database the schema that it had at a revision."""
    with _lock(database), database.engine.begin() as connection:
        _upgrade(connection, revision)


def read_revision(database: Database) -> str | None:
    """The revision of the schema; None for a database without one."""
    with database.read() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """As ``read_revision``, in a transaction that is there already."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def _lock(database: Database) -> Iterator[None]:
    if isinstance(database, SQLiteDatabase):
        with locked(database.lock_path):
            yield
    else:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _ADVISORY_LOCK})


def _save_copy(database: SQLiteDatabase, revision: str) -> Path:
    target = Path(f"{database.path}.before-{REVISIONS[-1]}-from-{revision}")
    with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(0o600)
    return target


def _create(connection: Connection) -> None:
    """All tables at once, for the newest revision; a test holds them to what the migrations make, in their order."""
    for table in node.metadata.sorted_tables:
        connection.execute(CreateTable(table))
        for index in indexes_of(table, connection.dialect):
            connection.execute(CreateIndex(index))
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": REVISIONS[-1]})


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - 0.2 s that only an upgrade should pay

    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> "Config":
    """What Alembic needs to work on a connection."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
