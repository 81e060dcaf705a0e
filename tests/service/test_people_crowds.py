"""People who work against each other at the same moment: what they leave could also have come of one after another."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Final

import pytest
from sqlalchemy import Connection, text

from conftest import Clock
from filmroom.db.engine import Database
from filmroom.db.sessions import add_failure
from filmroom.model.address import Address
from filmroom.model.changes import Change
from filmroom.model.datatypes import find_data_type
from filmroom.model.errors import ArchiveError, NotAllowed, NotFound, NotSignedIn
from filmroom.model.nodes import Accessibility, Kind
from filmroom.model.people import OPERATOR, AccountChange, DataRole, Viewer
from filmroom.service.archive import Archive
from filmroom.service.sessions import LOCKED_FOR
from service.desk import Desk, all_at_once, at, open_desk

ROUNDS: Final = range(6)
MR: Final = Change(data_type=find_data_type("xnat:mrSessionData"), fields={})
SCAN: Final = Change(data_type=find_data_type("xnat:mrScanData"), fields={})
QC: Final = Change(data_type=find_data_type("xnat:qcManualAssessorData"), fields={})
ASTRAY: Final = """
    SELECT inside.id FROM node inside JOIN node session ON session.pk = inside.parent_pk
    WHERE session.kind = 'experiment' AND inside.project_pk <> session.project_pk
"""
Act = Callable[[], object]


@pytest.fixture
def alice(people: dict[str, Viewer]) -> Viewer:
    return people["alice"]


@pytest.fixture
def bob(people: dict[str, Viewer]) -> Viewer:
    return people["bob"]


@pytest.fixture
def projects(archive: Archive, alice: Viewer) -> None:
    for project_id in "PQR":
        archive.projects.put(alice, project_id, {})


def _try(act: Act) -> str:
    """Either "ok" or the name of the error that it ended with."""
    try:
        act()
    except ArchiveError as error:
        return type(error).__name__
    return "ok"


def _fight(*acts: Act) -> Counter[str]:
    return Counter(all_at_once(len(acts), lambda number: _try(acts[number])))


def _rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _make_session(archive: Archive, viewer: Viewer, number: int, *, project: str = "P") -> Address:
    address = Address(kind=Kind.EXPERIMENT, project=project, subject=f"S{number}", experiment=f"E{number}")
    return Address(kind=Kind.EXPERIMENT, experiment=archive.entities.put(viewer, address, MR).id)


def _subject(project: str, number: int) -> Address:
    return Address(kind=Kind.SUBJECT, project=project, subject=f"S{number}")


def test_two_owners_who_remove_each_other_leave_one(
    archive: Archive, database: Database, alice: Viewer, bob: Viewer
) -> None:
    fights = Counter[str]()
    for number in ROUNDS:
        project = f"P{number}"
        archive.projects.put(alice, project, {})
        archive.members.put(alice, project, "owner", ["bob"])

        fights += _fight(
            partial(archive.members.remove, alice, project, "owner", ["bob"]),
            partial(archive.members.remove, bob, project, "owner", ["alice"]),
        )

    owners = _rows(database, "SELECT count(*) FROM membership WHERE suffix = 'owner' GROUP BY project_pk")
    assert fights == {"ok": len(ROUNDS), "NotAllowed": len(ROUNDS)}
    assert owners == [(1,)] * len(ROUNDS)


@pytest.mark.usefixtures("projects")
def test_nobody_is_in_a_group_that_was_deleted_meanwhile(archive: Archive, database: Database, alice: Viewer) -> None:
    for number in ROUNDS:
        group = f"raters{number}"
        archive.members.put_group(alice, "P", group, {"xnat:mrSessionData": "r"})

        _fight(
            partial(archive.members.put, alice, "P", group, ["bob"]),
            partial(archive.members.delete_group, alice, "P", group),
        )

    assert [person.member.login for person in archive.members.list_people(alice, "P")] == ["alice"]
    assert _rows(database, "SELECT suffix FROM membership WHERE suffix <> 'owner'") == []


@pytest.mark.usefixtures("projects")
def test_what_is_made_in_a_session_while_it_is_given_away_goes_with_it(
    archive: Archive, database: Database, alice: Viewer
) -> None:
    for number in ROUNDS:
        session = _make_session(archive, alice, number)
        inside = [Address(kind=Kind.SCAN, experiment=session.experiment, scan=str(scan)) for scan in range(3)]
        quality = Address(kind=Kind.ASSESSOR, experiment=session.experiment, assessor=f"QC{number}")

        fight = _fight(
            partial(archive.sharing.share, alice, session, "Q", None, is_primary=True),
            *[partial(archive.entities.put, alice, scan, SCAN) for scan in inside],
            partial(archive.entities.put, alice, quality, QC),
        )
        assert fight == {"ok": 5}

    assert _rows(database, ASTRAY) == []


@pytest.mark.usefixtures("projects")
@pytest.mark.parametrize("deleted", [Kind.SUBJECT, Kind.PROJECT])
def test_a_session_given_away_is_not_deleted_with_the_subject_that_it_came_from(
    archive: Archive, alice: Viewer, deleted: Kind
) -> None:
    for number in ROUNDS:
        source = f"D{number}"
        archive.projects.put(alice, source, {})
        session = _make_session(archive, alice, number, project=source)
        whole = {
            Kind.SUBJECT: partial(archive.entities.delete, alice, _subject(source, number)),
            Kind.PROJECT: partial(archive.projects.delete, alice, at(project=source)),
        }

        fight = _fight(
            partial(archive.sharing.share, alice, session, "Q", None, is_primary=True),
            whole[deleted],
        )

        assert fight in ({"ok": 1, "StillNeeded": 1}, {"ok": 1, "NotFound": 1})
        is_there = _try(partial(archive.entities.get, alice, session))
        assert is_there == ("ok" if "StillNeeded" in fight else "NotFound")


@pytest.mark.usefixtures("projects")
def test_a_subject_is_not_deleted_while_another_project_makes_a_session_of_it(archive: Archive, alice: Viewer) -> None:
    for number in ROUNDS:
        subject = _subject("P", number)
        _make_session(archive, alice, number)
        archive.sharing.share(alice, subject, "Q", None, is_primary=False)
        session = Address(kind=Kind.EXPERIMENT, project="Q", subject=subject.subject, experiment=f"F{number}")

        _fight(
            partial(archive.entities.put, alice, session, MR),
            partial(archive.entities.delete, alice, subject),
        )

        assert _try(partial(archive.entities.get, alice, session)) == "ok"


@pytest.mark.usefixtures("projects")
def test_of_many_who_do_the_same_one_does_it_and_leaves_events(
    archive: Archive, database: Database, alice: Viewer
) -> None:
    """Both sides of a share tell it."""
    session = _make_session(archive, alice, 1)
    token = archive.tokens.issue(alice)[0].alias
    project = Address(kind=Kind.PROJECT, project="R")

    fights = [
        _fight(*[partial(archive.sharing.share, alice, session, "Q", None, is_primary=False)] * 6),
        _fight(*[partial(archive.sharing.unshare, alice, session, "Q")] * 6),
        _fight(*[partial(archive.entities.delete, alice, session)] * 6),
        _fight(*[partial(archive.projects.delete, alice, project)] * 6),
        _fight(*[partial(archive.tokens.invalidate, alice, token)] * 6),
    ]

    once = (
        "shared",
        "let share",
        "ended sharing",
        "gave up a share",
        "deleted experiment",
        "deleted project",
        "ended a token",
    )
    told = dict(_rows(database, "SELECT action, count(*) FROM event GROUP BY action"))
    assert [fight["ok"] for fight in fights] == [1] * 5
    assert {action: told[action] for action in once} == dict.fromkeys(once, 1)


@pytest.mark.usefixtures("projects")
@pytest.mark.parametrize("how", [{"is_primary": False}, {"is_primary": True}])
def test_of_many_who_want_a_label_in_a_project_one_thing_gets_it(
    archive: Archive, database: Database, alice: Viewer, how: dict[str, bool]
) -> None:
    sessions = [_make_session(archive, alice, number) for number in range(8)]

    fight = _fight(
        *[partial(archive.sharing.share, alice, session, "Q", "SAME", **how) for session in chain(sessions, sessions)]
    )

    assert fight == {"ok": 1, "AlreadyShared": 1, "LabelTaken": 14}
    assert _rows(database, "SELECT count(*) FROM name WHERE label = 'SAME' AND deleted_at IS NULL") == [(1,)]


@pytest.mark.usefixtures("projects")
def test_a_thing_given_to_two_projects_at_once_is_in_one(archive: Archive, database: Database, alice: Viewer) -> None:
    session = _make_session(archive, alice, 1)

    fight = _fight(
        *[partial(archive.sharing.share, alice, session, target, None, is_primary=True) for target in "QRQRQRQR"]
    )

    names = "SELECT node.project_pk = name.project_pk FROM name JOIN node ON node.pk = name.node_pk "
    assert set(fight) <= {"ok", "AlreadyShared"}
    assert [
        bool(is_own)
        for (is_own,) in _rows(database, f"{names} WHERE node.kind = 'experiment' AND name.deleted_at IS NULL")
    ] == [True]


def test_whoever_makes_a_project_sixteen_times_at_once_has_one(
    archive: Archive, database: Database, alice: Viewer
) -> None:
    fights = [_fight(*[partial(archive.projects.put, alice, f"P{number}", {})] * 16) for number in range(3)]

    assert fights == [{"ok": 16}] * 3
    assert _rows(database, "SELECT count(*) FROM node WHERE kind = 'project'") == [(3,)]
    assert _rows(database, "SELECT count(*) FROM event WHERE action = 'created project'") == [(3,)]


def test_an_account_made_twice_at_once_is_one(archive: Archive, database: Database) -> None:
    fight = _fight(*[partial(archive.accounts.create, OPERATOR, "carl", "a horse of mine", AccountChange())] * 2)

    assert fight == {"ok": 1, "LoginTaken": 1}
    assert _rows(database, "SELECT count(*) FROM node WHERE id = 'carl'") == [(1,)]


def test_two_administrators_who_dismiss_each_other_leave_one(archive: Archive, people: dict[str, Viewer]) -> None:
    archive.accounts.give_role(OPERATOR, "bob", "Administrator")
    second = Viewer(pk=people["bob"].pk, login="bob", is_admin=True)

    fight = _fight(
        partial(archive.accounts.take_role, people["admin"], "bob", "Administrator"),
        partial(archive.accounts.take_role, second, "admin", "Administrator"),
    )

    assert fight == {"ok": 1, "LastAdministrator": 1}


def test_fifty_sessions_begun_at_once_leave_no_more_than_an_account_may_have(
    archive: Archive, database: Database, alice: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive.sessions, "_per_user", 10)

    fight = _fight(*[partial(archive.sessions.open, alice)] * 50)

    assert fight == {"ok": 50}
    assert _rows(database, "SELECT count(*) FROM session") == [(10,)]


def test_failures_of_many_at_once_are_all_counted(database: Database, clock: Clock) -> None:
    def fail(connection: Connection) -> None:
        add_failure(connection, "bob", "10.0.0.1", now=clock(), since=clock() - LOCKED_FOR)

    _fight(*[partial(database.write, fail)] * 16)

    assert _rows(database, "SELECT count FROM login_failure") == [(16,)]


@pytest.fixture
def desk(archive: Archive, alice: Viewer) -> Desk:
    return open_desk(archive, alice)


@pytest.fixture
def bobs(desk: Desk, bob: Viewer) -> Desk:
    """Bob's desk in Alice's project, of which he is an owner."""
    desk.archive.members.put(desk.viewer, "DEMO", "owner", ["bob"])
    return Desk(desk.archive, bob)


def test_who_is_disabled_while_an_upload_runs_stores_nothing(desk: Desk, bobs: Desk) -> None:
    arrival = bobs.arrival("late.dcm")
    desk.archive.accounts.set_enabled("bob", is_enabled=False)

    with pytest.raises(NotSignedIn):
        bobs.put([arrival])

    assert desk.resources() == ()


def test_who_is_taken_out_of_a_project_while_an_upload_runs_stores_nothing(desk: Desk, bobs: Desk) -> None:
    """DEMO is protected, so that what is refused is seen."""
    arrival = bobs.arrival("late.dcm")
    desk.archive.members.remove(desk.viewer, "DEMO", "owner", ["bob"])

    with pytest.raises(NotAllowed):
        bobs.put([arrival])

    assert desk.resources() == ()


@pytest.mark.parametrize("role", ["Administrator", DataRole.ADMIN.value])
def test_a_role_that_is_taken_away_while_an_upload_runs_counts_no_more(desk: Desk, bob: Viewer, role: str) -> None:
    is_admin = role == "Administrator"
    desk.archive.accounts.give_role(OPERATOR, "bob", role)
    desk.archive.projects.set_accessibility(desk.viewer, at(), Accessibility.PRIVATE)
    bobs = Desk(
        desk.archive, Viewer(pk=bob.pk, login="bob", is_admin=is_admin, data_role=DataRole("" if is_admin else role))
    )
    arrival = bobs.arrival("late.dcm")
    desk.archive.accounts.take_role(OPERATOR, "bob", role)

    with pytest.raises(NotFound):
        bobs.put([arrival])
