"""What was removed for good, counted."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Final

SEALED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a thing counts as deleted whose removal has begun: so long ago that nobody can bring it back."""


@dataclass(slots=True)
class Removed:
    """How many rows, by what they were.

    ``things`` are projects, subjects, scans and the like, ``versions`` what files were before they were overwritten;
    ``size_bytes`` is what files and versions held.
    """

    things: int = 0
    resources: int = 0
    files: int = 0
    versions: int = 0
    size_bytes: int = 0

    def add(self, more: "Removed") -> None:
        for field in fields(Removed):
            setattr(self, field.name, getattr(self, field.name) + getattr(more, field.name))

    def as_flat(self) -> dict[str, int]:
        """Every count by its name."""
        return asdict(self)
