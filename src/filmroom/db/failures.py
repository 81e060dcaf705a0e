"""Failures of a database, told in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from filmroom.model.errors import ArchiveError, Busy, StorageFailed, StorageFull


@contextmanager
def storage_errors(*, is_read: bool = False) -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except PoolTimeoutError as error:
        raise Busy("every connection to the database is in use") from error
    except DBAPIError as error:
        text = str(error.orig)
        # SQLITE_FULL's text; PostgreSQL's class 53100 (disk_full).
        if "database or disk is full" in text or getattr(error.orig, "sqlstate", None) == "53100":
            raise StorageFull from error
        # SQLite is locked, if at all, at BEGIN, when nothing was changed yet; and a read changes nothing anyway.
        if "database is locked" in text or (is_read and _is_unreachable(error)):
            raise Busy("the database does not answer") from error
        raise StorageFailed(f"database: {text.splitlines()[0] if text else type(error.orig).__name__}") from error


def _is_unreachable(error: DBAPIError) -> bool:
    """Whether PostgreSQL is not there: no SQLSTATE, or one of the classes for connections (08) and shutdowns (57)."""
    sqlstate = getattr(error.orig, "sqlstate", "none of PostgreSQL's")
    return isinstance(error, OperationalError) and (sqlstate is None or sqlstate[:2] in {"08", "57"})
