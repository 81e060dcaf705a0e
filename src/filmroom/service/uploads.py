"""Uploads. The commit protocol is here.

An upload's bytes are durable under a key that nothing names (``Stage``) before ``put`` commits the rows that name
them, in one unit: lease, permission, resource and name are looked at again inside it. A crash at any moment leaves
at worst a blob without a name, never a name without its bytes.
"""

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from typing import Final

from sqlalchemy import Connection

from filmroom.db import files, folders, resources
from filmroom.db.memory import forget, recall
from filmroom.model.address import Address, thing_of
from filmroom.model.conflicts import FilesExist, PathConflict
from filmroom.model.errors import ArchiveError, Busy, LeaseLost, NotFound, NotSignedIn, StorageFailed
from filmroom.model.names import check_file_path, check_label, iter_folders
from filmroom.model.nodes import Kind, Place
from filmroom.model.people import Stamp, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import Description, Digest, FileEntry, IfExists, Resource
from filmroom.service.arrivals import Arrivals, keys_of
from filmroom.service.audit import Detail, about, record
from filmroom.service.gate import get_current
from filmroom.service.leases import check_leases
from filmroom.service.resolve import get_place
from filmroom.service.resources import find_resource, is_number, split_names
from filmroom.service.staging import Arrival
from filmroom.service.stores import Stores

# F-147: where a file goes that names no resource, when there is none yet.
UNNAMED_LABEL: Final = "NO_LABEL"
# Whoever is refused one file often sends on what is there already, one file after the other.
_WARY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """What an upload asks for, already checked.

    ``said`` goes to each file and, where it says something, to the resource too (F-151). With ``is_strict`` a file that
    is there and must not be replaced is an error, and then nothing at all is stored.
    """

    if_exists: IfExists = IfExists.REFUSE
    said: Description = field(default_factory=Description)
    is_strict: bool = False


class Fate(Enum):
    """What became of one arrival.

    RENEWED: stored in place of the same bytes. SAME: refused, but what is there has the same bytes.
    """

    STORED = auto()
    RENEWED = auto()
    REFUSED = auto()
    SAME = auto()

    @property
    def is_stored(self) -> bool:
        return self is Fate.STORED or self is Fate.RENEWED


AndThen = Callable[[Connection, Sequence[Fate]], None]


class Uploads:
    def __init__(self, stores: Stores, arrivals: Arrivals) -> None:
        self._stores = stores
        self._arrivals = arrivals
        self._wary_until = -math.inf  # time.monotonic

    def check_upload(self, viewer: Viewer, address: Address, options: UploadOptions, *, is_small: bool = False) -> bool:
        """Say early whether an upload can be kept, so that its body need not be received for nothing.

        False when the address names a file that is there and must not be replaced. It is advice: ``put`` decides.
        One that ``is_small`` is looked at only where something was refused not long ago, or little is known: most are
        kept, and to receive one for nothing costs little.
        Raises what ``put`` would raise as things stand.
        """
        path = check_file_path(address.path) if address.path else None
        if path and (known := self._peek(viewer, address)):
            if is_small and time.monotonic() > self._wary_until:
                return True
            with self._stores.database.glance() as connection:
                if files.find_in_the_way(connection, known.pk, path) is None:
                    return True  # what refuses is decided, and told, by what is so now
        with self._stores.database.read() as connection:
            place = _get_place(connection, viewer, address)
            resource = _find_target(connection, place, address)
            if resource is None or path is None:
                return True
            _check_folder(connection, resource, path)
            there = files.find_in_the_way(connection, resource.pk, path)
        if there is None:
            return True
        if there != path:
            raise PathConflict(path, there)
        if options.if_exists is IfExists.REFUSE and options.is_strict:
            raise FilesExist((path,))
        return options.if_exists is IfExists.REPLACE

    def _peek(self, viewer: Viewer, address: Address) -> Resource | None:
        """The resource an upload goes to, when the viewer put something there a moment ago; none of a cache's."""
        memory = self._stores.database.memory
        place: Place | None = memory.peek(_place_key(viewer, address))
        if place is None or place.kind is Kind.USER:
            return None
        resource: Resource | None = memory.peek(_resource_key(place, address))
        return resource

    def compare(self, viewer: Viewer, address: Address, digest: Digest) -> Fate:
        """The fate of a body that was received only to be summed up, because ``check_upload`` said it is refused.

        Raises Busy when what was in its way is there no more.
        """
        with self._stores.database.read() as connection:
            place = _get_place(connection, viewer, address)
            resource = _find_target(connection, place, address)
            there = files.find_brief(connection, resource.pk, address.path or "") if resource else None
        if there is None:
            raise Busy("the file that was in the way was deleted meanwhile, and the upload was not kept")
        return _fate_beside(there, digest)

    def put(
        self,
        viewer: Viewer,
        address: Address,
        arrivals: Sequence[Arrival],
        *,
        options: UploadOptions,
        and_then: AndThen | None = None,
    ) -> tuple[Fate, ...]:
        """Name staged bytes: all of them or, when this raises, none. The fate of each arrival, in order.

        ``and_then`` is what else must happen in the same transaction.
        Bytes that get no name are deleted, unless the database failed in a way that leaves it unknown.
        Raises NotFound, NotAllowed, BadName, PathConflict, FilesExist, LeaseLost, StorageFull, StorageFailed, and
        NotSignedIn for somebody whose account was disabled meanwhile.
        """
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> tuple[Fate, ...]:
            check_leases(connection, keys_of(arrivals))
            place = recall(connection, _place_key(viewer, address), partial(_get_place, connection, viewer, address))
            fates = _store_at(connection, place, address, arrivals=arrivals, options=options, stamp=stamp)
            if options.is_strict:
                _check_all_stored(arrivals, fates)
            _record(connection, stamp, place, address=address, arrivals=arrivals, fates=fates)
            if and_then is not None:
                and_then(connection, fates)
            return fates

        try:
            for arrival in arrivals:
                check_file_path(arrival.path)
            fates = self._stores.database.write(unit, prepare=self._arrivals.sum_up, keeps_memory=and_then is None)
        except StorageFailed:
            raise
        except LeaseLost:
            self._stores.leases.give_up()
            self._arrivals.forget(arrivals)
            raise
        except ArchiveError as error:
            self._refuse(arrivals, is_for_what_is_there=not isinstance(error, NotSignedIn))
            raise
        self._refuse([arrival for arrival, fate in zip(arrivals, fates, strict=True) if not fate.is_stored])
        return fates

    def _refuse(self, arrivals: Sequence[Arrival], *, is_for_what_is_there: bool = True) -> None:
        if not arrivals:
            return
        if is_for_what_is_there:
            self._wary_until = time.monotonic() + _WARY_SECONDS
        self._arrivals.forget(arrivals)


def _check_all_stored(arrivals: Sequence[Arrival], fates: Sequence[Fate]) -> None:
    refused = [arrival.path for arrival, fate in zip(arrivals, fates, strict=True) if not fate.is_stored]
    if refused:
        raise FilesExist(tuple(refused))


def _record(
    connection: Connection,
    stamp: Stamp,
    place: Place,
    *,
    address: Address,
    arrivals: Sequence[Arrival],
    fates: Sequence[Fate],
) -> None:
    """Of one file its digest, by which what was stored can be known again; of several how many were stored."""
    stored = [arrival for arrival, fate in zip(arrivals, fates, strict=True) if fate.is_stored]
    if len(stored) == 1:
        path, digest = stored[0].path, stored[0].staged.digest
        said: dict[str, Detail] = {"path": path, "bytes": digest.size_bytes, "md5": digest.md5}
        record(connection, stamp, about(place), "uploaded file", at=address, **said)
    elif stored:
        record(connection, stamp, about(place), "uploaded files", at=address, files=len(stored))


def _place_key(viewer: Viewer, address: Address) -> Hashable:
    """By all that ``get_current`` tells viewers apart by, which is not where one asks from, or why."""
    return viewer.pk, viewer.login, viewer.credential_version, viewer.is_believed, thing_of(address)


def _resource_key(place: Place, address: Address) -> Hashable:
    return place.node.pk, place.side, address.resource


def _get_place(connection: Connection, viewer: Viewer, address: Address) -> Place:
    """Where the viewer may put files now, whatever was so when their bytes began to come."""
    return get_place(connection, get_current(connection, viewer), address, action=Action.EDIT)


def _find_target(connection: Connection, place: Place, address: Address, *, lock: bool = False) -> Resource | None:
    """The resource an upload goes to; None where it will be made. Raises NotFound, BadName where it cannot be."""
    if address.resource is None:
        return resources.find_first_resource(connection, place.owner, lock=lock)
    name = _target_label(place, address)
    resource = find_resource(connection, place, name, lock=lock)
    if resource is None and is_number(place, name):
        raise NotFound(f"resource {name!r}")  # F-148
    if resource is None:
        check_label(name, in_cache=place.kind is Kind.USER)
    return resource


def _target_label(place: Place, address: Address) -> str:
    """F-145: of a list the first; a cache knows no lists."""
    if address.resource is None:
        return UNNAMED_LABEL
    return address.resource if place.kind is Kind.USER else split_names(address.resource)[0]


def _get_target(
    connection: Connection, place: Place, address: Address, *, options: UploadOptions, stamp: Stamp
) -> Resource:
    find = partial(_find_target, connection, place, address, lock=True)
    if resource := recall(connection, _resource_key(place, address), find):
        return resource
    label = _target_label(place, address)
    has_rid = place.kind is not Kind.USER
    made = resources.insert_resource(
        connection, place.owner, label=label, said=options.said, stamp=stamp, has_rid=has_rid
    )
    # On PostgreSQL another upload may have made it between the two statements.
    resource = made or resources.find_resource_by_label(connection, place.owner, label, lock=True)
    if resource is None:
        raise Busy(f"resource {label!r} is being made and deleted at the same time")
    return resource


def _store_at(
    connection: Connection,
    place: Place,
    address: Address,
    *,
    arrivals: Sequence[Arrival],
    options: UploadOptions,
    stamp: Stamp,
) -> tuple[Fate, ...]:
    """The fate of each arrival. Where nothing arrives no resource is made."""
    if not arrivals:
        return ()
    resource = _get_target(connection, place, address, options=options, stamp=stamp)
    return _store(connection, resource, arrivals, options=options, stamp=stamp)


def _store(
    connection: Connection,
    resource: Resource,
    arrivals: Sequence[Arrival],
    *,
    options: UploadOptions,
    stamp: Stamp,
) -> tuple[Fate, ...]:
    if _fit_together(resource, arrivals) and not files.has_files(connection, resource.pk):
        new = ((arrival.path, arrival.staged.key, arrival.staged.digest) for arrival in arrivals)
        files.insert_new_files(connection, resource.pk, new, said=options.said, stamp=stamp)
        fates = [Fate.STORED] * len(arrivals)
        grown_files, grown_bytes = len(arrivals), sum(arrival.staged.digest.size_bytes for arrival in arrivals)
    else:
        fates, grown_files, grown_bytes = _store_each(connection, resource, arrivals, options=options, stamp=stamp)
    if any(fate.is_stored for fate in fates):
        resources.add_to_counters(connection, resource.pk, files=grown_files, size_bytes=grown_bytes, stamp=stamp)
        if (said := _joined(resource.said, options.said)) != resource.said:
            resources.describe_resource(connection, resource.pk, said)
            forget(connection)
    return tuple(fates)


def _fit_together(resource: Resource, arrivals: Sequence[Arrival]) -> bool:
    """Whether several arrivals can all stand in an empty resource, which is quicker to do than one by one."""
    paths = {arrival.path for arrival in arrivals}
    is_many = resource.rid != 0 and len(paths) == len(arrivals) > 1  # a cache's folders may be in the way
    return is_many and paths.isdisjoint(folder for path in paths for folder in iter_folders(path))


def _store_each(
    connection: Connection,
    resource: Resource,
    arrivals: Sequence[Arrival],
    *,
    options: UploadOptions,
    stamp: Stamp,
) -> tuple[list[Fate], int, int]:
    """The fate of each arrival, and by how many files and bytes the resource grew."""
    fates, grown_files, grown_bytes = [], 0, 0
    for arrival in arrivals:
        fate, more_files, more_bytes = _store_one(connection, resource, arrival, options=options, stamp=stamp)
        fates.append(fate)
        grown_files += more_files
        grown_bytes += more_bytes
    return fates, grown_files, grown_bytes


def _store_one(
    connection: Connection, resource: Resource, arrival: Arrival, *, options: UploadOptions, stamp: Stamp
) -> tuple[Fate, int, int]:
    """The fate of an arrival, and by how many files and bytes the resource grew."""
    digest = arrival.staged.digest
    entry = _entry(arrival, options.said, stamp)
    _check_clash(connection, resource, arrival.path)
    if files.insert_file(connection, resource.pk, entry, by=stamp.by):
        return Fate.STORED, 1, digest.size_bytes
    there = files.get_brief(connection, resource.pk, arrival.path)
    if options.if_exists is IfExists.REFUSE:
        return _fate_beside(there, digest), 0, 0
    files.replace_file(connection, there.pk, replace(entry, said=_joined(there.said, options.said)), by=stamp.by)
    fate = Fate.RENEWED if there.md5 == digest.md5 else Fate.STORED
    return fate, 0, digest.size_bytes - there.size_bytes


def _fate_beside(there: files.Brief, digest: Digest) -> Fate:
    """The fate of what is refused because of the file that is there."""
    return Fate.SAME if there.md5 == digest.md5 else Fate.REFUSED


def _check_clash(connection: Connection, resource: Resource, path: str) -> None:
    if other := files.find_clash(connection, resource.pk, path):
        raise PathConflict(path, other)
    _check_folder(connection, resource, path)


def _check_folder(connection: Connection, resource: Resource, path: str) -> None:
    """Only caches have folders that are kept for themselves."""
    if not resource.rid and folders.has_folder(connection, resource.pk, path):
        raise PathConflict(path, path)


def _entry(arrival: Arrival, said: Description, stamp: Stamp) -> FileEntry:
    return FileEntry(
        path=arrival.path,
        key=arrival.staged.key,
        digest=arrival.staged.digest,
        said=said,
        created_at=stamp.at,
        created_by="",
        modified_at=stamp.at,
        modified_by="",
    )


def _joined(old: Description, new: Description) -> Description:
    """F-151, F-153: what is said anew replaces what was said; tags are added, each once."""
    return Description(
        format=new.format or old.format,
        content=new.content or old.content,
        description=new.description or old.description,
        tags=tuple(dict.fromkeys((*old.tags, *new.tags))),
    )
