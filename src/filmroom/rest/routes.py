"""What can be done where: tables over the contexts of ``parse_address``, which ``dispatch.py`` looks into."""

from collections.abc import Mapping
from typing import Final

from filmroom.model.nodes import Kind
from filmroom.model.projects import SETTING_NAMES
from filmroom.rest import (
    cache,
    configuration,
    elements,
    entities,
    files,
    history,
    home,
    inventory,
    lists,
    members,
    openapi,
    projects,
    resources,
    resumable,
    schemas,
    search,
    searches,
    services,
    sessions,
    sharing,
    tokens,
    undo,
    uploads,
    users,
    vacant,
)
from filmroom.rest.call import Handler
from filmroom.rest.operation import Operation
from filmroom.rest.xapi import XAPI_OPERATIONS

MOUNTS: Final = ("/data", "/REST")
"""F-1: the same under both, each with and without ``/archive`` after it."""

XAPI: Final = "/xapi"
"""C-1: where the younger part of the interface is."""


_SITE: Final = frozenset({Kind.SITE})
_PROJECT: Final = frozenset({Kind.PROJECT})
_CONFIGURED: Final = frozenset({Kind.SITE, Kind.PROJECT})
_USER: Final = frozenset({Kind.USER})
_SESSION_KIND: Final = frozenset({Kind.EXPERIMENT})
OWNERS: Final = frozenset(Kind) - {Kind.SITE, Kind.USER}
"""Every kind of thing whose resources are served."""

_ENTITIES: Final = OWNERS - {Kind.PROJECT}
# What can be in more projects than its own.
_SHARED: Final = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})

_SESSION: Final[Mapping[str, Handler]] = {
    "GET": sessions.get_session,
    "POST": sessions.get_session,
    "DELETE": sessions.delete_session,
}
_SIGN_IN: Final[Mapping[str, Handler]] = {"PUT": sessions.sign_in_by_form, "POST": sessions.sign_in_by_form}
_FILES: Final[Mapping[str, Handler]] = {
    "GET": files.get_files,
    "PUT": uploads.put_files,
    "POST": uploads.put_files,
    "DELETE": files.delete_files,
}

_PEOPLE: Final[Mapping[str, Handler]] = {
    "GET": members.list_people,
    "PUT": members.put_people,
    "DELETE": members.remove_people,
}
_GROUPS: Final[Mapping[str, Handler]] = {
    "GET": members.list_groups,
    "PUT": members.put_group,
    "POST": members.put_group,
}

_CONFIGURATION: Final[Mapping[str, Handler]] = {
    "GET": configuration.get_configuration,
    "PUT": configuration.put_configuration,
    "POST": configuration.put_configuration,
}

_SEARCH: Final[Mapping[str, Handler]] = {
    "GET": searches.get_search,
    "PUT": searches.put_search,
    "DELETE": searches.delete_search,
}


def _resumable(kinds: frozenset[Kind], others: Mapping[str, Handler]) -> tuple[Operation, ...]:
    """Where resumable uploads begin and go on, and what else is done at such addresses."""
    begin = {"POST": resumable.post_upload, **others}
    go_on = {
        "GET": resumable.get_upload,
        "PATCH": resumable.patch_upload,
        "DELETE": resumable.delete_upload,
        **others,
    }
    return (
        Operation(kinds, "resources/{resource}/uploads", begin, offered=resumable.OFFERED),
        Operation(kinds, "resources/{resource}/uploads/{upload}", go_on, offered=resumable.OFFERED),
    )


OPERATIONS: Final = (
    Operation(_SITE, "JSESSION", _SESSION, is_open=True),
    Operation(_SITE, "JSESSION/{any}", _SESSION, is_open=True),
    Operation(_SITE, "auth", {"GET": sessions.get_login}),
    Operation(_SITE, "services/auth", _SIGN_IN, is_open=True),
    Operation(_SITE, "services/tokens/issue", {"GET": tokens.issue}),
    Operation(_SITE, "services/tokens/issue/user/{login}", {"GET": tokens.issue}),
    Operation(_SITE, "services/tokens/show", {"GET": tokens.show}),
    Operation(_SITE, "services/tokens/show/user/{login}", {"GET": tokens.show}),
    Operation(_SITE, "services/tokens/validate/{alias}/{secret}", {"GET": tokens.validate}),
    Operation(_SITE, "services/tokens/invalidate/{alias}", {"GET": tokens.invalidate}),
    Operation(_SITE, "services/tokens/invalidate/{alias}/{secret}", {"GET": tokens.invalidate}),
    Operation(_SITE, "services/tokens/{path}", {"GET": tokens.refuse}),
    Operation(_SITE, "user/{login}/sessions", {"GET": sessions.count_sessions, "DELETE": sessions.end_sessions}),
    Operation(_SITE, "services/move-files", {"POST": services.move_files}),
    Operation(_SITE, "services/refresh/catalog", {"POST": services.refresh_catalogs}),
    Operation(_SITE, "services/dicomdump", {"GET": services.dump_header}),
    Operation(_SITE, "search/elements", {"GET": elements.list_elements}),
    Operation(_SITE, "search/elements/{element}", {"GET": elements.list_fields}),
    Operation(_SITE, "search/elements/{element}/versions", {"GET": elements.list_versions}),
    Operation(_SITE, "search/saved", {"GET": searches.list_searches}),
    Operation(_SITE, "search/saved/{search}", _SEARCH),
    Operation(_SITE, "search/saved/{search}/results", {"GET": search.get_results}),
    Operation(_SITE, "search", {"POST": search.search}),
    Operation(_SITE, "investigators", {"GET": inventory.list_investigators}),
    Operation(_SITE, "scanners", {"GET": inventory.list_scanners}),
    Operation(_CONFIGURED, "scan_types", {"GET": inventory.list_scan_types}),
    Operation(_SITE, "prearchive", {"GET": vacant.empty(vacant.PREARCHIVE)}),
    Operation(_SITE, "prearchive/projects", {"GET": vacant.empty(vacant.PREARCHIVE)}),
    Operation(_SITE, "prearchive/projects/{waiting_for}", {"GET": vacant.empty_of_project(vacant.PREARCHIVE)}),
    Operation(_SITE, "prearchive/experiments", {"GET": vacant.empty(vacant.PREARCHIVE)}),
    Operation(_SITE, "pars", {"GET": vacant.empty(vacant.ACCESS_REQUESTS)}),
    Operation(_PROJECT, "pars", {"GET": vacant.empty_of_project(vacant.ACCESS_REQUESTS)}),
    Operation(_SITE, "workflows", {"GET": vacant.empty(vacant.WORKFLOWS)}),
    Operation(_SITE, "users/favorites", {"GET": vacant.empty(vacant.FAVORITES)}),
    Operation(_SITE, "services/features", {"GET": vacant.list_features}),
    Operation(_CONFIGURED, "config", {"GET": configuration.list_tools}),
    Operation(_CONFIGURED, "config/{tool}/{path}", _CONFIGURATION),
    Operation(_SITE, "users", {"GET": users.list_users}),
    Operation(_SITE, "user", {"GET": users.list_logins}),
    Operation(_SITE, "user/{user}", {"GET": users.get_user}),
    Operation(_SITE, "user/{user}/roles", {"GET": users.get_roles, "POST": users.post_roles}),
    Operation(_SITE, "projects", {"GET": lists.lister(lists.PROJECTS), "POST": projects.post_project}),
    Operation(
        _PROJECT,
        "",
        {"GET": entities.get_entity, "PUT": projects.put_project, "DELETE": projects.delete_project},
    ),
    Operation(
        _ENTITIES,
        "",
        {"GET": entities.get_entity, "PUT": entities.put_entity, "DELETE": entities.delete_entity},
    ),
    Operation(_SITE, "subjects", {"GET": lists.lister(lists.SUBJECTS)}),
    Operation(_SITE, "experiments", {"GET": lists.lister(lists.ALL_EXPERIMENTS)}),
    Operation(
        _PROJECT,
        "subjects",
        {"GET": lists.lister(lists.SUBJECTS), "POST": entities.poster(Kind.SUBJECT)},
    ),
    Operation(
        frozenset({Kind.PROJECT, Kind.SUBJECT}),
        "experiments",
        {"GET": lists.lister(lists.EXPERIMENTS), "POST": entities.poster(Kind.EXPERIMENT)},
    ),
    Operation(_SESSION_KIND, "scans", {"GET": lists.lister(lists.SCANS), "POST": entities.poster(Kind.SCAN)}),
    Operation(
        _SESSION_KIND,
        "reconstructions",
        {"GET": lists.lister(lists.RECONSTRUCTIONS), "POST": entities.poster(Kind.RECONSTRUCTION)},
    ),
    Operation(
        _SESSION_KIND,
        "assessors",
        {"GET": lists.lister(lists.ASSESSORS), "POST": entities.poster(Kind.ASSESSOR)},
    ),
    Operation(_SHARED, "status", {"GET": entities.get_status}),
    *(Operation(_PROJECT, name, {"GET": projects.get_setting(name)}) for name in SETTING_NAMES),
    *(Operation(_PROJECT, f"{name}/{{value}}", {"PUT": projects.put_setting(name)}) for name in SETTING_NAMES),
    Operation(_PROJECT, "accessibility", {"GET": projects.get_accessibility, "PUT": projects.put_accessibility}),
    Operation(_PROJECT, "accessibility/{level}", {"PUT": projects.put_accessibility}),
    Operation(_PROJECT, "users", {"GET": members.list_people}),
    Operation(_PROJECT, "users/{hidden}", {"GET": members.list_people}),
    Operation(_PROJECT, "users/{group}/{person}", _PEOPLE),
    Operation(_PROJECT, "users/{group}/{person}/{hidden}", _PEOPLE),
    Operation(_PROJECT, "groups", _GROUPS),
    Operation(_PROJECT, "groups/{group}", {**_GROUPS, "DELETE": members.delete_group}),
    Operation(OWNERS, "history", {"GET": history.list_events}),
    Operation(OWNERS, "deleted", {"GET": undo.list_deleted}),
    Operation(OWNERS, "undelete", {"POST": undo.undelete}),
    Operation(OWNERS, "resources/{resource}/deleted/{path}", {"GET": undo.list_deleted}),
    Operation(OWNERS, "resources/{resource}/undelete/{path}", {"POST": undo.undelete}),
    Operation(_SHARED, "projects", {"GET": sharing.list_projects}),
    Operation(_SHARED, "projects/{target}", {"PUT": sharing.share, "DELETE": sharing.unshare}),
    Operation(
        OWNERS,
        "resources",
        {"GET": resources.list_resources, "PUT": resources.post_resource, "POST": resources.post_resource},
    ),
    Operation(
        OWNERS,
        "resources/{resource}",
        {
            "GET": resources.get_resource,
            "PUT": resources.put_resource,
            "POST": resources.put_resource,
            "DELETE": resources.delete_resource,
        },
    ),
    Operation(OWNERS, "resources/{resource}/files/{path}", _FILES),
    Operation(OWNERS, "files/{path}", _FILES),
    *_resumable(OWNERS, {}),
    Operation(
        _USER,
        "resources",
        {"GET": cache.list_folders, "POST": cache.refuse_list, "DELETE": cache.refuse_list},
    ),
    Operation(
        _USER,
        "resources/{resource}",
        {"GET": cache.get_files, "PUT": cache.make_folder, "DELETE": cache.delete_folder},
    ),
    Operation(
        _USER,
        "resources/{resource}/files/{path}",
        {
            "GET": cache.get_files,
            "PUT": cache.put_files,
            "POST": cache.post_files,
            "DELETE": cache.delete_files,
        },
    ),
    *_resumable(_USER, {"PUT": cache.make_folder_among_uploads}),
    Operation(_USER, "resources/{resource}/{path}", {"PUT": cache.make_folder}),
)


# C-166: what documents refer to as the place of their schema.
SCHEMA_OPERATIONS: Final = (Operation(_SITE, "{folder}/{file}", {"GET": schemas.get_schema_file}),)

# The root of the site.
HOME_OPERATIONS: Final = (Operation(_SITE, "", {"GET": home.get_home}, is_open=True),)

# Everything that is here, as it is in these tables.
OPENAPI: Final = "/openapi.json"
OPENAPI_OPERATIONS: Final = (
    Operation(_SITE, "", {"GET": openapi.document_handler(lambda: TABLES, with_contexts=MOUNTS[0])}, is_open=True),
)

WITHOUT_CONTEXTS: Final = {XAPI: XAPI_OPERATIONS, "/schemas": SCHEMA_OPERATIONS, OPENAPI: OPENAPI_OPERATIONS}
"""Tables of what follows no address, by what stands before it."""

TABLES: Final[openapi.Tables] = {"": HOME_OPERATIONS, MOUNTS[0]: OPERATIONS, **WITHOUT_CONTEXTS}
"""All operations, by what stands before their addresses."""

SIGNING_IN: Final = frozenset({sessions.get_session, sessions.sign_in_by_form})
"""Whoever signs in has no session yet whose token could be asked for."""

LOOKING_AGAIN: Final = frozenset({uploads.put_files})
"""Handlers that do nothing, and tell nothing, but what the account may have that asks, as it is when they do so."""
