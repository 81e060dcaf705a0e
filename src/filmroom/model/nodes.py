"""The things that own resources. Their kinds are values, not classes: what differs between them is data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from filmroom.model.resources import Owner, Side


class Kind(StrEnum):
    """What an address can point at. SITE is the archive itself; an assessor is stored as an experiment."""

    SITE = "site"
    PROJECT = "project"
    SUBJECT = "subject"
    EXPERIMENT = "experiment"
    SCAN = "scan"
    RECONSTRUCTION = "reconstruction"
    ASSESSOR = "assessor"
    USER = "user"


INSIDE_SESSION = (Kind.SCAN, Kind.RECONSTRUCTION, Kind.ASSESSOR)
"""What an image session holds, in the order in which it is told."""


class Accessibility(StrEnum):
    """Who, beyond its own people, may see a project (C-147)."""

    PRIVATE = "private"
    PROTECTED = "protected"
    PUBLIC = "public"


class Status(StrEnum):
    """How a subject or an experiment stands (C-61). What is locked cannot be changed before it is unlocked."""

    ACTIVE = "active"
    QUARANTINE = "quarantine"
    LOCKED = "locked"
    OBSOLETE = "obsolete"


FieldValue = str | list[str]

KEPT: Final = "meta/"
"""What the paths begin with of what is kept among a thing's fields and is none: clients can neither set nor see it."""

_STATUS: Final = f"{KEPT}status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One row of the hierarchy as it stands now.

    ``label`` is the name of a subject or experiment in the project it belongs to, None for every other kind.
    ``project_pk`` is None for projects and users.

    ``fields`` maps XNAT's relative field paths (``name``, ``PI/lastname``) to text, repeatable ones to a list of
    texts. ``accessibility`` is a project's own and None for every other kind. Times are aware UTC.
    """

    pk: int
    kind: Kind
    parent_pk: int | None
    project_pk: int | None
    id: str
    label: str | None
    xsi_type: str
    accessibility: Accessibility | None
    fields: Mapping[str, FieldValue]
    created_at: datetime
    created_by: str
    creator_pk: int | None

    @property
    def type(self) -> str:
        """The type of a scan or reconstruction, such as ``T1w``; empty where there is none."""
        return str(self.fields.get("type", ""))

    @property
    def status(self) -> Status:
        return Status(str(self.fields.get(_STATUS, Status.ACTIVE)))

    @property
    def aliases(self) -> tuple[str, ...]:
        """The other names by which a project can be addressed (C-68)."""
        return tuple(self.fields.get("aliases/alias", ()))


def with_status(fields: Mapping[str, FieldValue], status: Status) -> dict[str, FieldValue]:
    """The fields of a thing that stands so; to be active is not written down."""
    others = {path: value for path, value in fields.items() if path != _STATUS}
    return others if status is Status.ACTIVE else {**others, _STATUS: status.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node where an address led, with what stands above it.

    ``kind`` tells assessors from other experiments. ``project`` is the one it belongs to; a project and a user, who
    belong to none, stand there themselves.
    ``subject`` and ``session`` are None for what has none. ``shared_into`` is the project in which something was found
    that belongs to another one, or whose session does; the label of what is shared is then the one that it has there.
    """

    kind: Kind
    node: Node
    side: Side
    project: Node
    subject: Node | None = None
    session: Node | None = None
    shared_into: Node | None = None

    @property
    def owner(self) -> Owner:
        return Owner(self.node.pk, self.side)

    @property
    def seen_in(self) -> Node:
        """The project in which it was found."""
        return self.shared_into or self.project
