"""Files: listed, opened, deleted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection

from filmroom.blobs.whole import iter_whole
from filmroom.db import files, resources
from filmroom.db.listing import iter_listing
from filmroom.model.address import Address
from filmroom.model.errors import BadValue, MissingBytes, NotFound
from filmroom.model.names import check_folder_path, is_rid
from filmroom.model.nodes import Place
from filmroom.model.people import Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import FileEntry, Resource, Selection
from filmroom.service.audit import about, record
from filmroom.service.gate import require_admin
from filmroom.service.resolve import get_place
from filmroom.service.resources import Found, find_resource, select_resources
from filmroom.service.stores import Stores

_MOST_LOOKED_AT: Final = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of some resources; ``batches`` is lazy and read once, resource by resource and by path.

    Its columns, of many rows at once, are ``resource_pk, path, size_bytes, md5, format, content, tags`` (a JSON list),
    ``damaged_at`` (in microseconds since 1970, or None) and, if asked for, ``key``. Rows of a resource come together.
    """

    resources: Mapping[int, Found]
    batches: Iterator[Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file's row and its bytes, ready to be read; the caller closes ``blob``.

    ``path_below`` is where they are below the folder of all blobs.
    """

    entry: FileEntry
    blob: BinaryIO
    path_below: str

    def iter_whole(self, piece_bytes: int) -> Iterator[bytes]:
        """All its bytes, in pieces. Raises MissingBytes or DamagedBytes in place of the last of them.

        Whoever takes one has ``blob`` closed at the end; whoever takes none closes it.
        """
        return iter_whole(
            self.blob,
            key=self.entry.key,
            size_bytes=self.entry.digest.size_bytes,
            crc32=self.entry.digest.crc32,
            piece_bytes=piece_bytes,
        )


class Files:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    @contextmanager
    def open_listing(
        self,
        viewer: Viewer,
        address: Address,
        selection: Selection,
        *,
        with_inside: bool = False,
        with_keys: bool = False,
    ) -> Iterator[Listing]:
        """The selected files of the resources that an address names, readable while the context is open.

        Resources come by rid, files by path. A label that is not there gives no resources (F-95a). Raises NotFound.
        """
        with self._stores.database.read() as connection:
            chosen = select_resources(connection, viewer, address, with_inside=with_inside)
            by_pk = {found.resource.pk: found for found in chosen}
            rows = iter_listing(connection, tuple(by_pk), selection, with_keys=with_keys)
            with closing(rows) as batches:
                yield Listing(by_pk, batches)

    def locate(self, viewer: Viewer) -> Callable[[str], str]:
        """What tells where the bytes of a key lie on the server. Raises NotAllowed for all but administrators."""
        require_admin(viewer)
        return self._stores.blobs.locate

    def open_file(self, viewer: Viewer, address: Address, *, spellings: Sequence[str]) -> OpenFile:
        """One file of the resources that an address names, by the first of these paths that is there (F-6, F-96).

        Raises NotFound, and MissingBytes when the row is there and its bytes are not, or not all of them.
        """
        with self._stores.database.read() as connection:
            chosen = select_resources(connection, viewer, address)
            entries = (files.find_file(connection, found.resource.pk, path) for path in spellings for found in chosen)
            entry = next((entry for entry in entries if entry), None)
        if entry is None:
            raise NotFound(f"file {spellings[0]!r}")
        return self._open(entry)

    def open_nth(
        self, viewer: Viewer, address: Address, selection: Selection, number: int, *, with_inside: bool = False
    ) -> OpenFile:
        """The file of this number, from 0, in what would be listed (F-103). Raises NotFound, MissingBytes."""
        with self._stores.database.read() as connection:
            chosen = select_resources(connection, viewer, address, with_inside=with_inside)
            with closing(files.iter_bytes(connection, [found.resource.pk for found in chosen], selection)) as rows:
                row = next(islice(rows, number, None), None)
            entry = files.find_file(connection, row.resource_pk, row.path) if row else None
        if entry is None:
            raise NotFound(f"file number {number}")
        return self._open(entry)

    def open_first(self, viewer: Viewer, address: Address, is_wanted: Callable[[BinaryIO], bool]) -> OpenFile:
        """The first file at an address, also of what is inside, whose bytes are wanted. Few of them are looked at.

        Raises NotFound when none is, MissingBytes.
        """
        with self._stores.database.read() as connection:
            chosen = select_resources(connection, viewer, address, with_inside=address.resource is None)
            selection = Selection(paths=(address.path,)) if address.path else files.EVERYTHING
            each = (files.iter_files(connection, found.resource.pk, selection) for found in chosen)
            entries = tuple(islice(chain.from_iterable(each), _MOST_LOOKED_AT))
        for entry in entries:
            blob = self._open_blob(entry)
            if is_wanted(blob):
                return self._open(entry, blob)
            blob.close()
        raise NotFound(f"a file of this kind at {address}")

    def delete(self, viewer: Viewer, address: Address, *, spellings: Sequence[str]) -> None:
        """Delete a file, a folder with all in it, or (``dir/*``, ``*``) all paths that begin so, literally (F-162).

        The first spelling that matches counts. Raises BadValue without a path or resource, NotFound when nothing
        matches, NotAllowed.
        """
        if not address.path:
            raise BadValue("path", "", "name the file or folder to delete; .../files/* empties the resource")
        stamp = self._stores.stamp(viewer)

        def unit(connection: Connection) -> None:
            place = get_place(connection, viewer, address, action=Action.DELETE)
            resource = self._get_for_deletion(connection, place, address)
            for path in spellings:
                count, size_bytes = files.mark_files_deleted(
                    connection, resource.pk, select_for_deletion(path), now=stamp.at
                )
                if count:
                    resources.add_to_counters(
                        connection, resource.pk, files=-count, size_bytes=-size_bytes, stamp=stamp
                    )
                    record(connection, stamp, about(place), "deleted files", at=address, files=count, bytes=size_bytes)
                    return
            raise NotFound(f"file {spellings[0]!r}")

        self._stores.database.write(unit)

    def _get_for_deletion(self, connection: Connection, place: Place, address: Address) -> Resource:
        if address.resource is None:
            raise BadValue("address", str(address), "name the resource: .../resources/LABEL/files/PATH")
        resource = find_resource(connection, place, address.resource, lock=True)
        if resource is None and is_rid(address.resource):
            raise NotFound(f"resource {address.resource!r}")
        if resource is None:
            raise BadValue("resource", address.resource, "there is no such resource here")  # F-161
        return resource

    def _open(self, entry: FileEntry, blob: BinaryIO | None = None) -> OpenFile:
        return OpenFile(entry, blob or self._open_blob(entry), self._stores.blobs.path_below(entry.key))

    def _open_blob(self, entry: FileEntry) -> BinaryIO:
        blob = self._stores.blobs.open(entry.key)
        if blob.seek(0, 2) != entry.digest.size_bytes:
            blob.close()
            raise MissingBytes(entry.key)
        blob.seek(0)
        return blob


def select_for_deletion(path: str) -> Selection:
    """A file, a folder with all in it, or (``dir/*``, ``*``) all paths that begin so, literally (F-162)."""
    if path.endswith("*"):
        return Selection(prefix=path.removesuffix("*"))
    if path.endswith("/"):
        return Selection(prefix=f"{check_folder_path(path)}/")
    return Selection(paths=(check_folder_path(path),))
