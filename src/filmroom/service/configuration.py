"""What tools are told: texts by tool and path, said by the site or by a project, every version kept (C-173)."""

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection

from filmroom.db import configurations, nodes
from filmroom.db.configurations import Entry, Name
from filmroom.db.events import Subject
from filmroom.model.address import Address
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.service.audit import record
from filmroom.service.gate import require_account, require_admin
from filmroom.service.resolve import get_place
from filmroom.service.stores import Stores

__all__ = ["Configuration", "Entry"]

_LONGEST_NAME: Final = 255


class Configuration:
    """``address`` is that of the archive itself or of a project.

    The site's is for everybody with an account to read and for administrators to change, a project's for those who may
    read the project and for its owners.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_tools(self, viewer: Viewer, address: Address) -> tuple[str, ...]:
        """By name. Raises NotFound, NotAllowed."""
        with self._stores.database.read() as connection:
            return configurations.list_tools(connection, _name(connection, viewer, address)("", "").project_pk)

    def list_of(self, viewer: Viewer, address: Address, tool: str) -> tuple[Entry, ...]:
        """What a tool is told now, by path. Raises NotFound, NotAllowed."""
        with self._stores.database.read() as connection:
            name = _name(connection, viewer, address)(tool, "")
            return tuple(configurations.iter_latest(connection, name.project_pk, tool))

    def get(self, viewer: Viewer, address: Address, tool: str, path: str, *, version: int | None = None) -> Entry:
        """One version of what a tool is told at a path, or the latest. Raises NotFound, NotAllowed."""
        with self._stores.database.read() as connection:
            return _get_entry(connection, _name(connection, viewer, address)(tool, path), version)

    def put(self, viewer: Viewer, address: Address, tool: str, path: str, *, contents: str) -> bool:
        """Tell a tool something; whether nothing was told there before. What is the same already is not told again.

        Raises NotFound, NotAllowed, BadValue.
        """
        for what, text in (("tool", tool), ("path", path)):
            if len(text) > _LONGEST_NAME:
                raise BadValue(what, text, f"it must be at most {_LONGEST_NAME} characters long")
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> bool:
            name = _name(connection, viewer, address, action=Action.EDIT)(tool, path)
            last = configurations.find_entry(connection, name)
            if last is None or (last.contents, last.is_enabled) != (contents, True):
                _add(connection, stamp, name, last=last, contents=contents, is_enabled=True)
            return last is None

        return self._stores.database.write(unit)

    def set_status(self, viewer: Viewer, address: Address, tool: str, path: str, *, is_enabled: bool) -> None:
        """Switch on or off what a tool is told at a path. Raises NotFound, NotAllowed."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            name = _name(connection, viewer, address, action=Action.EDIT)(tool, path)
            last = _get_entry(connection, name, None)
            if last.is_enabled != is_enabled:
                _add(connection, stamp, name, last=last, contents=last.contents, is_enabled=is_enabled)

        self._stores.database.write(unit)


def _get_entry(connection: Connection, name: Name, version: int | None) -> Entry:
    if (entry := configurations.find_entry(connection, name, version)) is None:
        wanted = "" if version is None else f", version {version}"
        raise NotFound(f"configuration {name.tool}/{name.path}{wanted}")
    return entry


def _add(
    connection: Connection, stamp: Stamp, name: Name, *, last: Entry | None, contents: str, is_enabled: bool
) -> None:
    version = 1 if last is None else last.version + 1
    configurations.insert_entry(
        connection, name, version=version, contents=contents, is_enabled=is_enabled, stamp=stamp
    )
    subject = Subject(node_pk=name.project_pk, project_pk=name.project_pk)
    under = "" if name.project_id is None else str(Address(kind=Kind.PROJECT, project=name.project_id))
    is_switched = last is not None and last.is_enabled != is_enabled and last.contents == contents
    action = ("enabled" if is_enabled else "disabled") if is_switched else "changed"
    where = f"{under}/config/{name.tool}/{name.path}".rstrip("/")
    record(connection, stamp, subject, f"{action} configuration", at=where, version=version)


def _name(
    connection: Connection, viewer: Viewer, address: Address, *, action: Action = Action.READ
) -> Callable[[str, str], Name]:
    """Names of what the site or a project says, for whoever may do this. Raises NotFound, NotAllowed.

    Nobody else changes what a project says until the transaction of whoever may change it ends.
    """
    if address.kind is Kind.SITE:
        if action is Action.READ:
            require_account(viewer)
        else:
            require_admin(viewer)
        return partial(Name, None, None)
    project = get_place(connection, viewer, Address(kind=Kind.PROJECT, project=address.project), action=action).node
    if action is not Action.READ:
        nodes.lock_node(connection, project.pk)
    return partial(Name, project.pk, project.id)
