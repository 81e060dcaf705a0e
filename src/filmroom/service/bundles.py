"""Many files as one zip or tar, streamed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto

from filmroom.blobs import archives
from filmroom.blobs.archives import Member, Members
from filmroom.db import files
from filmroom.model.address import Address
from filmroom.model.errors import NotFound
from filmroom.model.people import Viewer
from filmroom.model.resources import Selection
from filmroom.service.resources import Found, select_resources
from filmroom.service.stores import Stores

Namer = Callable[[str], str]
"""Makes a file's path inside its resource the name of a member."""

Names = Callable[[Mapping[int, Found], Callable[[int], bool]], Mapping[int, Namer]]
"""Gives each of the found resources, by its pk, what names its files; no two members may get one name.

The second argument says of a pk whether any file of that resource is selected, at the price of a query. One without
any needs no namer.
"""


class BundleFormat(Enum):
    ZIP = auto()
    DEFLATED_ZIP = auto()
    TAR = auto()
    TAR_GZ = auto()


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive ready to be made: its bytes, lazily, and their number where it is known before.

    A file whose bytes are gone raises MissingBytes in the middle, one whose bytes have changed DamagedBytes: the
    archive is whole or it breaks off.
    """

    pieces: Iterator[bytes]
    length: int | None
    close: Callable[[], None]


class Bundles:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def open(
        self,
        viewer: Viewer,
        address: Address,
        selection: Selection,
        *,
        bundle_format: BundleFormat,
        names: Names,
        with_inside: bool = False,
    ) -> Bundle:
        """The selected files of the resources that an address names.

        ``names`` sees all of these resources at once, each of them once.
        Which files these are is settled before this returns, and kept in a spool: no transaction stays open, and
        however many they are they cost little memory. Raises NotFound for a place that is not there, and for no files.
        """
        members = Members()
        try:
            self._add_all(members, viewer, address, selection, names=names, with_inside=with_inside)
            pieces, length = self._make(members, bundle_format)
        except BaseException:
            members.close()
            raise
        return Bundle(pieces, length, members.close)

    def _add_all(
        self,
        members: Members,
        viewer: Viewer,
        address: Address,
        selection: Selection,
        *,
        names: Names,
        with_inside: bool,
    ) -> None:
        with self._stores.database.read() as connection:
            chosen = select_resources(connection, viewer, address, with_inside=with_inside)

            def holds(pk: int) -> bool:
                with closing(files.iter_bytes(connection, (pk,), selection)) as rows:
                    return next(rows, None) is not None

            namers = names({found.resource.pk: found for found in chosen}, holds)
            for row in files.iter_bytes(connection, tuple(namers), selection):
                members.add(
                    Member(
                        name=namers[row.resource_pk](row.path),
                        key=row.key,
                        size_bytes=row.size_bytes,
                        crc32=row.crc32,
                        modified_at=row.modified_at,
                    )
                )
        if members.count == 0:
            raise NotFound("any files to put into an archive")  # F-183

    def _make(self, members: Members, bundle_format: BundleFormat) -> tuple[Iterator[bytes], int | None]:
        match bundle_format:
            case BundleFormat.ZIP:
                return archives.iter_zip(members, self._stores.blobs.open), archives.zip_length(members)
            case BundleFormat.DEFLATED_ZIP:
                return archives.iter_zip(members, self._stores.blobs.open, is_deflated=True), None
            case BundleFormat.TAR:
                return archives.iter_tar(members, self._stores.blobs.open), archives.tar_length(members)
            case BundleFormat.TAR_GZ:
                return archives.iter_gzip(archives.iter_tar(members, self._stores.blobs.open)), None
