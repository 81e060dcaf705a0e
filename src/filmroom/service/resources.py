"""Resources: listed, made, read as a catalog, deleted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from filmroom.db import files, resources
from filmroom.model.address import Address
from filmroom.model.errors import NotFound, ResourceExists
from filmroom.model.names import check_label, is_rid
from filmroom.model.nodes import Node
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Description, FileEntry, Owner, Resource
from filmroom.service.resolve import get_node
from filmroom.service.stores import Stores

_LONGEST_RID: Final = 10


@dataclass(frozen=True, slots=True)
class Catalog:
    """A resource with all that is known of its files; ``entries`` is lazy and read once."""

    node: Node
    resource: Resource
    entries: Iterator[FileEntry]


class Resources:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_all(self, viewer: Viewer, address: Address) -> tuple[Node, tuple[Resource, ...]]:
        """The node at an address and its resources by rid. Raises NotFound."""
        with self._stores.database.read() as connection:
            node = get_node(connection, viewer, address, action=Action.READ)
            return node, tuple(resources.iter_resources(connection, Owner(node.pk, address.side)))

    def create(self, viewer: Viewer, address: Address, said: Description) -> None:
        """Make an empty resource. Raises NotFound, NotAllowed, BadName, ResourceExists (F-85, in this order)."""
        stamp = self._stores.stamp(viewer)
        label = split_names(address.resource or "")[0]  # F-88

        def unit(connection: Connection) -> None:
            node = get_node(connection, viewer, address, action=Action.EDIT)
            owner = Owner(node.pk, address.side)
            if _is_existing_rid(connection, owner, label):
                raise ResourceExists(label)
            check_label(label)
            if not resources.insert_resource(connection, owner, label=label, said=said, stamp=stamp):
                raise ResourceExists(label)

        self._stores.database.write(unit)

    def delete(self, viewer: Viewer, address: Address) -> None:
        """Delete the named resources with their files; a label that is not there is no error (F-91).

        One short transaction, whatever they hold. Raises NotFound (the node, or a number that is no resource here)
        and NotAllowed.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            node = get_node(connection, viewer, address, action=Action.READ)
            chosen = select_resources(connection, node, address)
            if chosen:
                get_node(connection, viewer, address, action=Action.DELETE)
                pks = [resource.pk for resource in chosen]
                resources.mark_resources_deleted(connection, pks, stamp=stamp)

        self._stores.database.write(unit)

    @contextmanager
    def open_catalog(self, viewer: Viewer, address: Address) -> Iterator[Catalog]:
        """One resource and, while the context is open, its files by path. Raises NotFound for none or several."""
        with self._stores.database.read() as connection:
            node = get_node(connection, viewer, address, action=Action.READ)
            match select_resources(connection, node, address):
                case [resource]:
                    yield Catalog(node, resource, files.iter_files(connection, resource.pk))
                case _:
                    raise NotFound(f"one resource {address.resource!r}")


def select_resources(connection: Connection, node: Node, address: Address) -> Sequence[Resource]:
    """The resources that an address names, by rid; all of the node's when it names none.

    F-51, F-52: a comma list; digits are numbers, anything else is a label. Raises NotFound for a number that is no
    resource here.
    """
    everything = tuple(resources.iter_resources(connection, Owner(node.pk, address.side)))
    if address.resource is None:
        return everything
    wanted = split_names(address.resource)
    labels = {None if name.upper() == "NULL" else name for name in wanted if not is_rid(name)}
    numbers = {_to_rid(name) for name in wanted if is_rid(name)}
    if missing := numbers - {resource.rid for resource in everything}:
        raise NotFound(f"resource {min(missing)!r}")
    return tuple(resource for resource in everything if resource.label in labels or resource.rid in numbers)


def split_names(names: str) -> list[str]:
    """The items of a comma list, without the blanks around the commas (F-51)."""
    return [item.strip() for item in names.split(",")] if "," in names else [names]


def _to_rid(digits: str) -> int:
    """The number; one too long to be any is a number that no resource has."""
    return int(digits) if len(digits) <= _LONGEST_RID else 0


def find_resource(connection: Connection, owner: Owner, name: str, *, lock: bool = False) -> Resource | None:
    """The one resource of this label or number; with ``lock`` it stays as it is until the transaction ends."""
    if is_rid(name):
        return resources.find_resource_by_rid(connection, owner, _to_rid(name), lock=lock)
    return resources.find_resource_by_label(connection, owner, name, lock=lock)


def _is_existing_rid(connection: Connection, owner: Owner, name: str) -> bool:
    return is_rid(name) and find_resource(connection, owner, name) is not None
