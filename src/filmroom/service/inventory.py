"""What there is in the archive as far as a viewer may read it: sums, and values that are in use (C-170 to C-172)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from filmroom.db import inventory
from filmroom.db.inventory import Presence
from filmroom.model.address import Address
from filmroom.model.nodes import Kind, Node
from filmroom.model.people import Viewer
from filmroom.model.permission import Action, Reach
from filmroom.service.gate import Gate
from filmroom.service.resolve import get_place
from filmroom.service.stores import Stores

INVESTIGATOR: Final = ("firstname", "lastname", "institution", "department", "email")
"""What is told of an investigator (C-171)."""
_PROJECT_TYPE: Final = "xnat:projectData"
_OF_PROJECT: Final = ("PI", "investigators/investigator")


class Inventory:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def count_types(self, viewer: Viewer) -> Mapping[str, int]:
        """How many things of each type the viewer may read; types of which there are none are left out."""
        with self._stores.database.read() as connection:
            gate = Gate(connection, viewer)
            reach = gate.reach_by_project()
            counts = Counter({_PROJECT_TYPE: len(gate.list_project_pks(Action.SEE))})
            for presence, count in inventory.count_by_type(connection):
                if _holds(reach, presence):
                    counts[presence.xsi_type] += count
            counts.update(dict(_iter_read_elsewhere(connection, reach)).values())
            return +counts

    def list_scanners(self, viewer: Viewer) -> tuple[str, ...]:
        """The scanners with which sessions were made that the viewer may read."""
        return tuple(scanner for (scanner,) in self._list_values(viewer, Kind.EXPERIMENT, ("scanner",)))

    def list_scan_types(self, viewer: Viewer, address: Address) -> tuple[tuple[str, ...], ...]:
        """``series_description`` and ``type`` of scans that the viewer may read, in a project or everywhere.

        Raises NotFound, and NotAllowed for a project whose record may be seen but not read.
        """
        return self._list_values(viewer, Kind.SCAN, ("series_description", "type"), address=address)

    def list_investigators(self, viewer: Viewer) -> tuple[tuple[str, ...], ...]:
        """Everybody who is named as an investigator where the viewer may read it, as ``INVESTIGATOR`` says, by name."""
        paths = tuple(f"investigator/{part}" for part in INVESTIGATOR)
        with self._stores.database.read() as connection:
            gate = Gate(connection, viewer)
            found = {person for project in gate.list_projects() for person in _iter_investigators(project)}
            for kind in (Kind.SUBJECT, Kind.EXPERIMENT):
                found |= _read_values(gate, kind, paths)
        return tuple(sorted(found, key=lambda person: (person[1].casefold(), person)))

    def _list_values(
        self, viewer: Viewer, kind: Kind, paths: Sequence[str], *, address: Address | None = None
    ) -> tuple[tuple[str, ...], ...]:
        with self._stores.database.read() as connection:
            project_pk = _get_project_pk(connection, viewer, address) if address else None
            return tuple(sorted(_read_values(Gate(connection, viewer), kind, paths, project_pk=project_pk)))


def _get_project_pk(connection: Connection, viewer: Viewer, address: Address) -> int | None:
    """None for the archive itself."""
    if address.kind is Kind.SITE:
        return None
    return get_place(connection, viewer, address, action=Action.READ).node.pk


def _read_values(
    gate: Gate, kind: Kind, paths: Sequence[str], *, project_pk: int | None = None
) -> set[tuple[str, ...]]:
    reach = gate.reach_by_project()
    rows = inventory.iter_values(gate.connection, kind, paths, project_pk=project_pk)
    return {texts for presence, texts in rows if _holds(reach, presence)}


def _holds(reach: Reach, presence: Presence) -> bool:
    return reach.holds(presence.xsi_type, project_pk=presence.project_pk, is_own=presence.is_own)


def _iter_read_elsewhere(connection: Connection, reach: Reach) -> Iterator[tuple[int, str]]:
    """The pk and type of what may be read only in a project that it is shared into; some more than once."""
    for shared in inventory.iter_shared(connection):
        here = reach.holds(shared.xsi_type, project_pk=shared.project_pk, is_own=False)
        if here and not reach.holds(shared.xsi_type, project_pk=shared.own_project_pk, is_own=True):
            yield shared.node_pk, shared.xsi_type


def _iter_investigators(project: Node) -> Iterator[tuple[str, ...]]:
    """By what their fields are below: that of a repeated element ends with a number."""
    people: dict[str, dict[str, str]] = {}
    for path, value in project.fields.items():
        under, _, part = path.rpartition("/")
        if part in INVESTIGATOR and under.partition("[")[0] in _OF_PROJECT:
            people.setdefault(under, {})[part] = str(value)
    yield from (tuple(person.get(part, "") for part in INVESTIGATOR) for person in people.values())
