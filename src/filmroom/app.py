"""The composition root: from settings to an archive, and from an archive to the HTTP application."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from starlette.routing import Router

from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database, open_database, open_sqlite
from filmroom.db.migrate import migrate, read_revision
from filmroom.model.datatypes import TypeTableError, use_own_types
from filmroom.model.nodes import Accessibility
from filmroom.rest.call import Site, SiteProperty, Tier
from filmroom.rest.endpoint import Endpoint
from filmroom.rest.proxies import read_networks
from filmroom.rest.transfer import BodyLimits, Threads
from filmroom.service.archive import Archive, Rules
from filmroom.service.rounds import Rounds
from filmroom.service.sessions import Lockout
from filmroom.service.unpacking import Limits
from filmroom.settings import SettingError, Settings, read_data_types

# More than may have or wait for a turn at a password, so that there are some for who is refused at once.
_PASSWORD_THREADS: Final = 8
_HEALTH_THREADS: Final = 1


def open_archive(settings: Settings) -> Archive:
    """The archive of a data folder, which is made if need be; its database is brought to this program's schema.

    Raises SettingError for a mistake in the file of the site's own data types, and for blobs without a database.
    """
    _use_data_types(settings)
    refuse_half_restored(settings)
    if settings.sqlite_path is not None and not _has_content(settings.sqlite_path):
        _refuse_blobs(settings)  # before SQLite makes the file, for then it throws away a write-ahead log beside it
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.data_dir.chmod(0o700)  # patients' images: whoever made the folder before may not have thought of it
    database = database_of(settings)
    with ExitStack() as unless_done:
        unless_done.callback(database.close)
        if read_revision(database) is None:
            _refuse_blobs(settings)
        migrate(database)
        unless_done.pop_all()
    return compose(settings, database)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _refuse_blobs(settings: Settings) -> None:
    """Raise SettingError where there are blobs: an empty database beside them is never the right one.

    Its owner would find an empty archive, and what went into that would be lost when the right one is back.
    """
    blobs = settings.data_dir / "blobs"
    if blobs.is_dir() and next(LocalStore(blobs).iter_keys(), None) is not None:
        raise SettingError(
            f"there are files in {blobs}, but their database is empty or not there: bring it back, or restore a backup "
            "into a new folder"
        )


def refuse_half_restored(settings: Settings) -> None:
    """Raise SettingError for a data folder in which a restore has not come to its end."""
    if half_restored(settings).exists():
        raise SettingError(
            f"an archive was not restored to its end in {settings.data_dir}: remove the folder and restore again"
        )


def half_restored(settings: Settings) -> Path:
    """The file that says so, for as long as it is there."""
    return settings.data_dir / "half-restored"


def database_of(settings: Settings) -> Database:
    """The database that the settings name, as it is."""
    return open_database(settings.database) if settings.sqlite_path is None else open_sqlite(settings.sqlite_path)


def compose(settings: Settings, database: Database) -> Archive:
    rules = Rules(
        default_accessibility=Accessibility(settings.default_accessibility),
        undo_period=settings.undo_period,
        session_idle_limit=settings.session_idle_limit,
        sessions_per_user=settings.sessions_per_user,
        alias_token_lifetime=settings.alias_token_lifetime,
        upload_lifetime=settings.upload_lifetime,
        site_id=settings.site_id,
        reference_roots=settings.reference_root_paths,
        users_create_projects=settings.users_create_projects,
        is_user_list_restricted=settings.restrict_user_list,
        archive_limits=Limits(
            members=settings.max_archive_members,
            expanded_bytes=settings.max_archive_bytes,
            ratio=settings.max_archive_ratio,
        ),
        lockout=Lockout(failures=settings.max_failed_logins, period=settings.lockout_period),
        min_free_bytes=settings.min_free_bytes,
    )
    blobs = LocalStore(settings.data_dir / "blobs")
    spool_dir = settings.data_dir / "spool"
    spool_dir.mkdir(mode=0o700, exist_ok=True)
    return Archive(database, blobs, clock=lambda: datetime.now(UTC), rules=rules, spool_dir=spool_dir)


def _use_data_types(settings: Settings) -> None:
    try:
        use_own_types(read_data_types(settings))
    except TypeTableError as error:
        raise SettingError(f"{settings.data_types}: {error}") from error


def _properties(settings: Settings) -> tuple[SiteProperty, ...]:
    """C-163, C-164: the settings by the names that XNAT has for them, and what is always so here."""
    return (
        SiteProperty("initialized", value=True),
        SiteProperty("requireLogin", settings.require_login, "require_login"),
        SiteProperty("uiAllowNonAdminProjectCreation", settings.users_create_projects, "users_create_projects"),
        SiteProperty("securityAllowNonPrivateProjects", value=True),
        SiteProperty("enableCsrfToken", settings.csrf_token, "csrf_token"),
        SiteProperty("restrictUserListAccessToAdmins", settings.restrict_user_list, "restrict_user_list"),
        SiteProperty("checksums", value=True),
        SiteProperty("zipCompressionMethod", 0),
        SiteProperty("sessionTimeout", f"{settings.session_idle_minutes} minutes", "session_idle_minutes"),
        SiteProperty("aliasTokenTimeout", f"{settings.alias_token_hours} hours", "alias_token_hours"),
        SiteProperty("projectDefaultAccessibility", settings.default_accessibility, "default_accessibility"),
        SiteProperty(
            "concurrentMaxSessions", settings.sessions_per_user, "sessions_per_user", tier=Tier.ADMINISTRATORS
        ),
        SiteProperty("maxFailedLogins", settings.max_failed_logins, "max_failed_logins", tier=Tier.ADMINISTRATORS),
        SiteProperty(
            "maxFailedLoginsLockoutDuration",
            f"{settings.lockout_minutes} minutes",
            "lockout_minutes",
            tier=Tier.ADMINISTRATORS,
        ),
        SiteProperty("archivePath", str(settings.data_dir), "data", tier=Tier.ADMINISTRATORS),
    )


def create_app(archive: Archive, settings: Settings) -> Router:
    """The ASGI application of an archive; shutting it down closes the archive."""
    for_changes = ThreadPoolExecutor(settings.threads, thread_name_prefix="filmroom-change")
    for_reading = ThreadPoolExecutor(max(2, settings.threads // 2), thread_name_prefix="filmroom-read")
    for_passwords = ThreadPoolExecutor(_PASSWORD_THREADS, thread_name_prefix="filmroom-password")
    for_health = ThreadPoolExecutor(_HEALTH_THREADS, thread_name_prefix="filmroom-health")
    site = Site(
        site_id=settings.site_id,
        root_path=settings.root_path,
        has_strict_uploads=settings.strict_uploads,
        requires_login=settings.require_login,
        checks_csrf=settings.csrf_token,
        trusted_proxies=read_networks(settings.trusted_proxies),
        accel_location=settings.accel_location,
        properties=_properties(settings),
    )

    @asynccontextmanager
    async def lifespan(_app: Router) -> AsyncIterator[None]:
        rounds = Rounds(archive.upkeep, interval=timedelta(minutes=settings.upkeep_minutes))
        rounds.start()
        yield
        rounds.close()
        for_health.shutdown()
        for_passwords.shutdown()
        for_reading.shutdown()
        for_changes.shutdown()
        archive.close()

    # Every path is the endpoint's, which reads it raw: Starlette's own routes see it decoded.
    threads = Threads(
        for_changes=for_changes, for_reading=for_reading, for_passwords=for_passwords, for_health=for_health
    )
    limits = BodyLimits(
        longest_bytes=settings.max_body_bytes,
        progress_seconds=settings.progress_seconds,
        uploads_per_user=settings.uploads_per_user,
    )
    endpoint = Endpoint(archive, site, threads, limits)
    return Router(default=endpoint, lifespan=lifespan, redirect_slashes=False)
