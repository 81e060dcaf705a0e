"""Files of the server's own disk, copied into a resource where a site has opened folders for that (F-160)."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filmroom.model.errors import BadValue, NotAllowed
from filmroom.model.names import is_reserved_file_name


class References:
    """``roots`` are the folders from which files may be copied; there is nothing to copy where there are none."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(Path(os.path.realpath(root)) for root in roots)

    def iter_files(self, text: str) -> Iterator[tuple[str, Path]]:
        """What a path of the server names: all files in a folder, each with its path there, or a file with none.

        Raises NotAllowed for what lies in no open folder, BadValue for what is not there or cannot be copied.
        """
        if not self._roots:
            raise NotAllowed("files of the server itself cannot be uploaded by reference=: no folder is open for it")
        path = Path(text)
        if not path.is_absolute():
            raise BadValue("reference", text, "it must be a whole path on the server, from its root")
        self._check(os.path.realpath(path))
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except OSError as error:
            raise BadValue("reference", text, f"it cannot be read on the server: {error.strerror}") from error
        if is_folder:
            yield from _iter_folder(path)
        else:
            yield "", path

    @contextmanager
    def open_file(self, path: Path) -> Iterator[BinaryIO]:
        """A file for reading, looked at once more now that it is open: links may have changed. Raises as above."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise BadValue("reference", str(path), f"it cannot be read: {error.strerror}") from error
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            self._check(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadValue("reference", str(path), "it is no file")
            yield file

    def _check(self, real_path: str) -> None:
        if not any(Path(real_path).is_relative_to(root) for root in self._roots):
            raise NotAllowed("this path of the server lies in no folder that is open for reference=")


def _iter_folder(top: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(top, onerror=_refuse):
        folders.sort()
        for name in folders:
            if Path(folder, name).is_symlink():
                raise BadValue("reference", str(Path(folder, name)), "it is a link to a folder, which is not followed")
        for name in sorted(names):
            if not is_reserved_file_name(name):  # F-158: catalogs and locks of another archive
                path = Path(folder, name)
                yield str(path.relative_to(top)), path


def _refuse(error: OSError) -> None:
    raise BadValue("reference", str(error.filename), f"it cannot be read: {error.strerror}") from error
