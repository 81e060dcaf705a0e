"""Rows of who belongs to which group of which project."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, func, select

from filmroom.db.hot import Hot
from filmroom.db.schema import AnyRow, account, membership, node, user_group
from filmroom.db.upsert import upsert
from filmroom.model.people import BuiltIn, Group

_GROUP: Final = (membership.c.suffix, user_group.c.display_name, user_group.c.rights)
_SAME: Final = and_(user_group.c.project_pk == membership.c.project_pk, user_group.c.suffix == membership.c.suffix)
_OF_ONE: Final = Hot(
    select(*_GROUP)
    .select_from(membership.outerjoin(user_group, _SAME))
    .where(membership.c.project_pk == bindparam("project_pk"), membership.c.account_pk == bindparam("account_pk"))
)
_DISPLAY_NAMES: Final = {
    BuiltIn.OWNER: "Owners",
    BuiltIn.MEMBER: "Members",
    BuiltIn.COLLABORATOR: "Collaborators",
}


def find_group(connection: Connection, *, project_pk: int, project_id: str, account_pk: int) -> Group | None:
    """The group of a project that somebody is in."""
    row = _OF_ONE.first(connection, {"project_pk": project_pk, "account_pk": account_pk})
    return None if row is None else _to_group(row, project_id)


def map_groups_of(connection: Connection, account_pk: int) -> Mapping[int, Group]:
    """By the pk of each project, the group in it that somebody is in."""
    query = (
        select(*_GROUP, membership.c.project_pk, node.c.id)
        .select_from(membership.outerjoin(user_group, _SAME).join(node, node.c.pk == membership.c.project_pk))
        .where(membership.c.account_pk == account_pk)
    )
    return {row.project_pk: _to_group(row, row.id) for row in connection.execute(query)}


def list_groups(connection: Connection, *, project_pk: int, project_id: str) -> tuple[Group, ...]:
    """The groups of a project: those that every one has, then its own by id."""
    built_in = (
        Group(id=f"{project_id}_{suffix}", suffix=suffix, display_name=name, rights={})
        for suffix, name in _DISPLAY_NAMES.items()
    )
    query = select(user_group).where(user_group.c.project_pk == project_pk).order_by(user_group.c.suffix)
    return (*built_in, *(_to_group(row, project_id) for row in connection.execute(query)))


def _to_group(row: AnyRow, project_id: str) -> Group:
    built_in = next((word for word in BuiltIn if word == row.suffix), None)
    return Group(
        id=f"{project_id}_{row.suffix}",
        suffix=row.suffix,
        display_name=_DISPLAY_NAMES[built_in] if built_in else row.display_name or row.suffix,
        rights=orjson.loads(row.rights) if row.rights else {},
    )


class Member(NamedTuple):
    """A row of a project's list of people."""

    suffix: str
    account_pk: int
    login: str
    first_name: str
    last_name: str
    email: str
    is_enabled: bool


_SHOWN: Final = (
    account.c.node_pk.label("account_pk"),
    account.c.login,
    account.c.first_name,
    account.c.last_name,
    account.c.email,
    account.c.is_enabled,
)


def iter_members(connection: Connection, project_pk: int) -> Iterator[Member]:
    """Everybody who is in a group of the project, by login."""
    query = (
        select(membership.c.suffix, *_SHOWN)
        .join(account, account.c.node_pk == membership.c.account_pk)
        .where(membership.c.project_pk == project_pk)
        .order_by(account.c.login)
    )
    return (Member(*row) for row in connection.execute(query))


def iter_data_people(connection: Connection) -> Iterator[Member]:
    """Everybody who has a role at all projects, which stands in place of a group, by login."""
    query = select(account.c.data_role, *_SHOWN).where(account.c.data_role != "").order_by(account.c.login)
    return (Member(*row) for row in connection.execute(query))


_ADD: Final = upsert(membership)
_PUT_MEMBER: Final = Hot(
    _ADD.on_conflict_do_update(
        index_elements=[membership.c.project_pk, membership.c.account_pk], set_={"suffix": _ADD.excluded.suffix}
    ),
    columns=("project_pk", "account_pk", "suffix"),
)


def put_member(connection: Connection, *, project_pk: int, account_pk: int, suffix: str) -> None:
    """Put somebody into a group of the project, and out of any other one of it."""
    _PUT_MEMBER.queue(connection, {"project_pk": project_pk, "account_pk": account_pk, "suffix": suffix})


def delete_member(connection: Connection, *, project_pk: int, account_pk: int, suffix: str) -> bool:
    """Whether somebody was in this group, and is so no more."""
    query = delete(membership).where(
        membership.c.project_pk == project_pk,
        membership.c.account_pk == account_pk,
        membership.c.suffix == suffix,
    )
    return connection.execute(query).rowcount == 1


def put_group(connection: Connection, project_pk: int, group: Group) -> None:
    """Make a group of a project's own, or change it."""
    said = {"display_name": group.display_name, "rights": orjson.dumps(dict(group.rights)).decode()}
    values = {"project_pk": project_pk, "suffix": group.suffix, **said}
    key = [user_group.c.project_pk, user_group.c.suffix]
    connection.execute(upsert(user_group).values(values).on_conflict_do_update(index_elements=key, set_=said))


def delete_group(connection: Connection, *, project_pk: int, suffix: str) -> bool:
    """Whether there was such a group; those who were in it are in none any more."""
    in_group = (membership.c.project_pk == project_pk, membership.c.suffix == suffix)
    connection.execute(delete(membership).where(*in_group))
    query = delete(user_group).where(user_group.c.project_pk == project_pk, user_group.c.suffix == suffix)
    return connection.execute(query).rowcount == 1


def count_members(connection: Connection, *, project_pk: int, suffix: str) -> int:
    in_group = (membership.c.project_pk == project_pk, membership.c.suffix == suffix)
    return int(connection.execute(select(func.count()).select_from(membership).where(*in_group)).scalar_one())
