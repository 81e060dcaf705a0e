"""Members of an archive become durable together, however small they are and whatever was synced on the way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.model.errors import ArchiveError, StorageFailed
from filmroom.service.archive import Archive
from filmroom.service.staging import Receiver
from packing import pack_stored_zip, pack_tar, pack_tar_gz
from service.desk import full_digest_of
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


PACKERS: Final = {"a.tar": pack_tar, "a.tgz": pack_tar_gz, "a.zip": pack_stored_zip}


@pytest.fixture(params=PACKERS)
def packed(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    pack: Callable[[Mapping[str, bytes]], bytes] = PACKERS[request.param]
    return request.param, pack(FILES)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_member_has_its_own_sum_and_bytes(archive: Archive, blobs: Watched, packed: tuple[str, bytes]) -> None:
    name, content = packed
    receiver = archive.arrivals.receive("a", unpack_as=name)
    receiver.write([content])
    staged = {arrival.path: arrival.staged for arrival in receiver.finish()}

    assert {path: each.digest for path, each in staged.items()} == {
        path: full_digest_of(content) for path, content in FILES.items()
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
        _send(receiver, content)
    receiver.abort()

    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    archive.close()


def _send(receiver: Receiver, content: bytes) -> None:
    receiver.write([content])
    receiver.finish()
