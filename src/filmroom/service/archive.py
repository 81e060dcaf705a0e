"""The archive as a plain object. The REST API and the command line are doors into it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from filmroom.blobs.base import BlobStore
from filmroom.db.engine import Database
from filmroom.model.nodes import Accessibility
from filmroom.service.accounts import Accounts
from filmroom.service.arrivals import Arrivals
from filmroom.service.audit import Audit
from filmroom.service.backup import Backups
from filmroom.service.bundles import Bundles
from filmroom.service.cache import Cache
from filmroom.service.configuration import Configuration
from filmroom.service.confined import Confined
from filmroom.service.entities import Entities
from filmroom.service.files import Files
from filmroom.service.fsck import Fsck
from filmroom.service.headers import Headers
from filmroom.service.health import Health
from filmroom.service.images import Images
from filmroom.service.inventory import Inventory
from filmroom.service.leases import Leases
from filmroom.service.lists import Lists
from filmroom.service.members import Members
from filmroom.service.passwords import Passwords
from filmroom.service.projects import Projects
from filmroom.service.purge import Purge
from filmroom.service.references import References
from filmroom.service.refresh import Refresh
from filmroom.service.resources import Resources
from filmroom.service.resumable import ResumableUploads
from filmroom.service.room import Room
from filmroom.service.searches import Searches
from filmroom.service.sessions import Lockout, Sessions
from filmroom.service.sharing import Sharing
from filmroom.service.stores import Stores
from filmroom.service.tokens import Tokens
from filmroom.service.undo import Undo
from filmroom.service.unpacking import Limits
from filmroom.service.upkeep import Upkeep
from filmroom.service.uploads import Uploads
from filmroom.service.zips import Zips


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a site decides for itself.

    ``site_id`` is what generated IDs begin with. ``undo_period`` is how long a deleted or overwritten thing can be
    brought back. ``reference_roots`` are folders of the server from which anybody who may upload may copy files.
    ``sessions_per_user`` and ``alias_token_lifetime`` have XNAT's defaults (C-32).
    ``users_create_projects`` says whether people who are no administrators may make projects (C-69).
    ``upload_lifetime`` is how long a resumable upload may rest before it is removed.
    ``is_user_list_restricted`` says that only administrators are told who has an account, and owners who is in a
    project of theirs. ``min_free_bytes`` is what uploads leave free on every disk of the archive.
    """

    default_accessibility: Accessibility
    undo_period: timedelta
    session_idle_limit: timedelta
    site_id: str
    archive_limits: Limits
    reference_roots: tuple[Path, ...] = ()
    is_user_list_restricted: bool = False
    users_create_projects: bool = True
    sessions_per_user: int = 1000
    alias_token_lifetime: timedelta = timedelta(days=2)
    upload_lifetime: timedelta = timedelta(days=3)
    lockout: Lockout = field(default_factory=Lockout)
    min_free_bytes: int = 0


class Archive:
    """Every use case, by what it is about. Safe to use from many threads; several processes may share one database.

    ``spool_dir`` is for what is kept only while a request lasts.
    """

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        *,
        clock: Callable[[], datetime],
        rules: Rules,
        spool_dir: Path,
    ) -> None:
        self._leases = Leases(database, clock)
        room = _room(database, blobs, spool_dir, least_free_bytes=rules.min_free_bytes)
        self._stores = Stores(database=database, blobs=blobs, room=room, leases=self._leases, clock=clock)
        self._let_people_in(self._stores, rules)
        self._hold_things(self._stores, rules, spool_dir)
        self._keep_well(self._stores, rules)

    def _let_people_in(self, stores: Stores, rules: Rules) -> None:
        passwords = Passwords()
        self.sessions = Sessions(
            stores,
            passwords,
            lockout=rules.lockout,
            idle_limit=rules.session_idle_limit,
            per_user=rules.sessions_per_user,
        )
        self.tokens = Tokens(stores, lockout=rules.lockout, lifetime=rules.alias_token_lifetime)
        self.accounts = Accounts(stores, passwords, self.sessions, restrict_list=rules.is_user_list_restricted)
        self.members = Members(stores, is_list_restricted=rules.is_user_list_restricted)
        self.audit = Audit(stores)

    def _hold_things(self, stores: Stores, rules: Rules, spool_dir: Path) -> None:
        self.projects = Projects(
            stores,
            default_accessibility=rules.default_accessibility,
            undo_period=rules.undo_period,
            users_create_projects=rules.users_create_projects,
        )
        self.sharing = Sharing(stores)
        self.lists = Lists(stores, is_people_restricted=rules.is_user_list_restricted)
        self.entities = Entities(stores, site_id=rules.site_id)
        self.inventory = Inventory(stores)
        self.searches = Searches(stores)
        self.configuration = Configuration(stores)
        self.resources = Resources(stores)
        self.files = Files(stores)
        self.bundles = Bundles(stores)
        self.zips = Zips(rules.archive_limits)
        confined = Confined(spool_dir=spool_dir)
        self.images = Images(confined)
        self.headers = Headers(self.files, confined)
        self.arrivals = Arrivals(
            stores, limits=rules.archive_limits, spool_dir=spool_dir, references=References(rules.reference_roots)
        )
        self.uploads = Uploads(stores, self.arrivals)
        self.resumable = ResumableUploads(stores, self.arrivals, self.uploads, lifetime=rules.upload_lifetime)
        self.cache = Cache(stores, self.arrivals, self.uploads)

    def _keep_well(self, stores: Stores, rules: Rules) -> None:
        self.health = Health(stores)
        self.refresh = Refresh(stores)
        self.undo = Undo(stores, undo_period=rules.undo_period)
        self.purge = Purge(stores, self.resumable)
        self.upkeep = Upkeep(
            stores, self.resumable, undo_period=rules.undo_period, session_idle_limit=rules.session_idle_limit
        )
        self.fsck = Fsck(stores, self.refresh)
        self.backups = Backups(stores)

    def announce_change(self) -> AbstractContextManager[None]:
        """While it is open its thread is about to change something: others wait, a little, to be kept with it."""
        return self._stores.database.announce()

    def close(self) -> None:
        """Give up the right to commit uploads and close the database."""
        try:
            self._leases.close()
        finally:
            self._stores.database.close()


def _room(database: Database, blobs: BlobStore, spool_dir: Path, *, least_free_bytes: int) -> Room:
    folders = [spool_dir] if database.folder is None else [spool_dir, database.folder]
    return Room(blobs, folders, least_free_bytes=least_free_bytes)
