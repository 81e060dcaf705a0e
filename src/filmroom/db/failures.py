"""Failures of a database, told in our own words."""

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from filmroom.model.errors import ArchiveError, Busy, StorageFailed, StorageFull


class StorageErrors:
    """What a database says leaves as what it means. A generator in its place would cost as much as a quick statement.

    ``is_read`` says that nothing can have been changed by now, so that what is out of reach can simply be asked again.
    """

    __slots__ = ("is_read",)

    def __init__(self, *, is_read: bool = False) -> None:
        self.is_read = is_read

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PoolTimeoutError):
            raise Busy("every connection to the database is in use") from error
        if isinstance(error, DBAPIError):
            raise _failure(error, is_read=self.is_read) from error


def _failure(error: DBAPIError, *, is_read: bool) -> ArchiveError:
    text = str(error.orig)
    # SQLITE_FULL's text; PostgreSQL's class 53100 (disk_full).
    if "database or disk is full" in text or getattr(error.orig, "sqlstate", None) == "53100":
        return StorageFull()
    # SQLite is locked, if at all, at BEGIN, when nothing was changed yet; and a read changes nothing anyway.
    if "database is locked" in text or (is_read and _is_unreachable(error)):
        return Busy("the database does not answer")
    return StorageFailed(f"database: {text.splitlines()[0] if text else type(error.orig).__name__}")


def _is_unreachable(error: DBAPIError) -> bool:
    """Whether PostgreSQL is not there: no SQLSTATE, or one of the classes for connections (08) and shutdowns (57)."""
    sqlstate = getattr(error.orig, "sqlstate", "none of PostgreSQL's")
    return isinstance(error, OperationalError) and (sqlstate is None or sqlstate[:2] in {"08", "57"})
