"""What the site tells everybody of itself (C-162, C-163: the public tier)."""

from collections.abc import Mapping
from typing import Any

from filmroom import __version__
from filmroom.model.errors import NotFound
from filmroom.rest import compat
from filmroom.rest.call import Call
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive


def get_all(_archive: Archive, call: Call) -> Reply:
    return json_reply(_public(call))


def get_property(_archive: Archive, call: Call) -> Reply:
    return json_reply(_get(_public(call), call.found["property"]))


def get_values(_archive: Archive, call: Call) -> Reply:
    public = _public(call)
    return json_reply({name: _get(public, name) for name in call.found["properties"].split(",")})


def get_build_info(_archive: Archive, call: Call) -> Reply:
    return json_reply(_get(_public(call)["buildInfo"], call.found["key"]))


def _get(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise NotFound(f"the property {name!r}")
    return values[name]


def _public(call: Call) -> dict[str, Any]:
    build = {"version": compat.XNAT_VERSION, "buildNumber": "1", "buildDate": "", "filmroom": __version__}
    return {
        "buildInfo": build,
        "siteHome": "/",
        "siteId": call.site.site_id,
        "siteLogoPath": "",
        "siteUrl": call.site_url,
    }
