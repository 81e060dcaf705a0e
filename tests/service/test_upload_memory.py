"""Uploads look up once what all of them need, and yet each is decided by what is so when it is committed."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, select

from db.rows import LATER
from filmroom.blobs.local import LocalStore
from filmroom.db.leases import fence_lease
from filmroom.db.schema import lease
from filmroom.model.conflicts import FilesExist
from filmroom.model.errors import ArchiveError, LeaseLost, NotAllowed, NotFound, NotSignedIn
from filmroom.model.nodes import Accessibility
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.uploads import Fate, UploadOptions
from service.desk import REPLACE, Desk, at, open_desk, saying

Change = Callable[[Desk], Any]

# Only there it is known what others have changed.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def bob(archive: Archive, people: dict[str, Viewer]) -> Desk:
    """He has put a file already, so that all he needs to put another is remembered."""
    alice = open_desk(archive, people["alice"])
    archive.members.put(alice.viewer, "DEMO", "Owners", ["bob"])
    bob = Desk(archive, people["bob"])
    assert bob.upload("first") is Fate.STORED
    assert bob.upload("second") is Fate.STORED
    return bob


@pytest.fixture(params=["the same process", "another process"])
def alice(request: pytest.FixtureRequest, bob: Desk, people: dict[str, Viewer]) -> Desk:
    """She changes something meanwhile."""
    is_elsewhere = request.param == "another process"
    return Desk(request.getfixturevalue("elsewhere") if is_elsewhere else bob.archive, people["alice"])


def _take_bob_out(alice: Desk) -> None:
    alice.archive.members.remove(alice.viewer, "DEMO", "Owners", ["bob"])


def _let_bob_only_look(alice: Desk) -> None:
    alice.archive.members.put(alice.viewer, "DEMO", "Collaborators", ["bob"])


def _lock_bob_out(alice: Desk) -> None:
    alice.archive.accounts.set_enabled("bob", is_enabled=False)


def _delete_the_project(alice: Desk) -> None:
    alice.archive.projects.delete(alice.viewer, at())


def _fence_all_leases(alice: Desk) -> None:
    def unit(connection: Connection) -> None:
        for lease_id in list(connection.execute(select(lease.c.id)).scalars()):
            fence_lease(connection, lease_id, now=LATER)

    alice.archive._stores.database.write(unit)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_take_bob_out, NotAllowed),
        (_let_bob_only_look, NotAllowed),
        (_lock_bob_out, NotSignedIn),
        (_delete_the_project, NotFound),
        (_fence_all_leases, LeaseLost),
    ],
)
def test_whoever_may_no_more_puts_nothing(
    bob: Desk, alice: Desk, change: Change, error: type[ArchiveError], blobs: LocalStore
) -> None:
    arrival = bob.arrival("third")
    kept = set(blobs.iter_keys()) - {arrival.staged.key}

    change(alice)

    with pytest.raises(error):
        bob.put([arrival])
    assert set(blobs.iter_keys()) == kept


def test_a_resource_that_is_gone_is_made_anew(bob: Desk, alice: Desk) -> None:
    alice.archive.resources.delete(alice.viewer, at("NII"))

    assert bob.upload("first", b"once more") is Fate.STORED
    assert bob.paths() == ["first"]
    assert bob.counters() == (1, 9)


@pytest.mark.parametrize("is_strict", [True, False])
def test_a_file_of_a_resource_that_is_gone_is_in_nobodys_way(bob: Desk, alice: Desk, *, is_strict: bool) -> None:
    alice.archive.resources.delete(alice.viewer, at("NII"))

    assert bob.archive.uploads.check_upload(bob.viewer, at("NII", "first"), UploadOptions(is_strict=is_strict))


def _is_wanted(desk: Desk, path: str, *, is_small: bool) -> bool:
    return desk.archive.uploads.check_upload(desk.viewer, at("NII", path), UploadOptions(), is_small=is_small)


def test_a_large_upload_of_what_is_there_is_refused_before_it_is_received(bob: Desk) -> None:
    assert not _is_wanted(bob, "first", is_small=False)


@ON_SQLITE
def test_a_small_upload_is_received_where_none_was_refused(bob: Desk) -> None:
    assert _is_wanted(bob, "first", is_small=True)


def test_where_one_was_refused_small_uploads_are_looked_at_too(bob: Desk, blobs: LocalStore) -> None:
    kept = set(blobs.iter_keys())

    fate = bob.upload("first", b"something else")

    assert fate is Fate.REFUSED
    assert set(blobs.iter_keys()) == kept
    assert not _is_wanted(bob, "second", is_small=True)
    assert _is_wanted(bob, "third", is_small=True)


def test_where_one_was_refused_strictly_small_uploads_are_looked_at_too(bob: Desk) -> None:
    with pytest.raises(FilesExist):
        bob.upload("first", b"something else", UploadOptions(is_strict=True))

    assert not _is_wanted(bob, "second", is_small=True)


def test_of_a_project_that_is_gone_nothing_is_told(bob: Desk, alice: Desk) -> None:
    alice.archive.projects.delete(alice.viewer, at())

    with pytest.raises(NotFound):
        bob.archive.uploads.check_upload(bob.viewer, at("NII", "first"), UploadOptions(is_strict=True))


def test_whoever_is_shut_out_is_not_told_what_came_later(bob: Desk, alice: Desk) -> None:
    _take_bob_out(alice)
    alice.archive.projects.set_accessibility(alice.viewer, at(), Accessibility.PRIVATE)
    alice.upload("later/of alice")

    with pytest.raises(NotFound):
        bob.archive.uploads.check_upload(bob.viewer, at("NII", "later"), UploadOptions())


def test_what_was_said_meanwhile_stays_said(bob: Desk, alice: Desk) -> None:
    """F-151."""
    bob.upload("a", b"", saying("of bob"))
    alice.upload("b", b"", saying("of alice", format="NIFTI"))
    bob.upload("c", b"", saying("of bob, later"))

    said = bob.resource().said
    assert set(said.tags) == {"of bob", "of alice", "of bob, later"}
    assert said.format == "NIFTI"


def test_counters_count_what_everybody_put(bob: Desk, alice: Desk) -> None:
    for number in range(3):
        bob.upload(f"b{number}", b"12")
        alice.upload(f"a{number}", b"123")
        alice.upload(f"b{number}", b"1", REPLACE)

    assert bob.counters() == alice.counters() == (8, 12 + 3 * 3 + 3)


def test_one_person_has_no_rights_because_another_has_them(bob: Desk, people: dict[str, Viewer]) -> None:
    stranger = Viewer(pk=people["alice"].pk + 1000, login="stranger", is_admin=False)

    with pytest.raises(ArchiveError):
        Desk(bob.archive, stranger).upload("third")
