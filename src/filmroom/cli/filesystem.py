"""Which file systems a database may lie on."""

from pathlib import Path
from typing import Final

from filmroom.settings import SettingError, Settings

# File locks and mmap, on which SQLite's WAL rests, cannot be relied on between hosts (sqlite.org/wal.html).
_NETWORK: Final = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.glusterfs",
        "lustre",
        "beegfs",
        "gpfs",
        "9p",
    ]
)


def refuse_network_file_system(settings: Settings, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raise SettingError when SQLite would lie on a network file system. ``mounts`` lists what is mounted where."""
    if settings.sqlite_path is None:
        return
    folder = settings.sqlite_path.parent
    kind = _file_system(folder, mounts.read_text(encoding="utf-8"))
    if kind in _NETWORK:
        raise SettingError(
            f"{folder} is on a network file system ({kind}), where SQLite is not safe: keep the database on a local "
            "disk, or use PostgreSQL with database = postgresql://...; blobs may stay where they are"
        )


def _file_system(folder: Path, mounts: str) -> str:
    """The type of the file system that a folder, which need not be there yet, is or will be on."""
    points = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        points[Path(point.replace("\\040", " "))] = kind
    existing = next(path for path in (folder, *folder.parents) if path.exists()).resolve()
    return next((points[path] for path in (existing, *existing.parents) if path in points), "")
