"""What was deleted or overwritten and can still be brought back."""

from dataclasses import dataclass
from datetime import datetime

from filmroom.model.address import Address

VERSION = "version"
"""What a file was before it was overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """``what`` is the kind of a thing, ``resource``, ``file`` or ``version``; ``address`` is where it is brought back.

    ``number`` tells the versions of a file apart and is 0 for all else. ``login`` is who did it, empty where that is
    not known. ``until`` is when it is too late. ``files`` and ``size_bytes`` are None for things, which are not looked
    into, and for resources without any upload.
    """

    what: str
    address: Address
    label: str
    number: int
    deleted_at: datetime
    until: datetime
    login: str
    files: int | None
    size_bytes: int | None
