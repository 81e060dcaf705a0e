"""Each user's cache: a space of one's own for files on their way, which nobody promises to keep (files-api section 12).

A folder of it is a resource of the user, without a number. Uploading, listing and reading are those of every resource;
here is what only a cache has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from filmroom.db import files, folders, resources, upkeep
from filmroom.db.events import Subject
from filmroom.model.address import Address
from filmroom.model.conflicts import FolderExists, PathConflict
from filmroom.model.errors import NotFound
from filmroom.model.names import check_folder_path, check_label, iter_folders
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.removal import Removed
from filmroom.model.resources import Description, FileEntry, Resource, Selection
from filmroom.service.arrivals import Arrivals
from filmroom.service.audit import record
from filmroom.service.removal import Removal
from filmroom.service.resolve import get_place
from filmroom.service.resources import find_resource
from filmroom.service.stores import Stores
from filmroom.service.uploads import Fate, UploadOptions, Uploads

_FOLDERS_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """Where each file went, or would have gone, and what became of it."""

    paths: tuple[str, ...]
    fates: tuple[Fate, ...]


class Cache:
    """The address of every use case begins with ``Kind.USER``, which is always the viewer's own cache."""

    def __init__(self, stores: Stores, arrivals: Arrivals, uploads: Uploads) -> None:
        self._stores = stores
        self._arrivals = arrivals
        self._uploads = uploads

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
            record(connection, stamp, _own(viewer), "made a folder", at=address)

        self._stores.database.write(unit)

    def delete_folder(self, viewer: Viewer, address: Address) -> None:
        """Delete a folder with all in it. Raises NotFound."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            resource = _get(connection, viewer, address, action=Action.DELETE)
            resources.mark_resources_deleted(connection, [resource.pk], stamp=stamp)
            record(connection, stamp, _own(viewer), "deleted a folder", at=address)

        self._stores.database.write(unit)

    def delete_files(self, viewer: Viewer, address: Address, paths: Sequence[str]) -> None:
        """Delete files and sub-folders, all of them or, when one is not there (NotFound), none (F-270)."""
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            resource = _get(connection, viewer, address, action=Action.DELETE)
            for path in paths:
                _delete(connection, resource, check_folder_path(path), stamp=stamp)
                at = replace(address, path=path)
                record(connection, stamp, _own(viewer), "deleted files", at=at)

        self._stores.database.write(unit)

    def check_move(self, viewer: Viewer, source: Address, target: Address, options: UploadOptions) -> None:
        """Say early whether a move can be done. It is advice: ``move`` decides. Raises as that does."""
        self._uploads.check_upload(viewer, replace(target, path=None), options)
        self._list(viewer, source)

    def move(
        self, viewer: Viewer, source: Address, target: Address, *, options: UploadOptions, is_unpacked: bool = False
    ) -> Moved:
        """Move a file, a sub-folder or a whole folder into a resource (F-276).

        What is refused there stays in the cache, and so does an archive of which any member is refused.
        Raises NotFound, NotAllowed, BadName, PathConflict, BadArchive.
        """
        resource, entries = self._list(viewer, source)
        stamp = self._stores.stamp(viewer)

        def leave(connection: Connection, fates: Sequence[Fate]) -> None:
            moved = _moved(entries, fates, is_unpacked=is_unpacked)
            _forget(connection, resource, moved, stamp=stamp)
            record(connection, stamp, _own(viewer), "moved files out", at=source, files=len(moved), to=str(target))

        by_path = {_target_path(source, target, entry): entry for entry in entries}
        arrivals = self._arrivals.stage_copies(by_path, is_unpacked=is_unpacked)
        fates = self._uploads.put(viewer, target, arrivals, options=options, and_then=leave)
        return Moved(tuple(arrival.path for arrival in arrivals), fates)

    def _list(self, viewer: Viewer, source: Address) -> tuple[Resource, list[FileEntry]]:
        """What is to be moved. Raises NotFound for nothing."""
        selection = Selection(paths=(check_folder_path(source.path),)) if source.path else Selection()
        with self._stores.database.read() as connection:
            resource = _get(connection, viewer, source, action=Action.READ)
            entries = list(files.iter_files(connection, resource.pk, selection))
        if not entries:
            raise NotFound(f"file {source.path or source.resource!r} in the cache")
        return resource, entries

    def clear(self, older_than: timedelta) -> Removed:
        """Remove for good what was last written longer ago than this, in everybody's cache; folders stay."""
        before = self._stores.clock() - older_than
        removal = Removal(self._stores)
        removal.repeat(lambda connection: _remove_some(connection, before))
        removal.delete_bytes()
        return removal.removed

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
        if made is not None:
            return made
        if address.path is None or (there := _find(connection, viewer, address, action=Action.EDIT)) is None:
            raise FolderExists(address.resource or "")
        return there  # on PostgreSQL another request may have been quicker


def _own(viewer: Viewer) -> Subject:
    """What a change to one's own cache is about."""
    return Subject(node_pk=viewer.pk, project_pk=None)


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
    folders.insert_folders(connection, resource.pk, [path, *iter_folders(path)])


def _delete(connection: Connection, resource: Resource, path: str, *, stamp: Stamp) -> None:
    count, size_bytes = files.mark_files_deleted(connection, resource.pk, Selection(paths=(path,)), now=stamp.at)
    if count + folders.delete_folders(connection, resource.pk, path) == 0:
        raise NotFound(f"file or folder {path!r}")
    resources.add_to_counters(connection, resource.pk, files=-count, size_bytes=-size_bytes, stamp=stamp)


def _target_path(source: Address, target: Address, entry: FileEntry) -> str:
    """A file goes to the path that the target names, or into a folder (``sub/``) there; a folder keeps its shape."""
    if entry.path == source.path:
        return target.path if target.path and not target.path.endswith("/") else f"{target.path or ''}{entry.name}"
    inside = entry.path.removeprefix(f"{(source.path or '').rstrip('/')}/") if source.path else entry.path
    return f"{target.path.rstrip('/')}/{inside}" if target.path else inside


def _moved(entries: Sequence[FileEntry], fates: Sequence[Fate], *, is_unpacked: bool) -> list[FileEntry]:
    if is_unpacked:
        return list(entries) if all(fate.is_stored for fate in fates) else []
    return [entry for entry, fate in zip(entries, fates, strict=True) if fate.is_stored]


def _forget(connection: Connection, resource: Resource, moved: Sequence[FileEntry], *, stamp: Stamp) -> None:
    """Take from the cache what was moved, unless it has other bytes by now.

    Raises NotFound for what somebody else moved or deleted meanwhile.
    """
    resources.lock_resource(connection, resource.pk)
    count = size_bytes = 0
    for entry in moved:
        if files.mark_file_deleted(connection, resource.pk, entry, now=stamp.at):
            count += 1
            size_bytes += entry.digest.size_bytes
        elif files.find_brief(connection, resource.pk, entry.path) is None:
            raise NotFound(f"file {entry.path!r} in the cache any more")
    resources.add_to_counters(connection, resource.pk, files=-count, size_bytes=-size_bytes, stamp=stamp)


def _remove_some(connection: Connection, before: datetime) -> Removed | None:
    """None when there is nothing left to remove. Folders are locked before their files, as uploads do it."""
    pks = upkeep.list_old_caches(connection, before=before, limit=_FOLDERS_AT_ONCE)
    if not pks:
        return None
    for pk in pks:
        resources.lock_resource(connection, pk)
    removed = upkeep.remove_old_files(connection, pks, before=before)
    for pk in pks:
        files.recount(connection, pk)
    return removed
