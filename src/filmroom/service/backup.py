"""Backups of a whole archive while it is being served.

First the rows, in one transaction; then the blobs that they name, which never change, so that the rows and the bytes
of a snapshot belong together however long the copying takes. What is in the pool already is not copied again. A blob
that is missing, damaged, or was removed meanwhile is told, and all others are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import Any, Final

from filmroom import __version__
from filmroom.blobs.vault import Draft, Vault, opened_vault
from filmroom.db import dump, naming
from filmroom.db.migrate import REVISIONS, revision_of
from filmroom.model.errors import BackupRefused, MissingBytes
from filmroom.model.holdings import Finding, Flaw
from filmroom.service.matching import match_keys
from filmroom.service.pacing import Pace
from filmroom.service.snapshots import Kept, copy_blob, find_flaw, read_snapshot, to_snapshot, write_table
from filmroom.service.stores import Stores

Tell = Callable[[Finding], None]
# Enough that syncing the disk is a small part of it, few enough that a backup that is broken off loses little.
_BLOBS_AT_ONCE: Final = 10_000
_BYTES_AT_ONCE: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a backup is to be made.

    ``keep`` is how many snapshots stay, this one included; None keeps all, and so does a backup with flaws, which must
    not take the place of a good one. ``links`` shares bytes with the archive
    where the file system can: that costs no room, and saves from deletion, but not from a disk that goes bad.
    """

    keep: int | None = None
    links: bool = False
    pace: Pace = field(default_factory=lambda: Pace(None))


@dataclass(slots=True)
class Made:
    """A snapshot, what it names, what of that was new to the pool, and what became of older ones."""

    snapshot: str = ""
    blobs: int = 0
    size_bytes: int = 0
    new_blobs: int = 0
    new_bytes: int = 0
    forgotten_snapshots: int = 0
    forgotten_blobs: int = 0
    findings: Counter[str] = field(default_factory=Counter)

    @property
    def has_flaws(self) -> bool:
        return any(flaw != Flaw.REMOVED for flaw in self.findings)


class Backups:
    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def make(self, root: Path, wishes: Wishes, tell: Tell) -> Made:
        """Make a snapshot in a folder of backups, which is made if it is not there.

        Raises BackupRefused, Busy, StorageFull, StorageFailed; then there is no new snapshot, unless it was removing
        older ones that failed.
        """
        with opened_vault(root, writes=True, makes=True) as vault:
            made_at = self._stores.clock()
            made = Made(snapshot=_name(made_at, vault.list_snapshots()))
            draft = vault.begin(made.snapshot)
            manifest = {"made_at": made_at.isoformat(), "filmroom": __version__, **self._dump(draft)}
            copying = _Copying(self._stores, vault, draft, made, wishes=wishes, tell=tell)
            copying.run(to_snapshot(draft.folder, manifest).iter_kept())
            counts = {"blobs": made.blobs, "size_bytes": made.size_bytes, "findings": made.findings}
            draft.finish({**manifest, **counts, "removed": copying.removed})
            if wishes.keep is not None and not made.has_flaws:
                _forget(vault, wishes.keep, made)
        return made

    def _dump(self, draft: Draft) -> dict[str, Any]:
        with self._stores.database.read() as connection:
            revision = revision_of(connection)
            if revision != REVISIONS[-1]:
                raise BackupRefused(f"the database has schema {revision}, not {REVISIONS[-1]}")
            tables = [write_table(draft.folder, table) for table in dump.list_tables(connection)]
        return {"revision": revision, "tables": tables}


class _Copying:
    """Brings the blobs of a snapshot into the pool. ``removed`` are those that were removed before it came to them."""

    def __init__(self, stores: Stores, vault: Vault, draft: Draft, made: Made, *, wishes: Wishes, tell: Tell) -> None:
        self._stores = stores
        self._pool = vault.pool
        self._draft = draft
        self._made = made
        self._wishes = wishes
        self._tell = tell
        self._copied: list[Kept] = []
        self._flaws: dict[str, tuple[Flaw, str]] = {}
        self.removed: list[str] = []

    def run(self, everything: Iterable[Kept]) -> None:
        waiting_bytes = 0
        for kept in everything:
            self._made.blobs += 1
            self._made.size_bytes += kept.digest.size_bytes
            if self._has(kept):
                continue
            if flaw := self._bring(kept):
                self._flaws[kept.key] = flaw
            else:
                self._copied.append(kept)
                waiting_bytes += kept.digest.size_bytes
            if len(self._copied) + len(self._flaws) >= _BLOBS_AT_ONCE or waiting_bytes >= _BYTES_AT_ONCE:
                self._settle()
                waiting_bytes = 0
        self._settle()

    def _has(self, kept: Kept) -> bool:
        try:
            return self._pool.size_bytes(kept.key) == kept.digest.size_bytes
        except MissingBytes:
            return False

    def _bring(self, kept: Kept) -> tuple[Flaw, str] | None:
        blobs, incoming = self._stores.blobs, self._draft.incoming
        if not self._wishes.links:
            return copy_blob(kept, blobs, incoming, self._wishes.pace)
        if flaw := find_flaw(kept, blobs, self._wishes.pace):
            return flaw
        try:
            is_linked = incoming.link(kept.key, blobs.locate(kept.key))
        except MissingBytes:
            return Flaw.MISSING, "it was removed just now"
        return None if is_linked else copy_blob(kept, blobs, incoming, self._wishes.pace)

    def _settle(self) -> None:
        """Make what was copied so far part of the pool; tell of what could not be."""
        self._draft.keep([kept.key for kept in self._copied])
        self._made.new_blobs += len(self._copied)
        self._made.new_bytes += sum(kept.digest.size_bytes for kept in self._copied)
        self._copied.clear()
        for finding in self._explain():
            self._made.findings[finding.flaw.value] += 1
            self._tell(finding)
        self._flaws.clear()

    def _explain(self) -> Iterator[Finding]:
        """What no row names any more was removed, rows first; everything else is a flaw."""
        with self._stores.database.read() as connection:
            holdings = naming.list_holdings(connection, list(self._flaws))
        for holding in holdings:
            flaw, told = self._flaws[holding.key]
            yield Finding(flaw=flaw, told=f"{holding.holds}: {told}", key=holding.key, address=holding.address)
        for key in self._flaws.keys() - {holding.key for holding in holdings}:
            self.removed.append(key)
            yield Finding(flaw=Flaw.REMOVED, told="removed from the archive while it was backed up", key=key)


def _name(now: datetime, others: Sequence[str]) -> str:
    name = f"{now:%Y-%m-%dT%H%M%S}.{now.microsecond // 1000:03}Z"
    if others and others[-1] >= name:
        raise BackupRefused(f"snapshot {others[-1]} is not older than this moment, {name}: look at the clock")
    return name


def _forget(vault: Vault, keep: int, made: Made) -> None:
    """Remove old snapshots, then the blobs that no snapshot names any more."""
    for name in vault.list_snapshots()[:-keep]:
        vault.remove(name)
        made.forgotten_snapshots += 1
    left = [read_snapshot(vault, name) for name in vault.list_snapshots()]
    for snapshot in left:
        snapshot.check_rows()  # a damaged one could name less than it did
    everything = merge(*(snapshot.iter_kept() for snapshot in left))
    for key, names, _ in match_keys(everything, vault.pool.iter_keys()):
        if not names:
            vault.pool.delete([key])
            made.forgotten_blobs += 1
