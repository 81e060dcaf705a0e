"""Fields of nodes in SQL, on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from db.rows import NOW, new_node, read
from filmroom.db.engine import Database
from filmroom.db.fieldsql import field_text
from filmroom.db.nodes import insert_node
from filmroom.db.schema import node
from filmroom.model.nodes import FieldValue
from filmroom.model.people import Stamp

_PATHS = ("scanner", "scanner/model", "it's", "50%", "%(x)s", ":colon", "a.b", "$[0]", "fields/field[name=Größe]")


def _add(database: Database, node_id: str, **fields: FieldValue) -> None:
    new = replace(new_node(node_id), fields=fields)
    database.write(lambda connection: insert_node(connection, new, stamp=Stamp(NOW, None)))


@pytest.mark.parametrize("path", _PATHS)
def test_the_text_of_a_field_is_found_by_its_path_whatever_is_in_it(database: Database, path: str) -> None:
    """C-210."""
    _add(database, "DEMO", **{path: f"<{path}> \"'ü", "other": "x"})

    found = read(database, lambda connection: connection.execute(select(field_text(node.c.fields, path))).scalars())

    assert f"<{path}> \"'ü" in list(found)


def test_what_has_no_such_field_has_null(database: Database) -> None:
    _add(database, "DEMO", model="x")
    query = select(node.c.id).where(node.c.kind == "project", field_text(node.c.fields, "mode").is_(None))

    assert read(database, lambda connection: connection.execute(query).scalars().all()) == ["DEMO"]


def test_two_paths_in_statements_of_one_shape_are_told_apart(database: Database) -> None:
    """A statement that was compiled for one path does not answer for another."""
    _add(database, "DEMO", a="1", b="2")

    def values(path: str) -> list[str]:
        query = select(field_text(node.c.fields, path)).where(node.c.id == "DEMO")
        return list(read(database, lambda connection: connection.execute(query).scalars().all()))

    assert [values("a"), values("b"), values("a")] == [["1"], ["2"], ["1"]]


def test_fields_sort_by_code_point_on_both(database: Database) -> None:
    for number, text in enumerate(("b", "a", "B", "_", "ä")):
        _add(database, f"P{number}", note=text)
    query = select(field_text(node.c.fields, "note")).where(node.c.kind == "project")
    ordered = query.order_by(field_text(node.c.fields, "note"))

    found = read(database, lambda connection: connection.execute(ordered).scalars().all())

    assert list(found) == ["B", "_", "a", "b", "ä"]


def test_metacharacters_in_what_is_compared_are_data(database: Database) -> None:
    _add(database, "DEMO", note="' OR 1=1 --")
    _add(database, "OTHER", note="harmless")
    query = select(node.c.id).where(field_text(node.c.fields, "note") == "' OR 1=1 --")

    assert read(database, lambda connection: connection.execute(query).scalars().all()) == ["DEMO"]


@pytest.mark.parametrize("path", ['a"b', "a\\b", "a\0b"])
def test_a_path_that_could_leave_its_quotes_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        field_text(node.c.fields, path)
