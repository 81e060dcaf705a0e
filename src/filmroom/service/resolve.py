"""The only gate: from an address and a viewer to a node that this viewer may act on.

What a viewer may not read answers like what is not there (C-21).
"""

from sqlalchemy import Connection

from filmroom.db import nodes
from filmroom.model.address import Address
from filmroom.model.errors import NotAllowed, NotFound
from filmroom.model.nodes import Node
from filmroom.model.people import Viewer
from filmroom.model.permission import Action, Role, may


def get_node(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Node:
    """The live node at an address. Raises NotFound, or NotAllowed when it may be seen but not for this action."""
    project = nodes.find_project(connection, address.project) if address.project else None
    if project is None or not _may(viewer, Action.READ, project):
        raise NotFound(f"project {address.project!r}")
    if not _may(viewer, action, project):
        raise NotAllowed(f"you may not {action.name.lower()} project {project.id!r}")
    return project


def find_visible(connection: Connection, viewer: Viewer, project_id: str) -> Node | None:
    """The live project of this name if there is one that the viewer may read."""
    project = nodes.find_project(connection, project_id)
    return project if project is not None and _may(viewer, Action.READ, project) else None


def list_visible_projects(connection: Connection, viewer: Viewer) -> tuple[Node, ...]:
    """The live projects that the viewer may read, by ID."""
    return tuple(nodes.iter_projects(connection, creator_pk=None if viewer.is_admin else viewer.pk))


def _may(viewer: Viewer, action: Action, project: Node) -> bool:
    role = Role.OWNER if viewer.is_admin or project.creator_pk == viewer.pk else Role.OUTSIDER
    return may(role, action)
