"""What there is of each data type in each project, and the values that fields have there: sums, not rows.

Nobody is asked for permission here: each row says in which project a thing is, whether it belongs there, and of which
type what secures it is, so that whoever asks can leave out what a viewer may not read.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from filmroom.db.fieldsql import node_field
from filmroom.db.schema import name, node
from filmroom.db.unindexed import Unindexed
from filmroom.model.nodes import Kind

_ROWS_AT_ONCE: Final = 1000
_secured = node.alias("secured")


class Presence(NamedTuple):
    """Where things are: in a project to which they belong, or (not ``is_own``) into which they are shared."""

    project_pk: int
    is_own: bool
    xsi_type: str


def count_by_type(connection: Connection) -> Iterator[tuple[Presence, int]]:
    """How many live subjects and experiments of each type belong to each project."""
    columns = (node.c.project_pk, node.c.xsi_type)
    for kind in (Kind.SUBJECT, Kind.EXPERIMENT):  # each by itself, so that the index alone is read
        query = select(*columns, func.count()).where(node.c.kind == kind, *_stands(node)).group_by(*columns)
        for row in connection.execute(query):
            yield Presence(project_pk=row[0], is_own=True, xsi_type=row[1]), row[2]


class Shared(NamedTuple):
    """A thing that is shared into a project, or that is inside a session which is."""

    node_pk: int
    xsi_type: str
    own_project_pk: int
    project_pk: int


def iter_shared(connection: Connection) -> Iterator[Shared]:
    """Every live subject or experiment that is shared, once for each project; with a session its own assessors."""
    inside = node.alias("inside")
    shared = _present(node).where(~name.c.is_primary)
    own = shared.add_columns(node.c.pk, node.c.xsi_type, node.c.project_pk, name.c.project_pk)
    below = (
        shared.add_columns(inside.c.pk, inside.c.xsi_type, inside.c.project_pk, name.c.project_pk)
        .join(inside, inside.c.parent_pk == node.c.pk)
        .where(Unindexed(node.c.kind) == Kind.EXPERIMENT, Unindexed(inside.c.kind) == Kind.EXPERIMENT)
        .where(inside.c.project_pk == node.c.project_pk, inside.c.deleted_at.is_(None))
    )
    for query in (own, below):
        yield from (Shared(*row) for row in connection.execute(query))


def iter_values(
    connection: Connection, kind: Kind, paths: Sequence[str], *, project_pk: int | None = None
) -> Iterator[tuple[Presence, tuple[str, ...]]]:
    """The different values that fields have in live things of a kind: subjects, experiments or scans.

    Where a scan is, and its type, are those of its session. Things for which all are empty do not count.
    ``project_pk`` leaves only what is in one project.
    """
    holder = node.alias("holder") if kind is Kind.SCAN else _secured
    values = [func.coalesce(node_field(holder, path), "") for path in paths]
    query = _present(_secured).add_columns(name.c.project_pk, name.c.is_primary, _secured.c.xsi_type, *values)
    if kind is Kind.SCAN:
        query = query.join(holder, holder.c.parent_pk == _secured.c.pk)
        query = query.where(holder.c.kind == kind, holder.c.deleted_at.is_(None))
    else:
        query = query.where(_secured.c.kind == kind)
    if project_pk is not None:
        query = query.where(name.c.project_pk == project_pk)
    with connection.execute(query.distinct(), execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        for row in rows:
            if any(texts := tuple(row[3:])):
                yield Presence(*row[:3]), texts


def _present(thing: Any) -> Select[Any]:
    """A query, without columns yet, over live things and the live names under which they are in projects."""
    found = select().select_from(name).join(thing, thing.c.pk == name.c.node_pk)
    return found.where(name.c.deleted_at.is_(None), *_stands(thing))


def _stands(thing: Any) -> tuple[ColumnElement[bool], ...]:
    """That a thing is live, and all that it is below.

    Deleted things are few, so they are asked for once and not for each row.
    """
    deleted = (node.c.deleted_at.is_not(None), node.c.kind.in_((Kind.PROJECT, Kind.SUBJECT, Kind.EXPERIMENT)))
    gone = select(node.c.pk).where(*deleted)
    inside = select(node.c.pk).where(node.c.parent_pk.in_(gone), node.c.kind == Kind.EXPERIMENT)
    below = union_all(gone, inside).subquery()
    return (
        thing.c.deleted_at.is_(None),
        thing.c.parent_pk.not_in(select(below.c.pk)),
    )
