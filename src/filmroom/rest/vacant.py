"""Lists of what there is none of here, whole but for their rows: clients look into them on their way.

Nothing waits before it is archived, nobody asks for access here, no pipeline runs, and there are no plugins.
"""

from typing import Final

from filmroom.model.address import Address
from filmroom.model.errors import NotFound
from filmroom.model.nodes import Kind
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call, Handler
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive

# C-186.
PREARCHIVE: Final = (
    "project",
    "timestamp",
    "lastmod",
    "uploaded",
    "scan_date",
    "scan_time",
    "subject",
    "folderName",
    "name",
    "tag",
    "status",
    "url",
    "autoarchive",
    "prevent_anon",
    "prevent_auto_commit",
    "SOURCE",
    "VISIT",
    "PROTOCOL",
    "TIMEZONE",
)
ACCESS_REQUESTS: Final = ("par_id", "proj_id", "create_date", "level", "email", "user_id")
WORKFLOWS: Final = ("wrk_workflowData_id", "pipeline_name", "data_type", "id", "externalid", "status", "launch_time")
FAVORITES: Final = ("id", "secondary_id", "name", "description")
_UNASSIGNED: Final = "Unassigned"


def empty(columns: tuple[str, ...]) -> Handler:
    """The handler of a list without rows."""

    def list_nothing(_archive: Archive, call: Call) -> Reply:
        return _nothing(call, columns)

    return list_nothing


def _nothing(call: Call, columns: tuple[str, ...]) -> Reply:
    return table_reply(call, counted(Table(columns=columns, rows=[])))


def empty_of_project(columns: tuple[str, ...]) -> Handler:
    """The same below a project: there for those who may read it. XNAT has one, Unassigned, that is none."""

    def list_nothing(archive: Archive, call: Call) -> Reply:
        project = call.found.get("waiting_for", call.address.project)
        if project != _UNASSIGNED or call.address.project is not None:
            archive.entities.list_places(call.viewer, Address(kind=Kind.PROJECT, project=project))
        return _nothing(call, columns)

    return list_nothing


def list_plugins(_archive: Archive, _call: Call) -> Reply:
    """C-174: an object by name."""
    return json_reply({})


def get_plugin(_archive: Archive, call: Call) -> Reply:
    raise NotFound(f"the plugin {call.found['plugin']!r}")


def list_features(_archive: Archive, _call: Call) -> Reply:
    """C-174: what a site can switch on or off for groups of people."""
    return json_reply([])
