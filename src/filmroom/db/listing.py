"""The files of some resources, listed: a hundred thousand of them must be cheap.

Half of what a list costs is that each value of each row becomes one of Python's. What files say beside their path,
size and digest is nearly always the same in all of them: it is asked for once, and rows say it only where they differ.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Connection, and_, bindparam, case, null, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from filmroom.db.batches import iter_batches
from filmroom.db.columns import Text
from filmroom.db.files import LIVE, OF_RESOURCES, select_clauses, some_at_once
from filmroom.db.hot import Hot
from filmroom.db.schema import file
from filmroom.model.resources import Selection


class _JsonArray(FunctionElement[Any]):
    """The text of a JSON list of values."""

    type = Text
    inherit_cache = True


@compiles(_JsonArray, "sqlite")
def _to_sqlite(element: _JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(_JsonArray, "postgresql")
def _to_postgresql(element: _JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **options)}) AS TEXT)"


_SAID: Final = (file.c.format, file.c.content, file.c.tags)
_USUAL: Final = Hot(select(*_SAID).where(*LIVE).limit(1))
_IS_USUAL: Final = and_(*(column == bindparam(f"usual_{column.name}") for column in _SAID), file.c.damaged_at.is_(None))
_LISTING: Final = (
    select(
        file.c.resource_pk,
        file.c.path,
        file.c.size_bytes,
        file.c.md5,
        case((_IS_USUAL, null()), else_=_JsonArray(*_SAID, type_coerce(file.c.damaged_at, BigInteger))),
    )
    .where(*OF_RESOURCES)
    .order_by(file.c.resource_pk, file.c.path)
)


def iter_listing(
    connection: Connection, resource_pks: Sequence[int], selection: Selection, *, with_keys: bool = False
) -> Generator[Sequence[Sequence[Any]], None, None]:
    """``resource_pk, path, size_bytes, md5, format, content, tags, damaged_at`` of the selected files, lazily.

    If so asked ``key`` comes last. They come many at once, column by column and never none; whoever does not take all
    of them closes it. ``tags`` is a JSON list, ``damaged_at`` in microseconds since 1970. Resources come in ascending
    order of their pks, the files of each by path.
    """
    columns = _LISTING.add_columns(file.c.key) if with_keys else _LISTING
    query = columns.where(*select_clauses(selection))
    for pks in some_at_once(resource_pks):
        usual = _find_usual(connection, pks["resource_pks"][0])
        values = {f"usual_{column.name}": value for column, value in zip(_SAID, usual, strict=True)}
        for rows in iter_batches(connection, query, {**pks, **values}):
            yield _to_columns(rows, (*usual, None))


def _find_usual(connection: Connection, resource_pk: int) -> Sequence[str]:
    """What any one of the files says, for all to be held against."""
    return _USUAL.first(connection, {"resource_pk": resource_pk}) or ("",) * len(_SAID)


def _to_columns(rows: Sequence[Sequence[Any]], usual: Sequence[Any]) -> Sequence[Sequence[Any]]:
    pks, paths, sizes, md5s, others, *keys = zip(*rows, strict=True)
    if others.count(None) == len(rows):
        said = [(value,) * len(rows) for value in usual]
    else:
        as_json = orjson.dumps(tuple(usual)).decode()
        each = orjson.loads(f"[{','.join(other or as_json for other in others)}]")
        said = list(zip(*each, strict=True))
    return [pks, paths, sizes, md5s, *said, *keys]
