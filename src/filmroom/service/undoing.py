"""How what was deleted or overwritten comes back, within one transaction.

What was deleted together comes back together: a thing with all that was live below it, and not what was deleted there
separately. Who may delete a thing may bring it back. Names that others took meanwhile stay theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from filmroom.db import files, nodes, resources, undo
from filmroom.db.undo import DeletedFile, DeletedNode, LostName, Spot
from filmroom.model.address import Address
from filmroom.model.conflicts import LabelTaken, NotBroughtBack
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.names import check_file_path, check_id, check_label, is_rid, to_rid
from filmroom.model.nodes import INSIDE_SESSION, Kind, Node, Place
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Resource, Selection, Side
from filmroom.service.audit import Detail, about, record
from filmroom.service.files import select_for_deletion
from filmroom.service.gate import Gate
from filmroom.service.labels import free_label
from filmroom.service.resolve import find_visible_project, get_place, with_ancestors
from filmroom.service.resources import find_resource

_LABELLED = frozenset({Kind.SUBJECT, Kind.EXPERIMENT})
_MOST_NAMED = 5


def find_deleted(connection: Connection, viewer: Viewer, address: Address, *, since: datetime) -> DeletedNode:
    """The thing that was deleted last at an address; what is above it is live. Raises NotFound."""
    spot = _spot(connection, viewer, address)
    called = getattr(address, address.kind)
    found = spot and undo.find_deleted_node(connection, address.kind, called, spot, since=since)
    if not found:
        raise nothing_deleted(address)
    return found


def nothing_deleted(address: Address) -> NotFound:
    return NotFound(f"anything at {address} that was deleted and can still be brought back")


def _spot(connection: Connection, viewer: Viewer, address: Address) -> Spot | None:
    if address.kind in INSIDE_SESSION:
        above = replace(address, kind=Kind.EXPERIMENT, side=Side.NONE, **{address.kind.value: None})
        return Spot(parent_pk=get_place(connection, viewer, _bare(above), action=Action.SEE).node.pk)
    if address.kind is Kind.PROJECT or address.project is None:
        return Spot()
    project = find_visible_project(connection, viewer, address.project)
    if project is None or address.kind is Kind.SUBJECT or address.subject is None:
        return None if project is None else Spot(project_pk=project.pk)
    above = replace(address, kind=Kind.SUBJECT, experiment=None)
    subject = get_place(connection, viewer, _bare(above), action=Action.SEE)
    return Spot(project_pk=project.pk, parent_pk=subject.node.pk)


def _bare(address: Address) -> Address:
    return replace(address, resource=None, path=None)


def place_of_deleted(connection: Connection, viewer: Viewer, node: Node, address: Address) -> Place:
    """Where a deleted thing is, for whoever may delete it. Raises NotFound, NotAllowed, NotBroughtBack."""
    place = with_ancestors(connection, node, address.side, {})
    if place is None:
        raise NotBroughtBack(
            f"nothing was brought back: what {address.kind} {node.id!r} is in was deleted too; bring that back first"
        )
    gate = Gate(connection, viewer)
    if not gate.may(Action.SEE, place):
        raise nothing_deleted(address)
    gate.check(Action.DELETE, place)
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """``since`` is when what is gone by now was deleted; ``new_name`` is to be used in place of the old one."""

    connection: Connection
    viewer: Viewer
    stamp: Stamp
    since: datetime
    new_name: str | None

    def bring_back(self, address: Address, version: int | None) -> None:
        """What an address names; with a number, that version of a file."""
        if address.resource is None:
            self.bring_back_thing(address)
        elif address.path is None:
            self.bring_back_resource(address)
        elif version is None:
            self.bring_back_files(address)
        else:
            self.bring_back_version(address, version)

    def bring_back_thing(self, address: Address) -> None:
        """Raises NotFound, NotAllowed, NotBroughtBack, IllegalId."""
        found = find_deleted(self.connection, self.viewer, address, since=self.since)
        place = place_of_deleted(self.connection, self.viewer, found.node, address)
        if place.kind is Kind.PROJECT and self.new_name:
            raise BadValue("as", self.new_name, "a project comes back under its own ID, which is kept for it")
        undo.restore_node(self.connection, found.node.pk, node_id=self._free_id(place))
        self._restore_names(found.node, undo.list_lost_names(self.connection, found.node.pk, at=found.deleted_at))
        for node, lost_at in undo.list_nameless(self.connection, found.node.pk):
            lost = undo.list_lost_names(self.connection, node.pk, at=lost_at)
            self._restore_names(node, lost, is_below=True)
        said = {"id": found.node.id, "deleted": found.deleted_at.isoformat(timespec="seconds"), "as": self.new_name}
        record(self.connection, self.stamp, about(place), f"brought back {place.kind}", at=address, **said)

    def _free_id(self, place: Place) -> str:
        """The ID that a thing can have again; those of scans and reconstructions are their names (C-57)."""
        node = place.node
        if node.kind in {Kind.SCAN, Kind.RECONSTRUCTION}:
            node_id = check_id(self.new_name, what=f"{node.kind} ID") if self.new_name else node.id
            if nodes.find_child(self.connection, node.parent_pk or 0, node.kind, node_id):
                raise _in_the_way(f"{node.kind} {node_id!r}")
            return node_id
        if nodes.find_node_by_id(self.connection, node.kind, node.id):
            raise _in_the_way(f"{node.kind} with the ID {node.id!r}", "delete or purge that one first")
        return node.id

    def _restore_names(self, node: Node, lost: Sequence[LostName], *, is_below: bool = False) -> None:
        """Give back its label; in other projects only where nobody has it by now."""
        new_label = None if is_below else self.new_name
        if new_label and node.kind in _LABELLED:
            check_id(new_label, what=f"{node.kind} label")
        for name in lost:
            label = (new_label if name.is_primary else None) or name.label
            try:
                if label is not None:
                    free_label(self.connection, name.project_pk, node.kind, label, at=self.stamp.at)
            except LabelTaken:
                if name.is_primary:
                    raise _taken(node, label, is_below=is_below) from None
                label = None
            undo.restore_name(self.connection, name.pk, label)

    def bring_back_resource(self, address: Address) -> None:
        """Raises NotFound, NotAllowed, NotBroughtBack, BadName."""
        place = get_place(self.connection, self.viewer, _bare(address), action=Action.DELETE)
        called = address.resource or ""
        rid = to_rid(called) if is_rid(called) else None
        label = None if called.upper() == "NULL" else called
        found = undo.find_deleted_resource(self.connection, place.owner, label=label, rid=rid, since=self.since)
        if found is None:
            raise nothing_deleted(address)
        label = check_label(self.new_name) if self.new_name else found.label
        if label is not None and resources.find_resource_by_label(self.connection, place.owner, label):
            raise _in_the_way(f"resource {label!r}")
        undo.restore_resource(self.connection, found.pk, label, stamp=self.stamp)
        said = {"rid": found.rid, "files": found.file_count, "bytes": found.size_bytes, "as": self.new_name}
        record(self.connection, self.stamp, about(place), "brought back resource", at=address, **said)

    def bring_back_files(self, address: Address) -> None:
        """A file, or all that the last deletion in a folder took.

        Raises NotFound, NotAllowed, NotBroughtBack, BadName.
        """
        place, resource = self._get_resource(address)
        selection = select_for_deletion(address.path or "")
        deleted_at = undo.find_last_deletion(self.connection, resource.pk, selection, since=self.since)
        if deleted_at is None:
            if undo.has_live_files(self.connection, resource.pk, selection):
                raise _in_the_way(f"file {address.path!r}", "say which of its versions is to come back (version=N)")
            raise nothing_deleted(address)
        found = undo.list_deleted_files(self.connection, resource.pk, selection, at=deleted_at)
        if self.new_name:
            self._bring_back_as(resource, found)
        else:
            self._check_free(resource, found, selection)
            undo.restore_files(self.connection, resource.pk, selection, at=deleted_at)
        size_bytes = sum(file.size_bytes for file in found)
        self._count(resource, files=len(found), size_bytes=size_bytes)
        said = {"files": len(found), "bytes": size_bytes, "as": self.new_name}
        record(self.connection, self.stamp, about(place), "brought back files", at=address, **said)

    def _bring_back_as(self, resource: Resource, found: list[DeletedFile]) -> None:
        path = check_file_path(self.new_name or "")
        if len(found) != 1:
            raise BadValue("as", path, "only one file at a time can come back under another name")
        self._check_free(resource, [found[0]._replace(path=path)], Selection(paths=(path,)))
        undo.restore_file(self.connection, found[0].pk, path)

    def _check_free(self, resource: Resource, found: list[DeletedFile], selection: Selection) -> None:
        """Looking at each is spared where there is nothing to meet."""
        is_empty = not undo.has_live_files(self.connection, resource.pk, selection)
        for file in found[:1] if is_empty else found:
            other = files.find_clash(self.connection, resource.pk, file.path)
            if other or files.find_brief(self.connection, resource.pk, file.path):
                raise _in_the_way(f"file {other or file.path!r}")

    def bring_back_version(self, address: Address, number: int) -> None:
        """What it is now becomes a version itself. Raises NotFound, NotAllowed, NotBroughtBack."""
        if self.new_name:
            raise BadValue("as", self.new_name, "a version comes back as the file that it was")
        place, resource = self._get_resource(address)
        path = check_file_path(address.path or "")
        there = files.find_brief(self.connection, resource.pk, path)
        version = there and undo.take_version(
            self.connection, there.pk, path, number, since=self.since, at=self.stamp.at
        )
        if there is None or version is None:
            raise nothing_deleted(address)
        files.replace_file(self.connection, there.pk, version, by=self.stamp.by)
        self._count(resource, files=0, size_bytes=version.digest.size_bytes - there.size_bytes)
        said: dict[str, Detail] = {"version": number, "bytes": version.digest.size_bytes, "md5": version.digest.md5}
        record(self.connection, self.stamp, about(place), "brought back a version", at=address, **said)

    def _get_resource(self, address: Address) -> tuple[Place, Resource]:
        place = get_place(self.connection, self.viewer, _bare(address), action=Action.DELETE)
        resource = find_resource(self.connection, place, address.resource or "", lock=True)
        if resource is None:
            raise NotFound(f"resource {address.resource!r}; if it was deleted, bring it back first")
        return place, resource

    def _count(self, resource: Resource, *, files: int, size_bytes: int) -> None:
        resources.add_to_counters(self.connection, resource.pk, files=files, size_bytes=size_bytes, stamp=self.stamp)


def _in_the_way(what: str, advice: str = "say under which other name it is to come back (as=NAME)") -> NotBroughtBack:
    return NotBroughtBack(f"nothing was brought back, because there is a {what}: {advice}")


def _taken(node: Node, label: str | None, *, is_below: bool) -> NotBroughtBack:
    if is_below:
        advice = "rename that one first: it took the label of what was inside"
        return _in_the_way(f"{node.kind} {label!r}", advice)
    return _in_the_way(f"{node.kind} {label!r}")
