"""Accounts: who there is, what administrators and operators do to them, and what people do to their own."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from filmroom.db import people as rows
from filmroom.db.sessions import delete_failures
from filmroom.model.conflicts import LastAdministrator
from filmroom.model.errors import AccountLocked, BadValue, NotFound, NotSignedIn
from filmroom.model.names import check_email, check_login, check_person_name
from filmroom.model.people import ADMINISTRATOR, OPERATOR, RIGHTS, ROLES, AccountChange, DataRole, User, Viewer
from filmroom.service.audit import record_of_account
from filmroom.service.gate import is_administrator, require_account, require_admin
from filmroom.service.passwords import Passwords, check_password
from filmroom.service.sessions import LOCKED_FOR, MOST_FAILURES, Sessions
from filmroom.service.stores import Stores


class Accounts:
    """``restrict_list`` says that only administrators are told who else has an account."""

    def __init__(self, stores: Stores, passwords: Passwords, sessions: Sessions, *, restrict_list: bool) -> None:
        self._stores = stores
        self._passwords = passwords
        self._sessions = sessions
        self._restrict_list = restrict_list

    def add(self, login: str, password: str, *, is_admin: bool = False) -> None:
        """Make an account, as its operator does. Raises as ``create`` does."""
        self.create(OPERATOR, login, password, AccountChange(is_admin=is_admin))

    def create(self, viewer: Viewer, login: str, password: str, said: AccountChange) -> None:
        """Make an account, enabled and verified unless it is said otherwise.

        Raises NotAllowed, LoginTaken, and BadName for a login, a password and so on that cannot be one.
        """
        require_admin(viewer)
        check_login(login)
        _check(said)
        password_hash = self._passwords.hash(check_password(password))
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            pk = rows.insert_account(connection, login, password_hash, is_admin=bool(said.is_admin), now=stamp.at)
            different = said.different_from(self._get(connection, login))
            rows.update_account(connection, pk, different, ends_sessions=False, stamp=stamp)
            record_of_account(connection, stamp, login, "made an account", **_told(different))

        self._stores.database.write(unit)

    def has_any(self) -> bool:
        with self._stores.database.read() as connection:
            return rows.has_accounts(connection)

    def list_all(self) -> tuple[User, ...]:
        """Every account by login, for its operator."""
        since = self._stores.clock() - LOCKED_FOR
        with self._stores.database.read() as connection:
            return tuple(map(_to_user, rows.iter_profiles(connection, since=since)))

    def list_profiles(self, viewer: Viewer) -> tuple[User, ...]:
        """Every account by login, with all there is to know of it. Raises NotAllowed."""
        require_admin(viewer)
        return self.list_all()

    def list_known(self, viewer: Viewer) -> tuple[User, ...]:
        """Whom the viewer may know of by name: the enabled, and for administrators everybody. Raises NotAllowed."""
        require_account(viewer)
        if self._restrict_list:
            require_admin(viewer)
        everybody = self.list_all()
        return everybody if is_administrator(viewer) else tuple(user for user in everybody if user.is_enabled)

    def get(self, viewer: Viewer, login: str) -> User:
        """One's own account, or for administrators anybody's. Raises NotAllowed, NotFound."""
        require_admin(viewer, unless_own=login)
        with self._stores.database.read() as connection:
            return self._get(connection, login)

    def is_administrator(self, viewer: Viewer) -> bool:
        """Whether the viewer may know all about the site."""
        return is_administrator(viewer)

    def find(self, name: str) -> User | None:
        """Whose login this is, else whose number, else whose e-mail address, unless several have it (C-153)."""
        with self._stores.database.read() as connection:
            found = rows.find_account_called(connection, name)
            return self._get(connection, found.login) if found else None

    def change(self, viewer: Viewer, login: str, wanted: AccountChange, *, current_password: str | None = None) -> bool:
        """Change an account; whether anything is different now.

        Others are changed by administrators only, and so are rights. A new password for oneself needs the one in
        force, so that whoever found a session open cannot keep the account. A new password, and whatever takes rights
        away, ends all that is signed in. Raises NotAllowed, NotFound, BadName, BadValue, AccountLocked,
        LastAdministrator.
        """
        require_admin(viewer, unless_own=login)
        _check(wanted)
        password_hash = None
        if wanted.password is not None:
            check_password(wanted.password)
            if viewer.login == login:
                self._check_current(viewer, current_password)
            password_hash = self._passwords.hash(wanted.password)
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> bool:
            admins = rows.lock_administrators(connection) if _dismisses(wanted) else ()
            rows.lock_account(connection, login)
            user = self._get(connection, login)
            different = wanted.different_from(user)
            if different.keys() & set(RIGHTS):
                require_admin(viewer)
            if admins == (user.number,):
                raise LastAdministrator(login)
            ends = password_hash is not None or _takes_away(user, different)
            if password_hash is not None:
                different["password_hash"] = password_hash
            if different:
                rows.update_account(connection, user.number, different, ends_sessions=ends, stamp=stamp)
                record_of_account(connection, stamp, login, "changed an account", **_told(different))
            return bool(different)

        return self._stores.database.write(unit)

    def set_password(self, login: str, password: str) -> None:
        """Change a password, as the operator does; whatever was signed in with the old one is so no more."""
        self.change(OPERATOR, login, AccountChange(password=password))

    def set_enabled(self, login: str, *, is_enabled: bool) -> None:
        """Let an account sign in, or not, as the operator does."""
        self.change(OPERATOR, login, AccountChange(is_enabled=is_enabled))

    def set_roles(self, viewer: Viewer, login: str, roles: Collection[str]) -> None:
        """Give an account these roles and no others (C-157). Raises BadValue, and as ``change`` does."""
        for role in roles:
            check_role(role)
        data_role = next((role for role in (DataRole.ADMIN, DataRole.ACCESS) if role in roles), DataRole.NONE)
        self.change(viewer, login, AccountChange(is_admin=ADMINISTRATOR in roles, data_role=data_role))

    def give_role(self, viewer: Viewer, login: str, role: str) -> None:
        """Add a role, unless another one of the account includes it. Raises BadValue, and as ``change`` does."""
        if check_role(role) == ADMINISTRATOR:
            wanted = AccountChange(is_admin=True)
        else:
            has = self.get(viewer, login).data_role
            wanted = AccountChange(data_role=has if has.includes(DataRole(role)) else DataRole(role))
        self.change(viewer, login, wanted)

    def take_role(self, viewer: Viewer, login: str, role: str) -> None:
        """Take a role away that the account may have. Raises BadValue, and as ``change`` does."""
        if check_role(role) == ADMINISTRATOR:
            wanted = AccountChange(is_admin=False)
        else:
            has = self.get(viewer, login).data_role
            wanted = AccountChange(data_role=DataRole.NONE if has == role else has)
        self.change(viewer, login, wanted)

    def unlock(self, login: str) -> None:
        """Forget the failed sign-ins of a login, whether or not it has an account."""
        stamp = self._stores.stamp(OPERATOR)

        def unit(connection: Connection) -> None:
            delete_failures(connection, login)
            record_of_account(connection, stamp, login, "unlocked an account")

        self._stores.database.write(unit)

    def _check_current(self, viewer: Viewer, password: str | None) -> None:
        """By signing in once more, so that guessing locks out here too."""
        if password is None:
            raise BadValue("current password", "", "say the one in force (currentPassword) to set another one")
        try:
            self._sessions.sign_in(viewer.login, password, client=viewer.client)
        except AccountLocked:
            raise
        except NotSignedIn as error:
            raise BadValue("current password", "***", "it is not the one in force") from error

    def _get(self, connection: Connection, login: str) -> User:
        since = self._stores.clock() - LOCKED_FOR
        profile = next(rows.iter_profiles(connection, since=since, login=login), None)
        if profile is None:
            raise NotFound(f"user {login!r}")
        return _to_user(profile)


def _told(different: Mapping[str, Any]) -> dict[str, str]:
    """What may be told of a change: of a password only that it is another one."""
    told = {name: str(value) for name, value in different.items() if name != "password_hash"}
    return told if "password_hash" not in different else {**told, "password": "***"}


def check_role(role: str) -> str:
    if role not in ROLES:
        raise BadValue("role", role, f"there are {', '.join(ROLES)}")
    return role


def _check(said: AccountChange) -> None:
    """Raises BadName."""
    check_email(said.email or "")
    check_person_name(said.first_name or "", what="first name")
    check_person_name(said.last_name or "", what="last name")


def _dismisses(wanted: AccountChange) -> bool:
    """Whether an administrator of whom this is wanted is none any more who can sign in."""
    return False in {wanted.is_admin, wanted.is_enabled, wanted.is_verified}


def _takes_away(user: User, different: dict[str, Any]) -> bool:
    """Whether a change leaves less than there was."""
    data_role = different.get("data_role", user.data_role)
    return False in different.values() or not data_role.includes(user.data_role)


def _to_user(profile: rows.Profile) -> User:
    account = profile.account
    return User(
        number=account.pk,
        login=account.login,
        is_admin=account.is_admin,
        is_enabled=account.is_enabled,
        is_verified=account.is_verified,
        is_locked=profile.failures >= MOST_FAILURES,
        data_role=account.data_role,
        email=profile.email,
        first_name=profile.first_name,
        last_name=profile.last_name,
        created_at=profile.created_at,
        modified_at=profile.modified_at,
        last_success_at=profile.last_success_at,
    )
