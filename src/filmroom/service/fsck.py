"""Rows held against bytes: what is missing, left over, of the wrong size, miscounted or damaged.

Both sides are read in the order of their keys, so an archive of any size is compared in the same memory. The server
may go on meanwhile: whatever does not agree is looked at once more, in a state of the database that is newer than the
first look at the blob, before it is told. Nothing is changed but marks (with ``scrub``) and counters (with
``repairs_counters``); nothing is ever deleted.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from filmroom.blobs.base import is_key, split_key
from filmroom.db import consistency, leases, naming
from filmroom.db.naming import Named
from filmroom.model.errors import MissingBytes, StorageFailed
from filmroom.model.holdings import Finding, Flaw
from filmroom.service.matching import match_keys
from filmroom.service.pacing import Pace
from filmroom.service.refresh import Refresh
from filmroom.service.stores import Stores

Tell = Callable[[Finding], None]
_SUSPECTS_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What to do beside comparing. ``scrub`` is the pace at which every file's bytes are read; None leaves them."""

    scrub: Pace | None = None
    repairs_counters: bool = False


@dataclass(slots=True)
class Summary:
    """What was looked at. ``in_flight`` are blobs of uploads that may still be committed: no fault."""

    names: int = 0
    blobs: int = 0
    in_flight: int = 0
    scrubbed: int = 0
    repaired: int = 0
    findings: Counter[str] = field(default_factory=Counter)


class Fsck:
    def __init__(self, stores: Stores, refresh: Refresh) -> None:
        self._stores = stores
        self._refresh = refresh

    def run(self, checks: Checks, tell: Tell) -> Summary:
        """Hand over each flaw as it is found. Raises ArchiveError when rows or folders cannot be read at all."""
        summary = Summary()

        def count_and_tell(finding: Finding) -> None:
            summary.findings[finding.flaw.value] += 1
            tell(finding)

        for flaw in self._database_flaws():
            count_and_tell(flaw)
        if checks.scrub is not None:
            summary.scrubbed = self._refresh.scrub(checks.scrub, count_and_tell).files
        self._compare(summary, count_and_tell)
        self._count(checks, summary, count_and_tell)
        return summary

    def _database_flaws(self) -> Iterator[Finding]:
        with self._stores.database.read() as connection:
            for told in consistency.iter_damage(connection):
                yield Finding(flaw=Flaw.DATABASE, told=told)
            for row in consistency.iter_parentless(connection):
                yield Finding(
                    flaw=Flaw.PARENT,
                    told=f"{row.table} ({row.row}): {row.column} refers to {row.parent}, which is gone",
                )

    def _compare(self, summary: Summary, tell: Tell) -> None:
        suspects: dict[str, Finding] = {}
        with self._stores.database.read() as connection:
            for key, names, is_there in match_keys(naming.iter_names(connection), self._stores.blobs.iter_keys()):
                summary.names += len(names)
                summary.blobs += is_there
                if finding := self._suspect(key, names):
                    suspects[key] = finding
                if len(suspects) == _SUSPECTS_AT_ONCE:
                    self._look_again(suspects, summary, tell)
                    suspects.clear()
        self._look_again(suspects, summary, tell)

    def _suspect(self, key: str, names: Sequence[Named]) -> Finding | None:
        """What seems to be wrong with a blob that so many rows name."""
        if not names:
            return Finding(flaw=Flaw.ORPHAN, told="", key=key)
        flaws = (self._find_flaw(name) for name in names)
        return next((Finding(flaw=flaw, told=told, key=key) for flaw, told in filter(None, flaws)), None)

    def _find_flaw(self, name: Named) -> tuple[Flaw, str] | None:
        try:
            size_bytes = self._stores.blobs.size_bytes(name.key)
        except MissingBytes:
            return Flaw.MISSING, f"{name.size_bytes} bytes are gone"
        except StorageFailed as error:
            return Flaw.UNREADABLE, error.reason
        if size_bytes != name.size_bytes:
            return Flaw.WRONG_SIZE, f"{size_bytes} bytes in place of {name.size_bytes}"
        if name.damaged_at is not None:
            return Flaw.DAMAGED, f"other bytes than were stored, found {name.damaged_at:%Y-%m-%d %H:%M} UTC"
        return None

    def _look_again(self, suspects: Mapping[str, Finding], summary: Summary, tell: Tell) -> None:
        """Tell what still holds in a newer state of the database.

        Bytes go after their rows, so what is named even now was missing before, and what is to go is no fault. A lease
        that is not alive now can name nothing later, so what it left unnamed is left over.
        """
        with self._stores.database.read() as connection:
            holdings = naming.list_holdings(connection, list(suspects))
            doomed = naming.find_doomed(connection, suspects)
            living = leases.list_living(connection, {split_key(key)[0] for key in suspects if is_key(key)})
        for holding in holdings:
            if (finding := suspects[holding.key]).flaw is not Flaw.ORPHAN:
                tell(replace(finding, told=f"{holding.holds}: {finding.told}", address=holding.address))
        named = {holding.key for holding in holdings} | doomed
        for finding in suspects.values():
            if finding.flaw is Flaw.ORPHAN and finding.key not in named:
                self._tell_orphan(finding, living, summary, tell)

    def _tell_orphan(self, finding: Finding, living: Container[str], summary: Summary, tell: Tell) -> None:
        if split_key(finding.key)[0] in living:
            summary.in_flight += 1
            return
        with suppress(MissingBytes):  # swept meanwhile
            size_bytes = self._stores.blobs.size_bytes(finding.key)
            tell(replace(finding, told=f"{size_bytes} bytes that no row names"))

    def _count(self, checks: Checks, summary: Summary, tell: Tell) -> None:
        with self._stores.database.read() as connection:
            for row in consistency.iter_miscounted(connection):
                told = (
                    f"resource {row.rid} ({row.label}) of {row.owner} says {row.file_count} files of {row.size_bytes} "
                    f"bytes and has {row.real_count} of {row.real_bytes}"
                )
                tell(Finding(flaw=Flaw.COUNTERS, told=told))
                if checks.repairs_counters:
                    self._refresh.count(row.pk)
                    summary.repaired += 1
