"""Room on the archive's disks, of which some stays free: a full disk keeps more than uploads from working."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from filmroom.blobs.base import BlobStore
from filmroom.model.errors import StorageFailed, StorageFull

_KNOWN_FOR_SECONDS: Final = 0.2


class Room:
    """``folders`` are those in which the archive keeps anything but blobs; ``least_free_bytes`` stay free."""

    def __init__(self, blobs: BlobStore, folders: Sequence[Path], *, least_free_bytes: int) -> None:
        self._blobs = blobs
        self._folders = folders
        self._least_free_bytes = least_free_bytes
        self._known_until = 0.0
        self._spare_bytes = 0

    def check(self, more_bytes: int = 0) -> None:
        """Raises StorageFull unless so many bytes more can be stored.

        What was free is believed for a fifth of a second, unless it was too little: ask as often as bytes arrive.
        """
        if time.monotonic() >= self._known_until or self._spare_bytes < more_bytes:
            self._spare_bytes = min(self._free()) - self._least_free_bytes
            self._known_until = time.monotonic() + _KNOWN_FOR_SECONDS
        if self._spare_bytes < more_bytes:
            raise StorageFull
        self._spare_bytes -= more_bytes  # which will be there by the time of the next look

    def _free(self) -> list[int]:
        of_blobs = self._blobs.free_bytes()
        free = [] if of_blobs is None else [of_blobs]
        try:
            found = [os.statvfs(folder) for folder in self._folders]
        except OSError as error:
            raise StorageFailed(f"{error.filename}: {error.strerror}") from error
        return free + [each.f_bavail * each.f_frsize for each in found]
