"""The people and groups of a project over HTTP (core-api section 4.3)."""

import re
from collections.abc import Callable
from typing import Final

from filmroom.model.errors import BadValue, NotAllowed, NotFound
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form, takes_names
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply, json_reply
from filmroom.service.archive import Archive
from filmroom.service.members import Counted, Membership

# C-152.
_PEOPLE: Final = ("GROUP_ID", "displayname", "login", "firstname", "lastname", "email")
_GROUPS: Final = ("id", "displayname", "tag", "users", "rights")
# A right as XNAT's own form names it, such as xnat:mrSessionData_xnat:mrSessionData/project_DEMO_E.
_RIGHT: Final = re.compile(r"(?P<type>\w+:\w+)_\w+:\w+/project_.*_(?P<letter>[RED])")
_TYPE: Final = re.compile(r"\w+:\w+")
_Listing = Callable[[Archive, Call], Reply]
# What each letter of that form stands for: who may edit may also read and create.
_LETTERS: Final = {"R": "r", "E": "rce", "D": "rd"}


def list_people(archive: Archive, call: Call) -> Reply:
    """C-152."""
    people = archive.members.list_people(
        call.viewer,
        call.address.project or "",
        with_disabled=call.found.get("hidden", "").lower() == "true",
        with_data_roles=call.query.flag("includeAllDataAccess"),
    )
    return table_reply(call, counted(Table(columns=_PEOPLE, rows=[_person(row) for row in people])))


def _person(row: Membership) -> tuple[str, ...]:
    member = row.member
    name = row.group.display_name
    return row.group.id, name, member.login, member.first_name, member.last_name, member.email


def put_people(archive: Archive, call: Call) -> Reply:
    """C-153."""
    archive.members.put(call.viewer, call.address.project or "", call.found["group"], _names(call))
    return _told_after(list_people, archive, call, columns=_PEOPLE)


def remove_people(archive: Archive, call: Call) -> Reply:
    """C-154."""
    archive.members.remove(call.viewer, call.address.project or "", call.found["group"], _names(call))
    return _told_after(list_people, archive, call, columns=_PEOPLE)


def _told_after(listed: _Listing, archive: Archive, call: Call, *, columns: tuple[str, ...]) -> Reply:
    """A list after a change of it; empty for who may see it no more and may just have left: the change is made."""
    try:
        return listed(archive, call)
    except (NotAllowed, NotFound):
        return table_reply(call, counted(Table(columns=columns, rows=[])))


def _names(call: Call) -> list[str]:
    return [name.strip() for name in call.found["person"].split(",") if name.strip()]


def list_groups(archive: Archive, call: Call) -> Reply:
    """C-155; with a group in the address only that one."""
    project_id = call.address.project or ""
    found = archive.members.list_groups(call.viewer, project_id)
    wanted = call.found.get("group")
    rows = [_group(row, project_id) for row in found if wanted is None or _is(row, wanted)]
    return table_reply(call, counted(Table(columns=_GROUPS, rows=rows)))


def _is(row: Counted, name: str) -> bool:
    return name in (row.group.id, row.group.suffix, row.group.display_name)


def _group(row: Counted, project_id: str) -> tuple[str | int, ...]:
    return row.group.id, row.group.display_name, project_id, row.people, row.group.shown_rights


@takes_form
def put_group(archive: Archive, call: Call) -> Reply:
    """C-155: rights as XNAT's form has them, or as ``xnat:mrSessionData=rced``."""
    project_id = call.address.project or ""
    named = call.query.text("displayName") or call.query.text("xdat:userGroup/displayName")
    name = named or call.found.get("group", "").removeprefix(f"{project_id}_")
    if not name:
        raise BadValue("displayName", "", "Display name is required.")
    archive.members.put_group(call.viewer, project_id, name, _read_rights(call))
    return _told_after(list_groups, archive, call, columns=_GROUPS)


def _read_rights(call: Call) -> dict[str, str]:
    rights: dict[str, str] = {}
    for name, value in call.query.items():
        if match := _RIGHT.fullmatch(name):
            rights[match["type"]] = rights.get(match["type"], "") + _LETTERS[match["letter"]]
        elif _TYPE.fullmatch(name):
            rights[name] = rights.get(name, "") + value
        else:
            continue
        call.query.texts(name)
    return {name: "".join(dict.fromkeys(letters)) for name, letters in rights.items()}


def delete_group(archive: Archive, call: Call) -> Reply:
    archive.members.delete_group(call.viewer, call.address.project or "", call.found["group"])
    return Reply()


def list_accesses(archive: Archive, call: Call) -> Reply:
    """C-160: the caller's projects with their roles there."""
    rows = [
        {
            "ID": project.id,
            "secondary_ID": str(project.fields.get("secondary_ID", "")),
            "name": str(project.fields.get("name", "")),
            "description": str(project.fields.get("description", "")),
            "role": group.display_name if group else "",
            "group_id": group.id if group else "",
            "URI": f"/data/projects/{project.id}",
        }
        for project, group in archive.members.list_projects(call.viewer)
    ]
    return json_reply(rows)


def list_group_ids(archive: Archive, call: Call) -> Reply:
    """C-158: ``/xapi/users/{user}/groups``."""
    return json_reply(archive.members.list_group_ids(call.viewer, call.found["user"]))


@takes_names
def put_group_ids(archive: Archive, call: Call, group_ids: list[str]) -> Reply:
    """C-158: into all of these groups, or none."""
    archive.members.put_into(call.viewer, call.found["user"], group_ids)
    return Reply()


def put_group_id(archive: Archive, call: Call) -> Reply:
    """C-158."""
    archive.members.put_into(call.viewer, call.found["user"], (call.found["group"],))
    return Reply()


def delete_group_id(archive: Archive, call: Call) -> Reply:
    """C-158."""
    group_id = call.found["group"]
    archive.members.remove(call.viewer, group_id.rpartition("_")[0], group_id, (call.found["user"],))
    return Reply()


def list_project_ids(archive: Archive, call: Call) -> Reply:
    """C-158: ``/xapi/users/projects``."""
    return json_reply([project.id for project, _group in archive.members.list_projects(call.viewer)])
