"""What names blobs, and what can be wrong between what is written down and what is on the disk."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from filmroom.model.nodes import INSIDE_SESSION, Kind
from filmroom.model.resources import Digest, Side


class Holds(StrEnum):
    """Why bytes are kept: for a file, for one that was deleted, or for what a file was before it was overwritten."""

    LIVE = "file"
    DELETED = "deleted file"
    OVERWRITTEN = "overwritten file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A row that names a blob, and where it is. Of a row whose parents are gone the numbers are 0 and the texts empty.

    ``node_id`` is the ID of what the resource hangs on, ``session_id`` that of the session around it, if there is one.
    """

    holds: Holds
    pk: int
    key: str
    digest: Digest
    damaged_at: datetime | None
    path: str
    resource_pk: int
    rid: int
    label: str
    side: Side
    node_pk: int
    project_pk: int | None
    kind: str
    node_id: str
    session_id: str

    @property
    def owner_address(self) -> str:
        """Of what the resource hangs on."""
        session = f"/{Kind.EXPERIMENT}s/{self.session_id}" if self.kind in INSIDE_SESSION else ""
        return f"{session}/{self.kind}s/{self.node_id}"

    @property
    def address(self) -> str:
        """Of the file; of a deleted or overwritten one that of the file that it was."""
        if self.kind == Kind.USER:
            return f"{self.owner_address}/cache/resources/{self.label}/files/{self.path}"
        side = f"/{self.side}" if self.side else ""
        return f"{self.owner_address}{side}/resources/{self.rid}/files/{self.path}"


class Flaw(StrEnum):
    """A way in which rows and bytes do not agree. REMOVED is none: bytes that were removed while they were copied."""

    MISSING = "missing"
    WRONG_SIZE = "size"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    ORPHAN = "orphan"
    COUNTERS = "counters"
    PARENT = "parent"
    DATABASE = "database"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One flaw. ``key`` and ``address`` are empty where it is of no blob or of nothing that has an address."""

    flaw: Flaw
    told: str
    key: str = ""
    address: str = ""
