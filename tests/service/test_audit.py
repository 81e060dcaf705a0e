"""The audit trail: who changed what, when and from where, in the transaction that changed it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from conftest import PASSWORD, Clock
from filmroom.model.address import Address
from filmroom.model.changes import Change
from filmroom.model.conflicts import FilesExist
from filmroom.model.datatypes import SUBJECT, find_data_type, get_data_type
from filmroom.model.errors import ArchiveError, NotAllowed, NotFound
from filmroom.model.nodes import Accessibility, Kind
from filmroom.model.people import AccountChange, Event, Viewer
from filmroom.model.resources import Description
from filmroom.service.archive import Archive
from filmroom.service.uploads import UploadOptions
from service.desk import REFUSE, REPLACE, Desk, at, md5_of, open_desk

S: Final = Address(kind=Kind.SUBJECT, project="DEMO", subject="S")
E: Final = replace(S, kind=Kind.EXPERIMENT, experiment="E")
SESSION: Final = find_data_type("xnat:mrSessionData")
CACHED: Final = Address(kind=Kind.USER, resource="up")
MANY: Final = 1000


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    """Alice, who says where she is and why she does what she does, and her project with a session and a file."""
    viewer = replace(people["alice"], client="192.0.2.7", reason="protocol 12")
    desk = open_desk(archive, viewer)
    archive.entities.put(viewer, E, Change(data_type=SESSION, fields={}))
    desk.upload("a")
    return desk


def _events(archive: Archive) -> tuple[Event, ...]:
    return archive.audit.list_all(limit=MANY)


def _latest(archive: Archive) -> Event:
    return _events(archive)[0]


def test_an_event_says_who_when_where_what_from_where_and_why(desk: Desk, clock: Clock) -> None:
    assert _latest(desk.archive) == Event(
        at=clock.now,
        login="alice",
        action="uploaded file",
        address="/projects/DEMO/resources/NII",
        details={"path": "a", "bytes": "6", "md5": md5_of(b"voxels")},
        client="192.0.2.7",
        reason="protocol 12",
    )


CHANGES: Final[dict[str, Callable[[Desk], object]]] = {
    "created project": lambda desk: desk.archive.projects.put(desk.viewer, "NEW", {}),
    "changed project": lambda desk: desk.archive.projects.put(desk.viewer, "DEMO", {"description": "x"}),
    "changed accessibility": lambda desk: desk.archive.projects.set_accessibility(
        desk.viewer, at(), Accessibility.PUBLIC
    ),
    "deleted project": lambda desk: desk.archive.projects.delete(desk.viewer, at()),
    "created subject": lambda desk: desk.archive.entities.put(
        desk.viewer, replace(S, subject="T"), Change(data_type=get_data_type(SUBJECT), fields={})
    ),
    "changed experiment": lambda desk: desk.archive.entities.put(
        desk.viewer, E, Change(data_type=SESSION, fields={"date": "2026-01-01"})
    ),
    "renamed subject": lambda desk: desk.archive.entities.put(
        desk.viewer, S, Change(data_type=None, fields={}, new_label="T")
    ),
    "deleted experiment": lambda desk: desk.archive.entities.delete(desk.viewer, E),
    "created resource": lambda desk: desk.archive.resources.create(desk.viewer, at("NEW"), Description()),
    "deleted resource": lambda desk: desk.archive.resources.delete(desk.viewer, at("NII")),
    "deleted files": lambda desk: desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"]),
    "uploaded file": lambda desk: desk.upload("a", b"other", REPLACE),
    "uploaded files": lambda desk: desk.put([desk.arrival("b"), desk.arrival("c")]),
    "put into a group": lambda desk: desk.archive.members.put(desk.viewer, "DEMO", "Members", ["bob"]),
    "taken out of a group": lambda desk: desk.archive.members.remove(desk.viewer, "DEMO", "Members", ["bob"]),
    "set a group's rights": lambda desk: desk.archive.members.put_group(desk.viewer, "DEMO", "Raters", {}),
    "made a folder": lambda desk: desk.archive.cache.make_folder(desk.viewer, CACHED),
    "issued a token": lambda desk: desk.archive.tokens.issue(desk.viewer),
    "ended all sessions": lambda desk: desk.archive.sessions.close_all(desk.viewer, "alice"),
    "changed an account": lambda desk: desk.archive.accounts.change(
        desk.viewer, "alice", AccountChange(email="alice@example.org")
    ),
}


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_is_one_event(desk: Desk, clock: Clock, action: str) -> None:
    before = _events(desk.archive)
    clock.move(minutes=1)

    CHANGES[action](desk)

    (event, *others) = _events(desk.archive)
    assert tuple(others) == before
    assert (event.action, event.login, event.client, event.at) == (action, "alice", "192.0.2.7", clock.now)


REFUSED: Final[dict[str, tuple[type[ArchiveError], Callable[[Desk], object]]]] = {
    "not allowed": (NotAllowed, lambda desk: desk.upload("b")),
    "not there": (NotFound, lambda desk: desk.upload("b", where=at("NII", project="NOWHERE"))),
    "there already": (FilesExist, lambda desk: desk.upload("a", options=UploadOptions(is_strict=True))),
}


@pytest.mark.parametrize(("login", "case"), [("bob", "not allowed"), ("bob", "not there"), ("alice", "there already")])
def test_what_is_refused_is_no_event(desk: Desk, people: dict[str, Viewer], login: str, case: str) -> None:
    before = _events(desk.archive)
    error, attempt = REFUSED[case]

    with pytest.raises(error):
        attempt(Desk(desk.archive, people[login]))

    assert _events(desk.archive) == before


def test_an_upload_that_stores_nothing_is_no_event(desk: Desk) -> None:
    before = _events(desk.archive)

    desk.upload("a", b"other", REFUSE)

    assert _events(desk.archive) == before


def test_a_share_is_told_in_both_projects(desk: Desk) -> None:
    desk.archive.projects.put(desk.viewer, "OTHER", {})

    desk.archive.sharing.share(desk.viewer, S, "OTHER", "T", is_primary=False)
    desk.archive.sharing.unshare(desk.viewer, S, "OTHER")

    told = {
        project: [event.action for event in desk.archive.audit.list_of(desk.viewer, at(project=project), limit=2)]
        for project in ("DEMO", "OTHER")
    }
    assert told == {"DEMO": ["ended sharing", "shared"], "OTHER": ["gave up a share", "let share"]}


def test_the_history_of_a_thing_holds_what_is_and_was_inside_it_and_nothing_else(desk: Desk) -> None:
    desk.upload("x", where=replace(E, resource="R"))
    desk.archive.entities.delete(desk.viewer, E)

    subjects = desk.archive.audit.list_of(desk.viewer, S, limit=MANY)

    assert [event.action for event in subjects] == [
        "deleted experiment",
        "uploaded file",
        "created experiment",
        "created subject",
    ]


def test_a_history_is_read_in_parts(desk: Desk) -> None:
    everything = desk.archive.audit.list_of(desk.viewer, at(), limit=MANY)

    parts = [desk.archive.audit.list_of(desk.viewer, at(), limit=1, offset=number) for number in range(4)]

    assert sum(parts, ()) == everything
    assert len(everything) == 4


@pytest.mark.parametrize(
    ("login", "error"), [("alice", None), ("admin", None), ("carol", NotAllowed), ("bob", NotFound)]
)
def test_only_owners_and_administrators_are_told(
    desk: Desk, people: dict[str, Viewer], login: str, error: type[ArchiveError] | None
) -> None:
    desk.archive.accounts.add("carol", PASSWORD)
    desk.archive.members.put(desk.viewer, "DEMO", "Members", ["carol"])
    desk.archive.projects.set_accessibility(desk.viewer, at(), Accessibility.PRIVATE)
    viewer = people[login] if login in people else desk.archive.sessions.sign_in("carol", PASSWORD, client="")

    told = _outcome(lambda: desk.archive.audit.list_of(viewer, at(), limit=1))

    assert told is error


def _outcome(ask: Callable[[], object]) -> type[ArchiveError] | None:
    try:
        ask()
    except ArchiveError as error:
        return type(error)
    return None


def test_the_operator_chooses_by_user_address_and_time(desk: Desk, people: dict[str, Viewer], clock: Clock) -> None:
    clock.move(hours=1)
    since = clock.now
    desk.archive.projects.put(people["bob"], "BOBS", {})
    desk.archive.projects.put(desk.viewer, "D_MO", {})

    chosen = {
        "bob": [event.address for event in desk.archive.audit.list_all(limit=MANY, login="bob")],
        "address": {event.address for event in desk.archive.audit.list_all(limit=MANY, begins="/projects/D_")},
        "since": [event.login for event in desk.archive.audit.list_all(limit=MANY, since=since)],
    }

    assert chosen == {"bob": ["/projects/BOBS"], "address": {"/projects/D_MO"}, "since": ["alice", "bob"]}


def test_no_event_holds_a_secret(desk: Desk) -> None:
    token, secret = desk.archive.tokens.issue(desk.viewer)
    desk.archive.accounts.set_password("bob", "a new password")

    told = repr(_events(desk.archive))

    assert token.alias in told
    assert secret not in told
    assert "a new password" not in told
    assert "argon2" not in told


def test_a_change_by_the_operator_is_nobodys(desk: Desk) -> None:
    desk.archive.accounts.set_enabled("bob", is_enabled=False)

    event = _latest(desk.archive)

    assert (event.action, event.address, event.login) == ("changed an account", "/users/bob", "")
    assert event.details == {"is_enabled": "False"}
