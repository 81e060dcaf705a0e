"""Alice at work in her project DEMO, without HTTP: what tests of the use cases say again and again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path
from threading import Barrier
from typing import Final, TypeVar
from zlib import crc32

from filmroom.model.address import Address
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Digest, IfExists, Resource, Selection
from filmroom.service.archive import Archive
from filmroom.service.staging import Arrival, Staged
from filmroom.service.uploads import Fate, UploadOptions
from waiting import PATIENCE_SECONDS

T = TypeVar("T")

REPLACE: Final = UploadOptions(if_exists=IfExists.REPLACE)
REFUSE: Final = UploadOptions()


def all_at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """What each of so many threads gets that begin at the same moment."""
    start = Barrier(count)

    def run(number: int) -> T:
        start.wait(PATIENCE_SECONDS)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def at(resource: str | None = None, path: str | None = None, *, project: str = "DEMO") -> Address:
    return Address(kind=Kind.PROJECT, project=project, resource=resource, path=path)


def saying(*tags: str, if_exists: IfExists = IfExists.REFUSE, **words: str) -> UploadOptions:
    return UploadOptions(if_exists=if_exists, said=Description(tags=tags, **words))


def md5_of(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


def digest_of(content: bytes) -> Digest:
    return Digest(size_bytes=len(content), md5=md5_of(content), crc32=0)


def full_digest_of(content: bytes) -> Digest:
    """With its CRC-32 too, as a body has it that was received."""
    return replace(digest_of(content), crc32=crc32(content))


@dataclass(frozen=True)
class Desk:
    """One person and the archive."""

    archive: Archive
    viewer: Viewer

    def stage(self, content: bytes = b"voxels") -> Staged:
        return self.arrival("staged", content).staged

    def arrival(self, path: str, content: bytes = b"voxels") -> Arrival:
        receiver = self.archive.arrivals.receive(path)
        receiver.write([content])
        (arrival,) = receiver.finish()
        return arrival

    def put(
        self, arrivals: Sequence[Arrival], options: UploadOptions = REFUSE, *, where: Address | None = None
    ) -> tuple[Fate, ...]:
        return self.archive.uploads.put(self.viewer, where or at("NII"), arrivals, options=options)

    def upload(
        self, path: str, content: bytes = b"voxels", options: UploadOptions = REFUSE, *, where: Address | None = None
    ) -> Fate:
        (fate,) = self.put([self.arrival(path, content)], options, where=where)
        return fate

    def paths(self, where: Address | None = None, selection: Selection = Selection()) -> list[str]:  # noqa: B008 - it is frozen
        with self.archive.files.open_listing(self.viewer, where or at(), selection) as listing:
            return [path for _, paths, *_ in listing.batches for path in paths]

    def resources(self, where: Address | None = None) -> tuple[Resource, ...]:
        return tuple(found.resource for found in self.archive.resources.list_all(self.viewer, where or at()))

    def resource(self, label: str = "NII") -> Resource:
        (found,) = (resource for resource in self.resources() if resource.label == label)
        return found

    def counters(self, label: str = "NII") -> tuple[int | None, int | None]:
        resource = self.resource(label)
        return resource.file_count, resource.size_bytes

    def read(self, path: str, where: Address | None = None) -> bytes:
        opened = self.archive.files.open_file(self.viewer, where or at("NII"), spellings=[path])
        with opened.blob as blob:
            return blob.read()

    def make_resource(self, label: str, said: Description = Description()) -> Resource:  # noqa: B008 - it is frozen
        self.archive.resources.create(self.viewer, at(label), said)
        return self.resource(label)


def open_desk(archive: Archive, viewer: Viewer, project: str = "DEMO") -> Desk:
    archive.projects.put(viewer, project, {})
    return Desk(archive, viewer)


def blob_path(folder: Path, key: str) -> Path:
    """Where ``LocalStore`` keeps a blob."""
    (path,) = folder.rglob(key)
    return path
