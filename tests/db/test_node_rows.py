"""Rows of projects and the one namespace of their names."""

from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, select

from db.rows import LATER, NOW, add_node, new_node, read
from filmroom.db.engine import Database
from filmroom.db.fieldsql import field_text, node_field
from filmroom.db.nodes import insert_node, mark_node_deleted, update_node
from filmroom.db.projects import (
    NameHolder,
    claim_project_name,
    find_name_holder,
    find_project,
    iter_projects,
    release_project_names,
)
from filmroom.db.schema import node
from filmroom.model.nodes import Accessibility, FieldValue, Kind, Node
from filmroom.model.people import Stamp, Viewer


def _add(database: Database, project_id: str, *aliases: str, by: int | None = None) -> int:
    new = replace(new_node(project_id), fields={"aliases/alias": list(aliases)})

    def unit(connection: Connection) -> int:
        pk = insert_node(connection, new, stamp=Stamp(NOW, by))
        for name in (project_id, *aliases):
            assert claim_project_name(connection, name, project_pk=pk)
        return pk

    return database.write(unit)


def _find(database: Database, name: str) -> Node | None:
    return read(database, lambda connection: find_project(connection, name))


def _claim(database: Database, name: str, pk: int) -> bool:
    return database.write(lambda connection: claim_project_name(connection, name, project_pk=pk))


def _holder(database: Database, name: str) -> NameHolder | None:
    return read(database, lambda connection: find_name_holder(connection, name))


def _delete(database: Database, pk: int) -> None:
    database.write(lambda connection: mark_node_deleted(connection, pk, stamp=Stamp(LATER, None)))


def test_a_project_is_found_by_id_or_alias_exactly(database: Database) -> None:
    """C-68."""
    _add(database, "DEMO", "second", "dritter")
    names = ("DEMO", "second", "dritter", "demo", "SECOND", "DEM", "")

    found = [name for name in names if _find(database, name) is not None]

    assert found == ["DEMO", "second", "dritter"]


def test_a_node_is_read_as_it_was_written(database: Database, people: dict[str, Viewer]) -> None:
    alice = people["alice"]
    fields: dict[str, FieldValue] = {"name": 'Ä\n"b"', "aliases/alias": ["x", "y"]}
    new = replace(new_node("DEMO"), fields=fields, accessibility=Accessibility.PUBLIC)

    def unit(connection: Connection) -> int:
        pk = insert_node(connection, new, stamp=Stamp(NOW, alice.pk))
        claim_project_name(connection, "DEMO", project_pk=pk)
        return pk

    pk = database.write(unit)

    assert _find(database, "DEMO") == replace(new, pk=pk, created_at=NOW, created_by="alice", creator_pk=alice.pk)


def test_a_change_keeps_who_made_a_node(database: Database, people: dict[str, Viewer]) -> None:
    pk = _add(database, "DEMO", by=people["alice"].pk)
    found = _find(database, "DEMO")
    assert found is not None
    changed = replace(found, fields={"description": "new"}, accessibility=Accessibility.PRIVATE)

    database.write(lambda connection: update_node(connection, changed, stamp=Stamp(LATER, people["bob"].pk)))

    row = read(database, lambda connection: connection.execute(node.select().where(node.c.pk == pk)).one())
    assert _find(database, "DEMO") == changed
    assert (row.created_at, row.created_by) == (NOW, people["alice"].pk)
    assert (row.modified_at, row.modified_by) == (LATER, people["bob"].pk)


def test_a_field_with_a_column_of_its_own_is_the_same_in_both_after_every_write(database: Database) -> None:
    pk = _add(database, "DEMO")
    project = _find(database, "DEMO")
    assert project is not None
    query = select(node_field(node, "date"), field_text(node.c.fields, "date")).where(node.c.pk == pk)
    for fields in ({"date": "2020-05-01"}, {"date": "2021-01-31", "note": "n"}, {}, {"date": 'Ä"\\'}):
        write = partial(update_node, changed=replace(project, fields=fields), stamp=Stamp(LATER, None))
        database.write(write)

        assert {*read(database, lambda connection: connection.execute(query).one())} == {fields.get("date")}


def test_a_new_thing_has_its_date_in_the_column(database: Database) -> None:
    dated, undated = ({"date": "2020-05-01"}, {"dates": "2020-05-01"})
    for fields in (dated, undated):
        new = replace(new_node("1"), kind=Kind.SCAN, fields=fields)
        database.write(partial(insert_node, new=new, stamp=Stamp(NOW, None)))

    query = select(node.c.date).where(node.c.kind == Kind.SCAN).order_by(node.c.pk)
    assert read(database, lambda connection: connection.execute(query).scalars().all()) == ["2020-05-01", None]


def test_a_deleted_project_is_not_found_but_holds_its_names(database: Database) -> None:
    pk = _add(database, "DEMO", "second")

    _delete(database, pk)

    assert _find(database, "DEMO") is None
    assert _holder(database, "second") == NameHolder(pk, LATER)


def test_a_name_is_held_in_any_case(database: Database) -> None:
    """C-72."""
    pk = _add(database, "DEMO")

    assert [_holder(database, name) for name in ("DEMO", "demo", "Demo")] == [NameHolder(pk, None)] * 3


def test_names_are_folded_beyond_ascii(database: Database) -> None:
    pk = _add(database, "DEMO", "STRASSE")

    assert _holder(database, "straße") == NameHolder(pk, None)


def test_nobody_holds_another_name(database: Database) -> None:
    _add(database, "DEMO")

    assert _holder(database, "OTHER") is None


def test_a_name_is_claimed_by_one_project_in_any_case(database: Database) -> None:
    first, second = add_node(database, "A"), add_node(database, "B")

    claims = [_claim(database, "same", first), _claim(database, "SAME", second), _claim(database, "Same", first)]

    assert claims == [True, False, True]


def test_released_names_are_free_except_those_to_keep(database: Database) -> None:
    first, second = _add(database, "DEMO", "kept", "gone"), _add(database, "OTHER")

    database.write(lambda connection: release_project_names(connection, first, keep=["demo", "KEPT"]))

    assert [_claim(database, name, second) for name in ("DEMO", "kept", "gone")] == [False, False, True]


def test_all_names_are_released_when_none_is_to_be_kept(database: Database) -> None:
    first, second = _add(database, "DEMO", "alias"), _add(database, "OTHER")

    database.write(lambda connection: release_project_names(connection, first))

    assert [_claim(database, name, second) for name in ("DEMO", "alias", "OTHER")] == [True, True, True]


def test_live_projects_are_listed_by_id(database: Database) -> None:
    for project_id in ("b", "A", "C"):
        _add(database, project_id)
    _delete(database, _add(database, "D"))

    listed = read(database, lambda connection: [project.id for project in iter_projects(connection)])

    assert listed == ["A", "C", "b"]


def test_only_projects_are_listed(database: Database) -> None:
    database.write(lambda connection: insert_node(connection, new_node("S", kind=Kind.SUBJECT), stamp=Stamp(NOW, None)))

    assert read(database, lambda connection: list(iter_projects(connection))) == []
