"""A database comes to this program's schema once, whole, under a lock; a newer one is left alone."""

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from warnings import catch_warnings, filterwarnings

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from db.rows import count_up, counted_up, read
from filmroom.db import migrate as migration
from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.migrate import REVISIONS, make_schema, migrate, read_revision
from filmroom.db.schema import node
from filmroom.model.errors import DatabaseTooNew
from waiting import PATIENCE_SECONDS

_OF_FIELDS = {"ix_node_UID", "ix_node_dcmPatientId"}
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    database = open_database(empty_database_url)
    yield database
    database.close()


def _tables(database: Database) -> set[str]:
    return read(database, lambda connection: set(inspect(connection).get_table_names()))


def _columns(database: Database) -> dict[str, str]:
    """Every column of ours with its type, collation, nullability and default."""
    return read(
        database,
        lambda connection: {
            f"{table}.{column['name']}": f"{column['type']!r} {column['nullable']} {column['default']}"
            for table in node.metadata.tables
            for column in inspect(connection).get_columns(table)
        },
    )


def _indexes(database: Database) -> dict[str, str]:
    query = text(_INDEXES[database.engine.dialect.name])
    rows = read(database, lambda connection: connection.execute(query).all())
    return {name: sql for name, sql in rows if "alembic_version" not in name}


def _ordered(database: Database) -> dict[str, list[str]]:
    """The indexes of each table in the order in which they were made, by which SQLite chooses between equals."""
    query = text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid")
    ordered: dict[str, list[str]] = {}
    for table, name in read(database, lambda connection: connection.execute(query).all()):
        ordered.setdefault(table, []).append(name)
    return ordered


def _mark(database: Database, revision: str) -> None:
    database.write(
        lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
    )


def test_an_empty_database_gets_the_schema(empty: Database) -> None:
    saved = migrate(empty)

    assert saved is None
    assert read_revision(empty) == REVISIONS[-1]
    assert _tables(empty) == {*node.metadata.tables, "alembic_version"}


def test_an_empty_database_has_no_revision(empty: Database) -> None:
    assert read_revision(empty) is None


def test_a_current_database_is_left_as_it_is(database: Database) -> None:
    database.write(count_up("kept"))

    saved = migrate(database)

    assert saved is None
    assert counted_up(database) == {"kept"}


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)

    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_the_migrations_make_what_the_schema_says(of_yesterday: Database) -> None:
    """Defaults and indexes of fields are compared below: Alembic takes an empty default of SQLite for another."""

    def is_compared(_item: object, name: str | None, kind: str, *_rest: object) -> bool:
        return kind != "index" or name not in _OF_FIELDS

    def differences(connection: Connection) -> object:
        how = {"compare_type": True, "include_object": is_compared}
        return compare_metadata(MigrationContext.configure(connection, opts=how), node.metadata)

    migrate(of_yesterday)

    with catch_warnings():
        filterwarnings("ignore", ".*expression-based index")
        assert read(of_yesterday, differences) == []


def test_the_migrations_make_the_same_columns_and_indexes_as_a_new_database_has(empty: Database) -> None:
    """Alembic compares neither collations nor the conditions of indexes, which keep deleted rows out of the way."""
    migrate(empty)
    said = (_columns(empty), _indexes(empty))
    with empty.engine.begin() as connection:
        node.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))

    make_schema(empty, REVISIONS[0])
    migrate(empty)

    assert (_columns(empty), _indexes(empty)) == said


def test_an_old_database_of_sqlite_has_its_indexes_in_the_order_of_a_new_one(tmp_path: Path) -> None:
    """Else the same question would be answered by another index, and slowly, in one of the two."""
    ordered = []
    for is_old in (False, True):
        database = open_database(f"sqlite:///{tmp_path / f'{is_old}.db'}")
        if is_old:
            make_schema(database, REVISIONS[0])
        migrate(database)
        ordered.append(_ordered(database))
        database.close()

    assert ordered[0] == ordered[1]


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database: Database) -> None:
    database.write(count_up("kept"))
    _mark(database, "9999")
    before = (_tables(database), _indexes(database))

    with pytest.raises(DatabaseTooNew) as raised:
        migrate(database)

    assert raised.value.revision == "9999"
    assert (_tables(database), _indexes(database)) == before
    assert read_revision(database) == "9999"
    assert counted_up(database) == {"kept"}


def test_a_newer_sqlite_database_is_not_even_copied(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'filmroom.db'}")
    migrate(database)
    _mark(database, "9999")

    with pytest.raises(DatabaseTooNew):
        migrate(database)

    assert not list(tmp_path.glob("*.before-*"))
    database.close()


@pytest.fixture
def of_yesterday(empty_database_url: str) -> Iterator[Database]:
    """A database of the first revision."""
    database = open_database(empty_database_url)
    with database.engine.begin() as connection:
        command.upgrade(migration.alembic_config(connection), REVISIONS[0])
    yield database
    database.close()


def test_a_database_of_the_first_revision_is_brought_to_the_newest_with_all_in_it(of_yesterday: Database) -> None:
    of_yesterday.write(count_up("kept"))

    migrate(of_yesterday)

    assert read_revision(of_yesterday) == REVISIONS[-1]
    with of_yesterday.read() as connection:
        assert connection.execute(text("SELECT name FROM counter")).scalars().all() == ["kept"]
        assert "damaged_at" in {column["name"] for column in inspect(connection).get_columns("file")}


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_copy_before_an_upgrade_is_a_whole_database(of_yesterday: SQLiteDatabase) -> None:
    of_yesterday.write(count_up("kept"))  # in the write-ahead log, not yet in the file

    saved = migrate(of_yesterday)

    assert saved == Path(f"{of_yesterday.path}.before-{REVISIONS[-1]}-from-{REVISIONS[0]}")
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with closing(sqlite3.connect(saved)) as copy:
        assert copy.execute("SELECT name FROM counter").fetchall() == [("kept",)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


_ACCOUNT = "INSERT INTO account (node_pk, login, password_hash, is_admin, is_enabled) VALUES "
_NODE = "INSERT INTO node (pk, kind, id, xsi_type, created_at, created_by, modified_at, deleted_at) VALUES "
_SESSION = "INSERT INTO session (id_sha256, account_pk, credential_version, created_at, last_used_at) VALUES "
_OF_THE_SECOND = (
    f"{_NODE} (1, 'user', 'alice', 'xdat:user', 1, NULL, 1, NULL), (2, 'user', 'gone', 'xdat:user', 1, NULL, 1, NULL)",
    f"{_ACCOUNT} (1, 'alice', 'hash', {{yes}}, {{yes}})",
    f"{_NODE} (10, 'project', 'HERS', 'xnat:projectData', 1, 1, 1, NULL)",
    f"{_NODE} (11, 'project', 'HERS_DELETED', 'xnat:projectData', 1, 1, 1, 2)",
    f"{_NODE} (12, 'project', 'OF_NOBODY', 'xnat:projectData', 1, NULL, 1, NULL)",
    f"{_NODE} (13, 'project', 'OF_SOMEBODY_GONE', 'xnat:projectData', 1, 2, 1, NULL)",
    f"{_SESSION} ('h', 1, 1, 1, 1)",
)


@pytest.fixture
def of_the_second(empty_database_url: str) -> Iterator[Database]:
    """A database from before there were groups: projects of Alice's, of nobody and of somebody without an account."""
    database = open_database(empty_database_url)
    yes = {"sqlite": "1", "postgresql": "true"}[database.engine.dialect.name]
    with database.engine.begin() as connection:
        command.upgrade(migration.alembic_config(connection), REVISIONS[1])
        for statement in _OF_THE_SECOND:
            connection.execute(text(statement.format(yes=yes)))
    yield database
    database.close()


def test_whoever_made_a_project_before_there_were_groups_owns_it(of_the_second: Database) -> None:
    migrate(of_the_second)
    again = migrate(of_the_second)

    with of_the_second.read() as connection:
        members = connection.execute(text("SELECT project_pk, account_pk, suffix FROM membership ORDER BY 1")).all()
        accounts = connection.execute(text("SELECT login, is_verified, data_role FROM account")).all()
        sessions = connection.execute(text("SELECT id_sha256 FROM session")).scalars().all()
    assert again is None
    assert [tuple(row) for row in members] == [(10, 1, "owner"), (11, 1, "owner")]
    assert [(login, bool(is_verified), role) for login, is_verified, role in accounts] == [("alice", True, "")]
    assert sessions == ["h"]


def test_dates_that_were_only_in_fields_get_a_column(empty: Database) -> None:
    fields = {20: '{"date":"2020-05-01","note":"n"}', 21: '{"note":"date"}', 22: "{}", 23: '{"date":["a","b"]}'}
    of_fields = "INSERT INTO node (pk, kind, id, xsi_type, fields, created_at, modified_at) VALUES "
    with empty.engine.begin() as connection:
        command.upgrade(migration.alembic_config(connection), "0007")
        for pk, told in fields.items():
            connection.execute(text(f"{of_fields} (:pk, 'scan', 's', 't', :told, 1, 1)"), {"pk": pk, "told": told})

    migrate(empty)

    with empty.read() as connection:
        dates = connection.execute(text("SELECT pk, date FROM node ORDER BY pk")).all()
    assert [tuple(row) for row in dates] == [(20, "2020-05-01"), (21, None), (22, None), (23, None)]


def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    """Each database object stands for a process: it has connections and a lock of its own."""

    def start(_number: int) -> str | None:
        database = open_database(empty_database_url)
        migrate(database)
        revision = read_revision(database)
        database.close()
        return revision

    with ThreadPoolExecutor(6) as pool:
        revisions = list(pool.map(start, range(6), timeout=PATIENCE_SECONDS))

    assert revisions == [REVISIONS[-1]] * 6


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    empty.write(lambda connection: connection.execute(text("CREATE TABLE account (other INTEGER)")).close())

    with pytest.raises(DBAPIError, match="already exists"):
        migrate(empty)

    assert _tables(empty) == {"account"}
