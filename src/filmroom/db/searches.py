"""Rows of the searches that people saved."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, case, delete, insert, or_, select, update

from filmroom.db.schema import account, saved_search, saved_search_reader
from filmroom.model.people import Stamp


class SavedSearch(NamedTuple):
    """A search as an XML document, with the account that saved it."""

    pk: int
    id: str
    document: str
    account_pk: int
    login: str


_SEARCH: Final[Select[Any]] = select(
    saved_search.c.pk, saved_search.c.id, saved_search.c.document, saved_search.c.account_pk, account.c.login
).join(account, account.c.node_pk == saved_search.c.account_pk)


def iter_searches(
    connection: Connection, account_pk: int, login: str, *, only: str | None = None
) -> Iterator[SavedSearch]:
    """Somebody's own searches, then those of others that name them as a reader, each by id; or only those of one id."""
    named = select(saved_search_reader.c.search_pk).where(saved_search_reader.c.login == login)
    is_own = saved_search.c.account_pk == account_pk
    query = _SEARCH.where(or_(is_own, saved_search.c.pk.in_(named)))
    if only is not None:
        query = query.where(saved_search.c.id == only)
    ordered = query.order_by(case((is_own, 0), else_=1), saved_search.c.id, saved_search.c.pk)
    return (SavedSearch(*row) for row in connection.execute(ordered))


def find_own(connection: Connection, account_pk: int, search_id: str) -> int | None:
    """The pk of somebody's own search."""
    own = (saved_search.c.account_pk == account_pk, saved_search.c.id == search_id)
    return connection.execute(select(saved_search.c.pk).where(*own)).scalar()


def put_search(
    connection: Connection, pk: int | None, search_id: str, document: str, *, account_pk: int, stamp: Stamp
) -> int:
    """Change a search, or (``pk`` None) add one; its pk."""
    said = {"document": document, "modified_at": stamp.at}
    if pk is not None:
        connection.execute(update(saved_search).where(saved_search.c.pk == pk).values(said))
        return pk
    new = insert(saved_search).values(account_pk=account_pk, id=search_id, **said)
    return int(connection.execute(new.returning(saved_search.c.pk)).scalar_one())


def set_readers(connection: Connection, pk: int, logins: Iterable[str]) -> None:
    """Let these and nobody else but its owner read a search."""
    connection.execute(delete(saved_search_reader).where(saved_search_reader.c.search_pk == pk))
    if rows := [{"search_pk": pk, "login": login} for login in sorted(set(logins))]:
        connection.execute(insert(saved_search_reader), rows)


def delete_search(connection: Connection, pk: int) -> None:
    set_readers(connection, pk, ())
    connection.execute(delete(saved_search).where(saved_search.c.pk == pk))
