"""DICOM images as JPEG (F-124), each rendered by a process of its own (``rendering.py``), few at once."""

from importlib.util import find_spec
from typing import BinaryIO, Final

from filmroom.model.errors import BadValue, NotInstalled
from filmroom.service.confined import Confined, NotDone
from filmroom.service.files import OpenFile

_NEEDED: Final = ("numpy", "PIL", "pydicom", "pylibjpeg")
_PREAMBLE_BYTES: Final = 128  # DICOM PS3.10 section 7.1
_PREFIX: Final = b"DICM"


class Images:
    def __init__(self, confined: Confined) -> None:
        self._confined = confined

    def is_dicom(self, found: OpenFile) -> bool:
        """Whether the file begins as one of DICOM's does."""
        return begins_as_dicom(found.blob)

    def render(self, found: OpenFile) -> BinaryIO:
        """The first frame as JPEG, in a file. Whoever opened ``found`` closes its blob.

        Raises BadValue when there is none to be shown, NotInstalled, Busy.
        """
        if not all(find_spec(name) for name in _NEEDED):
            raise NotInstalled("showing DICOM images as JPEG", "images")
        try:
            return self._confined.run("rendering", found.blob)
        except NotDone as reason:
            message = f"it cannot be shown as JPEG, because it {reason}"
            raise BadValue("file", found.entry.path, message) from reason


def begins_as_dicom(blob: BinaryIO) -> bool:
    blob.seek(_PREAMBLE_BYTES)
    prefix = blob.read(len(_PREFIX))
    blob.seek(0)
    return prefix == _PREFIX
