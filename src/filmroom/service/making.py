"""How subjects, experiments, assessors, scans and reconstructions come to be and change, within one transaction.

One way for all of them; what differs is which parent they need and whether people name them by label or by ID.
"""

from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from sqlalchemy import Connection

from filmroom.db import names, nodes
from filmroom.db.events import Subject
from filmroom.model.address import Address, with_name
from filmroom.model.changes import Change, changed_fields
from filmroom.model.conflicts import IdTaken, LabelTaken, OtherProject, WrongType
from filmroom.model.datatypes import SUBJECT, DataType, get_data_type
from filmroom.model.errors import ArchiveError, BadDocument, BadValue, NeedsType, NotFound
from filmroom.model.names import check_id
from filmroom.model.nodes import KEPT, FieldValue, Kind, Node, Place, Status, with_status
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.projects import QUARANTINE, setting_of
from filmroom.model.resources import IfExists, Owner, Side
from filmroom.service.audit import about, record
from filmroom.service.gate import Gate
from filmroom.service.labels import free_label
from filmroom.service.resolve import (
    find_exact_place,
    find_live_place,
    get_place,
    get_project_to_fill,
)
from filmroom.service.sharing import project_of_name

_LABELLED: Final = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})
_IN_SESSIONS: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})
_ID_LETTERS: Final = {Kind.SUBJECT: "S", Kind.EXPERIMENT: "E", Kind.ASSESSOR: "E"}


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of it: the thing's ID, and whether it was made, renamed (and nothing else), or changed."""

    id: str
    is_new: bool = False
    is_renamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """``gate`` stands for whoever makes it; ``prefix`` is what new IDs begin with."""

    gate: Gate
    stamp: Stamp
    prefix: str

    @property
    def connection(self) -> Connection:
        return self.gate.connection

    @property
    def viewer(self) -> Viewer:
        return self.gate.viewer

    def make_or_change(self, address: Address, change: Change, if_exists: IfExists) -> Changed:
        """Make, change or rename the thing at an address, with what the document tells of inside it.

        Where nothing may be there yet, the address need not name the thing; then it gets a name that is free.
        """
        if found := self._find(address, change):
            if if_exists is IfExists.REFUSE:
                raise LabelTaken(getattr(address, address.kind))
            # C-93, C-225: a parameter first, then the URL, then a document.
            subject = str(change.fields.get("subject_ID") or "") or address.subject or change.text("subject_ID")
            return self._change(found, change, subject=subject)
        return self._create(_in_project(address, change), change, makes_subject=if_exists is IfExists.REPLACE)

    def _find(self, address: Address, change: Change) -> Address | None:
        """Where the thing is that is meant; None where there is none."""
        if getattr(address, address.kind) is None:
            return None
        if (found := self._find_now(address, change)) or address.project is None:
            return found
        if nodes.is_alone(self.connection):
            return None
        project = self.gate.find_project(address.project)
        if project is None:
            return None
        self._lock(project.pk)
        # Behind all who made something in the project now; those to come wait for this one.
        return self._find_now(address, change)

    def _find_now(self, address: Address, change: Change) -> Address | None:
        way = address
        if address.kind is Kind.EXPERIMENT and address.project and address.subject:
            way = replace(address, subject=None)  # C-225: it may hang below another subject of the project
        place = find_exact_place(self.gate, way)
        if place is None and (said := _in_project(address, change)) != address:
            way, place = said, find_exact_place(self.gate, said)
        if place is not None and place.shared_into and way != address:
            way, place = address, find_exact_place(self.gate, address)
        if place is None:
            return None
        self._lock(place.node.pk)
        return way

    def _lock(self, pk: int) -> None:
        """Let nobody else change a node, and decide by nothing that was read before."""
        nodes.lock_node(self.connection, pk)
        self.gate.forget()

    def _change(self, at: Address, change: Change, *, subject: str = "", is_inside: bool = False) -> Changed:
        """What a document tells of inside a thing and is as it was needs no right to change it."""
        place = get_place(self.connection, self.viewer, at, action=Action.SEE)
        _check_same(place, change)
        before, now = place.node.fields, changed_fields(place.node, change)
        differing = [path for path in {**before, **now} if before.get(path) != now.get(path)]
        if differing or not is_inside:
            self._check_edit(place, change)
        if subject and place.kind is Kind.EXPERIMENT and self._move(place, subject):
            differing.append("subject_ID")
        if change.new_label and change.new_label != place.node.label and place.kind in _LABELLED:
            self._rename(at, place, change.new_label)
            return Changed(place.node.id, is_renamed=True)
        if differing:
            nodes.update_node(self.connection, replace(place.node, fields=now), stamp=self.stamp)
            said = ", ".join(sorted(path.removeprefix(KEPT) for path in differing))
            record(self.connection, self.stamp, about(place), f"changed {place.kind}", at=at, fields=said)
        for inside in change.inside:
            self._put_inside(place, inside)
        return Changed(place.node.id)

    def _check_edit(self, place: Place, change: Change) -> None:
        """What is locked can be changed by who unlocks it (C-61)."""
        if change.status is Status.ACTIVE:
            place = replace(place, node=replace(place.node, fields=with_status(place.node.fields, Status.ACTIVE)))
        self.gate.check(Action.EDIT, place)

    def _rename(self, at: Address, place: Place, label: str) -> None:
        """C-82, C-96: in the project where the thing was found, which is its own or one that it is shared into.

        There it takes the right that sharing it under this label would take. Raises NotAllowed, IllegalId, LabelTaken.
        """
        check_id(label, what=f"{place.kind} label")
        project = project_of_name(self.connection, place)
        if project.pk != place.project.pk:
            self.gate.check_create(project, place.node.xsi_type)
        free_label(self.connection, project.pk, place.node.kind, label, at=self.stamp.at)
        names.update_label(self.connection, project.pk, place.node.pk, label)
        nodes.update_node(self.connection, place.node, stamp=self.stamp)
        said = {"before": place.node.label, "now": label}
        record(self.connection, self.stamp, about(place), f"renamed {place.kind}", at=at, **said)

    def _move(self, place: Place, subject: str) -> bool:
        """C-93, C-225: give an experiment to another subject of its project, which is made if it is not there.

        Whether that was another one.
        """
        if place.subject and subject == place.subject.id:
            return False
        address = Address(kind=Kind.SUBJECT, project=place.project.id, subject=subject)
        parent = self._get_or_create_subject(address)
        if place.subject and parent.node.pk == place.subject.pk:
            return False
        nodes.move_node(self.connection, place.node.pk, parent_pk=parent.node.pk)
        return True

    def _create(self, address: Address, change: Change, *, makes_subject: bool = True) -> Changed:
        kind = address.kind
        parent, project = self._parent(address, change, makes_subject=makes_subject)
        data_type = _type_of_new(kind, change)
        node_id, label = self._name(parent, address, change)
        new = Node(
            pk=0,
            kind=Kind.EXPERIMENT if kind is Kind.ASSESSOR else kind,
            parent_pk=parent.node.pk,
            project_pk=project.pk,
            id=node_id,
            label=label,
            xsi_type=data_type.xsi_type,
            accessibility=None,
            fields={},
            created_at=self.stamp.at,
            created_by=self.viewer.login,
            creator_pk=self.viewer.pk,
        )
        new = replace(new, fields=_first_fields(new, project, change))
        pk = nodes.insert_node(self.connection, new, stamp=self.stamp)
        if label is not None:
            free_label(self.connection, project.pk, new.kind, label, at=self.stamp.at)
            names.insert_label(self.connection, project.pk, new.kind, label, node_pk=pk)
        subject = Subject(node_pk=pk, project_pk=project.pk)
        record(
            self.connection, self.stamp, subject, f"created {kind}", at=_named(address, label or node_id), id=node_id
        )
        if change.inside and (place := find_live_place(self.connection, Owner(pk))):
            for inside in change.inside:
                self._put_inside(place, inside)
        return Changed(node_id, is_new=True)

    def _name(self, parent: Place, address: Address, change: Change) -> tuple[str, str | None]:
        """The ID of something new, and its label if it has one. Raises IllegalId, IdTaken."""
        kind, given = address.kind, change.text("ID")
        name = getattr(address, kind) or (change.text("label") if kind in _LABELLED else given)
        if kind not in _LABELLED:
            return check_id(name or self._free_number(parent, kind), what=f"{kind} ID"), None
        if name:
            check_id(name, what=f"{kind} label")
        node_id = self._id(kind, given)
        return node_id, name or node_id

    def _id(self, kind: Kind, given: str) -> str:
        if not given:
            return names.next_id(self.connection, f"{self.prefix}_{_ID_LETTERS[kind]}")
        family = Kind.SUBJECT if kind is Kind.SUBJECT else Kind.EXPERIMENT
        if nodes.find_node_by_id(self.connection, family, check_id(given, what="ID")):
            raise IdTaken(given)
        return given

    def _free_number(self, session: Place, kind: Kind) -> str:
        """C-59: the smallest one that is no ID of such a thing in the session."""
        taken = {found.id for found in nodes.iter_children(self.connection, session.node.pk, kind)}
        return next(text for text in map(str, count(1)) if text not in taken)

    def _put_inside(self, parent: Place, change: Change) -> None:
        """C-53: what is listed inside a thing is added to it, or changed."""
        address = self._address_inside(parent, change)
        subject = parent.node.id if parent.kind is Kind.SUBJECT else ""
        if found := self._find(address, change):
            self._change(found, change, subject=subject, is_inside=True)
        else:
            self._create(address, change)

    def _address_inside(self, parent: Place, change: Change) -> Address:
        kind = change.data_type.kind if change.data_type else None
        given, label = change.text("ID") or None, change.text("label") or None
        if kind is Kind.SCAN or kind is Kind.RECONSTRUCTION:
            return with_name(Address(kind=Kind.EXPERIMENT, experiment=parent.node.id), kind, given)
        is_known = given and nodes.find_node_by_id(self.connection, Kind.EXPERIMENT, given)
        name = given if is_known else label or given
        if kind is Kind.ASSESSOR:
            return Address(kind=kind, side=Side.OUT, experiment=parent.node.id, assessor=name)
        if is_known:
            return Address(kind=Kind.EXPERIMENT, experiment=given)
        return Address(kind=Kind.EXPERIMENT, project=parent.seen_in.id, subject=parent.node.id, experiment=name)

    def _get_or_create_subject(self, address: Address) -> Place:
        if found := find_exact_place(self.gate, address):
            return found
        self._create(address, Change(data_type=get_data_type(SUBJECT), fields={}))
        return get_place(self.connection, self.viewer, address, action=Action.SEE)

    def _parent(self, address: Address, change: Change, *, makes_subject: bool) -> tuple[Place, Node]:
        """Where a new thing goes, and the project it will belong to.

        Whoever makes it must be allowed to make such a thing there (C-81, C-94), or to edit the session (C-111, C-118).
        """
        if address.kind in _IN_SESSIONS:
            session = self._get_session(address, action=Action.EDIT)
            return session, session.project
        xsi_type = change.data_type.xsi_type if change.data_type else ""
        if address.kind is Kind.ASSESSOR:
            session = self._get_session(address, action=Action.READ)
            get_project_to_fill(self.gate, session.project.id, xsi_type)
            return session, session.project
        project = get_project_to_fill(self.gate, _project_of(address), xsi_type)
        _check_project(change, project.node)
        if address.kind is Kind.SUBJECT:
            return project, project.node
        name = address.subject or change.text("subject_ID")
        if not name:
            raise BadDocument("Submitted experiment record must include the subject.")
        subject = Address(kind=Kind.SUBJECT, project=address.project, subject=name)
        if makes_subject:
            return self._get_or_create_subject(subject), project.node
        return get_place(self.connection, self.viewer, subject, action=Action.SEE), project.node

    def _get_session(self, address: Address, *, action: Action) -> Place:
        """The session inside which a thing is. Raises NotFound, also for an assessor, which holds no others."""
        above = replace(address, kind=Kind.EXPERIMENT, side=Side.NONE, **{address.kind: None})
        session = get_place(self.connection, self.viewer, above, action=action)
        if session.kind is not Kind.EXPERIMENT:
            raise NotFound(f"experiment {address.experiment!r}")
        return session


def _in_project(address: Address, change: Change) -> Address:
    """C-80, C-94: what is addressed without a project may say it."""
    project = change.text("project")
    if address.project is not None or address.kind not in {Kind.SUBJECT, Kind.EXPERIMENT} or not project:
        return address
    return replace(address, project=project)


def _named(address: Address, name: str) -> Address:
    return address if getattr(address, address.kind) else with_name(address, address.kind, name)


def _project_of(address: Address) -> str:
    """The project that an address names. Raises BadDocument (C-80, C-94)."""
    if address.project is None:
        raise BadDocument(f"Submitted {address.kind} record must include the project attribute.")
    return address.project


def _type_of_new(kind: Kind, change: Change) -> DataType:
    """Raises NeedsType, and as ``_wrong_kind`` says."""
    if change.data_type is None:
        raise NeedsType(kind)
    if change.data_type.kind is not kind:
        raise _wrong_kind(kind, change.data_type)
    return change.data_type


def _wrong_kind(kind: Kind, given: DataType) -> ArchiveError:
    """C-83, C-92, C-106, C-118; C-111 of scans."""
    if kind is Kind.SCAN:
        return BadValue("xsiType", given.xsi_type, "it is no type that a scan can have")
    return BadDocument(f"Only what a {kind} can be can be PUT to this address, and {given.xsi_type} is not.")


def _check_same(place: Place, change: Change) -> None:
    """C-83, C-95, C-107, C-111: what cannot be changed in this way is as it was."""
    node, given = place.node, change.data_type
    stored = get_data_type(node.xsi_type)
    if given is not None and (given not in stored.lineage or (given is not stored and place.kind is Kind.SCAN)):
        raise WrongType(given.xsi_type, node.xsi_type) if given.kind is place.kind else _wrong_kind(place.kind, given)
    if (said := change.text("ID")) not in {"", node.id}:
        raise BadValue("ID", said, "ID cannot be modified")
    if place.kind not in _LABELLED:
        return
    if (said := change.text("label")) not in {"", node.label}:
        raise BadValue("label", said, "Label must be modified through separate URI: PUT with label=... alone")
    if change.text("project") != place.seen_in.id:
        _check_project(change, place.project)


def _check_project(change: Change, project: Node) -> None:
    """Raises OtherProject."""
    if (said := change.text("project")) not in {"", project.id, *project.aliases}:
        raise OtherProject(said, project.id)


def _first_fields(new: Node, project: Node, change: Change) -> dict[str, FieldValue]:
    """C-98: a project may want to look at experiments before others do."""
    fields = changed_fields(new, change)
    if new.kind is Kind.EXPERIMENT and change.status is None and setting_of(project, QUARANTINE) == "1":
        return with_status(fields, Status.QUARANTINE)
    return fields
