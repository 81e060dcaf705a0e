"""Facts about the machine and its processes, as Linux tells them in /proc (proc(5))."""

import fcntl
import mmap
import os
import platform
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_GLANCE_SECONDS: Final = 0.5
# Linux, include/uapi/linux/fs.h: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_TOPDIR_FL, which is chattr +T.
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_IS_TOP: Final = 0x00020000


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the numbers were measured on."""

    cpu: str
    cores: int
    memory_bytes: int
    file_system: str
    has_journal: bool
    kernel: str
    python: str


def read_machine(folder: Path) -> Machine:
    """What /proc says, with the file system that holds the folder."""
    return Machine(
        cpu=_value(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        file_system=file_system(folder),
        has_journal=_has_journal(folder),
        kernel=platform.release(),
        python=platform.python_version(),
    )


def file_system(folder: Path) -> str:
    """The type of the file system that holds a folder; ``unknown`` where its device has no mount of its own."""
    number = _device_number(folder)
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == number:
            return kind.split()[0]
    return "unknown"


def _has_journal(folder: Path) -> bool:
    """Whether the file system is anything but an ext4 that was made without a journal."""
    device = Path(f"/sys/dev/block/{_device_number(folder)}").resolve().name
    return file_system(folder) != "ext4" or any(Path("/proc/fs/jbd2").glob(f"{device}-*"))


def spread_folders(folder: Path) -> None:
    """Have ext4 lay each folder that is made in this one somewhere else on the disk, as it does those at its top.

    Without that they all lie where those of the workload before lay, which were deleted, and see ``NO_JOURNAL`` in
    ``tables.py`` for what that costs. Other file systems are left as they are.
    """
    if file_system(folder) != "ext4":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = array("l", [0])
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
        flags[0] |= _IS_TOP
        fcntl.ioctl(descriptor, _SET_FLAGS, flags)
    finally:
        os.close(descriptor)


def _device_number(folder: Path) -> str:
    device = folder.stat().st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def busy_cores() -> float:
    """How many cores were busy during a glance of half a second."""
    busy_before, started = busy_seconds(), time.monotonic()
    time.sleep(_GLANCE_SECONDS)
    return (busy_seconds() - busy_before) / (time.monotonic() - started)


def busy_seconds() -> float:
    """The CPU time that this machine has spent, or its host has withheld, since it was started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) / _TICKS_PER_SECOND


def back_memory(size_bytes: int) -> None:
    """Have that much free memory behind which there is real memory.

    A virtual machine may have given its free pages back to its host (virtio-balloon, free page reporting). Whoever then
    writes files pays for getting them again, which can cost more than all that nginx does.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, size_bytes, flags=flags).close()


def settle_disk(size_bytes: int) -> None:
    """Before a round that writes that much: nothing is left to be written, and there is memory for it."""
    os.sync()
    back_memory(size_bytes)


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and its living children have used."""
    return sum(map(_own_cpu_seconds, _with_children(pid)))


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *map(int, children)]


def _own_cpu_seconds(pid: int) -> float:
    # The second field is a name in parentheses that may hold blanks; utime and stime are the 14th and 15th.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process and its children hold now. In ``pss_bytes`` each shared page counts in part."""

    rss_bytes: int
    pss_bytes: int


def memory(pid: int) -> Memory:
    rollups = [Path(f"/proc/{each}/smaps_rollup") for each in _with_children(pid)]
    return Memory(
        rss_bytes=sum(_kilobytes(rollup, "Rss") for rollup in rollups),
        pss_bytes=sum(_kilobytes(rollup, "Pss") for rollup in rollups),
    )


def reset_peak(pid: int) -> None:
    """Let ``peak_rss_bytes`` begin again from what the process and its children hold now."""
    for each in _with_children(pid):
        Path(f"/proc/{each}/clear_refs").write_text("5", encoding="ascii")


def peak_rss_bytes(pid: int) -> int:
    """The peaks of a process and its children, as if they had come at the same moment."""
    return sum(_kilobytes(Path(f"/proc/{each}/status"), "VmHWM") for each in _with_children(pid))


def _kilobytes(path: Path, key: str) -> int:
    return int(_value(path, key).split()[0]) * 1024


def _value(path: Path, key: str) -> str:
    """What follows the key and a colon on the first line that begins so; empty when none does."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""
