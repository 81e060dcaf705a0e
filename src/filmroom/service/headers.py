"""The elements of DICOM files as rows (C-174), each file read by a process of its own (``dumping.py``)."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

import orjson

from filmroom.model.address import Address
from filmroom.model.errors import BadValue, NotInstalled
from filmroom.model.people import Viewer
from filmroom.service.confined import Confined, NotDone
from filmroom.service.files import Files, OpenFile
from filmroom.service.images import begins_as_dicom

_SHOWN: Final = 5
_NUMBER: Final = re.compile(r"\(?([0-9A-F]{4}),?([0-9A-F]{4})\)?")
_WORD: Final = re.compile(r"[A-Z][A-Z0-9]{0,63}")


class Headers:
    def __init__(self, files: Files, confined: Confined) -> None:
        self._files = files
        self._confined = confined

    def dump(self, viewer: Viewer, address: Address, fields: Sequence[str]) -> list[list[str]]:
        """The elements of the first DICOM file at an address: tag, tag in a sequence, VR, value and description.

        ``fields`` leaves only some, by keyword or by number, each with what is in it. Raises NotFound where there is no
        such file that the viewer may read, BadValue for a broken one and for what is no field, NotInstalled, Busy.
        """
        if not find_spec("pydicom"):
            raise NotInstalled("reading the headers of DICOM files", "images")
        wanted = {_read_field(field) for field in fields}
        found = self._files.open_first(viewer, address, begins_as_dicom)
        with found.blob:
            rows = self._read(found)
        return [row[:_SHOWN] for row in rows if not wanted or {row[0], row[_SHOWN].upper()} & wanted]

    def _read(self, found: OpenFile) -> list[list[str]]:
        try:
            with self._confined.run("dumping", found.blob) as out:
                out.seek(0)
                rows: list[list[str]] = orjson.loads(out.read())
                return rows
        except NotDone as reason:
            raise BadValue("src", found.entry.path, f"its header cannot be read, because it {reason}") from reason


def _read_field(text: str) -> str:
    """As rows show it: ``(0010,0010)``, or a keyword in capitals."""
    if found := _NUMBER.fullmatch(text.strip().upper()):
        return f"({found[1]},{found[2]})"
    if _WORD.fullmatch(text.strip().upper()):
        return text.strip().upper()
    raise BadValue("field", text, "it must be a keyword of DICOM such as PatientName, or a number such as 00100010")
