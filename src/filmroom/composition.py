"""The composition root: from settings to an archive."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database, open_database, open_sqlite
from filmroom.db.migrate import migrate, read_revision
from filmroom.model.datatypes import TypeTableError, use_own_types
from filmroom.model.nodes import Accessibility
from filmroom.service.archive import Archive, Rules
from filmroom.service.sessions import Lockout
from filmroom.service.unpacking import Limits
from filmroom.settings import SettingError, Settings, read_data_types


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
