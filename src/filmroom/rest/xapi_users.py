"""Accounts over HTTP, below ``/xapi`` (C-158, C-159)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from filmroom.model.errors import BadValue
from filmroom.model.people import ROLES, AccountChange, User
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_json
from filmroom.rest.reply import Reply, json_reply
from filmroom.rest.users import to_json
from filmroom.service.archive import Archive

# C-159: what may be said of an account, and what a client only sends back.
_TEXTS: Final = {"email": "email", "firstName": "first_name", "lastName": "last_name", "password": "password"}
_FLAGS: Final = {"enabled": "is_enabled", "verified": "is_verified"}
_NAMES: Final = ("username", "currentPassword")
_SHOWN: Final = frozenset(
    {"id", "secured", "lastModified", "lastSuccessfulLogin", "authorization", "pendingEmail", "fullName"}
)


def list_logins(archive: Archive, call: Call) -> Reply:
    return json_reply([user.login for user in archive.accounts.list_known(call.viewer)])


def list_profiles(archive: Archive, call: Call) -> Reply:
    return json_reply([to_json(user) for user in archive.accounts.list_profiles(call.viewer)])


def list_current(archive: Archive, call: Call) -> Reply:
    """The profiles of those who can sign in."""
    everybody = archive.accounts.list_profiles(call.viewer)
    return json_reply([to_json(user) for user in everybody if user.is_enabled and user.is_verified])


def get_user(archive: Archive, call: Call) -> Reply:
    return json_reply(to_json(archive.accounts.get(call.viewer, call.found["user"])))


def get_own(archive: Archive, call: Call) -> Reply:
    return json_reply(to_json(_own(archive, call)))


def get_username(archive: Archive, call: Call) -> Reply:
    return Reply(body=_own(archive, call).login.encode())


def list_providers(archive: Archive, call: Call) -> Reply:
    """Where passwords are checked: here, and nowhere else yet."""
    _own(archive, call)
    return json_reply([{"providerId": "localdb", "name": "Database", "authMethod": "localdb"}])


def _own(archive: Archive, call: Call) -> User:
    return archive.accounts.get(call.viewer, call.viewer.login)


@takes_json
def post_user(archive: Archive, call: Call, document: dict[str, Any]) -> Reply:
    """201 with the new account; 409 for a login that is taken."""
    login, password = _text(document, "username"), _text(document, "password")
    if not login or not password:
        raise BadValue("username and password", "", "say both to make an account")
    archive.accounts.create(call.viewer, login, password, _read_change(call, document))
    return json_reply(to_json(archive.accounts.get(call.viewer, login)), status=201)


@takes_json
def put_user(archive: Archive, call: Call, document: dict[str, Any]) -> Reply:
    """An account that is there: one is made by POST only, so that a slip in a login makes nobody."""
    return _put(archive, call, call.found["user"], document)


@takes_json
def put_own(archive: Archive, call: Call, document: dict[str, Any]) -> Reply:
    """One's own account. As in XNAT a new password needs ``currentPassword``, here for administrators too."""
    return _put(archive, call, call.viewer.login, document)


def _put(archive: Archive, call: Call, login: str, document: dict[str, Any]) -> Reply:
    """200 with the account as it is now; 304 when nothing was changed."""
    if _text(document, "username") not in {None, login}:
        raise BadValue("username", _text(document, "username") or "", f"it must be {login!r} here")
    wanted, current = _read_change(call, document), _text(document, "currentPassword")
    if not archive.accounts.change(call.viewer, login, wanted, current_password=current):
        return Reply(status=304)
    return json_reply(to_json(archive.accounts.get(call.viewer, login)))


def _read_change(call: Call, document: Mapping[str, Any]) -> AccountChange:
    """As in XNAT an empty text says nothing. Members of other names are told of as parameters without effect are."""
    known = {*_TEXTS, *_FLAGS, *_NAMES, *_SHOWN}
    call.query.add((name, "") for name in document if name not in known)
    said: dict[str, Any] = {field: _text(document, name) for name, field in _TEXTS.items()}
    said |= {field: _flag(document, name) for name, field in _FLAGS.items()}
    return AccountChange(**said)


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise BadValue(name, "***", "it must be text")
    return value or None


def _flag(document: Mapping[str, Any], name: str) -> bool | None:
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadValue(name, str(value), "it must be true or false")
    return value


def get_enabled(archive: Archive, call: Call) -> Reply:
    return json_reply(archive.accounts.get(call.viewer, call.found["user"]).is_enabled)


def get_verified(archive: Archive, call: Call) -> Reply:
    return json_reply(archive.accounts.get(call.viewer, call.found["user"]).is_verified)


def put_enabled(archive: Archive, call: Call) -> Reply:
    return _switch(archive, call, lambda flag: AccountChange(is_enabled=flag))


def put_verified(archive: Archive, call: Call) -> Reply:
    return _switch(archive, call, lambda flag: AccountChange(is_verified=flag))


def _switch(archive: Archive, call: Call, to_change: Callable[[bool], AccountChange]) -> Reply:
    word = call.found["flag"].lower()
    if word not in {"true", "false"}:
        raise BadValue("flag", word, "it must be true or false")
    archive.accounts.change(call.viewer, call.found["user"], to_change(word == "true"))
    return Reply()


def list_roles(archive: Archive, call: Call) -> Reply:
    archive.accounts.list_profiles(call.viewer)
    return json_reply(ROLES)


def list_holders(archive: Archive, call: Call) -> Reply:
    """Who has a role; nobody has one that there is not."""
    everybody = archive.accounts.list_profiles(call.viewer)
    return json_reply([user.login for user in everybody if call.found["role"] in user.roles])


def get_role_map(archive: Archive, call: Call) -> Reply:
    everybody = archive.accounts.list_profiles(call.viewer)
    return json_reply({role: [user.login for user in everybody if role in user.roles] for role in ROLES})


def get_roles(archive: Archive, call: Call) -> Reply:
    return json_reply(archive.accounts.get(call.viewer, call.found["user"]).roles)


def put_role(archive: Archive, call: Call) -> Reply:
    archive.accounts.give_role(call.viewer, call.found["user"], call.found["role"])
    return Reply()


def delete_role(archive: Archive, call: Call) -> Reply:
    archive.accounts.take_role(call.viewer, call.found["user"], call.found["role"])
    return Reply()
