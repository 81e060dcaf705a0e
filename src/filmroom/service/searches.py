"""Searches that people saved, as XML documents: their own, and those that others let them read (C-180)."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from filmroom.db import searches
from filmroom.db.events import Subject
from filmroom.db.searches import SavedSearch
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.people import Viewer
from filmroom.service.audit import record
from filmroom.service.gate import require_account
from filmroom.service.stores import Stores

__all__ = ["SavedSearch", "Searches"]

_LONGEST_ID: Final = 255
_MOST_READERS: Final = 1000
_NOWHERE: Final = Subject(node_pk=None, project_pk=None)


class Searches:
    """What a search finds is up to whoever runs it: to read one gives no right to anything else.

    Of each account an id names one search; of several that are called alike one's own comes first. Guests save none.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_readable(self, viewer: Viewer) -> tuple[SavedSearch, ...]:
        """One's own, then others', by id. Raises NotAllowed for guests."""
        require_account(viewer)
        with self._stores.database.read() as connection:
            return tuple(searches.iter_searches(connection, viewer.pk, viewer.login))

    def get(self, viewer: Viewer, search_id: str) -> bytes:
        """The document, in UTF-8. Raises NotFound, NotAllowed."""
        require_account(viewer)
        with self._stores.database.read() as connection:
            found = next(searches.iter_searches(connection, viewer.pk, viewer.login, only=search_id), None)
        if found is None:
            raise NotFound(f"saved search {search_id!r}")
        return found.document.encode()

    def put(self, viewer: Viewer, search_id: str, document: str, *, readers: Iterable[str]) -> bool:
        """Save a search for oneself and for the readers, who are named by their logins; whether it is a new one.

        Raises NotAllowed, BadValue.
        """
        require_account(viewer)
        if search_id.startswith("@") or len(search_id) > _LONGEST_ID:
            raise BadValue("search", search_id, f"it must be at most {_LONGEST_ID} characters long, the first not @")
        logins = set(readers) - {viewer.login}
        if len(logins) > _MOST_READERS:
            raise BadValue("allowed_user", f"{len(logins)} users", f"a search has at most {_MOST_READERS} readers")
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> bool:
            known = searches.find_own(connection, viewer.pk, search_id)
            pk = searches.put_search(connection, known, search_id, document, account_pk=viewer.pk, stamp=stamp)
            searches.set_readers(connection, pk, logins)
            said = {"readers": ", ".join(sorted(logins)) or None}
            record(connection, stamp, _NOWHERE, "saved search", at=f"/search/saved/{search_id}", **said)
            return known is None

        return self._stores.database.write(unit)

    def delete(self, viewer: Viewer, search_id: str) -> None:
        """Delete one's own. Raises NotFound, NotAllowed."""
        require_account(viewer)
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            if (pk := searches.find_own(connection, viewer.pk, search_id)) is None:
                raise NotFound(f"saved search {search_id!r}")
            searches.delete_search(connection, pk)
            record(connection, stamp, _NOWHERE, "deleted search", at=f"/search/saved/{search_id}")

        self._stores.database.write(unit)
