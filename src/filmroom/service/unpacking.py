"""Archives on their way in: each member becomes staged bytes, and all of them appear together or none (F-156 to F-159).

A tar and a gzip are read while they arrive. A zip has its directory at the end, so it is spooled first. Members are
written as they come and made durable together at the end. Whatever is wrong with an archive (a member that is a link
or a device, a name that leads outside, more than the limits allow, a broken or cut stream) is BadArchive or BadName,
and nothing of it stays.
"""

import io
import queue
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from filmroom.blobs.base import Watch, storage_error
from filmroom.blobs.gzipstream import Inflater
from filmroom.blobs.tarstream import iter_members
from filmroom.blobs.zipdirectory import UNREADABLE, Entry, iter_entries, iter_member
from filmroom.model.errors import BadArchive, BadName, StorageFailed
from filmroom.model.names import check_file_path, is_reserved_file_name
from filmroom.service.staging import Arrival, Receiver, Stage, iter_pieces
from filmroom.service.stores import Stores

_COPY_BYTES: Final = 1024 * 1024
_PIECES_WAITING: Final = 4
_INFLATED_BYTES: Final = 256 * 1024
# What the readers of tar and gzip raise at bytes that are neither; a disk that fails is an ArchiveError by then.
_UNREADABLE: Final = (
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)
# Below this the ratio says nothing: empty slices and masks compress a thousandfold, as far as deflate can.
_RATIO_COUNTS_FROM_BYTES: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one archive may hold. ``expanded_bytes`` is the sum of its members, ``ratio`` that sum to its own size."""

    members: int
    expanded_bytes: int
    ratio: int

    @property
    def entries(self) -> int:
        """How many entries one may have: there are some for folders too, and for what is not kept."""
        return 2 * self.members


class Workbench:
    """What unpackers share: where members go, how many there were, and what must be forgotten if it comes to that."""

    def __init__(self, stores: Stores, new_stage: Callable[[], Stage], *, limits: Limits, spool_dir: Path) -> None:
        self.limits = limits
        self.spool_dir = spool_dir
        self._blobs = stores.blobs
        self._room = stores.room
        self._new_stage = new_stage
        self._arrivals: list[Arrival] = []
        self._watch: Watch | None = None  # from before the first member is begun
        self.received_bytes = 0
        self._expanded_bytes = 0

    def count_received(self, chunks: Sequence[bytes]) -> None:
        """Raises StorageFull when there is no room for more."""
        self._room.check()
        self.received_bytes += sum(map(len, chunks))

    def take(self, name: str, pieces: Iterator[bytes]) -> None:
        """Stage one member of an archive, or pass over what is no file of the resource, which is read all the same."""
        if _is_kept(name):
            self.add(_plain(name), pieces)
            return
        for piece in pieces:
            self._count(piece)

    def add(self, name: str, pieces: Iterator[bytes]) -> None:
        """Stage one member. Raises BadArchive beyond the limits, BadName for a name that cannot be."""
        if len(self._arrivals) >= self.limits.members:
            raise BadArchive(f"it has more than {self.limits.members} members")
        path = _check_member_name(name)
        self._watch = self._watch or self._blobs.watch()
        stage = self._new_stage()
        try:
            for piece in pieces:
                self._count(piece)
                stage.write([piece])
            staged = stage.close()
        except BaseException:
            stage.abort()
            raise
        self._arrivals.append(Arrival(path, staged))

    def sync(self) -> None:
        """Make all members so far durable."""
        if self._watch is not None:
            self._watch.sync()

    def finish(self) -> list[Arrival]:
        """All members, durable. After an error ``forget`` must follow."""
        self.sync()
        self._close()
        return self._arrivals

    def forget(self) -> None:
        self._close()
        with suppress(StorageFailed):  # what cannot be deleted now is swept later
            self._blobs.delete([arrival.staged.key for arrival in self._arrivals])

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _count(self, piece: bytes) -> None:
        self._expanded_bytes += len(piece)
        if self._expanded_bytes > self.limits.expanded_bytes:
            raise BadArchive(f"its members are larger than {self.limits.expanded_bytes} bytes together")
        is_large = self._expanded_bytes > _RATIO_COUNTS_FROM_BYTES
        if is_large and self._expanded_bytes > self.limits.ratio * self.received_bytes:
            raise BadArchive(f"its members are more than {self.limits.ratio} times as large as itself")


def _check_member_name(name: str) -> str:
    if name.startswith("/"):
        raise BadName("member", name, "an absolute name leads outside the resource")
    return check_file_path(name)


def _is_kept(name: str) -> bool:
    """F-158: catalogs and locks of another archive are no files of this one; folders come by themselves."""
    return bool(name.strip("/")) and not name.endswith("/") and not is_reserved_file_name(name)


def _plain(name: str) -> str:
    while name.startswith("./"):
        name = name[2:]
    return name


class ZipUnpacker:
    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        with _spool_errors():
            self._spool = TemporaryFile(dir=bench.spool_dir)  # noqa: SIM115 - closed by finish and abort

    def write(self, chunks: Sequence[bytes]) -> None:
        self._bench.count_received(chunks)
        with _spool_errors():
            self._spool.writelines(chunks)

    def finish(self) -> list[Arrival]:
        try:
            with _spool_errors():
                for entry in iter_entries(self._spool, most=self._bench.limits.entries):
                    _check_kind_of_zip_member(entry)
                    if not entry.is_folder:
                        self._bench.take(entry.name, iter_member(self._spool, entry))
        except UNREADABLE as error:
            raise BadArchive(f"it is no zip that can be read ({error})") from error
        finally:
            self._close()
        return self._bench.finish()

    def abort(self) -> None:
        self._close()
        self._bench.forget()

    def _close(self) -> None:
        with suppress(OSError):  # it may hold what a full disk did not take
            self._spool.close()


@contextmanager
def _spool_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, "spool") from error


def _check_kind_of_zip_member(entry: Entry) -> None:
    kind = entry.mode >> 12  # 4 is a folder, 8 a file, 0 unknown
    if kind not in {0, 4, 8}:
        raise BadArchive(f"member {entry.name!r} is a link or a device")


def _unpack_gzip(bench: Workbench, source: IO[bytes], *, name: str) -> None:
    """One gzipped file, which becomes a file of the given name."""
    bench.add(name, iter_pieces(source))


def _read_to_end(source: IO[bytes]) -> None:
    for _ in iter_pieces(source):
        pass


def _unpack_tar(bench: Workbench, source: IO[bytes]) -> None:
    for entry in iter_members(source, most=bench.limits.entries):
        if entry.pieces is not None:
            bench.take(entry.name, entry.pieces)
        elif not entry.is_folder:
            raise BadArchive(f"member {entry.name!r} is a link or a device")


class StreamUnpacker:
    """Unpacks while the archive arrives: what is pushed can be read by ``unpack``, in a thread of its own."""

    def __init__(self, bench: Workbench, unpack: Callable[[Workbench, IO[bytes]], None]) -> None:
        self._bench = bench
        self._pieces: queue.Queue[Sequence[bytes] | None] = queue.Queue(_PIECES_WAITING)
        self._is_cut = False
        # Until the archive has been read to its end: a thread that ends in any other way has not unpacked it.
        self._error: BaseException | None = BadArchive("it could not be read to its end")
        self._thread = threading.Thread(target=self._run, args=(unpack,), daemon=True)
        self._thread.start()

    def write(self, chunks: Sequence[bytes]) -> None:
        self._bench.count_received(chunks)
        self._push(chunks)

    def _push(self, chunks: Sequence[bytes]) -> None:
        self._put(chunks)
        if not self._thread.is_alive():
            self._raise_error()

    def finish(self) -> list[Arrival]:
        self._put(None)
        if self._thread.is_alive():
            self._bench.sync()  # what is written already, while it goes on: little is left to wait for at the end
        self._thread.join()
        self._raise_error()
        if self._bench.received_bytes == 0:
            raise BadArchive("it is empty")
        return self._bench.finish()

    def abort(self) -> None:
        self._is_cut = True
        self._put(None)
        self._thread.join()
        self._bench.forget()

    def _put(self, chunks: Sequence[bytes] | None) -> None:
        while self._thread.is_alive():
            try:
                self._pieces.put(chunks, timeout=0.1)
            except queue.Full:
                continue
            return

    def _run(self, unpack: Callable[[Workbench, IO[bytes]], None]) -> None:
        source = io.BufferedReader(_Pushed(self._take), _COPY_BYTES)
        try:
            with _unreadable_told():
                unpack(self._bench, source)
                _read_to_end(source)  # what follows the end of an archive is no part of it
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for the thread
            self._error = error
        else:
            self._error = None

    def _take(self) -> Sequence[bytes] | None:
        pieces = self._pieces.get()
        if pieces is None and self._is_cut:
            raise EOFError("it was cut off")
        return pieces

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error


class GzipUnpacker(StreamUnpacker):
    """Unpacks what is in a gzip. Whoever pushes inflates it, while the thread unpacks what came before."""

    def __init__(self, bench: Workbench, unpack: Callable[[Workbench, IO[bytes]], None]) -> None:
        super().__init__(bench, unpack)
        self._inflater = Inflater()

    def write(self, chunks: Sequence[bytes]) -> None:
        self._bench.count_received(chunks)
        pieces: list[bytes] = []
        size_bytes = 0
        with _unreadable_told():
            for piece in self._inflater.push(b"".join(chunks)):
                pieces.append(piece)
                size_bytes += len(piece)
                if size_bytes >= _INFLATED_BYTES:
                    self._push(pieces)
                    pieces, size_bytes = [], 0
        self._push(pieces)

    def finish(self) -> list[Arrival]:
        with _unreadable_told():
            self._inflater.finish()
        return super().finish()


@contextmanager
def _unreadable_told() -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise BadArchive(f"it cannot be read ({error})") from error


class _Pushed(io.RawIOBase):
    """A file whose bytes come from ``take``, which gives None at their end."""

    def __init__(self, take: Callable[[], Sequence[bytes] | None]) -> None:
        super().__init__()
        self._take = take
        self._waiting = memoryview(b"")
        self._is_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._is_ended:
            pieces = self._take()
            if pieces is None:
                self._is_ended = True
            else:
                self._waiting = memoryview(b"".join(pieces))
        size = min(len(buffer), len(self._waiting))
        buffer[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size


_TAR: Final = (".tar", ".xar")
_TAR_GZ: Final = (".tar.gz", ".tgz")
_ZIP: Final = (".zip", ".zar")
_GZIP: Final = ".gz"


def is_archive(name: str) -> bool:
    """F-156: whether a file of this name can be taken apart, by its ending and case-sensitively."""
    return name.endswith((*_TAR, *_TAR_GZ, *_ZIP, _GZIP))


def new_unpacker(bench: Workbench, name: str) -> Receiver:
    """What takes an archive of this name apart."""
    if name.endswith(_TAR):
        return StreamUnpacker(bench, _unpack_tar)
    if name.endswith(_TAR_GZ):
        return GzipUnpacker(bench, _unpack_tar)
    if name.endswith(_ZIP):
        return ZipUnpacker(bench)
    return GzipUnpacker(bench, partial(_unpack_gzip, name=name.removesuffix(_GZIP)))
