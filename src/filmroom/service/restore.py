"""What can be done with a folder of backups when there is no archive any more: read it again, make an archive of it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from filmroom.blobs.base import BlobStore
from filmroom.blobs.vault import Vault, opened_vault
from filmroom.db import dump, naming
from filmroom.db.engine import Database
from filmroom.db.events import Subject
from filmroom.model.errors import BackupRefused
from filmroom.model.holdings import Finding, Flaw
from filmroom.model.people import Stamp
from filmroom.service.audit import record
from filmroom.service.pacing import Pace
from filmroom.service.snapshots import Kept, Snapshot, copy_blob, find_flaw, read_snapshot

Tell = Callable[[Finding], None]
Flaws = dict[str, tuple[Flaw, str]]
_BLOBS_AT_ONCE: Final = 1000
_REMOVED: Final = (Flaw.REMOVED, "removed from the archive while it was backed up")


@dataclass(slots=True)
class Outcome:
    """What was read or restored."""

    snapshots: list[str] = field(default_factory=list)
    blobs: int = 0
    size_bytes: int = 0
    findings: Counter[str] = field(default_factory=Counter)

    def count(self, kept: Kept) -> None:
        self.blobs += 1
        self.size_bytes += kept.digest.size_bytes


def verify(root: Path, pace: Pace, tell: Tell) -> Outcome:
    """Read every row and every byte that the snapshots of a folder name, each once.

    A damaged blob is set aside, so that the next backup copies it anew from the archive.
    Raises BackupRefused for a folder without snapshots, and Busy.
    """
    outcome = Outcome()

    def count_and_tell(finding: Finding) -> None:
        outcome.findings[finding.flaw.value] += 1
        tell(finding)

    with opened_vault(root, writes=True) as vault:
        sound = [snapshot for name in _list(vault) if (snapshot := _read(vault, name, count_and_tell))]
        outcome.snapshots = [snapshot.name for snapshot in sound]
        everything = merge(*(snapshot.iter_kept() for snapshot in sound))
        for kept in (next(same) for _, same in groupby(everything, key=attrgetter("key"))):
            outcome.count(kept)
            if flaw := find_flaw(kept, vault.pool, pace):
                count_and_tell(Finding(flaw=flaw[0], told=flaw[1], key=kept.key))
                if flaw[0] is Flaw.DAMAGED:
                    vault.set_aside(kept.key)
    return outcome


def _list(vault: Vault) -> list[str]:
    names = vault.list_snapshots()
    if not names:
        raise BackupRefused("there is no snapshot that was finished")
    return names


def _read(vault: Vault, name: str, tell: Tell) -> Snapshot | None:
    """A snapshot whose rows can be read."""
    try:
        snapshot = read_snapshot(vault, name)
        snapshot.check_rows()
    except BackupRefused as error:
        tell(Finding(flaw=Flaw.DATABASE, told=str(error)))
        return None
    return snapshot


def find_snapshot(root: Path, wanted: str | None) -> str:
    """The snapshot of a name, or the newest. Raises BackupRefused where there is none, or not all of its rows."""
    with opened_vault(root, writes=False) as vault:
        name = _choose(vault, wanted)
        read_snapshot(vault, name).check_rows()
    return name


def restore(root: Path, name: str, database: Database, blobs: BlobStore, *, now: datetime, tell: Tell) -> Outcome:
    """Fill an empty database and an empty store from a snapshot; durable on return.

    Nobody is signed in afterwards, and no upload that was under way goes on. A file whose bytes the backup does not
    have, or not as they were, is told; its row is there, its bytes are not.
    Raises BackupRefused, DatabaseTooNew, Busy, StorageFull, StorageFailed; then what was restored is not whole.
    """
    outcome = Outcome()

    def count_and_tell(finding: Finding) -> None:
        outcome.findings[finding.flaw.value] += 1
        tell(finding)

    with opened_vault(root, writes=False) as vault:
        snapshot = read_snapshot(vault, name)
        outcome.snapshots.append(name)
        dump.check_empty(database)
        dump.load(database, snapshot.revision, snapshot.tables)
        for flaws in _restore_blobs(snapshot, vault, blobs, outcome):
            _explain(database, flaws, count_and_tell)
    _explain(database, dict.fromkeys(snapshot.removed, _REMOVED), count_and_tell)
    _record(database, snapshot, now)
    return outcome


def _choose(vault: Vault, wanted: str | None) -> str:
    names = _list(vault)
    if wanted is None:
        return names[-1]
    if wanted not in names:
        raise BackupRefused(f"there is no snapshot {wanted!r}; there are {', '.join(names)}")
    return wanted


def _restore_blobs(snapshot: Snapshot, vault: Vault, blobs: BlobStore, outcome: Outcome) -> Iterator[Flaws]:
    """Copy all blobs, never as links: what happens to the archive must not happen to its backup. Flaws by key."""
    flaws: Flaws = {}
    watch = blobs.watch()
    for kept in snapshot.iter_kept():
        outcome.count(kept)
        if flaw := copy_blob(kept, vault.pool, blobs, Pace(None)):
            flaws[kept.key] = flaw
        if len(flaws) == _BLOBS_AT_ONCE:
            yield flaws
            flaws = {}
    watch.sync()
    watch.close()
    yield flaws


def _explain(database: Database, flaws: Flaws, tell: Tell) -> None:
    with database.read() as connection:
        holdings = naming.list_holdings(connection, list(flaws))
    for holding in holdings:
        flaw, told = flaws[holding.key]
        tell(Finding(flaw=flaw, told=f"{holding.holds}: {told}", key=holding.key, address=holding.address))


def _record(database: Database, snapshot: Snapshot, now: datetime) -> None:
    nowhere = Subject(node_pk=None, project_pk=None)
    database.write(
        lambda connection: record(
            connection, Stamp(now, None), nowhere, "restored the archive", at="/", snapshot=snapshot.name
        )
    )
