"""A resource's catalog made anew (F-273 to F-275): counters counted again, bytes read again.

Files come and go with their rows here, so that nothing is ever found on the disk that no row names, and a row whose
bytes are gone is a loss to be told and mended, not a row to be dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

import structlog
from sqlalchemy import Connection

from filmroom.db import files, resources
from filmroom.model.address import Address
from filmroom.model.errors import MissingBytes, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Digest, FileEntry, Resource
from filmroom.service.audit import Detail, about, record
from filmroom.service.gate import Gate
from filmroom.service.resolve import get_place
from filmroom.service.resources import Found, select_resources
from filmroom.service.staging import Summing, iter_pieces
from filmroom.service.stores import Stores

_LOG: Final = structlog.get_logger("filmroom.refresh")
_FILES_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done; nothing else is."""

    counts: bool
    reads_bytes: bool


@dataclass(slots=True)
class Report:
    """How many files were read, and how many of them are not what was stored."""

    files: int = 0
    damaged: int = 0


class Refresh:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def run(self, viewer: Viewer, address: Address, work: Work) -> Report:
        """Refresh the resources of one thing, of a session with what is inside it too, or the resource that is named.

        Inside a session what the viewer may not edit is passed over. Bytes are read outside of any transaction.
        Raises NotFound, NotAllowed.
        """
        report = Report()
        for found in self._list(viewer, address):
            if work.counts:
                self._count(found.resource)
            if work.reads_bytes:
                self._read_all(found, report)
        return report

    def _list(self, viewer: Viewer, address: Address) -> tuple[Found, ...]:
        with self._stores.database.read() as connection:
            place = get_place(connection, viewer, address, action=Action.EDIT)
            is_session = place.kind is Kind.EXPERIMENT and address.resource is None
            found = select_resources(connection, viewer, address, with_inside=is_session)
            gate = Gate(connection, viewer)
            if address.resource is None:
                found = tuple(one for one in found if gate.may(Action.EDIT, one.place))
            for one in found:
                gate.check(Action.EDIT, one.place)  # a number may name a resource of something else (F-54)
        if not found and address.resource is not None:
            raise NotFound(f"resource {address.resource!r}")
        return found

    def _count(self, resource: Resource) -> None:
        def unit(connection: Connection) -> None:
            resources.lock_resource(connection, resource.pk)
            files.recount(connection, resource.pk)

        self._stores.database.write(unit)

    def _read_all(self, found: Found, report: Report) -> None:
        for entry in self._iter_files(found.resource):
            is_damaged = self._is_damaged(entry)
            report.files += 1
            report.damaged += is_damaged
            if is_damaged:
                _LOG.error("damaged file", resource=found.resource.rid, path=entry.path, key=entry.key)
            if is_damaged != (entry.damaged_at is not None):
                self._mark(found, entry, at=self._stores.clock() if is_damaged else None)

    def _iter_files(self, resource: Resource) -> Iterator[FileEntry]:
        """All files of a resource, a page at a time: reading their bytes may take hours."""
        after = ""
        while page := self._list_page(resource, after):
            yield from page
            after = page[-1].path

    def _list_page(self, resource: Resource, after: str) -> tuple[FileEntry, ...]:
        with self._stores.database.read() as connection:
            return files.list_files_after(connection, resource.pk, after, limit=_FILES_AT_ONCE)

    def _is_damaged(self, entry: FileEntry) -> bool:
        try:
            with self._stores.blobs.open(entry.key) as blob:
                return _sum_up(blob) != entry.digest
        except (MissingBytes, OSError):  # gone, or on a part of the disk that cannot be read
            return True

    def _mark(self, found: Found, entry: FileEntry, *, at: datetime | None) -> None:
        stamp = Stamp(self._stores.clock(), None)
        action = "mended: the bytes are right again" if at is None else "found damaged"

        def unit(connection: Connection) -> None:
            files.mark_file_damaged(connection, found.resource.pk, entry, at=at)
            said: dict[str, Detail] = {"rid": found.resource.rid, "path": entry.path, "md5": entry.digest.md5}
            at_owner = f"/{found.place.kind}s/{found.place.node.id}"
            record(connection, stamp, about(found.place), action, at=at_owner, **said)

        self._stores.database.write(unit)


def _sum_up(blob: BinaryIO) -> Digest:
    summing = Summing()
    for piece in iter_pieces(blob):
        summing.write([piece])
    return summing.finish()
