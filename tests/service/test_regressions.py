"""What was once wrong, each named for what somebody would have seen."""

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from conftest import PASSWORD, RULES, Clock
from db.rows import add_resource, busy_writer, count_up
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.leases import fence_lease
from filmroom.db.people import insert_account
from filmroom.db.schema import node
from filmroom.db.sessions import add_failure, count_failures
from filmroom.model.address import Address, parse_address
from filmroom.model.conflicts import LoginTaken, ProjectNameTaken
from filmroom.model.errors import (
    ArchiveError,
    BadName,
    LeaseLost,
    MissingBytes,
    NotFound,
    NotSignedIn,
    StorageFailed,
    StorageFull,
)
from filmroom.model.names import LONGEST_PATH_BYTES, check_file_path
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Owner, Selection
from filmroom.service.archive import Archive
from filmroom.service.leases import check_leases
from filmroom.service.uploads import Fate
from service.desk import REFUSE, Desk, at, blob_path, open_desk
from service.failing_blobs import FailingBlobs
from waiting import PATIENCE_SECONDS, wait_until

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _all_at_once(count: int, act: Callable[[int], object]) -> None:
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(PATIENCE_SECONDS)
        act(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))


def _incompressible(length: int) -> str:
    return "".join(sha256(b"%d" % number).hexdigest() for number in range(length // 64 + 1))[:length]


class _Outcome(threading.Thread):
    """What came of an act in a thread that may never end."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.told: object = "nothing"
        self.start()

    def run(self) -> None:
        try:
            self.told = self._act()
        except ArchiveError as error:
            self.told = error

    def ended(self) -> "_Outcome":
        """Itself when the act has ended, or after two seconds."""
        self.join(2)
        return self


# 1. db/writer.py: SQLite rolls back the whole transaction; then ROLLBACK TO SAVEPOINT fails and hides the first error.
@ON_SQLITE
def test_a_full_disk_is_told_as_a_full_disk(database: Database) -> None:
    def nearly_fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}").close()

    database.write(nearly_fill)

    with pytest.raises(StorageFull):
        database.write(count_up("x" * 100_000))


# 2. db/writer.py: what writes dies at os.open of the lock file, and everybody waits for it.
def test_a_database_in_a_folder_that_is_gone_is_told_and_not_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gone' / 'filmroom.db'}"

    writing = _Outcome(lambda: open_database(url).write(count_up("never"))).ended()

    assert isinstance(writing.told, StorageFailed)


# 3. db/writer.py: a unit that comes while the writer closes is run by nobody.
@ON_SQLITE
def test_a_write_while_the_database_closes_is_not_waited_for(database: SQLiteDatabase) -> None:
    with busy_writer(database):
        closing = _Outcome(database.close)
        wait_until(lambda: database._writer._is_closed)
        late = _Outcome(lambda: database.write(lambda _connection: "kept"))
    closing.join(PATIENCE_SECONDS)

    assert isinstance(late.ended().told, StorageFailed)


# 4. blobs/local.py: finish() closes, fails at the folder, and abort() closes the same number again.
def test_aborting_a_blob_leaves_the_files_of_others_open(tmp_path: Path) -> None:
    writer = LocalStore(tmp_path).create("lease-b0-1")
    (tmp_path / "lease" / "b0").rename(tmp_path / "lease" / "elsewhere")
    with pytest.raises(StorageFailed):
        writer.finish()
    bystander = os.open(tmp_path / "bystander", os.O_CREAT | os.O_WRONLY)  # gets the number that became free

    writer.abort()

    try:
        assert os.write(bystander, b"somebody else's upload") == 22
    finally:
        with suppress(OSError):
            os.close(bystander)


# 5. service/uploads.py: the paths are checked before the try that forgets the bytes.
@pytest.mark.parametrize("path", ["../a", "x_catalog.xml"])
@ON_SQLITE
def test_bytes_for_a_path_that_cannot_be_are_forgotten(desk: Desk, blobs: LocalStore, path: str) -> None:
    with pytest.raises(BadName):
        desk.upload(path)

    assert list(blobs.iter_keys()) == []


# 6. db/schema.py: PostgreSQL's b-tree takes 2,704 bytes a row.
def test_the_longest_path_can_be_stored(desk: Desk) -> None:
    text = _incompressible(254 * 8 + 8)
    path = "/".join(text[start : start + 254] for start in range(0, len(text), 254))

    assert len(path) == LONGEST_PATH_BYTES
    assert desk.upload(path) is Fate.STORED


# 7. db/schema.py: the same index limit, at the door, where anybody can knock.
def test_a_long_user_name_is_wrong_and_not_an_error_of_ours(archive: Archive) -> None:
    with pytest.raises(NotSignedIn):
        archive.sessions.sign_in(_incompressible(6000), PASSWORD, client="here")


# 8. service/resources.py: int() refuses more than 4,300 digits with a ValueError.
@pytest.mark.parametrize(
    "use",
    [
        lambda desk, where: desk.archive.resources.create(desk.viewer, where, Description()),
        lambda desk, where: desk.archive.uploads.check_upload(desk.viewer, where, REFUSE),
        lambda desk, where: desk.archive.files.delete(desk.viewer, where, spellings=["a"]),
    ],
    ids=["create", "check_upload", "delete"],
)
@ON_SQLITE
def test_a_number_of_thousands_of_digits_is_no_error_of_ours(
    desk: Desk, use: Callable[[Desk, Address], object]
) -> None:
    with pytest.raises((NotFound, BadName)):
        use(desk, at("9" * 5000, "a"))


# 9. service/projects.py: on PostgreSQL the index on node.id speaks before the names do.
def test_making_one_project_from_many_threads_is_no_failed_storage(archive: Archive, people: dict[str, Viewer]) -> None:
    def make(project_id: str) -> None:
        with suppress(ProjectNameTaken):
            archive.projects.put(people["alice"], project_id, {})

    for round_number in range(5):
        _all_at_once(8, lambda _, project_id=f"P{round_number}": make(project_id))  # type: ignore[misc]

    assert len(archive.projects.list_visible(people["alice"])) == 5


# 10. service/projects.py: read, merge and write back without a lock; on PostgreSQL the last one wins.
def test_no_change_of_a_project_is_lost(desk: Desk) -> None:
    _all_at_once(8, lambda number: desk.archive.projects.put(desk.viewer, "DEMO", {f"field{number}": "said"}))

    project = desk.archive.entities.get(desk.viewer, at()).place.node
    assert {path for path in project.fields if path.startswith("field")} == {f"field{number}" for number in range(8)}


# 11. db/people.py: the count is read and written back; on PostgreSQL failures that come together count as one.
def test_every_failed_sign_in_counts(database: Database, clock: Clock) -> None:
    since = clock.now - timedelta(hours=1)

    _all_at_once(
        16,
        lambda _: database.write(
            lambda connection: add_failure(connection, "alice", "here", now=clock.now, since=since)
        ),
    )

    with database.read() as connection:
        assert count_failures(connection, "alice", "here", since=since) == 16


# 12. db/people.py: on PostgreSQL whoever loses the race for a login has committed a node already.
def test_a_race_for_a_login_leaves_no_user_without_an_account(database: Database, clock: Clock) -> None:
    def add(login: str) -> None:
        with suppress(LoginTaken):
            database.write(lambda connection: insert_account(connection, login, "hash", is_admin=False, now=clock.now))

    for number in range(5):
        _all_at_once(8, lambda _, login=f"carol{number}": add(login))  # type: ignore[misc]

    with database.read() as connection:
        users = connection.execute(select(func.count(node.c.pk)).where(node.c.kind == Kind.USER)).scalar_one()
    assert users == 3 + 5


# 13. service/resources.py: F-51 says NULL in any case; only upper case is heard.
@pytest.mark.parametrize("word", ["NULL", "null", "Null"])
@ON_SQLITE
def test_the_word_null_means_no_label_in_any_case(desk: Desk, database: Database, word: str) -> None:
    project = desk.archive.entities.get(desk.viewer, at()).place.node
    unlabelled = add_resource(database, Owner(project.pk), None)

    with desk.archive.files.open_listing(desk.viewer, at(word), Selection()) as listing:
        assert [found.resource for found in listing.resources.values()] == [unlabelled]


# 14. service/resources.py: 01 is resource 1 to uploads and deletions, but nothing to listings.
@ON_SQLITE
def test_a_number_means_the_same_everywhere(desk: Desk) -> None:
    desk.upload("a")

    found = {
        name: not isinstance(_Outcome(act).ended().told, NotFound)
        for name, act in {
            "upload": lambda: desk.upload("b", where=at("01")),
            "list": lambda: desk.paths(at("01")),
            "read": lambda: desk.read("a", at("01")),
            "delete": lambda: desk.archive.files.delete(desk.viewer, at("01", "a"), spellings=["a"]),
        }.items()
    }

    assert len(set(found.values())) == 1


# 15. service/resources.py: F-88, the label is the first item of a list; uploads do so (F-145), create does not.
@ON_SQLITE
def test_a_resource_is_made_with_the_first_label_of_a_list(desk: Desk) -> None:
    desk.archive.resources.create(desk.viewer, at("A,B"), Description())

    assert [resource.label for resource in desk.resources()] == ["A"]


# 16. service/files.py: a trailing slash means a folder (F-97), yet DELETE of it takes the file of that name.
@ON_SQLITE
def test_deleting_a_folder_does_not_delete_a_file(desk: Desk) -> None:
    desk.upload("a.dcm")

    with pytest.raises(NotFound):
        desk.archive.files.delete(desk.viewer, at("NII", "a.dcm/"), spellings=["a.dcm/"])

    assert desk.paths() == ["a.dcm"]


# 17. service/accounts.py: the lock ends after an hour, but its operator reads "locked" for ever.
def test_an_account_whose_lock_is_over_is_not_shown_as_locked(archive: Archive, clock: Clock) -> None:
    for _ in range(20):
        with pytest.raises(NotSignedIn):
            archive.sessions.sign_in("alice", "wrong", client="here")
    clock.move(hours=1, seconds=1)

    assert not any(user.is_locked for user in archive.accounts.list_all())


# 18. service/uploads.py: bytes of a refused duplicate that cannot be deleted now spoil what was committed.
@ON_SQLITE
def test_an_upload_that_was_stored_is_not_told_as_failed(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path
) -> None:
    desk.upload("there")
    failing = FailingBlobs(blobs, step="delete", error=StorageFailed("blobs: Input/output error"))
    other = Desk(Archive(database, failing, clock=clock, rules=RULES, spool_dir=tmp_path), desk.viewer)

    fates = other.put([other.arrival("new"), other.arrival("there", b"other")])

    assert fates == (Fate.STORED, Fate.REFUSED)


# 19. service/leases.py: "send it again", says the error; but until the next renewal every upload meets the same fence.
def test_an_upload_that_lost_its_lease_can_be_sent_again(desk: Desk, database: Database, clock: Clock) -> None:
    arrival = desk.arrival("a")
    lease_id = arrival.staged.key.split("-", maxsplit=1)[0]
    database.write(lambda connection: fence_lease(connection, lease_id, now=clock.now))
    with pytest.raises(LeaseLost):
        desk.put([arrival])

    assert desk.upload("a") is Fate.STORED


# 20. db/files.py: a listing that is given up half-way leaves PostgreSQL's cursor to the garbage collector.
@ON_POSTGRESQL
def test_a_listing_that_is_given_up_is_closed(desk: Desk) -> None:
    desk.put([desk.arrival(path) for path in ("a", "b")])

    with desk.archive.files.open_listing(desk.viewer, at(), Selection()) as listing:
        assert next(listing.batches)[1][0] == "a"

    del listing
    gc.collect()  # a cursor that is found here is a warning, and warnings are errors


# 21. model/address.py and names.py each dropped one leading slash, so that /files///a, which has empty parts, was "a".
@pytest.mark.parametrize("raw", ["/files///a", "/files//%2Fa"])
def test_only_one_leading_slash_of_a_path_is_dropped(raw: str) -> None:
    path = parse_address(f"/projects/P/resources/R{raw}").path

    assert path is not None
    with pytest.raises(BadName):
        check_file_path(path)


# 22. model/address.py: F-5, a trailing slash is harmless; parse_address says it reads URLs, and does not read this one.
def test_a_trailing_slash_after_a_thing_is_harmless() -> None:
    assert parse_address("/projects/P/") == Address(kind=Kind.PROJECT, project="P")


# 23. blobs/local.py: whatever else lies in the folder is given out as a key, and deleting it is StorageFailed.
def test_only_keys_are_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".nfs000000000001").touch()

    store.delete(store.iter_keys())

    assert list(store.iter_keys()) == []


# 24. db/leases.py: on PostgreSQL the share lock of every upload stops the renewal; under steady load it starves.
@ON_POSTGRESQL
def test_a_lease_is_renewed_while_uploads_are_being_committed(desk: Desk, database: Database) -> None:
    key = desk.stage().key
    looked, may_commit = threading.Event(), threading.Event()

    def commit(connection: Connection) -> None:
        check_leases(connection, [key])
        looked.set()
        assert may_commit.wait(PATIENCE_SECONDS)

    committing = _Outcome(lambda: database.write(commit))
    assert looked.wait(PATIENCE_SECONDS)
    renewing = _Outcome(desk.archive._leases.renew).ended()
    is_renewed = not renewing.is_alive()
    may_commit.set()

    committing.ended()
    renewing.join(PATIENCE_SECONDS)
    assert is_renewed


@ON_SQLITE
def test_whoever_did_not_get_a_file_by_its_number_sees_what_others_do_afterwards(desk: Desk, tmp_path: Path) -> None:
    """What was left of the list kept the thread at what was so when it began."""
    first, *others = [desk.arrival(f"{number:03}") for number in range(600)]
    desk.put([first, *others], where=at("A"))
    desk.upload("file", where=at("B"))
    blob_path(tmp_path, first.staged.key).unlink()

    with pytest.raises(MissingBytes) as missing:  # which is kept, and with it all that it was raised in
        desk.archive.files.open_nth(desk.viewer, at("A,B"), Selection(), 0)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(desk.make_resource, "C").result()

    assert {resource.label for resource in desk.resources()} == {"A", "B", "C"}
    assert missing.value.key == first.staged.key
