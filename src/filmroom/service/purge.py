"""Removing at once, and for good, what must not be kept any longer: withdrawn consent.

Whatever was ever deleted or overwritten under the same address goes too, and what users' caches still have of bytes
that were moved from there. First it is sealed, in one transaction with its event: from then on nobody sees it and
nobody can bring it back, and should the purge be broken off, the next upkeep finishes it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from filmroom.db import holdings, names, nodes, projects, targets
from filmroom.db.events import Subject
from filmroom.db.targets import Target
from filmroom.model.address import Address
from filmroom.model.errors import BadValue, NotFound, StillNeeded
from filmroom.model.nodes import Kind
from filmroom.model.people import OPERATOR, Stamp
from filmroom.model.removal import SEALED, Removed
from filmroom.model.resources import Selection
from filmroom.service.audit import record
from filmroom.service.files import select_for_deletion
from filmroom.service.removal import Removal
from filmroom.service.resumable import ResumableUploads
from filmroom.service.stores import Stores


@dataclass(frozen=True, slots=True)
class Purged:
    """``is_wiped`` says that the database's own log holds nothing of it any more; else that is its operator's to do."""

    removed: Removed
    is_wiped: bool


class Purge:
    def __init__(self, stores: Stores, resumable: ResumableUploads) -> None:
        self._stores = stores
        self._resumable = resumable

    def preview(self, address: Address) -> Removed:
        """What would go. Raises NotFound."""
        with self._stores.database.read() as connection:
            target = _find(connection, address)
            return holdings.count_all(connection, target.scope)

    def run(self, address: Address) -> Purged:
        """For operators alone. Raises NotFound, BadValue, StillNeeded."""
        stamp = self._stores.stamp(OPERATOR)

        def unit(connection: Connection) -> Removed:
            nodes.lock_hierarchy(connection, is_exclusive=True)
            target = _find(connection, address)
            removed = holdings.count_all(connection, target.scope)
            _seal(connection, target, stamp)
            _record(connection, target, stamp, removed)
            return removed

        removed = self._stores.database.write(unit)
        Removal(self._stores).remove_deleted(before=SEALED)
        self._resumable.remove_homeless()
        return Purged(removed, self._stores.database.wipe())


def _find(connection: Connection, address: Address) -> Target:
    if address.kind in {Kind.SITE, Kind.USER}:
        raise BadValue("address", str(address), "name a project, or something in one")
    selection: Selection | None = select_for_deletion(address.path) if address.path else None
    target = targets.find_target(connection, address, selection)
    if target is None:
        raise NotFound(f"anything at {address}, live or deleted")
    return target


def _seal(connection: Connection, target: Target, stamp: Stamp) -> None:
    holdings.seal_copies_in_caches(connection, target.scope)
    for pk in target.node_pks:
        if foreign := nodes.list_foreign(connection, pk):
            reason = "what is to be purged carries experiments of other projects"
            raise StillNeeded(reason, tuple(node.id for node in foreign))
        names.mark_labels_deleted(connection, pk, at=stamp.at)
        projects.release_project_names(connection, pk)
    targets.seal(connection, target, stamp=stamp)


def _record(connection: Connection, target: Target, stamp: Stamp, removed: Removed) -> None:
    """By ID and number alone: labels and paths may tell of a person."""
    counts = {"things": removed.things, "resources": removed.resources, "files": removed.files}
    said = {**counts, "versions": removed.versions, "bytes": removed.size_bytes}
    for at in target.addresses:
        subject = Subject(node_pk=target.told_pk, project_pk=target.project_pk)
        record(connection, stamp, subject, f"purged {target.what}", at=at, **said)
