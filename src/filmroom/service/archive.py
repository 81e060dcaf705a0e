"""The archive as a plain object. The REST API and the command line are doors into it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from filmroom.blobs.base import BlobStore
from filmroom.db.engine import Database
from filmroom.model.nodes import Accessibility
from filmroom.service.accounts import Accounts
from filmroom.service.files import Files
from filmroom.service.leases import Leases
from filmroom.service.projects import Projects
from filmroom.service.resources import Resources
from filmroom.service.stores import Stores
from filmroom.service.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a site decides for itself.

    ``undo_period`` is how long a deleted or overwritten thing can be brought back.
    """

    default_accessibility: Accessibility
    undo_period: timedelta
    session_idle_limit: timedelta


class Archive:
    """Every use case, by what it is about. Safe to use from many threads; several processes may share one database."""

    def __init__(self, database: Database, blobs: BlobStore, *, clock: Callable[[], datetime], rules: Rules) -> None:
        self._database = database
        self._leases = Leases(database, clock)
        stores = Stores(database=database, blobs=blobs, leases=self._leases, clock=clock)
        self.accounts = Accounts(stores, session_idle_limit=rules.session_idle_limit)
        self.projects = Projects(
            stores, default_accessibility=rules.default_accessibility, undo_period=rules.undo_period
        )
        self.resources = Resources(stores)
        self.files = Files(stores)
        self.uploads = Uploads(stores)

    def close(self) -> None:
        """Give up the right to commit uploads and close the database."""
        try:
            self._leases.close()
        finally:
            self._database.close()
