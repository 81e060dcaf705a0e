"""Faults that are planted into servers to see whether the tests of durability find them. Nothing of it is in filmroom.

Each stands for a mistake that somebody might make for the sake of speed, and that no other test would notice.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

# A disk that is none of the fastest, so that what comes before its work comes well before it.
_COMMIT_SECONDS: Final = 0.02


def plant(name: str) -> None:
    FAULTS[name]()


def replace(owner: object, name: str, by: object) -> None:
    assert hasattr(owner, name), f"there is no {name} to replace any more"
    setattr(owner, name, by)


def _skip_fsync() -> None:
    """Bytes are not made durable before a row names them. The database still syncs its own."""
    from filmroom.blobs.local import LocalWatch

    replace(os, "fsync", lambda _descriptor: None)
    replace(LocalWatch, "sync", lambda _watch: None)


class _Lax(sqlite3.Connection):
    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        return super().execute(statement.replace("synchronous=FULL", "synchronous=NORMAL"), *arguments)


def _commit_laxly() -> None:
    """SQLite in WAL mode with ``synchronous=NORMAL``: COMMIT does not wait for the disk."""
    replace(sqlite3, "connect", partial(sqlite3.connect, factory=_Lax))


def _answer_before_commit() -> None:
    """Whoever waits for a unit is told of its result before COMMIT, and COMMIT takes a while."""
    from filmroom.db.writer import GroupWriter

    run = GroupWriter.run

    def tell_at_once(writer: Any, unit: Callable[[Any], Any], **said: Any) -> Any:
        told: Future[Any] = Future()

        def tell(result: object = None, error: BaseException | None = None) -> None:
            if told.done():
                return  # of before: it runs once more because another one failed, or it failed after all
            if error is None:
                told.set_result(result)
            else:
                told.set_exception(error)

        def told_unit(connection: Any) -> None:
            tell(unit(connection))
            time.sleep(_COMMIT_SECONDS)

        def write() -> None:
            try:
                run(writer, told_unit, **said)
            except BaseException as error:  # noqa: BLE001 - it is told of, or too late
                tell(error=error)

        threading.Thread(target=write, daemon=True).start()
        return told.result()

    replace(GroupWriter, "run", tell_at_once)


def _commit_members_one_by_one() -> None:
    """The files of an archive that is taken apart are named in as many transactions."""
    from filmroom.service.uploads import Uploads

    put = Uploads.put

    def put_each(uploads: Uploads, viewer: Any, address: Any, arrivals: Any, **said: Any) -> tuple[Any, ...]:
        return tuple(fate for arrival in arrivals for fate in put(uploads, viewer, address, [arrival], **said))

    replace(Uploads, "put", put_each)


def _end_uploads_later() -> None:
    """A resumable upload is done in a transaction of its own, after that of its file."""
    from filmroom.service.uploads import Uploads

    put = Uploads.put

    def put_and_end(uploads: Any, *arguments: Any, and_then: Any = None, **said: Any) -> tuple[Any, ...]:
        fates = put(uploads, *arguments, **said)
        if and_then is not None:
            uploads._stores.database.write(lambda connection: and_then(connection, fates))
        return fates

    replace(Uploads, "put", put_and_end)


FAULTS: Final[dict[str, Callable[[], None]]] = {
    "fsync off": _skip_fsync,
    "synchronous=NORMAL": _commit_laxly,
    "answer before commit": _answer_before_commit,
    "members one by one": _commit_members_one_by_one,
    "uploads end later": _end_uploads_later,
}
