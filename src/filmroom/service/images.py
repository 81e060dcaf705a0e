"""DICOM images as JPEG (F-124), each rendered by a process of its own (``rendering.py``), few at once."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

from filmroom.model.errors import BadValue, Busy, NotInstalled
from filmroom.service.files import OpenFile
from filmroom.service.turns import Turns

_AT_ONCE: Final = 2
_LONGEST_WAIT_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 30.0
_NEEDED: Final = ("numpy", "PIL", "pydicom", "pylibjpeg")
_TOLD: Final = 3  # rendering.TOLD, which cannot be imported here: rendering loads all that is needed there
_PREAMBLE_BYTES: Final = 128  # DICOM PS3.10 section 7.1
_PREFIX: Final = b"DICM"


class Images:
    def __init__(self, *, spool_dir: Path) -> None:
        self._spool_dir = spool_dir
        self._turns = Turns(_AT_ONCE, wait_seconds=_LONGEST_WAIT_SECONDS, reason="too many images are being rendered")

    def is_dicom(self, found: OpenFile) -> bool:
        """Whether the file begins as one of DICOM's does."""
        found.blob.seek(_PREAMBLE_BYTES)
        prefix = found.blob.read(len(_PREFIX))
        found.blob.seek(0)
        return prefix == _PREFIX

    def render(self, found: OpenFile) -> BinaryIO:
        """The first frame as JPEG, in a file. Whoever opened ``found`` closes its blob.

        Raises BadValue when there is none to be shown, NotInstalled, Busy.
        """
        if not all(find_spec(name) for name in _NEEDED):
            raise NotInstalled("showing DICOM images as JPEG", "images")
        # Without a buffer, because another process moves its end.
        jpeg = cast("BinaryIO", TemporaryFile(dir=self._spool_dir, buffering=0))  # noqa: SIM115 - its sender closes it
        try:
            with self._turns.take():
                _run(found, jpeg)
        except BaseException:
            jpeg.close()
            raise
        return jpeg


def _run(found: OpenFile, out: BinaryIO) -> None:
    """Have the file rendered. Raises BadValue when it cannot be, Busy."""
    command = [sys.executable, "-P", "-m", "filmroom.service.rendering"]
    # Nothing else of the environment: there are passwords in it. One thread, because each takes memory from the limit.
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(  # noqa: S603 - the command is ours; what comes from outside is its input
            command,
            stdin=found.blob,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _not_shown(found, f"takes more than {_LONGEST_SECONDS:.0f} seconds") from error
    except OSError as error:
        raise Busy("no process could be started to render the image") from error
    if ended.returncode == _TOLD:
        out.seek(0)
        raise _not_shown(found, out.read().decode())
    if ended.returncode:
        raise _not_shown(found, "is broken, or takes too much memory or time")


def _not_shown(found: OpenFile, reason: str) -> BadValue:
    return BadValue("file", found.entry.path, f"it cannot be shown as JPEG, because it {reason}")
