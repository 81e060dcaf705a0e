"""Everything that is or was at an address, whatever became of it and of what is above it: what a purge is about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from filmroom.db.files import select_clauses
from filmroom.db.holdings import Scope
from filmroom.db.projects import find_project
from filmroom.db.resources import add_to_counters
from filmroom.db.schema import file, name, node, resource
from filmroom.model.address import Address, with_name
from filmroom.model.names import is_rid, to_rid
from filmroom.model.nodes import INSIDE_SESSION, Kind
from filmroom.model.people import Stamp
from filmroom.model.removal import SEALED
from filmroom.model.resources import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``scope`` chooses it. ``addresses`` are where it is by IDs and numbers alone.

    ``node_pks`` are the things themselves, where it is things; ``told_pk`` is the thing, and ``project_pk`` the
    project, of which it is told, both of those that stay; None where none does.
    """

    what: str
    scope: Scope
    addresses: Sequence[Address]
    node_pks: Sequence[int] = ()
    told_pk: int | None = None
    project_pk: int | None = None


def find_target(connection: Connection, address: Address, selection: Selection | None) -> Target | None:
    """None where there never was anything, or it is gone for good. ``selection`` chooses files of a resource."""
    pks = list_things(connection, address)
    if address.resource is None:
        return _things(connection, address, pks)
    is_called = (
        resource.c.rid == to_rid(address.resource) if is_rid(address.resource) else _is_labelled(address.resource)
    )
    chosen = (resource.c.node_pk.in_(pks), resource.c.side == address.side, is_called)
    rows = connection.execute(select(resource.c.pk, resource.c.rid, resource.c.node_pk).where(*chosen)).all()
    if not rows:
        return None
    resource_pks = [row.pk for row in rows]
    scope = Scope(resources=resource.c.pk.in_(resource_pks))
    if selection is not None:
        which = and_(file.c.resource_pk.in_(resource_pks), *select_clauses(selection))
        if connection.execute(select(file.c.pk).where(which).limit(1)).first() is None:
            return None
        scope = Scope(files=which)
    owners = {row.node_pk: _address(connection, row.node_pk, address) for row in rows}
    return Target(
        what="resource" if selection is None else "files",
        scope=scope,
        addresses=[replace(owners[row.node_pk], resource=str(row.rid)) for row in rows],
        told_pk=rows[0].node_pk,
        project_pk=project_of(connection, rows[0].node_pk),
    )


def seal(connection: Connection, target: Target, *, stamp: Stamp) -> None:
    """Let it count as deleted so long ago that the next removal takes it; counters of what stays are right at once."""
    scope = target.scope
    of_files = select(file.c.resource_pk).where(scope.files)  # as uploads do it, so that the counters stay right
    connection.execute(select(resource.c.pk).where(resource.c.pk.in_(of_files)).with_for_update()).all()
    live = (scope.files, file.c.deleted_at.is_(None))
    totals = select(file.c.resource_pk, func.count().label("files"), func.sum(file.c.size_bytes).label("bytes"))
    for row in connection.execute(totals.where(*live).group_by(file.c.resource_pk)).all():
        add_to_counters(connection, row.resource_pk, files=-row.files, size_bytes=-int(row.bytes), stamp=stamp)
    for table, which in ((node, scope.nodes), (resource, scope.resources), (file, scope.files)):
        connection.execute(update(table).where(which).values(deleted_at=SEALED))


def _things(connection: Connection, address: Address, pks: Sequence[int]) -> Target | None:
    if not pks:
        return None
    parent_pk = connection.execute(select(node.c.parent_pk).where(node.c.pk == pks[0])).scalar()
    return Target(
        what=address.kind,
        scope=Scope(nodes=node.c.pk.in_(pks)),
        addresses=[_address(connection, pk, address) for pk in pks],
        node_pks=pks,
        told_pk=parent_pk,
        project_pk=None if address.kind is Kind.PROJECT else project_of(connection, pks[0]),
    )


def list_things(connection: Connection, address: Address) -> list[int]:
    """The pks of the things that are or were at an address. Each level narrows what the one before it found."""
    project_pks = subject_pks = session_pks = None
    if address.project is not None:
        project = find_project(connection, address.project)
        project_pks = _pks(connection, Kind.PROJECT, node.c.id == address.project) + ([project.pk] if project else [])
        if address.kind is Kind.PROJECT:
            return list(dict.fromkeys(project_pks))
    if address.subject is not None:
        subject_pks = _named(connection, Kind.SUBJECT, address.subject, project_pks)
        if address.kind is Kind.SUBJECT:
            return subject_pks
    session_pks = _named(connection, Kind.EXPERIMENT, address.experiment or "", project_pks)
    if subject_pks is not None:
        of_subjects = and_(node.c.pk.in_(session_pks), node.c.parent_pk.in_(subject_pks))
        session_pks = _pks(connection, Kind.EXPERIMENT, of_subjects)
    return session_pks if address.kind is Kind.EXPERIMENT else _inside(connection, address, session_pks)


def _inside(connection: Connection, address: Address, session_pks: Sequence[int]) -> list[int]:
    called = getattr(address, address.kind)
    is_in = node.c.parent_pk.in_(session_pks)
    if address.kind is not Kind.ASSESSOR:
        return _pks(connection, address.kind, and_(is_in, node.c.id == called))
    return _pks(connection, Kind.EXPERIMENT, and_(is_in, or_(node.c.id == called, _has_label(called))))


def _named(connection: Connection, kind: Kind, called: str, project_pks: Sequence[int] | None) -> list[int]:
    """By ID or by label in a project; without a project by ID only."""
    if project_pks is None:
        return _pks(connection, kind, node.c.id == called)
    is_called = or_(node.c.id == called, _has_label(called))
    return _pks(connection, kind, and_(node.c.project_pk.in_(project_pks), is_called))


def _has_label(label: str) -> ColumnElement[bool]:
    own = (name.c.node_pk == node.c.pk, name.c.project_pk == node.c.project_pk, name.c.is_primary)
    return select(name.c.pk).where(*own, name.c.label == label).exists()


def _pks(connection: Connection, kind: Kind, which: ColumnElement[bool]) -> list[int]:
    return list(connection.execute(select(node.c.pk).where(node.c.kind == kind, which).order_by(node.c.pk)).scalars())


def _is_labelled(label: str) -> ColumnElement[bool]:
    return resource.c.label.is_(None) if label.upper() == "NULL" else resource.c.label == label


def project_of(connection: Connection, pk: int) -> int:
    row = connection.execute(select(node.c.project_pk).where(node.c.pk == pk)).one()
    return pk if row.project_pk is None else int(row.project_pk)


def _address(connection: Connection, pk: int, asked: Address) -> Address:
    project, parent = node.alias("project"), node.alias("parent")
    row: Any = connection.execute(
        select(node.c.id, project.c.id.label("project_id"), parent.c.id.label("parent_id"))
        .outerjoin(project, project.c.pk == node.c.project_pk)
        .outerjoin(parent, parent.c.pk == node.c.parent_pk)
        .where(node.c.pk == pk)
    ).one()
    if asked.kind is Kind.PROJECT:
        return Address(kind=Kind.PROJECT, project=row.id)
    session = row.parent_id if asked.kind in INSIDE_SESSION else None
    address = Address(kind=asked.kind, project=row.project_id, side=asked.side, experiment=session)
    return with_name(address, asked.kind, row.id)
