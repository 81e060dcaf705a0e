"""What is left of what was deleted or overwritten, for lists of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    false,
    literal,
    null,
    or_,
    select,
    true,
)

from filmroom.db.files import select_clauses
from filmroom.db.schema import AnyRow, account, event, file, file_history, name, node, resource
from filmroom.model.nodes import Kind
from filmroom.model.resources import Selection, Side
from filmroom.model.undo import VERSION

_parent = node.alias("parent")
_old_name = name.alias("old_name")


class Trace(NamedTuple):
    """``kind``, ``id``, ``parent_kind`` and ``parent_id`` are of the thing that it is or hangs on.

    ``path`` is None for all but files and their versions, ``rid`` for things.
    """

    what: str
    kind: Kind
    id: str
    parent_kind: Kind | None
    parent_id: str | None
    side: Side
    rid: int | None
    path: str | None
    label: str | None
    number: int
    deleted_at: datetime
    login: str | None
    files: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A live thing with all live things of its project below it; or one resource of it and some files of that.

    ``resource`` is a condition on resources, ``files`` chooses among the files of what it chooses. What was deleted
    before ``since`` is gone. ``types`` are the data types that count (None: all).
    """

    root_pk: int
    project_pk: int
    since: datetime
    types: frozenset[str] | None
    resource: ColumnElement[bool] | None = None
    files: Selection | None = None


def named(*, side: Side, label: str | None, rid: int | None) -> ColumnElement[bool]:
    """The resources of a thing that are called so, for ``Scope``."""
    is_called = resource.c.label.is_not_distinct_from(label) if rid is None else resource.c.rid == rid
    return and_(resource.c.side == side, is_called)


def iter_traces(connection: Connection, scope: Scope, *, limit: int) -> Iterator[list[Trace]]:
    """Of things, resources, files and versions each the latest ones, the latest first."""
    within = _live_below(scope)
    queries = [_versions(scope, within), _files(scope, within)]
    if scope.files is None:
        queries.append(_resources(scope, within))
    if scope.resource is None:
        queries.append(_nodes(scope, within))
    for query in queries:
        yield [_to_trace(row) for row in connection.execute(query.where(_counts(scope)).limit(limit))]


def get_trace(connection: Connection, node_pk: int) -> Trace:
    """That of a deleted thing."""
    return _to_trace(connection.execute(_select_nodes().where(node.c.pk == node_pk)).one())


def _live_below(scope: Scope) -> CTE:
    root = select(node.c.pk).where(node.c.pk == scope.root_pk)
    if scope.resource is not None:
        return root.cte("within")
    within = root.cte("within", recursive=True)
    own = (node.c.parent_pk == within.c.pk, node.c.project_pk == scope.project_pk, node.c.deleted_at.is_(None))
    return within.union_all(select(node.c.pk).where(*own))


def _of_node(what: Any, source: FromClause, *columns: Any) -> Select[Any]:
    at = (node.c.kind, node.c.id, _parent.c.kind.label("parent_kind"), _parent.c.id.label("parent_id"))
    return select(what.label("what"), *at, *columns).select_from(
        source.outerjoin(_parent, _parent.c.pk == node.c.parent_pk)
    )


def _counts(scope: Scope) -> ColumnElement[bool]:
    """Scans and reconstructions are of their session's type here (F-56)."""
    secured = case((node.c.kind.in_((Kind.SCAN, Kind.RECONSTRUCTION)), _parent.c.xsi_type), else_=node.c.xsi_type)
    return true() if scope.types is None else secured.in_(scope.types)


def _by(moment: ColumnElement[Any]) -> Any:
    """Who did it, from the event of the same thing and moment."""
    query = select(account.c.login).join(event, event.c.by_pk == account.c.node_pk)
    return query.where(event.c.node_pk == node.c.pk, event.c.at == moment).limit(1).scalar_subquery().label("login")


def _select_nodes() -> Select[Any]:
    had_name = and_(
        _old_name.c.node_pk == node.c.pk, _old_name.c.is_primary, _old_name.c.deleted_at == node.c.deleted_at
    )
    return _of_node(
        node.c.kind,
        node.outerjoin(_old_name, had_name),
        *_blank("side", "rid", "path"),
        _old_name.c.label.label("label"),
        literal(0).label("number"),
        node.c.deleted_at,
        _by(node.c.deleted_at),
        *_blank("files", "size_bytes"),
    )


def _nodes(scope: Scope, within: CTE) -> Select[Any]:
    """Of a project also what hung below a live subject of another one."""
    is_project = true() if scope.root_pk == scope.project_pk else false()
    is_abroad = and_(is_project, _parent.c.project_pk != scope.project_pk)
    is_here = or_(node.c.parent_pk.in_(select(within.c.pk)), and_(is_abroad, _parent.c.deleted_at.is_(None)))
    query = _select_nodes().where(node.c.project_pk == scope.project_pk, is_here, node.c.deleted_at > scope.since)
    return query.where(node.c.deleted_at.is_not(None)).order_by(node.c.deleted_at.desc(), node.c.pk.desc())


def _resources(scope: Scope, within: CTE) -> Select[Any]:
    query = _of_node(
        literal("resource"),
        resource.join(node, node.c.pk == resource.c.node_pk),
        resource.c.side,
        resource.c.rid,
        *_blank("path"),
        resource.c.label,
        literal(0).label("number"),
        resource.c.deleted_at,
        _by(resource.c.deleted_at),
        resource.c.file_count.label("files"),
        resource.c.size_bytes,
    )
    query = query.where(*_hangs_on(scope, within), resource.c.deleted_at > scope.since)
    return query.order_by(resource.c.deleted_at.desc(), resource.c.pk.desc())


def _files(scope: Scope, within: CTE) -> Select[Any]:
    query = _of_node(
        literal("file"),
        _with_resources(file),
        *_of_file(),
        literal(0).label("number"),
        file.c.deleted_at,
        _by(file.c.deleted_at),
        literal(1).label("files"),
        file.c.size_bytes,
    )
    query = query.where(*_is_in(scope, within), file.c.deleted_at > scope.since)
    return query.order_by(file.c.deleted_at.desc(), file.c.pk.desc())


def _versions(scope: Scope, within: CTE) -> Select[Any]:
    replacer = account.alias("replacer")
    source = _with_resources(file_history.join(file, file.c.pk == file_history.c.file_pk))
    query = _of_node(
        literal(VERSION),
        source.outerjoin(replacer, replacer.c.node_pk == file_history.c.replaced_by),
        *_of_file(),
        file_history.c.pk.label("number"),
        file_history.c.replaced_at.label("deleted_at"),
        replacer.c.login,
        literal(1).label("files"),
        file_history.c.size_bytes,
    )
    query = query.where(*_is_in(scope, within), file.c.deleted_at.is_(None))
    query = query.where(file_history.c.replaced_at > scope.since)
    return query.order_by(file_history.c.replaced_at.desc(), file_history.c.pk.desc())


def _with_resources(source: FromClause) -> FromClause:
    joined = source.join(resource, resource.c.pk == file.c.resource_pk)
    return joined.join(node, node.c.pk == resource.c.node_pk)


def _of_file() -> tuple[ColumnElement[Any], ...]:
    return (resource.c.side, resource.c.rid, file.c.path, resource.c.label)


def _hangs_on(scope: Scope, within: CTE) -> list[ColumnElement[bool]]:
    named = [] if scope.resource is None else [scope.resource]
    return [resource.c.node_pk.in_(select(within.c.pk)), *named]


def _is_in(scope: Scope, within: CTE) -> list[ColumnElement[bool]]:
    chosen = select_clauses(scope.files) if scope.files else []
    return [*_hangs_on(scope, within), resource.c.deleted_at.is_(None), *chosen]


def _blank(*names: str) -> Iterator[ColumnElement[Any]]:
    return (null().label(name) for name in names)


def _to_trace(row: AnyRow) -> Trace:
    is_assessor = row.kind == Kind.EXPERIMENT and row.parent_kind == Kind.EXPERIMENT
    kind = Kind.ASSESSOR if is_assessor else Kind(row.kind)
    return Trace(
        what=kind.value if row.what == row.kind else row.what,
        kind=kind,
        id=row.id,
        parent_kind=Kind(row.parent_kind) if row.parent_kind else None,
        parent_id=row.parent_id,
        side=Side(row.side or ""),
        rid=row.rid,
        path=row.path,
        label=row.label,
        number=row.number,
        deleted_at=row.deleted_at,
        login=row.login,
        files=row.files,
        size_bytes=row.size_bytes,
    )
