"""What a viewer may read, as conditions of a query. Whoever asks has it from the gate."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, and_, or_, select

from filmroom.db.schema import name
from filmroom.model.permission import Reach

_SHARE: Final = name.alias("share_read")

Limited = Mapping[int, frozenset[str] | None]
"""Projects by pk, each with the data types that count there (None: all)."""


def readable(
    table: FromClause, reach: Reach, *, session: FromClause | None = None, is_project: bool = False
) -> ColumnElement[bool] | None:
    """Whether a thing may be read; None where everything may be."""
    if reach.is_everything:
        return None
    if is_project:
        return table.c.pk.in_(reach.own)
    return or_(of_projects(table, reach.own), *by_share(table, reach, session))


def by_share(table: FromClause, reach: Reach, session: FromClause | None) -> Iterator[ColumnElement[bool]]:
    """Itself, or along with its session, unless it belongs to another project than that."""
    yield table.c.pk.in_(_shared(table, reach))
    if session is not None and session is not table:
        yield and_(session.c.project_pk == table.c.project_pk, table.c.parent_pk.in_(_shared(table, reach)))


def of_projects(table: FromClause, projects: Limited) -> ColumnElement[bool]:
    return _limited(table.c.project_pk, table.c.xsi_type, projects)


def _shared(table: FromClause, reach: Reach) -> ScalarSelect[Any]:
    """The pks of what is shared into projects whose shared data may be read."""
    into = _limited(_SHARE.c.project_pk, table.c.xsi_type, reach.shared)
    query = select(_SHARE.c.node_pk).where(~_SHARE.c.is_primary, _SHARE.c.deleted_at.is_(None), into)
    return query.correlate(table).scalar_subquery()


def _limited(project_pk: ColumnElement[Any], xsi_type: ColumnElement[Any], projects: Limited) -> ColumnElement[bool]:
    """Whether something is of one of some projects and of a data type to which that is limited."""
    ways: list[ColumnElement[bool]] = [project_pk.in_([pk for pk, types in projects.items() if types is None])]
    ways += [and_(project_pk == pk, xsi_type.in_(sorted(types))) for pk, types in projects.items() if types is not None]
    return or_(*ways)
