"""Members of an archive become durable together, however small they are and whatever was synced on the way."""

import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.model.errors import ArchiveError, StorageFailed
from filmroom.model.resources import Digest
from filmroom.service.archive import Archive
from service.failing_blobs import FailingBlobs

# Of which many are summed up together, some alone, and one in several pieces.
FILES: Final = {f"{size}.dcm": b"x" * size for size in (*range(20), 4_000, 200_000, 300_000, 2_000_000)}


class Watched(FailingBlobs):
    """A store that notes what is done with it, and fails at no step unless told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder), step="", error=StorageFailed("blobs: broken"))
        self.steps: list[str] = []
        self.failing = ""

    def fail_at(self, step: str) -> None:
        self.steps.append(step)
        if step == self.failing:
            raise StorageFailed("blobs: broken")


@pytest.fixture
def blobs(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "blobs")


@pytest.fixture
def archive(database: Database, blobs: Watched, tmp_path: Path, clock: Clock) -> Archive:
    return Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)


def _tar(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _tar_gz(files: Mapping[str, bytes]) -> bytes:
    return _tar(files, "w:gz")


def _zip(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


PACKERS: Final = {"a.tar": _tar, "a.tgz": _tar_gz, "a.zip": _zip}


@pytest.fixture(params=PACKERS)
def packed(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    pack: Callable[[Mapping[str, bytes]], bytes] = PACKERS[request.param]
    return request.param, pack(FILES)


def _digest(content: bytes) -> Digest:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Digest(size_bytes=len(content), md5=md5, crc32=zlib.crc32(content))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_member_has_its_own_sum_and_bytes(archive: Archive, blobs: Watched, packed: tuple[str, bytes]) -> None:
    name, content = packed
    receiver = archive.arrivals.receive("a", unpack_as=name)
    receiver.write([content])
    staged = {arrival.path: arrival.staged for arrival in receiver.finish()}

    assert {path: each.digest for path, each in staged.items()} == {
        path: _digest(content) for path, content in FILES.items()
    }
    for path, each in staged.items():
        with blobs.open(each.key) as blob:
            assert blob.read() == FILES[path]
    archive.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_is_synced_after_the_last_member_was_written(
    archive: Archive, blobs: Watched, packed: tuple[str, bytes]
) -> None:
    name, content = packed
    receiver = archive.arrivals.receive("a", unpack_as=name)
    receiver.write([content])
    receiver.finish()

    assert blobs.steps.count("close") == len(FILES)
    assert blobs.steps[-1] == "sync"
    # Who begins to watch later hears nothing of a failure that another archive has been told of already.
    assert blobs.steps[0] == "watch"
    assert blobs.steps.count("watch") == 1
    archive.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", ["watch", "create", "write", "close", "sync"])
def test_nothing_stays_of_an_archive_whose_members_cannot_be_kept(
    archive: Archive, blobs: Watched, tmp_path: Path, packed: tuple[str, bytes], step: str
) -> None:
    name, content = packed
    blobs.failing = step
    receiver = archive.arrivals.receive("a", unpack_as=name)
    with pytest.raises(ArchiveError):
        _send(receiver.write, receiver.finish, content)
    receiver.abort()

    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    archive.close()


def _send(write: Callable[[list[bytes]], None], finish: Callable[[], object], content: bytes) -> None:
    write([content])
    finish()
