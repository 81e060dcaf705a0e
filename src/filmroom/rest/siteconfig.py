"""What the site tells of itself: to everybody, to who has signed in, to administrators (C-162 to C-165)."""

import time
from collections.abc import Mapping
from typing import Any, Final

from filmroom import __version__
from filmroom.model.errors import NotAllowed, NotFound, NotSignedIn, SetByOperator
from filmroom.rest import compat
from filmroom.rest.call import Call, Tier
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive

_STARTED: Final = time.monotonic()
_UNITS: Final = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}


def get_all(archive: Archive, call: Call) -> Reply:
    """C-163: as much as the viewer may know."""
    tier = _tier(archive, call)
    known = {one.name: one.value for one in call.site.properties if one.tier <= tier}
    return json_reply({**_public(call), **known})


def get_property(archive: Archive, call: Call) -> Reply:
    return json_reply(_get(archive, call, call.found["property"]))


def get_values(archive: Archive, call: Call) -> Reply:
    return json_reply({name: _get(archive, call, name) for name in call.found["properties"].split(",")})


def get_build_info(_archive: Archive, call: Call) -> Reply:
    """C-162: bare text, which clients take as it is."""
    build: Mapping[str, str] = _public(call)["buildInfo"]
    if (value := build.get(call.found["key"])) is None:
        raise NotFound(f"the property {call.found['key']!r}")
    return Reply(body=value.encode())


def get_uptime(_archive: Archive, call: Call) -> Reply:
    """C-165: how long this server process has been there."""
    return json_reply(_uptime(call))


def show_uptime(_archive: Archive, call: Call) -> Reply:
    """C-165."""
    shown = (f"{count} {unit if count != 1 else unit[:-1]}" for unit, count in _uptime(call).items() if count)
    return Reply(body=(", ".join(shown) or "0 seconds").encode())


def _uptime(call: Call) -> dict[str, int]:
    if call.visitor.account is None:
        raise NotSignedIn
    left = int(time.monotonic() - _STARTED)
    counts = {}
    for unit, seconds in _UNITS.items():
        counts[unit], left = divmod(left, seconds)
    return counts


def refuse_change(archive: Archive, call: Call) -> Reply:
    """They are settings of the server, read once when it starts."""
    if _tier(archive, call) is not Tier.ADMINISTRATORS:
        raise (
            NotSignedIn if call.visitor.account is None else NotAllowed("only an administrator of the site may do this")
        )
    name = call.found.get("property")
    if name is not None:
        _get(archive, call, name)
    setting = next((one.setting for one in call.site.properties if one.name == name), "")
    raise SetByOperator(call.request.method, ("GET", "HEAD", "OPTIONS"), setting)


def _get(archive: Archive, call: Call, name: str) -> Any:
    """Raises NotFound; NotSignedIn or NotAllowed for what is not for this viewer (C-163)."""
    if name in (public := _public(call)):
        return public[name]
    known = next((one for one in call.site.properties if one.name == name), None)
    if known is None:
        raise NotFound(f"the property {name!r}")
    if known.tier > _tier(archive, call):
        raise _refusal(call)
    return known.value


def _refusal(call: Call) -> NotSignedIn | NotAllowed:
    return NotSignedIn() if call.visitor.account is None else NotAllowed("this is for administrators of the site")


def _tier(archive: Archive, call: Call) -> Tier:
    if call.visitor.account is None:
        return Tier.EVERYBODY
    return Tier.ADMINISTRATORS if archive.accounts.is_administrator(call.visitor.account) else Tier.SIGNED_IN


def _public(call: Call) -> dict[str, Any]:
    build = {"version": compat.XNAT_VERSION, "buildNumber": "1", "buildDate": "", "filmroom": __version__}
    return {
        "buildInfo": build,
        "siteHome": "/",
        "siteId": call.site.site_id,
        "siteLogoPath": "",
        "siteUrl": call.site_url,
    }
