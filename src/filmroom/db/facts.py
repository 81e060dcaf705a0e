"""What is known of a thing besides its fields, as SQL."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, func, select, type_coerce

from filmroom.db.reach import readable
from filmroom.db.schema import account, membership, name, node
from filmroom.model.lists import Fact
from filmroom.model.people import BuiltIn
from filmroom.model.permission import Reach

_OWN: Final = name.alias("own")
_OTHER: Final = node.alias("other")
_OWNER: Final = account.alias("owner")
_MEMBER: Final = membership.alias("owning")
_COUNTED: Final = node.alias("counted")

Told = Callable[[FromClause], ColumnElement[Any]]


def label_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    return (
        select(_OWN.c.label)
        .where(_OWN.c.node_pk == pk, _OWN.c.is_primary, _OWN.c.deleted_at.is_(None))
        .scalar_subquery()
    )


def id_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(_OTHER.c.id).where(_OTHER.c.pk == pk).scalar_subquery()


def _login_of(pk: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(account.c.login).where(account.c.node_pk == pk).scalar_subquery()


def _owners_of(project_pk: ColumnElement[Any]) -> ColumnElement[Any]:
    is_owner = and_(_MEMBER.c.project_pk == project_pk, _MEMBER.c.suffix == BuiltIn.OWNER)
    logins = (
        select(_OWNER.c.login)
        .join(_MEMBER, _MEMBER.c.account_pk == _OWNER.c.node_pk)
        .where(is_owner)
        .order_by(_OWNER.c.login)
        .correlate_except(_OWNER, _MEMBER)
        .subquery("logins")
    )
    return select(func.aggregate_strings(logins.c.login, " <br/> ")).scalar_subquery()


def count_readable(project_pk: ColumnElement[Any], xsi_type: str, around: Reach) -> ColumnElement[Any]:
    """How many things of a type a project owns that may be read; NULL for none."""
    is_readable = readable(_COUNTED, around)
    query = select(func.nullif(func.count(), 0)).select_from(_COUNTED)
    query = query.where(
        _COUNTED.c.project_pk == project_pk, _COUNTED.c.xsi_type == xsi_type, _COUNTED.c.deleted_at.is_(None)
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
