"""What a snapshot of a backup holds beside blobs: the rows of each table, one JSON list a line, in a gzip of its own.

A damaged file does not read as a shorter one: gzip's checksum and the number of rows are compared at its end.
"""

import heapq
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedWriter
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from filmroom.blobs.base import BlobStore
from filmroom.blobs.vault import Vault
from filmroom.db.dump import DumpedTable, Values
from filmroom.model.errors import BackupRefused, MissingBytes, StorageFailed
from filmroom.model.holdings import Flaw
from filmroom.model.resources import Digest
from filmroom.service.pacing import Pace
from filmroom.service.staging import iter_pieces
from filmroom.service.summing import Summing

_BUFFER_BYTES: Final = 1024 * 1024
_KEPT: Final = ("key", "size_bytes", "md5", "crc32")
_UNREADABLE: Final = (OSError, EOFError, zlib.error, orjson.JSONDecodeError)


class Kept(NamedTuple):
    """A blob that a snapshot names, and what it must be."""

    key: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The rows of an archive at one moment, and the blobs that they name.

    ``removed`` are those that were removed from the archive before the backup came to them.
    """

    name: str
    revision: str
    tables: tuple[DumpedTable, ...]
    removed: frozenset[str]

    def iter_kept(self) -> Iterator[Kept]:
        """Every blob that it names and may have, once, sorted by key. Raises BackupRefused for damaged rows."""
        holding = [table for table in self.tables if set(_KEPT) <= set(table.columns)]
        everything = heapq.merge(*map(_iter_kept, holding))
        return (next(same) for key, same in groupby(everything, key=attrgetter("key")) if key not in self.removed)

    def check_rows(self) -> None:
        """Read all rows. Raises BackupRefused for damaged ones."""
        for table in self.tables:
            for _ in table.open_rows():
                pass


def _iter_kept(table: DumpedTable) -> Iterator[Kept]:
    at_key, at_size, at_md5, at_crc32 = (table.columns.index(name) for name in _KEPT)
    for row in table.open_rows():
        yield Kept(row[at_key], Digest(size_bytes=row[at_size], md5=row[at_md5], crc32=row[at_crc32]))


def write_table(folder: Path, table: DumpedTable) -> dict[str, Any]:
    """Write the rows of a table durably; what the manifest says of it."""
    count = 0
    with _path_of(folder, table.name).open("wb") as raw:
        with BufferedWriter(GzipFile(fileobj=raw, mode="wb", compresslevel=1), _BUFFER_BYTES) as packed:
            for row in table.open_rows():
                packed.write(orjson.dumps([*row]) + b"\n")
                count += 1
        raw.flush()
        os.fsync(raw.fileno())
    return {"name": table.name, "columns": list(table.columns), "rows": count}


def read_snapshot(vault: Vault, name: str) -> Snapshot:
    """Raises BackupRefused for a manifest that cannot be read."""
    return to_snapshot(vault.folder_of(name), vault.read_manifest(name))


def to_snapshot(folder: Path, manifest: Mapping[str, Any]) -> Snapshot:
    try:
        return Snapshot(
            name=folder.name,
            revision=str(manifest["revision"]),
            tables=tuple(_read_table(folder, **table) for table in manifest["tables"]),
            removed=frozenset(manifest.get("removed", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BackupRefused(f"the manifest of snapshot {folder.name} is damaged") from error


def _read_table(folder: Path, *, name: str, columns: list[str], rows: int) -> DumpedTable:
    def open_rows() -> Iterable[Values]:
        count = 0
        try:
            with GzipFile(_path_of(folder, name)) as lines:
                for line in lines:
                    count += 1
                    yield orjson.loads(line)
        except _UNREADABLE as error:
            raise BackupRefused(f"snapshot {folder.name}: the rows of {name} are damaged ({error})") from error
        if count != rows:
            raise BackupRefused(f"snapshot {folder.name}: {count} rows of {name} in place of {rows}")

    return DumpedTable(name=name, columns=tuple(columns), open_rows=open_rows)


def _path_of(folder: Path, table: str) -> Path:
    return folder / f"{table}.jsonl.gz"


def find_flaw(kept: Kept, store: BlobStore, pace: Pace) -> tuple[Flaw, str] | None:
    """Read a blob; say what is wrong with it, if anything is."""
    return _read_blob(kept, store, pace, lambda _: None)


def copy_blob(kept: Kept, source: BlobStore, target: BlobStore, pace: Pace) -> tuple[Flaw, str] | None:
    """Copy a blob, which ``target.sync`` will make durable; or say what is wrong with it, and leave nothing.

    What the target cannot take is raised.
    """
    writer = target.create(kept.key)
    try:
        flaw = _read_blob(kept, source, pace, lambda piece: writer.write([piece]))
        if flaw is None:
            writer.close()
            return None
    except BaseException:
        writer.abort()
        raise
    writer.abort()
    return flaw


def _read_blob(kept: Kept, store: BlobStore, pace: Pace, write: Callable[[bytes], None]) -> tuple[Flaw, str] | None:
    try:
        blob = store.open(kept.key)
    except MissingBytes:
        return Flaw.MISSING, f"{kept.digest.size_bytes} bytes are gone"
    except StorageFailed as error:
        return Flaw.UNREADABLE, error.reason
    summing = Summing()
    try:
        with blob:
            for piece in iter_pieces(blob):
                pace.spend(len(piece))
                summing.write([piece])
                write(piece)
    except OSError as error:  # of reading: what cannot be written is told in other words
        return Flaw.UNREADABLE, str(error.strerror)
    return None if summing.finish() == kept.digest else (Flaw.DAMAGED, "other bytes than were stored")
