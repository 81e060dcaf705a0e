"""People as the archive knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

LONGEST_LOGIN: Final = 64
LONGEST_REASON: Final = 255
GUEST_LOGIN: Final = "guest"
"""The name of whoever has not signed in, where guests are let in; no account may have it."""


class DataRole(StrEnum):
    """What somebody may do with the data of every project, whoever else's it is (C-145). Each includes those before."""

    NONE = ""
    ACCESS = "ALL_DATA_ACCESS"
    ADMIN = "ALL_DATA_ADMIN"

    def includes(self, other: "DataRole") -> bool:
        order = list(DataRole)
        return order.index(self) >= order.index(other)


ADMINISTRATOR: Final = "Administrator"
"""XNAT's word for the role of a site administrator."""

ROLES: Final = (ADMINISTRATOR, DataRole.ADMIN.value, DataRole.ACCESS.value)
"""Every role that an account may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks. Every use case takes one; there is no way to ask as nobody.

    ``client`` is the network address that the request came from, and ``reason`` why its sender says it is made; both
    are for the audit trail only, and empty where they are not known. ``credential_version`` is the account's when it
    was let in, 0 where that is not known; ``is_believed`` says that it was not looked at since (``Sessions.admit``).
    """

    pk: int
    login: str
    is_admin: bool
    data_role: DataRole = DataRole.NONE
    client: str = ""
    reason: str = ""
    credential_version: int = field(default=0, compare=False)
    is_believed: bool = field(default=False, compare=False)

    @property
    def is_guest(self) -> bool:
        return self.login == GUEST_LOGIN


GUEST: Final = Viewer(pk=0, login=GUEST_LOGIN, is_admin=False)
"""Whoever has not signed in. Guests may look at what is public, and change nothing."""

OPERATOR: Final = Viewer(pk=0, login="", is_admin=True)
"""Whoever works on the server's own machine, by the command line; what is changed there has no account behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Somebody's session as it may be shown: its ``mark`` tells it from others, and signs nobody in."""

    login: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An alias token as it may be shown: it never carries its secret (C-39)."""

    number: int
    alias: str
    login: str
    is_single_use: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a change is made, in aware UTC, and by whom; ``by`` is None for the archive itself.

    ``client`` and ``reason`` are the viewer's.
    """

    at: datetime
    by: int | None
    client: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as it may be shown; it never carries the password's hash.

    ``number`` is what clients know as ``xdat_user_id``. ``is_locked`` says that too many sign-ins failed from some
    address. ``last_success_at`` is None for who never signed in with a password.
    """

    number: int
    login: str
    is_admin: bool
    is_enabled: bool
    is_verified: bool
    is_locked: bool
    data_role: DataRole
    email: str
    first_name: str
    last_name: str
    created_at: datetime
    modified_at: datetime
    last_success_at: datetime | None

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(role for role in ROLES if (self.is_admin if role == ADMINISTRATOR else self.data_role == role))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What of an account is to be as it is said here; None leaves it as it is."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    is_enabled: bool | None = None
    is_verified: bool | None = None
    is_admin: bool | None = None
    data_role: DataRole | None = None
    password: str | None = field(default=None, repr=False)

    def different_from(self, user: User) -> dict[str, Any]:
        """What would change, by name, but for the password, which nobody can compare."""
        wanted = {name: getattr(self, name) for name in (*PROFILE, *RIGHTS)}
        return {name: value for name, value in wanted.items() if value not in {None, getattr(user, name)}}


PROFILE: Final = ("email", "first_name", "last_name")
"""What everybody may change of their own account."""

RIGHTS: Final = ("is_enabled", "is_verified", "is_admin", "data_role")
"""What only administrators may change."""


class BuiltIn(StrEnum):
    """The groups that every project has, by the end of their ids (C-145)."""

    OWNER = "owner"
    MEMBER = "member"
    COLLABORATOR = "collaborator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People of one project who may do the same. ``id`` is ``{project}_{suffix}``.

    ``rights`` maps data types to the letters of what may be done with things of them: ``r``ead, ``c``reate, ``e``dit,
    ``d``elete. It counts for groups that are not built in; what those may do is ``ALLOWED``'s.
    """

    id: str
    suffix: str
    display_name: str
    rights: Mapping[str, str]

    @property
    def shown_rights(self) -> str:
        """Such as ``xnat:mrSessionData=rce xnat:subjectData=r``."""
        return " ".join(f"{name}={letters}" for name, letters in sorted(self.rights.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change that was made: what happened, where, by whom (empty: the archive itself), from where, and why.

    ``details`` depends on what happened.
    """

    at: datetime
    login: str
    action: str
    address: str
    details: Mapping[str, str]
    client: str
    reason: str
