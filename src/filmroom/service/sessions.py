"""Signing in: with a password, and by the session that this opens."""

import hashlib
import hmac
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection

from filmroom.db import people as rows
from filmroom.db import sessions as session_rows
from filmroom.model.errors import AccountLocked, Busy, NotFound, NotSignedIn, StorageFailed, StorageFull
from filmroom.model.people import LONGEST_LOGIN, OpenSession, Viewer
from filmroom.service.audit import record_of_account
from filmroom.service.gate import account_key, require_admin
from filmroom.service.passwords import LONGEST_PASSWORD, Passwords
from filmroom.service.stores import Stores

# C-32: XNAT's defaults.
MOST_FAILURES: Final = 20
LOCKED_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockout:
    """After how many failures to sign in from one address an account is locked there, and for how long."""

    failures: int = MOST_FAILURES
    period: timedelta = LOCKED_FOR


_REMEMBERED_FOR: Final = timedelta(minutes=5)
_MOST_REMEMBERED: Final = 10_000
# Of what one process tells another that begins: few enough for one message.
_MOST_TOLD: Final = 50
_MOST_CLIENTS_TOLD: Final = 8
_MOST_DOUBTED_TOLD: Final = 100
_TOUCH_AFTER: Final = timedelta(minutes=1)
_MARK_LENGTH: Final = 8


class Remembered(NamedTuple):
    """Whose a pair is that was right, and from which addresses it was so."""

    account_pk: int
    version: int
    until: datetime
    clients: set[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What pairs of a login and a password a process remembers, and the key of their digests. It is on no disk."""

    secret: bytes
    remembered: Mapping[bytes, Remembered]
    doubted: frozenset[tuple[str, str]]


class Sessions:
    def __init__(
        self, stores: Stores, passwords: Passwords, *, lockout: Lockout, idle_limit: timedelta, per_user: int
    ) -> None:
        self._stores = stores
        self._passwords = passwords
        self.lockout = lockout
        self.idle_limit = idle_limit
        self._per_user = per_user
        self._secret = secrets.token_bytes(32)
        self._remembered: dict[bytes, Remembered] = {}
        self._doubted: set[tuple[str, str]] = set()
        self._checking: dict[bytes, Future[Viewer]] = {}
        self._joining = threading.Lock()

    def sign_in(self, login: str, password: str, *, client: str) -> Viewer:
        """Who has this login and password. Raises NotSignedIn, AccountLocked, Busy.

        A pair that was right is remembered for five minutes, as a digest under a key of this process, and counts only
        while its account's ``credential_version`` is what it was. So many clients with one password cost one argon2.
        From an address that failed with this login it counts only if it was right from there too: what is remembered
        must not answer whoever guesses on after they are locked out, nor be in the way of who works at that address.
        """
        pair = self._digest(login, password)
        if viewer := self._admit_known(pair, login, client=client):
            return viewer
        if len(login) > LONGEST_LOGIN or len(password) > LONGEST_PASSWORD:
            raise NotSignedIn
        return self._check_once(login, password, pair=pair, client=client)

    def recognize(self, login: str, password: str, *, client: str) -> Remembered | None:
        """What is remembered of this pair if it was right a while ago, for ``admit``: that hardly takes any time."""
        return self._find_remembered(self._digest(login, password), login, client=client)

    def admit(self, known: Remembered, *, client: str, believes: bool = False) -> Viewer | None:
        """Who is let in by a pair that was recognized; None where it opens nothing any more.

        With ``believes`` it may be somebody who was let in a second ago and is no more, and is told from others by
        ``is_believed``: whoever goes on must look again when it comes to it (``gate.get_current``), and neither do nor
        tell anything before that.
        """
        account = self._stores.database.memory.peek(account_key(known.account_pk)) if believes else None
        is_believed = account is not None
        if not is_believed:
            with self._stores.database.glance() as connection:
                account = rows.find_account_by_pk(connection, known.account_pk)
        if account is None or not account.lets_in(known.version):
            return None
        known.clients.add(client)
        return to_viewer(account, client=client, is_believed=is_believed)

    def tell_known(self) -> Known:
        """For another process of the same server that begins, so that it need not check them all once more.

        The newest of them; none where there is more doubt than can be told along.
        """
        doubted = frozenset(self._doubted)
        pairs = self._remembered.copy() if len(doubted) <= _MOST_DOUBTED_TOLD else {}
        newest = list(pairs.items())[-_MOST_TOLD:]
        told = {pair: each._replace(clients=set(list(each.clients)[:_MOST_CLIENTS_TOLD])) for pair, each in newest}
        return Known(self._secret, told, doubted if told else frozenset())

    def learn(self, known: Known) -> None:
        """Remember what another process does, before there is anything to remember here."""
        self._secret = known.secret
        self._remembered = dict(known.remembered)
        self._doubted = set(known.doubted)

    def _digest(self, login: str, password: str) -> bytes:
        # A keyed digest (RFC 7693) and not an HMAC of OpenSSL's: for that the interpreter's lock is let go, and under
        # load it takes the event loop most of a millisecond to get it back.
        return hashlib.blake2b(f"{login}\0{password}".encode(), key=self._secret, digest_size=32).digest()

    def _check_once(self, login: str, password: str, *, pair: bytes, client: str) -> Viewer:
        """Check a pair, or wait for whoever is checking the same one and share what comes of it."""
        mine: Future[Viewer] = Future()
        with self._joining:
            running = self._checking.setdefault(pair, mine)
        if running is not mine:
            return running.result()
        try:
            viewer = self._admit_known(pair, login, client=client)
            viewer = viewer or self._check(login, password, pair=pair, client=client)
            mine.set_result(viewer)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._joining:
                del self._checking[pair]
        return mine.result()

    def _find_remembered(self, pair: bytes, login: str, *, client: str) -> Remembered | None:
        found = self._remembered.get(pair)
        if found is None or found.until < self._stores.clock():
            return None
        return found if client in found.clients or (login, client) not in self._doubted else None

    def _admit_known(self, pair: bytes, login: str, *, client: str) -> Viewer | None:
        known = self._find_remembered(pair, login, client=client)
        return None if known is None else self.admit(known, client=client)

    def _check(self, login: str, password: str, *, pair: bytes, client: str) -> Viewer:
        now = self._stores.clock()
        since = now - self.lockout.period
        with self._stores.database.read() as connection:
            account = rows.find_account(connection, login)
            failures = session_rows.count_failures(connection, login, client, since=since)
        if failures >= self.lockout.failures:
            self._doubt(login, client)
            raise AccountLocked
        is_right = self._passwords.is_right(password, account.password_hash if account else None)
        if account is None or not is_right or not account.may_sign_in:
            self._write_if_possible(
                lambda connection: session_rows.add_failure(connection, login, client, now=now, since=since)
            )
            self._doubt(login, client)
            raise NotSignedIn
        with self._stores.database.glance() as connection:
            current = rows.find_account_by_pk(connection, account.pk)
        if current is None or not current.lets_in(account.credential_version):
            raise NotSignedIn  # it was changed while the password was checked, which takes its time
        self._note_success(account, client, had_failed=failures > 0)
        self._remember(pair, account, now, client=client)
        return to_viewer(account)

    def _note_success(self, account: rows.Account, client: str, *, had_failed: bool) -> None:
        now = self._stores.clock()

        def unit(connection: Connection) -> None:
            rows.note_success(connection, account.pk, now=now)
            if had_failed:
                session_rows.delete_failures(connection, account.login, client)

        self._write_if_possible(unit)

    def _write_if_possible(self, unit: Callable[[Connection], None]) -> None:
        """Note something in passing: on a full disk signing in and reading go on without it."""
        with suppress(StorageFull, StorageFailed, Busy):
            self._stores.database.write(unit)

    def _doubt(self, login: str, client: str) -> None:
        if len(self._doubted) >= _MOST_REMEMBERED:
            self._doubted.clear()
        self._doubted.add((login, client))

    def _remember(self, pair: bytes, account: rows.Account, now: datetime, *, client: str) -> None:
        self._doubted.discard((account.login, client))
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        until = now + _REMEMBERED_FOR
        self._remembered[pair] = Remembered(account.pk, account.credential_version, until, {client})

    def open(self, viewer: Viewer) -> str:
        """The id of a new session, 32 hex digits. It is told here once and only its hash is kept.

        Beyond so many of one account, the least recently used end.
        """
        session_id = secrets.token_hex(16).upper()
        now = self._stores.clock()

        def unit(connection: Connection) -> None:
            rows.lock_account(connection, viewer.login)  # who opens sessions at once must count each other's
            session_rows.delete_sessions_unused_since(connection, now - self.idle_limit)
            account = rows.find_account_by_pk(connection, viewer.pk)
            if account is None or viewer.credential_version not in {0, account.credential_version}:
                raise NotSignedIn  # a password that was changed just now opens nothing any more
            session_rows.delete_all_but_latest(connection, account.pk, kept=self._per_user - 1)
            session_rows.insert_session(connection, hash_secret(session_id), account, now=now)

        self._stores.database.write(unit)
        return session_id

    def find_viewer(self, session_id: str) -> Viewer | None:
        """Whose session this is; None for one that is unknown, ended or idle for too long. Using it keeps it alive."""
        now = self._stores.clock()
        with self._stores.database.glance() as connection:
            session = session_rows.find_session(connection, hash_secret(session_id))
        if session is None or not _is_alive(session, now=now, idle_limit=self.idle_limit):
            return None
        if now - session.last_used_at >= _TOUCH_AFTER:
            self._write_if_possible(
                lambda connection: session_rows.touch_session(connection, hash_secret(session_id), now=now)
            )
        return to_viewer(session.account)

    def close(self, session_id: str) -> None:
        self._stores.database.write(lambda connection: session_rows.delete_session(connection, hash_secret(session_id)))

    def list_open(self, viewer: Viewer, login: str | None = None) -> tuple[OpenSession, ...]:
        """The live sessions of one account, or (None) of all, by login and age (C-37).

        One's own are everybody's to see, all others an administrator's. Raises NotAllowed, NotFound.
        """
        require_admin(viewer, unless_own=login or "")
        with self._stores.database.read() as connection:
            return self._list_open(connection, login)

    def close_all(self, viewer: Viewer, login: str) -> tuple[OpenSession, ...]:
        """End every session of an account; those that were alive. Raises NotAllowed, NotFound."""
        require_admin(viewer, unless_own=login)
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> tuple[OpenSession, ...]:
            ended = self._list_open(connection, login)
            session_rows.delete_sessions_of(connection, login)
            record_of_account(connection, stamp, login, "ended all sessions", sessions=len(ended))
            return ended

        return self._stores.database.write(unit)

    def _list_open(self, connection: Connection, login: str | None) -> tuple[OpenSession, ...]:
        if login is not None and rows.find_account(connection, login) is None:
            raise NotFound(f"user {login!r}")
        now = self._stores.clock()
        return tuple(
            OpenSession(login=session.account.login, mark=session.id_sha256[:_MARK_LENGTH])
            for session in session_rows.list_sessions(connection, login)
            if _is_alive(session, now=now, idle_limit=self.idle_limit)
        )


def csrf_token(session_id: str) -> str:
    """The session's CSRF token: a UUID that whoever knows the session's id can work out, and nobody else (C-44)."""
    return str(uuid.UUID(bytes=hmac.digest(session_id.encode(), b"XNAT_CSRF", "sha256")[:16]))


def _is_alive(session: session_rows.Session, *, now: datetime, idle_limit: timedelta) -> bool:
    return session.account.lets_in(session.credential_version) and now - session.last_used_at <= idle_limit


def to_viewer(account: rows.Account, *, client: str = "", is_believed: bool = False) -> Viewer:
    return Viewer(
        pk=account.pk,
        login=account.login,
        is_admin=account.is_admin,
        data_role=account.data_role,
        client=client,
        credential_version=account.credential_version,
        is_believed=is_believed,
    )


def hash_secret(text: str) -> str:
    """What is kept of a session's id or a token's secret: nobody chose them, so no salt or slowness is needed."""
    return hashlib.sha256(text.encode()).hexdigest()
