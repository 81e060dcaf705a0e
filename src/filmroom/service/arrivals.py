"""How bytes arrive: bodies, archives taken apart, stored bytes once more, files of the server.

Whatever it is, what comes of it is the same: durable bytes that nothing names yet, for ``Uploads.put`` to name.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from filmroom.blobs.md5lanes import find_hasher
from filmroom.model.errors import BadValue, StorageFailed
from filmroom.model.resources import FileEntry
from filmroom.service.references import References
from filmroom.service.staging import Arrival, FileReceiver, Receiver, Stage, Staged, iter_pieces
from filmroom.service.stores import Stores
from filmroom.service.summing import JointSums
from filmroom.service.unpacking import Limits, Workbench, is_archive, new_unpacker


class Arrivals:
    def __init__(self, stores: Stores, *, limits: Limits, spool_dir: Path, references: References) -> None:
        self._stores = stores
        self._limits = limits
        self._spool_dir = spool_dir
        self._references = references
        self._joint_sums = JointSums(find_hasher())

    def check_room(self, announced_bytes: int) -> None:
        """Say early whether there is room for a body. Raises StorageFull."""
        self._stores.room.check(announced_bytes)

    def receive(self, path: str, *, unpack_as: str | None = None) -> Receiver:
        """Begin to take a body that is to be kept at a path; or, if its name is an archive's, to be taken apart."""
        if unpack_as is not None and is_archive(unpack_as):
            return new_unpacker(self._workbench(), unpack_as)
        return FileReceiver(path, self._stage())

    def stage_copies(self, entries: Mapping[str, FileEntry], *, is_unpacked: bool) -> list[Arrival]:
        """Stored bytes once more, each to be named at its path too; or taken apart, if so asked and an archive by name.

        All of them in order or, when this raises, none. Raises MissingBytes, BadArchive, StorageFull.
        """
        arrivals: list[Arrival] = []
        copies: dict[str, str] = {}
        try:
            for path, entry in entries.items():
                if is_unpacked and is_archive(entry.name):
                    arrivals += self._unpack(entry, path)
                else:
                    key = self._stores.leases.new_key()
                    copies[key] = entry.key
                    arrivals.append(Arrival(path, Staged(key, entry.digest)))
            self._stores.room.check()
            self._stores.blobs.copy(copies)
        except BaseException:
            self.forget(arrivals)
            raise
        return arrivals

    def stage_reference(self, reference: str, path: str | None) -> list[Arrival]:
        """A file or folder of the server's own disk, to be named at or below a path (F-160).

        Raises NotAllowed, BadValue, BadName, BadArchive (beyond the limits of an archive).
        """
        bench = self._workbench()
        try:
            for inside, file_path in self._references.iter_files(reference):
                target = "/".join(filter(None, (path, inside))) or file_path.name
                with self._references.open_file(file_path) as file:
                    bench.add(target, _iter_counted(file, bench))
            arrivals = bench.finish()
        except BaseException:
            bench.forget()
            raise
        if not arrivals:
            raise BadValue("reference", reference, "there is no file in it")
        return arrivals

    def sum_up(self) -> None:
        """Take the sums that were put off, of whatever has arrived."""
        self._joint_sums.sum_up()

    def forget(self, arrivals: Sequence[Arrival]) -> None:
        """Delete staged bytes that will not be named. What cannot be deleted now is swept later."""
        with suppress(StorageFailed):
            self._stores.blobs.delete(keys_of(arrivals))

    def _unpack(self, entry: FileEntry, path: str) -> list[Arrival]:
        receiver = self.receive(path, unpack_as=entry.name)
        try:
            with self._stores.blobs.open(entry.key) as blob:
                for piece in iter_pieces(blob):
                    receiver.write([piece])
            return receiver.finish()
        except BaseException:
            receiver.abort()
            raise

    def _workbench(self) -> Workbench:
        new_stage = partial(self._stage, is_one_of_many=True)
        return Workbench(self._stores, new_stage, limits=self._limits, spool_dir=self._spool_dir)

    def _stage(self, *, is_one_of_many: bool = False) -> Stage:
        check_room = self._stores.room.check
        check_room()
        key = self._stores.leases.new_key()
        return Stage(
            key,
            self._stores.blobs.create(key),
            check_room=check_room,
            joint_sums=self._joint_sums,
            is_one_of_many=is_one_of_many,
        )


def _iter_counted(file: BinaryIO, bench: Workbench) -> Iterator[bytes]:
    for piece in iter_pieces(file):
        bench.count_received([piece])
        yield piece


def keys_of(arrivals: Sequence[Arrival]) -> list[str]:
    return [arrival.staged.key for arrival in arrivals]
