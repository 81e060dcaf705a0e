"""Accounts over HTTP, below ``/data`` (C-156, C-157), and the words for them that ``/xapi`` shares."""

from datetime import datetime
from typing import Any, Final

from filmroom.model.people import User
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive

# C-156.
_COLUMNS: Final = ("xdat_user_id", "login", "firstname", "lastname", "email")


def list_users(archive: Archive, call: Call) -> Reply:
    """C-156: those who are enabled, by last name."""
    known = [user for user in archive.accounts.list_known(call.viewer) if user.is_enabled]
    known.sort(key=lambda user: (user.last_name, user.first_name, user.login))
    rows = [(user.number, user.login, user.first_name, user.last_name, user.email) for user in known]
    return table_reply(call, counted(Table(columns=_COLUMNS, rows=rows)))


def list_logins(archive: Archive, call: Call) -> Reply:
    """C-157."""
    return json_reply([user.login for user in archive.accounts.list_profiles(call.viewer)])


def get_user(archive: Archive, call: Call) -> Reply:
    """C-157."""
    return json_reply(to_json(archive.accounts.get(call.viewer, call.found["user"])))


def to_json(user: User) -> dict[str, Any]:
    """C-159: ``authorization`` would name an account elsewhere, ``pendingEmail`` an address that a mail must prove."""
    return {
        "id": user.number,
        "username": user.login,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": user.email,
        "secured": True,
        "enabled": user.is_enabled,
        "verified": user.is_verified,
        "lastModified": _to_ms(user.modified_at),
        "lastSuccessfulLogin": _to_ms(user.last_success_at),
        "authorization": None,
        "pendingEmail": None,
    }


def _to_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def get_roles(archive: Archive, call: Call) -> Reply:
    """C-157."""
    roles = archive.accounts.get(call.viewer, call.found["user"]).roles
    return table_reply(call, counted(Table(columns=("role",), rows=[(role,) for role in roles])))


@takes_form
def post_roles(archive: Archive, call: Call) -> Reply:
    """C-157: these roles and no others."""
    words = [word.strip() for text in call.query.texts("roles") for word in text.split(",")]
    archive.accounts.set_roles(call.viewer, call.found["user"], [word for word in words if word])
    return Reply(status=202)
