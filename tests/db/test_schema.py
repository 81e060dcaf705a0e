"""What the tables themselves keep: names are unique among the living, nothing points nowhere, times are exact."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.engine.default import DefaultDialect

from db.rows import LATER, NOW, add_files, add_node, add_resource, new_entry, read
from filmroom.db.columns import Instant
from filmroom.db.engine import Database
from filmroom.db.files import insert_file, mark_files_deleted
from filmroom.db.resources import mark_resources_deleted
from filmroom.db.schema import file, name, node, resource
from filmroom.model.errors import StorageFailed
from filmroom.model.people import Stamp
from filmroom.model.resources import Owner, Selection

MADE = {"created_at": NOW, "modified_at": NOW}


def _add(database: Database, table: Any, **values: object) -> int:
    def unit(connection: Connection) -> int:
        return int(connection.execute(insert(table).values(values).returning(table.c.pk)).scalar_one())

    return database.write(unit)


def _delete(database: Database, table: Any, pk: int) -> None:
    database.write(
        lambda connection: connection.execute(update(table).where(table.c.pk == pk).values(deleted_at=LATER)).close()
    )


@pytest.mark.parametrize("kind", ["project", "subject", "experiment"])
def test_an_id_is_unique_in_the_archive_until_its_thing_is_deleted(database: Database, kind: str) -> None:
    thing = {"kind": kind, "id": "same", "xsi_type": "x", **MADE}
    first = _add(database, node, **thing)
    with pytest.raises(StorageFailed):
        _add(database, node, **thing)
    _delete(database, node, first)

    second = _add(database, node, **thing)

    assert second != first


@pytest.mark.parametrize("kind", ["scan", "reconstruction"])
def test_the_id_of_a_scan_is_unique_in_its_session_only(database: Database, kind: str) -> None:
    sessions = [_add(database, node, kind="experiment", id=word, xsi_type="x", **MADE) for word in ("E1", "E2")]
    scan = {"kind": kind, "id": "1", "xsi_type": "x", **MADE}
    first, _other = [_add(database, node, parent_pk=session, **scan) for session in sessions]
    with pytest.raises(StorageFailed):
        _add(database, node, parent_pk=sessions[0], **scan)
    _delete(database, node, first)

    again = _add(database, node, parent_pk=sessions[0], **scan)

    assert again != first


def test_a_subject_and_a_session_may_have_one_label(database: Database) -> None:
    """decisions.md: subject ``001`` and session ``001`` coexist, for a label is unique in its family."""
    project = add_node(database)
    subject = _add(database, node, kind="subject", id="S", xsi_type="x", **MADE)
    session = _add(database, node, kind="experiment", id="E", xsi_type="x", **MADE)
    common = {"project_pk": project, "label": "001", "is_primary": True}
    _add(database, name, family="subject", node_pk=subject, **common)

    _add(database, name, family="experiment", node_pk=session, **common)

    other = _add(database, node, kind="subject", id="S2", xsi_type="x", **MADE)
    with pytest.raises(StorageFailed):
        _add(database, name, family="subject", node_pk=other, **common)


def test_shares_without_a_label_do_not_meet(database: Database) -> None:
    project = add_node(database)
    subjects = [_add(database, node, kind="subject", id=word, xsi_type="x", **MADE) for word in ("S1", "S2")]

    shares = [
        _add(database, name, project_pk=project, family="subject", node_pk=subject, is_primary=False)
        for subject in subjects
    ]

    assert len(set(shares)) == 2


def test_a_deleted_resource_frees_its_label(database: Database) -> None:
    owner = Owner(add_node(database))
    first = add_resource(database, owner, "NII")
    database.write(lambda connection: mark_resources_deleted(connection, [first.pk], stamp=Stamp(NOW, None)))

    second = add_resource(database, owner, "NII")

    assert second.pk != first.pk
    assert read(database, lambda connection: connection.execute(select(func.count(resource.c.pk))).scalar()) == 2


def test_a_deleted_file_frees_its_path(database: Database) -> None:
    there = add_resource(database, Owner(add_node(database)))
    add_files(database, there, "a")
    database.write(lambda connection: mark_files_deleted(connection, there.pk, Selection(paths=("a",)), now=NOW))

    add_files(database, there, "a")

    assert read(database, lambda connection: connection.execute(select(func.count(file.c.pk))).scalar()) == 2


def test_the_index_itself_refuses_a_second_live_file(database: Database) -> None:
    there = add_resource(database, Owner(add_node(database)))
    add_files(database, there, "a")
    values = {"resource_pk": there.pk, "path": "a", "key": "k", "size_bytes": 0, "md5": "", "crc32": 0, **MADE}

    with pytest.raises(StorageFailed):
        _add(database, file, **values)


def test_a_file_of_no_resource_is_refused(database: Database) -> None:
    with pytest.raises(StorageFailed):
        database.write(lambda connection: insert_file(connection, 12345, new_entry("a"), by=None))


_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=_ZONES, min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)))  # noqa: DTZ001 - the zones come on top
def test_a_moment_is_kept_exactly(moment: datetime) -> None:
    instant, dialect = Instant(), DefaultDialect()

    stored = instant.process_bind_param(moment, dialect)

    assert instant.process_result_value(stored, dialect) == moment


def test_moments_come_back_in_utc_to_the_microsecond(database: Database) -> None:
    here = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=here)
    pk = _add(database, node, kind="user", id="x", xsi_type="x", created_at=moment, modified_at=moment)

    back = read(
        database,
        lambda connection: connection.execute(select(node.c.created_at).where(node.c.pk == pk)).scalar_one(),
    )

    assert back == moment
    assert back.tzinfo is UTC


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(Exception, match="naive"):
        _add(database, node, kind="user", id="x", xsi_type="x", created_at=naive, modified_at=naive)


def test_text_sorts_by_code_point(database: Database) -> None:
    words = ["a", "B", "b", "A", "é", "e", "Z", "_", "-", "10", "9", "\uffff", "\U0001f9e0", " ", "ß"]
    for word in words:
        _add(database, node, kind="user", id=word, xsi_type="x", **MADE)

    listed = read(
        database,
        lambda connection: (
            connection.execute(select(node.c.id).where(node.c.xsi_type == "x").order_by(node.c.id)).scalars().all()
        ),
    )

    assert listed == sorted(words)


def test_what_is_shared_is_found_by_an_index_of_its_own(database: Database) -> None:
    """Shares are few among many names, and are looked for at every count of a whole archive."""
    query = select(name.c.node_pk).where(~name.c.is_primary, name.c.deleted_at.is_(None))
    is_sqlite = database.engine.dialect.name == "sqlite"
    words = query.compile(database.engine, compile_kwargs={"literal_binds": True})

    def explain(connection: Connection) -> str:
        if not is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        prefix = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        return str(connection.exec_driver_sql(f"{prefix} {words}").all())

    assert "ix_name_share" in read(database, explain)
