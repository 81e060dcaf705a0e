"""People as the archive knows them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks. Every use case takes one; there is no way to ask as nobody."""

    pk: int
    login: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a change is made, in aware UTC, and by whom; ``by`` is None for the archive itself."""

    at: datetime
    by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as its operator sees it; it never carries the password's hash."""

    login: str
    is_admin: bool
    is_enabled: bool
    is_locked: bool
    created_at: datetime
