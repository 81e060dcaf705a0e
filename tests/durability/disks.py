"""A disk of one's own, whose power can be cut: an ext4 file system in a file, mounted over a loop device.

``cut`` tells the kernel to shut the file system down without writing anything more (EXT4_IOC_SHUTDOWN, as the tests of
Linux's own file systems do). What was only in memory is lost, while those who write are still at it. A copy of the
file is then what a disk would hold after the power failed; mounting it replays the file system's journal.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

# linux/ext4.h: _IOR('X', 125, __u32), and the flag that says not to flush the journal.
_EXT4_IOC_SHUTDOWN: Final = 0x8004587D
_WITHOUT_FLUSH: Final = (2).to_bytes(4, "little")
_TOOLS: Final = ("mkfs.ext4", "e2fsck", "losetup", "mount", "umount")
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def find_obstacle() -> str:
    """Why no disk can be had here; empty where it can."""
    if os.geteuid() != 0:
        return "only root can mount a disk whose power can be cut, so no power was cut"
    if missing := [tool for tool in _TOOLS if shutil.which(tool, path=_PATH) is None]:
        return f"{', '.join(missing)} not found, so no power was cut: apt-get install e2fsprogs mount"
    found = _run("losetup", "--find", check=False)
    return "" if found.returncode == 0 else f"there are no loop devices ({found.stderr.strip()}), so no power was cut"


def _run(*command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": _PATH}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


class Disk:
    """Mounted at ``root`` while it is entered."""

    def __init__(self, folder: Path, *, size: str = "96M") -> None:
        self._size = size
        self.root = folder / "disk"
        self._image = folder / "disk.image"
        self._copy = folder / "disk.copy"

    def __enter__(self) -> Self:
        self.root.mkdir()
        _run("truncate", "-s", self._size, str(self._image))
        _run("mkfs.ext4", "-q", str(self._image))
        self._mount()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        _run("umount", "--lazy", str(self.root))

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.root))

    def cut(self) -> None:
        """From now on nothing reaches the disk, and whoever tries is told so."""
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, _WITHOUT_FLUSH)
        finally:
            os.close(descriptor)

    def come_back(self) -> None:
        """Mount what the disk held when its power was cut. Nobody may have a file of it open any more."""
        _run("cp", "--sparse=always", str(self._image), str(self._copy))
        _run("umount", str(self.root))
        self._copy.replace(self._image)
        self._mount()

    def is_consistent(self) -> bool:
        """Whether the file system itself is whole after its journal was replayed; looked at in a copy."""
        _run("cp", "--sparse=always", str(self._image), str(self._copy))
        found = _run("e2fsck", "-f", "-y", str(self._copy), check=False)
        return found.returncode in {0, 1}
