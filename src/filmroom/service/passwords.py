"""Passwords: hashed, checked, and what may be one."""

import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from filmroom.model.errors import BadName
from filmroom.service.turns import Turns

LONGEST_PASSWORD: Final = 1024
_SHORTEST_PASSWORD: Final = 8
_HASHES_AT_ONCE: Final = 2
_LONGEST_WAIT_SECONDS: Final = 2.0


class Passwords:
    """Hashes and checks passwords, at most two at a time, because each costs 64 MiB and some 50 ms (RFC 9106)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = Turns(_HASHES_AT_ONCE, wait_seconds=_LONGEST_WAIT_SECONDS, reason="too many sign-ins at once")

    def hash(self, password: str) -> str:
        """Raises Busy as ``is_right`` does."""
        with self._turns.take():
            return self._hasher.hash(password)

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the password belongs to the hash; None costs as much time as any.

        Raises Busy after two seconds, or at once when too many wait already.
        """
        with self._turns.take():
            nobodys = _nobodys_hash()
            try:
                self._hasher.verify(password_hash or nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
            return password_hash is not None


@cache
def _nobodys_hash() -> str:
    """The hash of a password that nobody has; made once, so that all checks but the first cost the same."""
    return PasswordHasher().hash(secrets.token_hex())


def check_password(password: str) -> str:
    """The password, if it may be one. Raises BadName, which does not tell it."""
    if not _SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadName("password", "***", f"it must be {_SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters long")
    return password
