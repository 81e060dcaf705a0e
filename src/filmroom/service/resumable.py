"""Uploads that come in several stretches, through whichever of the server's processes, before and after a restart.

An upload is a row, and a partial of the store in which its bytes gather; each stretch is appended by one request at a
time (``stretches.py``), which holds the partial. When the last byte is there, the partial is copied to a blob under a
key of this process's lease, or taken apart if it is an archive, and ``Uploads.put`` stores it as it does every upload;
the row is done in the same transaction.

Whatever crashes, a partial has a row (made before it, removed after the last request let go of it) or is an orphan,
and no row names a partial as a file's bytes. Whoever takes a partial in hand reads the row again behind all
transactions that may still change it, so no bytes change that a commit of unknown outcome might have named.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from filmroom.blobs.base import Partial, partial_key, partial_name
from filmroom.db import targets
from filmroom.db import uploads as rows
from filmroom.model.address import Address, parse_address
from filmroom.model.conflicts import WrongOffset
from filmroom.model.errors import BadValue, Busy, NotAllowed, NotFound, StorageFailed, TooManyUploads, UploadInUse
from filmroom.model.names import check_file_path
from filmroom.model.nodes import Kind
from filmroom.model.people import OPERATOR, Viewer
from filmroom.model.permission import Action
from filmroom.model.resources import FileEntry, IfExists
from filmroom.model.uploads import Upload
from filmroom.service.arrivals import Arrivals
from filmroom.service.gate import get_current, is_administrator
from filmroom.service.resolve import get_place
from filmroom.service.staging import iter_pieces
from filmroom.service.stores import Stores
from filmroom.service.stretches import Stretch
from filmroom.service.summing import Summing
from filmroom.service.uploads import Fate, UploadOptions, Uploads

LONGEST_UPLOAD_BYTES: Final = 2**62
_MOST_SUMS: Final = 256
_MOST_UPLOADS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an upload is to become: a file at ``path`` or, if ``is_unpacked``, the files of an archive of that name.

    ``size_bytes`` is None where it is to be told later; ``metadata`` is what the sender said of it, word for word.
    """

    path: str
    size_bytes: int | None
    is_unpacked: bool
    metadata: str


class ResumableUploads:
    """Every address is that of a resource. ``lifetime`` is how long an upload may rest before it is removed."""

    def __init__(self, stores: Stores, arrivals: Arrivals, uploads: Uploads, *, lifetime: timedelta) -> None:
        self._stores = stores
        self._arrivals = arrivals
        self._uploads = uploads
        self._lifetime = lifetime
        self._sums = _Sums()

    def begin(
        self,
        viewer: Viewer,
        address: Address,
        *,
        wanted: Wanted,
        options: UploadOptions,
    ) -> Upload:
        """Begin an upload of which nothing is there yet.

        Raises TooManyUploads for an account that has begun 1,000 of them, and what ``Uploads.put`` would raise by now.
        """
        new = Upload(
            id=secrets.token_hex(16),
            account_pk=viewer.pk,
            address=str(address),
            path=check_file_path(wanted.path),
            is_replacing=options.if_exists is IfExists.REPLACE,
            is_unpacked=wanted.is_unpacked,
            said=options.said,
            metadata=wanted.metadata,
            size_bytes=wanted.size_bytes,
            offset_bytes=0,
            is_done=False,
            expires_at=self._stores.clock() + self._lifetime,
        )
        self._check_wanted(viewer, address, new)
        self._stores.room.check(wanted.size_bytes or 0)
        now = self._stores.clock()

        def unit(connection: Connection) -> None:
            if rows.count_uploads(connection, viewer.pk) >= _MOST_UPLOADS:
                raise TooManyUploads(
                    f"this account has begun {_MOST_UPLOADS} uploads: end some of them, or give them up"
                )
            rows.insert_upload(connection, new, now=now)

        self._stores.database.write(unit)
        return new

    def get(self, viewer: Viewer, address: Address, upload_id: str) -> Upload:
        """Raises NotFound for none that goes on, and for those of others, which only administrators see."""
        with self._stores.database.read() as connection:
            return self._get(connection, viewer, address, upload_id=upload_id)

    def go_on(
        self,
        viewer: Viewer,
        address: Address,
        upload_id: str,
        *,
        at: int,
        size_bytes: int | None = None,
        declared: Mapping[str, bytes],
    ) -> Stretch:
        """Take the next stretch, which begins at a byte and has the digests that are declared for it.

        ``size_bytes`` says how long the upload is if that was not said before.
        Raises NotFound, NotAllowed, WrongOffset, UploadInUse, BadValue, and what ``Uploads.put`` would raise by now.
        """
        upload = self.get(viewer, address, upload_id)
        if upload.account_pk != viewer.pk:
            raise NotAllowed("only who began an upload can go on with it")
        _check_goes_on(upload, at)
        self._check_wanted(viewer, address, upload)
        partial = self._take(upload_id)
        try:
            upload = _with_size(self._look_again(viewer, address, upload_id), size_bytes)
            _check_goes_on(upload, at)
            partial.cut(at)
        except BaseException:
            partial.close()
            raise
        progress = _Progress(self._stores, self._arrivals, self._uploads, self._sums, viewer, address, self._lifetime)
        return Stretch(
            upload,
            partial,
            progress,
            summed=self._sums.get(upload),
            declared=declared,
            check_room=self._stores.room.check,
        )

    def remove(self, viewer: Viewer, address: Address, upload_id: str) -> None:
        """Forget an upload and its bytes; a file that was stored already stays. Raises NotFound, UploadInUse."""
        self.get(viewer, address, upload_id)
        self._forget(upload_id)

    def _forget(self, upload_id: str) -> None:
        partial = self._take(upload_id)
        try:
            self._stores.database.write(lambda connection: rows.delete_upload(connection, upload_id))
            self._stores.blobs.destroy([partial_key(upload_id)])
        finally:
            partial.close()

    def remove_expired(self) -> int:
        """Remove uploads whose time is over, and partials without an upload; how many there were.

        Those that go on at this moment stay. Safe while servers run, in any number of processes.
        """
        # Partials are listed first: each was made after its row.
        names = [partial_name(key) for key in self._stores.blobs.iter_partials()]
        with self._stores.database.read() as connection:
            expired = rows.list_expired(connection, now=self._stores.clock())
        return sum(map(self._remove_if_over, dict.fromkeys([*expired, *names])))

    def remove_homeless(self) -> None:
        """Remove uploads to things that are gone for good, except those that go on at this moment."""
        with self._stores.database.read() as connection:
            each = rows.list_addresses(connection)
            homeless = [upload_id for upload_id, address in each if not _has_home(connection, parse_address(address))]
        for upload_id in homeless:
            with suppress(UploadInUse):
                self._forget(upload_id)

    def _remove_if_over(self, upload_id: str) -> bool:
        now = self._stores.clock()
        with self._stores.database.read() as connection:
            upload = rows.find_upload(connection, upload_id)
        if upload is not None and upload.expires_at > now:
            return False
        try:
            partial = self._take(upload_id)
        except UploadInUse:
            return False
        try:
            is_over = self._stores.database.write(
                lambda connection: rows.delete_expired(connection, upload_id, now=now)
            )
            if is_over:
                self._stores.blobs.delete([partial_key(upload_id)])
        finally:
            partial.close()
        return is_over

    def _check_wanted(self, viewer: Viewer, address: Address, upload: Upload) -> None:
        where = address if upload.is_unpacked else replace(address, path=upload.path)
        self._uploads.check_upload(viewer, where, _options(upload))

    def _take(self, upload_id: str) -> Partial:
        try:
            return self._stores.blobs.resume(partial_key(upload_id))
        except Busy as error:
            raise UploadInUse from error

    def _look_again(self, viewer: Viewer, address: Address, upload_id: str) -> Upload:
        """The upload behind all transactions that may still change it."""

        def unit(connection: Connection) -> Upload:
            current = get_current(connection, viewer)
            return self._get(connection, current, address, upload_id=upload_id, lock=True)

        return self._stores.database.write(unit)

    def _get(
        self, connection: Connection, viewer: Viewer, address: Address, *, upload_id: str, lock: bool = False
    ) -> Upload:
        upload = rows.find_upload(connection, upload_id, lock=lock)
        if upload is None or upload.address != str(address) or upload.expires_at <= self._stores.clock():
            raise NotFound(f"upload {upload_id!r}")
        if upload.account_pk != viewer.pk and not is_administrator(viewer):
            raise NotFound(f"upload {upload_id!r}")
        return upload


@dataclass(frozen=True, slots=True)
class _Progress:
    """One viewer's upload to an address on its way."""

    stores: Stores
    arrivals: Arrivals
    uploads: Uploads
    sums: "_Sums"
    viewer: Viewer
    address: Address
    lifetime: timedelta

    def advance(self, upload: Upload, summed: Summing, *, since: int) -> Upload:
        come = replace(upload, expires_at=self.stores.clock() + self.lifetime)
        self.stores.database.write(lambda connection: _advance(connection, come, since))
        self.sums.keep(upload.id, summed)
        return come

    def complete(self, upload: Upload, summed: Summing, *, since: int) -> tuple[Fate, ...]:
        done = replace(upload, offset_bytes=upload.size_bytes or 0, is_done=True)

        def end(connection: Connection, _fates: Sequence[Fate]) -> None:
            _advance(connection, done, since)

        arrivals = self.arrivals.stage_copies(
            {upload.path: self._entry(upload, summed)}, is_unpacked=upload.is_unpacked
        )
        fates = self.uploads.put(self.viewer, self.address, arrivals, options=_options(upload), and_then=end)
        self.sums.forget(upload.id)
        with suppress(StorageFailed):  # what cannot be deleted now goes with the row
            self.stores.blobs.delete([partial_key(upload.id)])
        return fates

    def _entry(self, upload: Upload, summed: Summing) -> FileEntry:
        """The partial as the file it will be, summed up as far as that was not done while it arrived."""
        key, now = partial_key(upload.id), self.stores.clock()
        with self.stores.blobs.open(key) as blob:
            blob.seek(summed.size_bytes)
            for piece in iter_pieces(blob):
                summed.write([piece])
        return FileEntry(
            path=upload.path,
            key=key,
            digest=summed.finish(),
            said=upload.said,
            created_at=now,
            created_by="",
            modified_at=now,
            modified_by="",
        )


def _has_home(connection: Connection, address: Address) -> bool:
    """Whether the thing that is to hold a file is there, or deleted and can still be brought back."""
    if address.kind is Kind.USER or targets.list_things(connection, address):
        return True
    try:
        get_place(connection, OPERATOR, replace(address, resource=None), action=Action.SEE)
    except NotFound:
        return False
    return True


def _advance(connection: Connection, upload: Upload, since: int) -> None:
    if not rows.advance_upload(connection, upload, since=since):
        raise NotFound(f"upload {upload.id!r} any more")


def _check_goes_on(upload: Upload, at: int) -> None:
    if upload.offset_bytes != at:
        raise WrongOffset(at, upload.offset_bytes)
    if upload.is_done:
        raise BadValue("Upload-Offset", str(at), "this upload is whole, and its file is stored")


def _with_size(upload: Upload, size_bytes: int | None) -> Upload:
    """Raises BadValue for a length that cannot be the upload's."""
    if size_bytes is None or size_bytes == upload.size_bytes:
        return upload
    if upload.size_bytes is not None or size_bytes < upload.offset_bytes:
        there = upload.offset_bytes if upload.size_bytes is None else upload.size_bytes
        raise BadValue("Upload-Length", str(size_bytes), f"this upload has {there} bytes")
    return replace(upload, size_bytes=size_bytes)


def _options(upload: Upload) -> UploadOptions:
    """Whoever sends for hours is to be told of what is not stored: there is no answer in XNAT's manner here."""
    if_exists = IfExists.REPLACE if upload.is_replacing else IfExists.REFUSE
    return UploadOptions(if_exists=if_exists, said=upload.said, is_strict=True)


class _Sums:
    """The sums of what has arrived, as far as this process knows them, so that most bytes are read only once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Summing] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, upload: Upload) -> Summing:
        with self._lock:
            kept = self._kept.get(upload.id)
            return kept.copy() if kept is not None else Summing()

    def keep(self, upload_id: str, summed: Summing) -> None:
        with self._lock:
            self._kept[upload_id] = summed.copy()
            self._kept.move_to_end(upload_id)
            while len(self._kept) > _MOST_SUMS:
                self._kept.popitem(last=False)

    def forget(self, upload_id: str) -> None:
        with self._lock:
            self._kept.pop(upload_id, None)
