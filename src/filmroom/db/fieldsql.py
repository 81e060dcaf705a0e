"""A field of a node as an SQL expression: the same words for both databases.

The path stands in the SQL itself, not as a parameter, so that an index on such an expression can be used.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, String, Table, and_, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from filmroom.db.columns import Text, partial_index


class _FieldText(FunctionElement[Any]):
    type = Text
    inherit_cache = True


def field_text(column: ColumnElement[Any], path: str) -> ColumnElement[Any]:
    """The text at a field path in a column like ``node.fields``; NULL where there is none.

    It sorts and compares by code point. A field that holds several texts is their JSON, with blanks as its database
    likes them. ``path`` may be any text without NUL, double quote or backslash (no field path has one): ValueError.
    """
    if any(mark in path for mark in '\0"\\'):
        raise ValueError(f"{path!r} is no path of a field")
    return _FieldText(column, literal_column(path))


# Fields that have a column of this name too, for their text if they are one; ``db/nodes.py`` writes both.
OWN_COLUMNS: Final = frozenset({"date"})


def node_field(table: FromClause, path: str) -> ColumnElement[Any]:
    """The text at the path of a field that is one text, of a node or an alias of it; as ``field_text`` finds it."""
    return table.c[path] if path in OWN_COLUMNS else field_text(table.c.fields, path)


def index_field(table: Table, path: str) -> None:
    """Give a table like ``node`` an index of a field, which knows only live things that have it."""
    field = node_field(table, path)
    has_it = and_(table.c.deleted_at.is_(None), field.is_not(None))
    partial_index(f"ix_{table.name}_{path}", field, where=has_it)


@compiles(_FieldText, "sqlite")
def _to_sqlite(element: _FieldText, compiler: SQLCompiler, **options: Any) -> str:
    column, path = element.clauses
    where = _quoted(compiler, f'$."{path.name}"')
    return f"json_extract({compiler.process(column, **options)}, {where})"


@compiles(_FieldText, "postgresql")
def _to_postgresql(element: _FieldText, compiler: SQLCompiler, **options: Any) -> str:
    column, path = element.clauses
    return f'((CAST({compiler.process(column, **options)} AS jsonb) ->> {_quoted(compiler, path.name)}) COLLATE "C")'


def _quoted(compiler: SQLCompiler, text: str) -> str:
    return compiler.render_literal_value(text, String())
