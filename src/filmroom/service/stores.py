"""What every use case works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from filmroom.blobs.base import BlobStore
from filmroom.db.engine import Database
from filmroom.model.people import Stamp, Viewer
from filmroom.service.leases import Leases
from filmroom.service.room import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Metadata, bytes and the room for them, the right to commit uploads, and the clock (aware UTC)."""

    database: Database
    blobs: BlobStore
    room: Room
    leases: Leases
    clock: Callable[[], datetime]

    def stamp(self, viewer: Viewer) -> Stamp:
        return Stamp(self.clock(), viewer.pk or None, viewer.client, viewer.reason)
