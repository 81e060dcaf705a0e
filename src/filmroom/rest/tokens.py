"""Alias tokens over HTTP (core-api section 2.3). All is GET, as clients have it."""

from datetime import datetime
from typing import Any

from filmroom.model.errors import BadValue
from filmroom.model.people import Token
from filmroom.rest.call import Call
from filmroom.rest.reply import NO_STORE, Reply, json_reply
from filmroom.service.archive import Archive


def issue(archive: Archive, call: Call) -> Reply:
    """C-38: the only time that the secret is shown."""
    is_single_use = call.query.flag("singleUse")
    token, secret = archive.tokens.issue(call.viewer, call.found.get("login"), is_single_use=is_single_use)
    return json_reply({**_to_json(token), "secret": secret}, NO_STORE)


def show(archive: Archive, call: Call) -> Reply:
    """C-38, without secrets: only their hashes are kept."""
    tokens = archive.tokens.list_live(call.viewer, call.found.get("login"))
    return json_reply([_to_json(token) for token in tokens], NO_STORE)


def _to_json(token: Token) -> dict[str, Any]:
    """C-39."""
    return {
        "alias": token.alias,
        "singleUse": token.is_single_use,
        "estimatedExpirationTime": _milliseconds(token.expires_at),
        "xdatUserId": token.login,
        "validIPAddresses": [],
        "id": token.number,
        "enabled": True,
        "created": _milliseconds(token.created_at),
        "timestamp": _milliseconds(token.created_at),
        "disabled": 0,
    }


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def validate(archive: Archive, call: Call) -> Reply:
    """C-38, C-40: a token for a single use is used up by it."""
    login = archive.tokens.validate(call.found["alias"], call.found["secret"], client=call.request.client)
    return json_reply({"valid": login}, NO_STORE)


def invalidate(archive: Archive, call: Call) -> Reply:
    """C-38."""
    archive.tokens.invalidate(call.viewer, call.found["alias"], call.found.get("secret"))
    return json_reply({"result": "OK"}, NO_STORE)


def refuse(_archive: Archive, call: Call) -> Reply:
    """C-41."""
    operations = "issue, issue/user/LOGIN, show, show/user/LOGIN, validate/ALIAS/SECRET, invalidate/ALIAS"
    raise BadValue("token operation", call.found.get("path", ""), f"there are {operations}")
