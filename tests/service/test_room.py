"""What is to stay free on the disk stays free: uploads are refused for it, before they begin or while they arrive."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.model.errors import StorageFull
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.staging import Receiver
from service.desk import Desk, at, open_desk

LEAST_FREE = 1_000_000


class Filling(LocalStore):
    """A store on a disk of which others take what is left whenever somebody looks."""

    free = 10**12
    taken = 0

    def free_bytes(self) -> int:
        self.free -= self.taken
        return self.free


@pytest.fixture
def disk(tmp_path: Path) -> Filling:
    return Filling(tmp_path / "blobs")


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the disk is a new one."""
    monkeypatch.setattr("filmroom.service.room._KNOWN_FOR_SECONDS", 0.0)


@pytest.fixture
def filling(
    database: Database, disk: Filling, tmp_path: Path, clock: Clock, people: dict[str, Viewer]
) -> Iterator[Desk]:
    rules = replace(RULES, min_free_bytes=LEAST_FREE)
    archive = Archive(database, disk, clock=clock, rules=rules, spool_dir=tmp_path)
    desk = open_desk(archive, people["alice"])
    desk.upload("first")
    yield desk
    archive.close()


def _blobs(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "blobs").rglob("*"))


def _write_until_full(receiver: Receiver, piece: bytes) -> None:
    """Send pieces until there is no room for another one, which must come to pass; then give up, as every door does."""
    is_full = False
    for _ in range(20):
        try:
            receiver.write([piece])
        except StorageFull:
            is_full = True
            break
    receiver.abort()
    assert is_full


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_for_which_there_is_no_room_is_refused_before_it_comes(filling: Desk, disk: Filling) -> None:
    disk.free = LEAST_FREE + 1000

    with pytest.raises(StorageFull):
        filling.archive.arrivals.check_room(10**12)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_is_given_up_when_the_room_ends_while_it_arrives(filling: Desk, disk: Filling, tmp_path: Path) -> None:
    disk.free, disk.taken = LEAST_FREE + 3000, 1000
    receiver = filling.archive.arrivals.receive("large")

    _write_until_full(receiver, b"x" * 1000)

    assert _blobs(tmp_path) == 1
    assert filling.paths() == ["first"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_is_given_up_whole(filling: Desk, disk: Filling, tmp_path: Path, kind: str) -> None:
    disk.free, disk.taken = LEAST_FREE + 5000, 1000
    receiver = filling.archive.arrivals.receive("a", unpack_as=f"a.{kind}")

    _write_until_full(receiver, _tar())

    assert _blobs(tmp_path) == 1


def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for number in range(6):
            member = tarfile.TarInfo(f"{number}.dcm")
            member.size = 100
            archive.addfile(member, io.BytesIO(b"x" * 100))
    return made.getvalue()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_reading_and_deleting_and_metadata_need_no_room(filling: Desk, disk: Filling) -> None:
    disk.free = 0
    with pytest.raises(StorageFull):
        filling.upload("second", b"x" * 1000)

    filling.make_resource("EMPTY")
    assert filling.read("first") == b"voxels"
    filling.archive.files.delete(filling.viewer, at("NII", "first"), spellings=["first"])
    assert filling.paths() == []
