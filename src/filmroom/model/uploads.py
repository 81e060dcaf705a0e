"""Uploads that come in several stretches, as facts."""

from dataclasses import dataclass
from datetime import datetime

from filmroom.model.resources import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload: who sends it, where it goes, and how far it has come.

    ``address`` is the resource's, ``path`` the file's in it; ``metadata`` is what its sender said, as it came.
    ``size_bytes`` is None until its sender says it. The first ``offset_bytes`` are durable.
    """

    id: str
    account_pk: int
    address: str
    path: str
    is_replacing: bool
    is_unpacked: bool
    said: Description
    metadata: str
    size_bytes: int | None
    offset_bytes: int
    is_done: bool
    expires_at: datetime
