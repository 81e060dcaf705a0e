"""The younger part of the interface, below ``/xapi`` (C-1), as a table."""

from typing import Final

from filmroom.model.nodes import Kind
from filmroom.rest import elements, members, schemas, sessions, siteconfig, vacant, xapi_users
from filmroom.rest.operation import Operation

_SITE: Final = frozenset({Kind.SITE})

# C-1: what is under ``/xapi``, which has no contexts. The first that matches counts.
XAPI_OPERATIONS: Final = (
    Operation(_SITE, "siteConfig", {"GET": siteconfig.get_all, "POST": siteconfig.refuse_change}, is_open=True),
    Operation(_SITE, "siteConfig/values/{properties}", {"GET": siteconfig.get_values}, is_open=True),
    Operation(_SITE, "siteConfig/buildInfo/{key}", {"GET": siteconfig.get_build_info}, is_open=True),
    Operation(_SITE, "siteConfig/uptime", {"GET": siteconfig.get_uptime}),
    Operation(_SITE, "siteConfig/uptime/display", {"GET": siteconfig.show_uptime}),
    Operation(
        _SITE,
        "siteConfig/{property}",
        {"GET": siteconfig.get_property, "POST": siteconfig.refuse_change},
        is_open=True,
    ),
    Operation(_SITE, "schemas", {"GET": schemas.list_schemas}),
    Operation(_SITE, "schemas/datatypes", {"GET": schemas.list_data_types}),
    Operation(_SITE, "schemas/{name}", {"GET": schemas.get_schema}),
    Operation(_SITE, "schemas/{folder}/{name}", {"GET": schemas.get_schema}),
    Operation(_SITE, "plugins", {"GET": vacant.list_plugins}),
    Operation(_SITE, "plugins/{plugin}", {"GET": vacant.get_plugin}),
    Operation(_SITE, "access/displays/{use}", {"GET": elements.list_displays}),
    Operation(_SITE, "access/projects", {"GET": members.list_accesses}),
    Operation(_SITE, "users/projects", {"GET": members.list_project_ids}),
    Operation(_SITE, "users/active", {"GET": sessions.list_all_sessions}),
    Operation(_SITE, "users/active/{login}", {"GET": sessions.list_sessions, "DELETE": sessions.end_sessions}),
    Operation(_SITE, "users", {"GET": xapi_users.list_logins, "POST": xapi_users.post_user}),
    Operation(_SITE, "users/profiles", {"GET": xapi_users.list_profiles}),
    Operation(_SITE, "users/current", {"GET": xapi_users.list_current}),
    Operation(_SITE, "users/profile", {"GET": xapi_users.get_own}),
    Operation(_SITE, "users/profile/{user}", {"GET": xapi_users.get_user}),
    Operation(_SITE, "users/username", {"GET": xapi_users.get_username}),
    Operation(_SITE, "users/authProviders", {"GET": xapi_users.list_providers}),
    Operation(_SITE, "users/update", {"PUT": xapi_users.put_own}),
    Operation(_SITE, "users/rolemap", {"GET": xapi_users.get_role_map}),
    Operation(_SITE, "users/roles", {"GET": xapi_users.list_roles}),
    Operation(_SITE, "users/roles/{role}", {"GET": xapi_users.list_holders}),
    Operation(_SITE, "users/{user}", {"GET": xapi_users.get_user, "PUT": xapi_users.put_user}),
    Operation(_SITE, "users/{user}/enabled", {"GET": xapi_users.get_enabled}),
    Operation(_SITE, "users/{user}/enabled/{flag}", {"PUT": xapi_users.put_enabled}),
    Operation(_SITE, "users/{user}/verified", {"GET": xapi_users.get_verified}),
    Operation(_SITE, "users/{user}/verified/{flag}", {"PUT": xapi_users.put_verified}),
    Operation(_SITE, "users/{user}/groups", {"GET": members.list_group_ids, "PUT": members.put_group_ids}),
    Operation(
        _SITE,
        "users/{user}/groups/{group}",
        {"PUT": members.put_group_id, "DELETE": members.delete_group_id},
    ),
    Operation(_SITE, "users/{user}/roles", {"GET": xapi_users.get_roles}),
    Operation(
        _SITE,
        "users/{user}/roles/{role}",
        {"PUT": xapi_users.put_role, "DELETE": xapi_users.delete_role},
    ),
)
