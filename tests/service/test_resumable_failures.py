"""Resumable uploads when something fails: the offset that is told is durable, and no file is ever torn."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from conftest import RULES, Clock
from filmroom.blobs.base import partial_key
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.leases import fence_lease
from filmroom.model.conflicts import FilesExist, WrongOffset
from filmroom.model.errors import (
    ArchiveError,
    DigestMismatch,
    LeaseLost,
    MissingBytes,
    NotFound,
    NotSignedIn,
    StorageFailed,
    StorageFull,
    TooManyUploads,
    UploadInUse,
)
from filmroom.model.people import AccountChange, Viewer
from filmroom.model.resources import Selection
from filmroom.model.uploads import Upload
from filmroom.service import resumable, stretches
from filmroom.service.archive import Archive
from filmroom.service.resumable import Wanted
from filmroom.service.stretches import Stretch
from service.desk import REFUSE, Desk, all_at_once, at, open_desk
from service.failing_blobs import FailingBlobs

DISK_ERRORS: Final[dict[str, Callable[[], ArchiveError]]] = {
    "full": StorageFull,
    "broken": lambda: StorageFailed("blobs: Input/output error"),
}


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _begin(desk: Desk, size_bytes: int = 10, path: str = "a") -> str:
    wanted = Wanted(path=path, size_bytes=size_bytes, is_unpacked=False, metadata="")
    return desk.archive.resumable.begin(desk.viewer, at("NII"), wanted=wanted, options=REFUSE).id


def _go_on(desk: Desk, upload_id: str, offset: int, declared: dict[str, bytes] | None = None) -> Stretch:
    return desk.archive.resumable.go_on(desk.viewer, at("NII"), upload_id, at=offset, declared=declared or {})


def _send(desk: Desk, upload_id: str, offset: int, content: bytes) -> None:
    """As every door must: what fails is aborted."""
    stretch = _go_on(desk, upload_id, offset)
    try:
        stretch.write([content[:1], content[1:]])
    except ArchiveError:
        stretch.abort()
        raise
    stretch.finish()


def _state(desk: Desk, upload_id: str) -> Upload:
    return desk.archive.resumable.get(desk.viewer, at("NII"), upload_id)


def _partials(blobs: LocalStore) -> list[str]:
    return list(blobs.iter_partials())


def test_what_came_before_a_cut_is_kept(desk: Desk) -> None:
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0)
    stretch.write([b"0123"])

    stretch.abort()

    assert _state(desk, upload_id).offset_bytes == 4
    _send(desk, upload_id, 4, b"456789")
    assert desk.read("a") == b"0123456789"


def test_a_stretch_with_a_checksum_that_is_cut_counts_not(desk: Desk) -> None:
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0, {"sha256": sha256(b"0123").digest()})
    stretch.write([b"0123"])

    stretch.abort()

    assert _state(desk, upload_id).offset_bytes == 0


def test_a_cut_behind_the_last_byte_does_not_make_it_seem_done(desk: Desk) -> None:
    """A client that is told the whole length takes its file for stored."""
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0)
    stretch.write([b"01234"])
    stretch.write([b"56789"])

    stretch.abort()

    assert _state(desk, upload_id).offset_bytes < 10
    _send(desk, upload_id, 0, b"0123456789")
    assert _state(desk, upload_id).is_done
    assert desk.read("a") == b"0123456789"


def test_a_long_stretch_is_stored_now_and_then(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "_STORED_AFTER_BYTES", 4)
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0)

    told = []
    for piece in (b"012", b"345", b"678"):
        stretch.write([piece])
        told.append(_state(desk, upload_id).offset_bytes)
    stretch.write([b"9"])
    at_the_end = _state(desk, upload_id).offset_bytes
    stretch.finish()

    assert (told, at_the_end) == ([0, 6, 6], 6)
    assert desk.read("a") == b"0123456789"


def test_a_slow_stretch_is_stored_now_and_then(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "_STORED_AFTER_SECONDS", 0.0)
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0)

    stretch.write([b"0"])

    assert _state(desk, upload_id).offset_bytes == 1
    stretch.abort()


def test_only_one_request_adds_to_an_upload(desk: Desk) -> None:
    upload_id = _begin(desk)
    stretch = _go_on(desk, upload_id, 0)

    with pytest.raises(UploadInUse):
        _go_on(desk, upload_id, 0)
    with pytest.raises(UploadInUse):
        desk.archive.resumable.remove(desk.viewer, at("NII"), upload_id)

    stretch.write([b"0123456789"])
    stretch.finish()
    assert desk.read("a") == b"0123456789"


def test_of_many_that_send_at_once_one_wins_and_all_others_are_told(desk: Desk) -> None:
    upload_id = _begin(desk)

    def send(number: int) -> str:
        try:
            _send(desk, upload_id, 0, bytes([48 + number]) * 10)
        except (UploadInUse, WrongOffset, FilesExist) as error:
            return type(error).__name__
        return str(number)

    outcomes = all_at_once(8, send)

    (winner,) = [outcome for outcome in outcomes if outcome.isdigit()]
    assert desk.read("a") == winner.encode() * 10


@pytest.fixture(params=["append", "keep", "copy"])
def step(request: pytest.FixtureRequest) -> str:
    """Where the disk fails."""
    return str(request.param)


@pytest.fixture(params=DISK_ERRORS)
def failing(
    request: pytest.FixtureRequest,
    step: str,
    database: Database,
    blobs: LocalStore,
    clock: Clock,
    people: dict[str, Viewer],
    tmp_path: Path,
) -> Iterator[Desk]:
    """Alice before a server whose disk fails at one step."""
    broken = FailingBlobs(blobs, step=step, error=DISK_ERRORS[request.param]())
    archive = Archive(database, broken, clock=clock, rules=RULES, spool_dir=tmp_path)
    yield Desk(archive, people["alice"])
    archive.close()


def test_a_disk_that_fails_moves_no_offset_and_stores_nothing_and_the_upload_goes_on_when_it_works_again(
    desk: Desk, failing: Desk
) -> None:
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123")

    with pytest.raises((StorageFull, StorageFailed)):
        _send(failing, upload_id, 4, b"456789")

    assert (_state(desk, upload_id).offset_bytes, desk.paths()) == (4, [])
    _send(desk, upload_id, 4, b"456789")
    assert desk.read("a") == b"0123456789"


def test_a_lease_that_was_lost_stores_nothing_and_the_upload_goes_on_under_another(
    desk: Desk, database: Database, clock: Clock
) -> None:
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123")
    lease_id = desk.stage().key.split("-", maxsplit=1)[0]
    database.write(lambda connection: fence_lease(connection, lease_id, now=clock()))

    with pytest.raises(LeaseLost):
        _send(desk, upload_id, 4, b"456789")

    assert (_state(desk, upload_id).offset_bytes, desk.paths()) == (4, [])
    _send(desk, upload_id, 4, b"456789")
    assert desk.read("a") == b"0123456789"


def test_another_process_goes_on_with_an_upload_and_sums_it_up(
    desk: Desk, elsewhere: Archive, people: dict[str, Viewer]
) -> None:
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123")
    other = Desk(elsewhere, people["alice"])

    _send(other, upload_id, 4, b"45")
    _send(desk, upload_id, 6, b"6789")
    elsewhere.close()

    assert desk.read("a") == b"0123456789"
    with desk.archive.files.open_listing(desk.viewer, at("NII"), Selection()) as listing:
        [(_, _, (size_bytes,), (md5,), *_)] = listing.batches
    assert (md5, size_bytes) == ("781e5e245d69b566979b86e28d23f2c7", 10)


def test_what_a_stretch_that_failed_left_behind_gets_into_no_digest(desk: Desk) -> None:
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123")
    stretch = _go_on(desk, upload_id, 4, {"sha256": bytes(32)})
    stretch.write([b"xxxx"])
    with pytest.raises(DigestMismatch):
        stretch.finish()

    _send(desk, upload_id, 4, b"456789")

    with desk.archive.files.open_listing(desk.viewer, at("NII"), Selection()) as listing:
        [(_, _, _, (md5,), *_)] = listing.batches
    assert md5 == "781e5e245d69b566979b86e28d23f2c7"
    assert desk.read("a") == b"0123456789"


def test_an_upload_whose_bytes_are_lost_cannot_go_on(desk: Desk, blobs: LocalStore) -> None:
    """As after a restore of the database without them."""
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123")
    blobs.delete([partial_key(upload_id)])

    with pytest.raises(MissingBytes):
        _go_on(desk, upload_id, 4)


def test_an_account_that_is_disabled_meanwhile_adds_nothing(desk: Desk, people: dict[str, Viewer]) -> None:
    upload_id = _begin(desk)
    desk.archive.accounts.change(people["admin"], "alice", AccountChange(is_enabled=False))

    with pytest.raises(NotSignedIn):
        _go_on(desk, upload_id, 0)


def test_what_goes_on_is_not_removed_and_partials_without_an_upload_are(
    desk: Desk, blobs: LocalStore, clock: Clock
) -> None:
    resting, going = _begin(desk), _begin(desk, path="b")
    _send(desk, resting, 0, b"0123")
    orphan = blobs.resume(partial_key("f" * 32))
    orphan.write([b"x"])
    orphan.close()
    clock.move(hours=71)
    stretch = _go_on(desk, going, 0)
    clock.move(hours=2)

    removed = desk.archive.resumable.remove_expired()

    assert removed == 2
    assert _partials(blobs) == [partial_key(going)]
    stretch.write([b"0123"])
    stretch.finish()
    assert _state(desk, going).offset_bytes == 4
    with pytest.raises(NotFound):
        _state(desk, resting)


def test_an_account_begins_only_so_many_uploads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable, "_MOST_UPLOADS", 2)
    first = _begin(desk)
    _begin(desk, path="b")

    with pytest.raises(TooManyUploads):
        _begin(desk, path="c")

    _send(desk, first, 0, b"0123456789")
    _begin(desk, path="c")


def test_a_partial_that_outlived_its_end_goes_with_the_upload_and_the_file_stays(
    desk: Desk, blobs: LocalStore, clock: Clock
) -> None:
    """As after a crash between the commit and the end of the partial, which shares its bytes."""
    upload_id = _begin(desk)
    _send(desk, upload_id, 0, b"0123456789")
    (key,) = blobs.iter_keys()
    blobs.copy({partial_key(upload_id): key})

    with pytest.raises(WrongOffset):
        _go_on(desk, upload_id, 0)
    clock.move(hours=73)
    removed = desk.archive.resumable.remove_expired()

    assert (removed, _partials(blobs), desk.read("a")) == (1, [], b"0123456789")
