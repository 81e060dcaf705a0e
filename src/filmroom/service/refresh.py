"""A resource's catalog made anew (F-273 to F-275): counters counted again, bytes read again.

Files come and go with their rows here, so that nothing is ever found on the disk that no row names, and a row whose
bytes are gone is a loss to be told and mended, not a row to be dropped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

import structlog
from sqlalchemy import Connection

from filmroom.db import files, naming, resources
from filmroom.db.events import Subject
from filmroom.model.address import Address
from filmroom.model.errors import MissingBytes, NotFound, StorageFailed
from filmroom.model.holdings import Finding, Flaw, Holding
from filmroom.model.nodes import Kind
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Digest, Resource
from filmroom.service.audit import Detail, record
from filmroom.service.gate import Gate
from filmroom.service.pacing import Pace
from filmroom.service.resolve import get_place
from filmroom.service.resources import Found, select_resources
from filmroom.service.staging import iter_pieces
from filmroom.service.stores import Stores
from filmroom.service.summing import Summing

_LOG: Final = structlog.get_logger("filmroom.refresh")
_PAGE: Final = 500


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
                self.count(found.resource.pk)
            if work.reads_bytes:
                for holding in self._iter_files(found.resource):
                    self._read(holding, report, Pace(None))
        return report

    def scrub(self, pace: Pace, tell: Callable[[Finding], None]) -> Report:
        """Read the bytes of every file of the archive, for its operator.

        A file that cannot be opened is told, and neither marked nor taken for whole.
        """
        report = Report()
        for holding in self._iter_all():
            try:
                self._read(holding, report, pace)
            except StorageFailed as error:
                tell(Finding(flaw=Flaw.UNREADABLE, told=error.reason, key=holding.key, address=holding.address))
        return report

    def count(self, resource_pk: int) -> None:
        """Set the counters of a resource to what they should be."""

        def unit(connection: Connection) -> None:
            resources.lock_resource(connection, resource_pk)
            files.recount(connection, resource_pk)

        self._stores.database.write(unit)

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

    def _read(self, holding: Holding, report: Report, pace: Pace) -> None:
        is_damaged = self._is_damaged(holding, pace)
        if is_damaged != (holding.damaged_at is not None) and not self._mark(holding, is_damaged=is_damaged):
            return  # deleted or overwritten while it was read: of no interest any more
        report.files += 1
        report.damaged += is_damaged
        if is_damaged:
            _LOG.error("damaged file", resource=holding.rid, path=holding.path, key=holding.key)

    def _iter_files(self, resource: Resource) -> Iterator[Holding]:
        """All files of a resource, a page at a time: reading their bytes may take hours."""
        after = ""
        query = partial(naming.list_files_in, resource_pk=resource.pk, limit=_PAGE)
        while page := self._page(partial(query, after=after)):
            yield from page
            after = page[-1].path

    def _iter_all(self) -> Iterator[Holding]:
        after = 0
        while page := self._page(partial(naming.list_files_after, after=after, limit=_PAGE)):
            yield from page
            after = page[-1].pk

    def _page(self, query: Callable[[Connection], list[Holding]]) -> list[Holding]:
        with self._stores.database.read() as connection:
            return query(connection)

    def _is_damaged(self, holding: Holding, pace: Pace) -> bool:
        try:
            with self._stores.blobs.open(holding.key) as blob:
                return sum_up(blob, pace) != holding.digest
        except (MissingBytes, OSError):  # gone, or on a part of the disk that cannot be read
            return True

    def _mark(self, holding: Holding, *, is_damaged: bool) -> bool:
        """Whether the file still is what was read."""
        stamp = Stamp(self._stores.clock(), None)
        action = "found damaged" if is_damaged else "mended: the bytes are right again"
        subject = Subject(node_pk=holding.node_pk, project_pk=holding.project_pk)
        said: dict[str, Detail] = {"rid": holding.rid, "path": holding.path, "md5": holding.digest.md5}

        def unit(connection: Connection) -> bool:
            is_same = naming.mark_damaged(connection, holding, at=stamp.at if is_damaged else None)
            if is_same:
                record(connection, stamp, subject, action, at=holding.owner_address, **said)
            return is_same

        return self._stores.database.write(unit)


def sum_up(blob: BinaryIO, pace: Pace) -> Digest:
    """The digest of what is left of a blob."""
    summing = Summing()
    for piece in iter_pieces(blob):
        pace.spend(len(piece))
        summing.write([piece])
    return summing.finish()
