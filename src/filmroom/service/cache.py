"""Each user's cache: a space of one's own for files on their way, which nobody promises to keep (files-api section 12).

A folder of it is a resource of the user, without a number. Uploading, listing and reading are those of every resource;
here is what only a cache has.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from filmroom.db import files, folders, resources
from filmroom.model.address import Address
from filmroom.model.errors import FolderExists, NotFound, PathConflict
from filmroom.model.names import check_folder_path, check_label
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Description, Resource, Selection
from filmroom.service.resolve import get_place
from filmroom.service.resources import find_resource
from filmroom.service.stores import Stores


class Cache:
    """The address of every use case begins with ``Kind.USER``, which is always the viewer's own cache."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list_folders(self, viewer: Viewer, address: Address) -> tuple[Resource, ...]:
        """The viewer's folders by label."""
        with self._stores.database.read() as connection:
            place = get_place(connection, viewer, address, action=Action.READ)
            found = resources.list_resources_of(connection, [place.owner])[place.owner]
        return tuple(sorted(found, key=lambda resource: resource.label or ""))

    def make_folder(self, viewer: Viewer, address: Address) -> None:
        """Make a folder, or with a path a folder in it, and what it lies in.

        Raises BadName, FolderExists, and PathConflict where a file of that name is.
        """
        label = check_label(address.resource or "", in_cache=True)
        path = check_folder_path(address.path) if address.path else None
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            resource = _find(connection, viewer, address, action=Action.EDIT)
            if resource is not None and (path is None or _has_folder(connection, resource, path)):
                raise FolderExists(address.path or label)
            resource = resource or self._make(connection, viewer, address, stamp=stamp)
            if path is not None:
                _make_inside(connection, resource, path)

        self._stores.database.write(unit)

    def delete_folder(self, viewer: Viewer, address: Address) -> None:
        """Delete a folder with all in it. Raises NotFound."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            resource = _get(connection, viewer, address, action=Action.DELETE)
            resources.mark_resources_deleted(connection, [resource.pk], stamp=stamp)

        self._stores.database.write(unit)

    def delete_files(self, viewer: Viewer, address: Address, paths: Sequence[str]) -> None:
        """Delete files and sub-folders, all of them or, when one is not there (NotFound), none (F-270)."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            resource = _get(connection, viewer, address, action=Action.DELETE)
            for path in paths:
                _delete(connection, resource, check_folder_path(path), stamp=stamp)

        self._stores.database.write(unit)

    def has(self, viewer: Viewer, address: Address, path: str) -> bool:
        """Whether there is a file or a sub-folder of this name."""
        with self._stores.database.read() as connection:
            resource = _find(connection, viewer, address, action=Action.READ)
            if resource is None:
                return False
            is_file = files.find_brief(connection, resource.pk, path) is not None
            return is_file or _has_folder(connection, resource, path)

    @staticmethod
    def _make(connection: Connection, viewer: Viewer, address: Address, *, stamp: Stamp) -> Resource:
        place = get_place(connection, viewer, address, action=Action.EDIT)
        made = resources.insert_resource(
            connection, place.owner, label=address.resource, said=Description(), stamp=stamp, has_rid=False
        )
        if made is None:  # on PostgreSQL another request may have been quicker
            raise FolderExists(address.resource or "")
        return made


def _find(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Resource | None:
    place = get_place(connection, viewer, address, action=action)
    return find_resource(connection, place, address.resource or "", lock=action is not Action.READ)


def _get(connection: Connection, viewer: Viewer, address: Address, *, action: Action) -> Resource:
    if (resource := _find(connection, viewer, address, action=action)) is None:
        raise NotFound(f"folder {address.resource!r}")
    return resource


def _has_folder(connection: Connection, resource: Resource, path: str) -> bool:
    inside = files.find_clash(connection, resource.pk, path)
    return folders.has_folder(connection, resource.pk, path) or (inside or "").startswith(f"{path}/")


def _make_inside(connection: Connection, resource: Resource, path: str) -> None:
    other = files.find_clash(connection, resource.pk, path)
    if other is not None or files.find_brief(connection, resource.pk, path) is not None:
        raise PathConflict(path, other or path)
    folders.insert_folders(connection, resource.pk, _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    """A path and all that it lies in."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _delete(connection: Connection, resource: Resource, path: str, *, stamp: Stamp) -> None:
    count, size_bytes = files.mark_files_deleted(connection, resource.pk, Selection(paths=(path,)), now=stamp.at)
    if count + folders.delete_folders(connection, resource.pk, path) == 0:
        raise NotFound(f"file or folder {path!r}")
    resources.add_to_counters(connection, resource.pk, files=-count, size_bytes=-size_bytes, stamp=stamp)
