"""A folder of backups: snapshots, and one pool of blobs that all of them share.

``ROOT/filmroom-backup.json`` says that it is one; ``snapshots/NAME/`` holds what a snapshot consists of beside blobs;
``blobs/`` is the pool, laid out like the store of an archive; ``incoming/`` holds blobs that are not durable yet.

A snapshot is one from the moment when its ``manifest.json`` appears, whole and durable, which is the last thing that
happens to it. A blob appears in the pool in one step too, when its bytes are durable, so whatever is there was copied
to its end. What a backup that was broken off left behind is removed by the next one.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from filmroom.blobs.local import LocalStore, sync_folder
from filmroom.model.errors import BackupRefused, Busy

_FORMAT: Final = 1
_SIGN: Final = "filmroom-backup.json"
_MANIFEST: Final = "manifest.json"


@contextmanager
def opened_vault(root: Path, *, writes: bool, makes: bool = False) -> Iterator["Vault"]:
    """A folder of backups, which nobody else writes to meanwhile, or which is only read.

    Raises BackupRefused for a folder that is none (an empty or absent one is made into one if ``makes``), and Busy
    while somebody else writes to it.
    """
    sign = root / _SIGN
    if makes and not has_content(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(sign, _sign())
    if not sign.exists():
        raise BackupRefused(f"{root} is no folder of backups" + (", and it is not empty" if makes else ""))
    _check_format(root, sign.read_bytes())
    with sign.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_NB | (fcntl.LOCK_EX if writes else fcntl.LOCK_SH))
        except BlockingIOError as error:
            raise Busy(f"another backup is at work in {root}") from error
        yield Vault(root)


def _check_format(root: Path, sign: bytes) -> None:
    try:
        said = orjson.loads(sign)["format"]
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise BackupRefused(f"{root / _SIGN} is damaged; it must hold {_sign().decode()}") from error
    if said != _FORMAT:
        raise BackupRefused(f"{root} was written by a newer filmroom")


def _sign() -> bytes:
    return orjson.dumps({"format": _FORMAT})


def has_content(folder: Path) -> bool:
    """Whether there is anything in a folder beside what a new file system has; not if it is not there."""
    return folder.exists() and any(path.name != "lost+found" for path in folder.iterdir())


class Vault:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._snapshots = root / "snapshots"
        self.pool = LocalStore(root / "blobs")

    def list_snapshots(self) -> list[str]:
        """The names of whole snapshots, the oldest first."""
        return sorted(path.parent.name for path in self._snapshots.glob(f"*/{_MANIFEST}"))

    def folder_of(self, name: str) -> Path:
        return self._snapshots / name

    def read_manifest(self, name: str) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = orjson.loads((self.folder_of(name) / _MANIFEST).read_bytes())
        except orjson.JSONDecodeError as error:
            raise BackupRefused(f"the manifest of snapshot {name} is damaged") from error
        return manifest

    def begin(self, name: str) -> "Draft":
        """A new snapshot, after what was broken off is removed. Names sort by the time when they were made."""
        for path in self._snapshots.glob("*/"):
            if not (path / _MANIFEST).exists():
                shutil.rmtree(path)
        incoming = self._root / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        folder = self.folder_of(name)
        folder.mkdir(mode=0o700, parents=True)
        sync_folder(self._root)
        return Draft(folder, self.pool, incoming)

    def remove(self, name: str) -> None:
        """Remove a snapshot; its blobs stay in the pool."""
        folder = self.folder_of(name)
        (folder / _MANIFEST).unlink()
        sync_folder(folder)
        shutil.rmtree(folder)

    def set_aside(self, key: str) -> None:
        """Take a damaged blob out of the pool, so that the next backup copies it anew, but keep what there is of it."""
        aside = self._root / "damaged"
        aside.mkdir(mode=0o700, exist_ok=True)
        Path(self.pool.locate(key)).replace(aside / key)
        sync_folder(aside)


class Draft:
    """A snapshot that is being made."""

    def __init__(self, folder: Path, pool: LocalStore, incoming: Path) -> None:
        self.folder = folder
        self.incoming = LocalStore(incoming)
        self._watch = self.incoming.watch()
        self._incoming = incoming
        self._pool = pool

    def keep(self, keys: Sequence[str]) -> None:
        """Move blobs that were closed in ``incoming`` to the pool, durably."""
        self._watch.sync()
        self._pool.adopt(self.incoming, keys)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Make it a snapshot. Whatever else is in its folder was made durable before."""
        sync_folder(self.folder)
        write_durably(self.folder / _MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        sync_folder(self.folder.parent)
        self._watch.close()
        shutil.rmtree(self._incoming, ignore_errors=True)


def write_durably(path: Path, content: bytes) -> None:
    """Make a small file, which is there with all of its content or not at all."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
