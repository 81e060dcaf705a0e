"""What is known of a thing besides its fields, as SQL."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, func, select, type_coerce

from filmroom.db.reach import readable
from filmroom.db.schema import account, membership, name, node
from filmroom.model.lists import Fact
from filmroom.model.people import BuiltIn
from filmroom.model.permission import Reach

Told = Callable[[FromClause], ColumnElement[Any]]


def label_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    own = name.alias("own")
    return (
        select(own.c.label).where(own.c.node_pk == pk, own.c.is_primary, own.c.deleted_at.is_(None)).scalar_subquery()
    )


def id_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    other = node.alias("other")
    return select(other.c.id).where(other.c.pk == pk).scalar_subquery()


def _login_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(account.c.login).where(account.c.node_pk == pk).scalar_subquery()


def _owners_of(project_pk: ColumnElement[Any]) -> ColumnElement[Any]:
    owner, member = account.alias("owner"), membership.alias("owning")
    is_owner = and_(member.c.project_pk == project_pk, member.c.suffix == BuiltIn.OWNER)
    logins = (
        select(owner.c.login)
        .join(member, member.c.account_pk == owner.c.node_pk)
        .where(is_owner)
        .order_by(owner.c.login)
        .correlate_except(owner, member)
        .subquery("logins")
    )
    return select(func.aggregate_strings(logins.c.login, " <br/> ")).scalar_subquery()


def count_readable(project_pk: ColumnElement[Any], xsi_type: str, around: Reach) -> ColumnElement[Any]:
    """How many things of a type a project owns that may be read; NULL for none."""
    counted = node.alias("counted")
    is_readable = readable(counted, around)
    query = select(func.nullif(func.count(), 0)).select_from(counted)
    query = query.where(
        counted.c.project_pk == project_pk, counted.c.xsi_type == xsi_type, counted.c.deleted_at.is_(None)
    )
    return (query if is_readable is None else query.where(is_readable)).scalar_subquery()


def _moment(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return type_coerce(column, BigInteger)


FACTS: Final[dict[Fact, Told]] = {
    Fact.ID: lambda table: table.c.id,
    Fact.LABEL: lambda table: label_of(table.c.pk),
    Fact.XSI_TYPE: lambda table: table.c.xsi_type,
    Fact.INSERT_DATE: lambda table: _moment(table.c.created_at),
    Fact.INSERT_USER: lambda table: _login_of(table.c.created_by),
    Fact.LAST_MODIFIED: lambda table: _moment(table.c.modified_at),
    Fact.ACCESSIBILITY: lambda table: table.c.accessibility,
    Fact.OWNERS: lambda table: _owners_of(table.c.pk),
    Fact.NUMBER: lambda table: table.c.pk,
}
RESOURCE_FACTS: Final[dict[Fact, Told]] = {
    Fact.LABEL: lambda table: table.c.label,
    Fact.FILE_COUNT: lambda table: table.c.file_count,
    Fact.FILE_SIZE: lambda table: table.c.size_bytes,
    Fact.FORMAT: lambda table: table.c.format,
    Fact.CONTENT: lambda table: table.c.content,
}
