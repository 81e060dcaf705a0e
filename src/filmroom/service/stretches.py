"""What one request adds to an upload that comes in several.

The order is that of every upload: bytes durable, then the row that tells of them, then the answer. So the offset that
is told is never beyond what would survive a power cut. While a long stretch arrives its offset is stored now and then,
and once more when it is cut off, so that whoever is always cut off gets on all the same. A stretch with a checksum
counts whole or not at all.

The row says that the last byte is there only in the transaction that stores the file.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from filmroom.blobs.base import Partial
from filmroom.model.errors import ArchiveError, BadValue
from filmroom.model.uploads import Upload
from filmroom.service.staging import DigestCheck
from filmroom.service.summing import Summing
from filmroom.service.uploads import Fate

# What is sent again, at most, when the server dies; each time costs one fsync and one transaction.
_STORED_AFTER_BYTES: Final = 32 * 1024 * 1024
_STORED_AFTER_SECONDS: Final = 5.0


class Progress(Protocol):
    """What stores how far an upload has come."""

    def advance(self, upload: Upload, summed: Summing, *, since: int) -> Upload:
        """All that came is durable, ``summed`` or a beginning of it. The row as it is now."""

    def complete(self, upload: Upload, summed: Summing, *, since: int) -> tuple[Fate, ...]:
        """The upload is whole and durable: store its file. What became of it."""


class Stretch:
    """Exactly one of ``finish`` and ``abort`` ends it; after an error of ``write`` only ``abort`` may follow.

    ``check_room`` is asked before each piece and raises when there is no room for more.
    """

    def __init__(
        self,
        upload: Upload,
        partial: Partial,
        progress: Progress,
        *,
        summed: Summing,
        declared: Mapping[str, bytes],
        check_room: Callable[[], None],
    ) -> None:
        self.upload = upload
        self._partial = partial
        self._progress = progress
        self._sum = summed
        self._check_room = check_room
        self._check = DigestCheck(declared) if declared else None
        self._offset = upload.offset_bytes
        self._is_sound = True
        self._stored_at = time.monotonic()

    def write(self, chunks: Sequence[bytes]) -> None:
        """The next pieces. Raises BadValue for more than the upload was said to hold, StorageFull."""
        size_bytes = self.upload.size_bytes
        end = self._offset + sum(map(len, chunks))
        if size_bytes is not None and end > size_bytes:
            raise BadValue("body", "", f"it goes beyond the {size_bytes} bytes of this upload")
        self._check_room()
        if self._sum.size_bytes == self._offset:
            self._soundly(lambda: self._sum.write_beside(chunks, self._partial.write))
        else:
            self._soundly(lambda: self._partial.write(chunks))
        self._offset = end
        if self._check is not None:
            self._check.write(chunks)
        elif self._is_worth_storing():
            self._store()

    def finish(self) -> tuple[Fate, ...] | None:
        """Make the stretch count; what became of the file if that was the last one, else None.

        Raises DigestMismatch when it is not what was declared; then, and when the file cannot be stored, the upload
        is where it was. Raises what ``Uploads.put`` raises.
        """
        try:
            if self._check is not None:
                self._check.finish()
            if self._offset == self.upload.size_bytes:
                return self._complete()
            self._store()
        finally:
            self._partial.close()
        return None

    def abort(self) -> None:
        """End it where it was cut off, and keep what came. Never raises."""
        is_kept = self._is_sound and self._check is None and self._offset > self.upload.offset_bytes
        try:
            if is_kept and self._offset != self.upload.size_bytes:
                with suppress(ArchiveError):
                    self._store()
        finally:
            self._partial.close()

    def _complete(self) -> tuple[Fate, ...]:
        self._soundly(self._partial.sync)
        fates = self._progress.complete(self.upload, self._sum, since=self.upload.offset_bytes)
        self.upload = replace(self.upload, offset_bytes=self._offset, is_done=True)
        return fates

    def _is_worth_storing(self) -> bool:
        if self._offset == self.upload.size_bytes:
            return False
        is_much = self._offset - self.upload.offset_bytes >= _STORED_AFTER_BYTES
        return is_much or time.monotonic() - self._stored_at >= _STORED_AFTER_SECONDS

    def _store(self) -> None:
        self._soundly(self._partial.sync)
        since, come = self.upload.offset_bytes, replace(self.upload, offset_bytes=self._offset)
        self.upload = self._progress.advance(come, self._sum, since=since)
        self._stored_at = time.monotonic()

    def _soundly(self, act: Callable[[], None]) -> None:
        """Trust the partial no more once writing it failed: what a later sync says is worth nothing then."""
        try:
            act()
        except BaseException:
            self._is_sound = False
            raise
