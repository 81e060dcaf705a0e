"""Resources: listed, made, read as a catalog, deleted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from filmroom.db import files, resources
from filmroom.model.address import Address
from filmroom.model.conflicts import ResourceExists
from filmroom.model.errors import NotFound
from filmroom.model.names import check_label, is_rid, to_rid
from filmroom.model.nodes import Kind, Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Description, FileEntry, Resource
from filmroom.service.audit import about, record
from filmroom.service.gate import Gate
from filmroom.service.resolve import find_place, get_place, list_inside, list_places
from filmroom.service.stores import Stores


@dataclass(frozen=True, slots=True)
class Found:
    """A resource and where it hangs."""

    place: Place
    resource: Resource


@dataclass(frozen=True, slots=True)
class Catalog:
    """A resource with all that is known of its files; ``entries`` is lazy and read once."""

    place: Place
    resource: Resource
    entries: Iterator[FileEntry]


class Resources:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_all(self, viewer: Viewer, address: Address, *, with_inside: bool = False) -> tuple[Found, ...]:
        """The resources of all that an address names, by rid; of a session, if so asked, of what is inside too (F-67).

        Raises NotFound.
        """
        with self._stores.database.read() as connection:
            places = list_places(connection, viewer, address)
            return _resources_of(connection, _expanded(connection, viewer, places) if with_inside else places)

    def create(self, viewer: Viewer, address: Address, said: Description) -> Found:
        """Make an empty resource, without a label where the address names none (F-94).

        Raises NotFound, NotAllowed, BadName, ResourceExists (F-85, in this order).
        """
        stamp = self._stores.stamp(viewer)
        label = None if address.resource is None else split_names(address.resource)[0]  # F-88

        def unit(connection: Connection) -> Found:
            place = get_place(connection, viewer, address, action=Action.EDIT)
            _check_new_label(connection, place, label)
            said_here = _with_default_content(connection, place, said)
            made = resources.insert_resource(connection, place.owner, label=label, said=said_here, stamp=stamp)
            if made is None:
                raise ResourceExists(label or "")
            record(connection, stamp, about(place), "created resource", at=address, rid=made.rid)
            return Found(place, made)

        return self._stores.database.write(unit)

    def delete(self, viewer: Viewer, address: Address) -> None:
        """Delete the named resources with their files; a label that is not there is no error (F-91).

        One short transaction, whatever they hold. Raises NotFound (the place, or a number that is no resource here)
        and NotAllowed.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            place = get_place(connection, viewer, address, action=Action.READ)
            chosen = _named(_resources_of(connection, [place]), address)
            if chosen:
                get_place(connection, viewer, address, action=Action.DELETE)
                pks = [found.resource.pk for found in chosen]
                resources.mark_resources_deleted(connection, pks, stamp=stamp)
                files_in_all = sum(found.resource.file_count or 0 for found in chosen)
                record(connection, stamp, about(place), "deleted resource", at=address, files=files_in_all)

        self._stores.database.write(unit)

    @contextmanager
    def open_catalog(self, viewer: Viewer, address: Address) -> Iterator[Catalog]:
        """One resource and, while the context is open, its files by path. Raises NotFound for none or several.

        On a session, where it has none of this name itself, the one inside it that has (F-76).
        """
        with self._stores.database.read() as connection:
            places = list_places(connection, viewer, address)
            own = _named(_resources_of(connection, places), address)
            match own or _named(_resources_of(connection, _expanded(connection, viewer, places)), address):
                case [found]:
                    entries = files.iter_files(connection, found.resource.pk)
                    yield Catalog(found.place, found.resource, entries)
                case _:
                    raise NotFound(f"one resource {address.resource!r}")


def _expanded(connection: Connection, viewer: Viewer, places: Sequence[Place]) -> list[Place]:
    """The places, and what is inside those that are sessions."""
    gate = Gate(connection, viewer)
    return [
        inner
        for place in places
        for inner in (place, *(list_inside(gate, place) if place.kind is Kind.EXPERIMENT else ()))
    ]


def _resources_of(connection: Connection, places: Sequence[Place]) -> tuple[Found, ...]:
    by_owner = resources.list_resources_of(connection, [place.owner for place in places])
    found = [Found(place, resource) for place in places for resource in by_owner[place.owner]]
    return tuple(sorted(found, key=lambda item: item.resource.rid or item.resource.pk))


def select_resources(
    connection: Connection, viewer: Viewer, address: Address, *, with_inside: bool = False
) -> tuple[Found, ...]:
    """The resources whose files an address names, by rid; all of its places' when it names none (F-95).

    F-51, F-52, F-54: a comma list; digits are numbers, here or anywhere else that the viewer may read, anything else
    is a label. Raises NotFound for a place or a number that is not there.
    """
    places = list_places(connection, viewer, address)
    everything = _resources_of(connection, _expanded(connection, viewer, places) if with_inside else places)
    if address.resource is None:
        return everything
    here = {found.resource.rid for found in everything}
    _, numbers = _wanted(address)
    elsewhere = (_get_anywhere(connection, viewer, rid) for rid in numbers if rid not in here)
    return (*_named(everything, address, are_numbers_checked=False), *elsewhere)


def _get_anywhere(connection: Connection, viewer: Viewer, rid: int) -> Found:
    found = resources.find_owner_by_rid(connection, rid)
    place = find_place(connection, viewer, found[0]) if found else None
    if found is None or place is None:
        raise NotFound(f"resource {rid}")
    return Found(place, found[1])


def _named(everything: Sequence[Found], address: Address, *, are_numbers_checked: bool = True) -> tuple[Found, ...]:
    """Those of the address's label or number; raises NotFound for a number that is none of them, if so asked."""
    labels, numbers = _wanted(address)
    missing = set(numbers) - {found.resource.rid for found in everything}
    if missing and are_numbers_checked:
        raise NotFound(f"resource {min(missing)!r}")
    return tuple(found for found in everything if found.resource.label in labels or found.resource.rid in numbers)


def _wanted(address: Address) -> tuple[set[str | None], list[int]]:
    """The labels and the numbers among the names that an address gives (F-51); a cache knows labels only."""
    names = split_names(address.resource or "")
    numbers = [name for name in names if is_rid(name) and address.kind is not Kind.USER]
    labels = {None if name.upper() == "NULL" else name for name in names if name not in numbers}
    return labels, [to_rid(name) for name in numbers]


def _with_default_content(connection: Connection, place: Place, said: Description) -> Description:
    """F-88: the first resource of a scan that has a type holds its raw data, unless it says otherwise."""
    is_first = place.kind is Kind.SCAN and not said.content and place.node.type
    if is_first and resources.find_first_resource(connection, place.owner) is None:
        return replace(said, content="RAW")
    return said


def split_names(names: str) -> list[str]:
    """The items of a comma list, without the blanks around the commas (F-51)."""
    return [item.strip() for item in names.split(",")] if "," in names else [names]


def find_resource(connection: Connection, place: Place, name: str, *, lock: bool = False) -> Resource | None:
    """The one resource of this label or number; with ``lock`` it stays as it is until the transaction ends."""
    if is_number(place, name):
        return resources.find_resource_by_rid(connection, place.owner, to_rid(name), lock=lock)
    return resources.find_resource_by_label(connection, place.owner, name, lock=lock)


def is_number(place: Place, name: str) -> bool:
    """Whether a name means a resource by its number (F-51). The folders of a cache have none."""
    return is_rid(name) and place.kind is not Kind.USER


def _check_new_label(connection: Connection, place: Place, label: str | None) -> None:
    if label is None:
        return
    if is_rid(label) and find_resource(connection, place, label) is not None:
        raise ResourceExists(label)
    check_label(label)
