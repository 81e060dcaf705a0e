"""Resources (labelled folders of files) and the files in them, as facts."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto


class Side(StrEnum):
    """The two sets of resources that reconstructions and assessors have; NONE is the one set of every other kind."""

    NONE = ""
    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Owner:
    """What a resource hangs on: a node, and one of its sides."""

    node_pk: int
    side: Side = Side.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What people say of a resource or a file; empty text and no tags where nothing was said.

    A tag is ``value`` or ``name=value``.
    """

    format: str = ""
    content: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One labelled folder of files.

    ``rid`` is XNAT's ``xnat_abstractresource_id``; 0 for a folder of a user's cache, which has no number. ``label`` is
    None for an unlabelled one.
    ``file_count`` and ``size_bytes`` are None until the first upload, then exact.
    """

    pk: int
    rid: int
    side: Side
    label: str | None
    said: Description
    file_count: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Bytes, summed up: their number, their MD5 in lower-case hex (the wire's digest) and their CRC-32 (zip's)."""

    size_bytes: int
    md5: str
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a resource: its path there, where its bytes are (``key``) and what they are.

    ``damaged_at`` is when its bytes were found to be others than ``digest`` says; None unless they were.
    """

    path: str
    key: str
    digest: Digest
    said: Description
    created_at: datetime
    created_by: str
    modified_at: datetime
    modified_by: str
    damaged_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_changed(self) -> bool:
        """Whether the file was overwritten since it was created."""
        return self.modified_at != self.created_at


class IfExists(Enum):
    """What an upload does with a name that is taken."""

    REFUSE = auto()
    REPLACE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which files of a resource: all that meet every condition that is given.

    The files and folders at ``paths``, unless there are none; what begins with ``prefix``; one of these ``formats``;
    one of these ``contents`` (the empty text stands for files that say none).
    """

    paths: tuple[str, ...] = ()
    prefix: str | None = None
    formats: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
