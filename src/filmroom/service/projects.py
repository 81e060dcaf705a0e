"""Projects: made, described, listed, deleted, opened and closed to others."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from filmroom.db import groups, nodes, projects
from filmroom.model.address import Address
from filmroom.model.changes import Change, changed_fields
from filmroom.model.conflicts import ProjectNameTaken
from filmroom.model.errors import BadValue, RetiredProjectId
from filmroom.model.names import check_id
from filmroom.model.nodes import Accessibility, FieldValue, Kind, Node
from filmroom.model.people import BuiltIn, Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.projects import parse_setting, setting_of, setting_path
from filmroom.model.resources import IfExists
from filmroom.service.audit import about, about_project, record
from filmroom.service.gate import require_account, require_admin
from filmroom.service.resolve import find_visible_project, get_place, get_place_alone, list_visible_projects
from filmroom.service.sharing import check_carries_nothing
from filmroom.service.stores import Stores

PROJECT_XSI_TYPE: Final = "xnat:projectData"
# C-54: the longest text of a field that says nothing else.
_LONGEST_NAME: Final = 255
_MOST_NAMES: Final = 100


class Projects:
    def __init__(
        self,
        stores: Stores,
        *,
        default_accessibility: Accessibility,
        undo_period: timedelta,
        users_create_projects: bool,
    ) -> None:
        self._stores = stores
        self._users_create_projects = users_create_projects
        self._default_accessibility = default_accessibility
        self._undo_period = undo_period

    def put(
        self,
        viewer: Viewer,
        project_id: str,
        said: Change | Mapping[str, FieldValue],
        *,
        accessibility: Accessibility | None = None,
        if_exists: IfExists = IfExists.REPLACE,
    ) -> None:
        """Create the project, or change the named fields of the one that is there (C-69), unless that is refused.

        ``said`` is a change, or no more than fields. An empty field is cleared. ``accessibility`` None means the
        archive's default for a new project and no change for another.
        Raises IllegalId, ProjectNameTaken, RetiredProjectId, NotAllowed.
        """
        stamp = self._stores.stamp(viewer)
        change = said if isinstance(said, Change) else Change(data_type=None, fields=said)

        def unit(connection: Connection) -> None:
            address = Address(kind=Kind.PROJECT, project=project_id)
            existing = _find_behind_others(connection, viewer, project_id)
            if existing is None:
                project = _merged(self._new(viewer, project_id, stamp), change, accessibility)
                project = self._create(connection, project, stamp)
            elif if_exists is IfExists.REFUSE:
                raise ProjectNameTaken(project_id)
            else:
                nodes.lock_node(connection, existing.pk)
                project = get_place(connection, viewer, address, action=Action.EDIT).node
                self._change(connection, _merged(project, change, accessibility), stamp)
            action = "created project" if existing is None else "changed project"
            fields = ", ".join(sorted({**change.document, **change.fields}.keys() - {"ID"}))
            record(connection, stamp, about_project(project), action, at=address, fields=fields)

        self._stores.database.write(unit)

    def list_visible(self, viewer: Viewer) -> tuple[Node, ...]:
        """The projects that the viewer may read, by ID."""
        with self._stores.database.read() as connection:
            return list_visible_projects(connection, viewer)

    def delete(self, viewer: Viewer, address: Address) -> None:
        """Delete a project with all it holds; one short transaction, whatever its size. Raises NotFound, NotAllowed.

        What hangs below its subjects and belongs to another project forbids it.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            nodes.lock_hierarchy(connection, is_exclusive=True)
            project = get_place(connection, viewer, address, action=Action.DELETE)
            check_carries_nothing(connection, project)
            nodes.mark_node_deleted(connection, project.node.pk, stamp=stamp)
            record(connection, stamp, about(project), "deleted project", at=address)

        self._stores.database.write(unit)

    def set_accessibility(self, viewer: Viewer, address: Address, wanted: Accessibility | None) -> str:
        """Open or close a project to others; one row, whatever its size. What it is then; None leaves it (C-151).

        Raises NotFound, NotAllowed.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> str:
            project = get_place_alone(
                connection, viewer, address, action=Action.DELETE
            ).node  # C-151: whoever may delete it
            before = project.accessibility
            if wanted in {None, before}:
                return str(before)
            nodes.update_node(connection, replace(project, accessibility=wanted), stamp=stamp)
            said = {"before": before, "now": wanted}
            record(connection, stamp, about_project(project), "changed accessibility", at=address, **said)
            return str(wanted)

        return self._stores.database.write(unit)

    def put_setting(self, viewer: Viewer, address: Address, name: str, text: str) -> None:
        """Decide something for what comes into a project (C-75). Raises NotFound, NotAllowed, BadValue."""
        stamp = self._stores.stamp(viewer)
        value = parse_setting(name, text)

        def unit(connection: Connection) -> None:
            project = get_place_alone(connection, viewer, address, action=Action.EDIT).node
            said = {"before": setting_of(project, name), "now": value}
            changed = replace(project, fields={**project.fields, setting_path(name): value})
            nodes.update_node(connection, changed, stamp=stamp)
            record(connection, stamp, about_project(project), f"changed {name}", at=address, **said)

        self._stores.database.write(unit)

    def _new(self, viewer: Viewer, project_id: str, stamp: Stamp) -> Node:
        """One that the viewer may make. Raises NotAllowed, IllegalId."""
        require_account(viewer)  # whoever makes a project owns it, so it must be somebody
        if not self._users_create_projects:
            require_admin(viewer)
        return Node(
            pk=0,
            kind=Kind.PROJECT,
            parent_pk=None,
            project_pk=None,
            id=check_id(project_id, what="project ID"),
            label=None,
            xsi_type=PROJECT_XSI_TYPE,
            accessibility=self._default_accessibility,
            fields={},
            created_at=stamp.at,
            created_by=viewer.login,
            creator_pk=viewer.pk,
        )

    def _create(self, connection: Connection, new: Node, stamp: Stamp) -> Node:
        # Names are looked at before the row is made, so that a taken one is told as such and not as a broken index.
        names = self._check_names(connection, new, own_pk=None, stamp=stamp)
        project = replace(new, pk=nodes.insert_node(connection, new, stamp=stamp))
        _claim(connection, names, project)
        if stamp.by is not None:
            groups.put_member(connection, project_pk=project.pk, account_pk=stamp.by, suffix=BuiltIn.OWNER)  # C-70
        return project

    def _change(self, connection: Connection, project: Node, stamp: Stamp) -> None:
        names = self._check_names(connection, project, own_pk=project.pk, stamp=stamp)
        _claim(connection, names, project)
        projects.release_project_names(connection, project.pk, keep=names)
        nodes.update_node(connection, project, stamp=stamp)

    def _check_names(self, connection: Connection, project: Node, *, own_pk: int | None, stamp: Stamp) -> Iterable[str]:
        """All names of a project, none of which another one holds (C-72); those of one whose undo period is over go.

        Raises BadValue, ProjectNameTaken, RetiredProjectId.
        """
        names = _names_of(project)
        for name in names:
            holder = projects.find_name_holder(connection, name)
            if holder is None or holder.pk == own_pk:
                continue
            if holder.deleted_at is None:
                raise ProjectNameTaken(name)
            if stamp.at - holder.deleted_at < self._undo_period:
                raise RetiredProjectId(name)
            projects.release_project_names(connection, holder.pk)
        return names


def _names_of(project: Node) -> Iterable[str]:
    """Its ID first. Raises BadValue."""
    names = dict.fromkeys(
        (project.id, str(project.fields["secondary_ID"]), str(project.fields["name"]), *project.aliases)
    )
    if len(names) > _MOST_NAMES:
        raise BadValue("aliases", f"{len(names)} names", f"a project has at most {_MOST_NAMES} names")
    for name in names:
        if len(name) > _LONGEST_NAME:
            raise BadValue("project name", name, f"it must be at most {_LONGEST_NAME} characters long")
    return names


def _claim(connection: Connection, names: Iterable[str], project: Node) -> None:
    """Raises ProjectNameTaken."""
    for name in names:
        if not projects.claim_project_name(connection, name, project_pk=project.pk):
            raise ProjectNameTaken(name)


def _find_behind_others(connection: Connection, viewer: Viewer, project_id: str) -> Node | None:
    """One that is not there is looked for again behind all who make projects now; those to come wait for this one."""
    if existing := find_visible_project(connection, viewer, project_id):
        return existing
    nodes.lock_hierarchy(connection, is_exclusive=True)
    return find_visible_project(connection, viewer, project_id)


def _merged(project: Node, change: Change, accessibility: Accessibility | None) -> Node:
    fields = changed_fields(project, change)
    defaults = {"secondary_ID": project.id, "name": project.id}  # C-70
    return replace(project, fields={**defaults, **fields}, accessibility=accessibility or project.accessibility)
