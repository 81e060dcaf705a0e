"""What was deleted or overwritten comes back whole, until its grace period ends; names that were taken stay taken."""

from dataclasses import replace

import pytest

from conftest import Clock
from filmroom.model.address import Address, parse_address
from filmroom.model.changes import Change
from filmroom.model.conflicts import NotBroughtBack
from filmroom.model.datatypes import get_data_type
from filmroom.model.errors import BadValue, NotAllowed, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.undo import Deleted
from filmroom.service.archive import Archive
from service.desk import REPLACE, Desk, all_at_once, at, open_desk
from service.stock import SESSION, make, make_session

SUBJECT = parse_address("/projects/DEMO/subjects/S1")
SCAN = parse_address(f"{SESSION}/scans/0")
IN_SCAN = replace(SCAN, resource="DICOM")


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def delete(desk: Desk, address: str | Address) -> Address:
    where = parse_address(address) if isinstance(address, str) else address
    if where.kind is Kind.PROJECT and where.resource is None:
        desk.archive.projects.delete(desk.viewer, where)
    elif where.resource is None:
        desk.archive.entities.delete(desk.viewer, where)
    elif where.path is None:
        desk.archive.resources.delete(desk.viewer, where)
    else:
        desk.archive.files.delete(desk.viewer, where, spellings=[where.path])
    return where


def undelete(desk: Desk, where: Address, new_name: str | None = None, version: int | None = None) -> None:
    desk.archive.undo.undelete(desk.viewer, where, new_name=new_name, version=version)


def listed(desk: Desk, where: Address | None = None) -> tuple[Deleted, ...]:
    return desk.archive.undo.list_all(desk.viewer, where or at(), limit=100)


THINGS = [at(), SUBJECT, parse_address(SESSION), SCAN]


@pytest.mark.parametrize("where", THINGS, ids=str)
def test_a_thing_comes_back_with_all_that_was_live_below_it(desk: Desk, where: Address) -> None:
    make_session(desk)
    delete(desk, where)
    with pytest.raises(NotFound):
        desk.paths(IN_SCAN)

    undelete(desk, where)

    assert desk.paths(IN_SCAN) == ["a.dcm"]
    assert desk.read("a.dcm", IN_SCAN) == b"voxels"
    assert [event.action for event in desk.archive.audit.list_of(desk.viewer, at(), limit=1)] == [
        f"brought back {where.kind}"
    ]


def test_what_was_deleted_below_it_separately_stays_deleted(desk: Desk) -> None:
    make_session(desk)
    delete(desk, SCAN)
    delete(desk, f"{SESSION}/scans/1/resources/DICOM/files/a.dcm")
    delete(desk, f"{SESSION}/resources/NOTES")
    delete(desk, SUBJECT)

    undelete(desk, SUBJECT)

    with pytest.raises(NotFound):
        desk.paths(SCAN)
    scan = parse_address(f"{SESSION}/scans/1")
    assert (desk.paths(scan), [one.file_count for one in desk.resources(scan)]) == ([], [0])
    assert desk.resources(parse_address(SESSION)) == ()


def test_it_does_not_come_back_before_what_it_is_in(desk: Desk) -> None:
    session = delete(desk, make_session(desk))
    id_alone = Address(kind=Kind.EXPERIMENT, experiment=listed(desk)[0].address.experiment)
    delete(desk, SUBJECT)

    with pytest.raises(NotFound):
        undelete(desk, session)
    with pytest.raises(NotBroughtBack, match="bring that back first"):
        undelete(desk, id_alone)
    undelete(desk, SUBJECT)
    undelete(desk, session)

    assert desk.paths(IN_SCAN) == ["a.dcm"]


def test_after_the_grace_period_it_is_too_late(desk: Desk, clock: Clock) -> None:
    desk.upload("a")
    delete(desk, at("NII", "a"))
    clock.move(days=7)

    assert listed(desk) == ()
    with pytest.raises(NotFound, match="can still be brought back"):
        undelete(desk, at("NII", "a"))


def test_until_its_last_moment_it_is_not(desk: Desk, clock: Clock) -> None:
    desk.upload("a")
    delete(desk, at("NII", "a"))
    clock.move(days=6, hours=23, minutes=59)
    desk.archive.upkeep.run()

    undelete(desk, at("NII", "a"))

    assert (desk.read("a"), desk.counters()) == (b"voxels", (1, 6))


def test_a_label_that_was_taken_stays_where_it_is(desk: Desk) -> None:
    session = delete(desk, make_session(desk))
    make(desk, SESSION)

    with pytest.raises(NotBroughtBack, match="as=NAME"):
        undelete(desk, session)
    undelete(desk, session, "OLD")

    assert desk.paths(replace(IN_SCAN, experiment="OLD")) == ["a.dcm"]
    assert desk.paths(session) == []


def test_a_scan_whose_id_was_taken_comes_back_under_another(desk: Desk) -> None:
    make_session(desk)
    delete(desk, SCAN)
    make(desk, f"{SESSION}/scans/0")

    with pytest.raises(NotBroughtBack):
        undelete(desk, SCAN)
    undelete(desk, SCAN, "0-old")

    assert desk.paths(replace(IN_SCAN, scan="0-old")) == ["a.dcm"]


def test_a_label_inside_that_was_taken_is_told_of_and_comes_back_when_it_is_free(desk: Desk) -> None:
    make_session(desk)
    delete(desk, SUBJECT)
    taker = make(desk, "/projects/DEMO/subjects/S2/experiments/E1")

    with pytest.raises(NotBroughtBack, match="rename that one"):
        undelete(desk, SUBJECT)
    renamed = Change(data_type=get_data_type("xnat:mrSessionData"), fields={}, new_label="E2")
    desk.archive.entities.put(desk.viewer, taker, renamed)
    undelete(desk, SUBJECT)

    assert desk.paths(IN_SCAN) == ["a.dcm"]


def test_shares_come_back_too_and_give_way_to_what_has_their_label_by_now(desk: Desk) -> None:
    desk.archive.projects.put(desk.viewer, "OTHER", {})
    session = make_session(desk)
    desk.archive.sharing.share(desk.viewer, session, "OTHER", "E9", is_primary=False)
    delete(desk, session)
    make(desk, "/projects/OTHER/subjects/X/experiments/E9")

    undelete(desk, session)

    shares = desk.archive.sharing.list_projects(desk.viewer, session)
    assert [(share.project.id, share.label) for share in shares] == [("DEMO", "E1"), ("OTHER", "E1")]


def test_the_last_of_several_comes_back_first(desk: Desk, clock: Clock) -> None:
    for content in (b"older", b"newer"):
        desk.upload("a", content)
        clock.move(seconds=1)
        delete(desk, at("NII", "a"))

    undelete(desk, at("NII", "a"))
    with pytest.raises(NotBroughtBack, match="as=NAME"):
        undelete(desk, at("NII", "a"))
    undelete(desk, at("NII", "a"), "older")

    assert (desk.read("a"), desk.read("older"), desk.counters()) == (b"newer", b"older", (2, 10))


def test_what_was_deleted_together_comes_back_together(desk: Desk, clock: Clock) -> None:
    for path in ("dir/a", "dir/in/b", "dir/c", "other"):
        desk.upload(path)
    delete(desk, at("NII", "dir/c"))
    clock.move(seconds=1)
    delete(desk, at("NII", "dir/"))

    undelete(desk, at("NII", "dir/"))

    assert (desk.paths(), desk.counters()) == (["dir/a", "dir/in/b", "other"], (3, 18))


@pytest.mark.parametrize("taken", ["dir/a", "dir", "dir/a/b"])
def test_files_do_not_come_back_over_what_is_there(desk: Desk, taken: str) -> None:
    desk.upload("dir/a")
    delete(desk, at("NII", "dir/"))
    desk.upload(taken, b"new")

    with pytest.raises(NotBroughtBack):
        undelete(desk, at("NII", "dir/"))
    undelete(desk, at("NII", "dir/a"), "back")

    assert (desk.paths(), desk.read(taken), desk.counters()) == (sorted([taken, "back"]), b"new", (2, 9))


def test_only_one_file_gets_another_name(desk: Desk) -> None:
    desk.upload("dir/a")
    desk.upload("dir/b")
    delete(desk, at("NII", "dir/"))

    with pytest.raises(BadValue):
        undelete(desk, at("NII", "dir/"), "x")


def test_a_version_comes_back_and_what_was_there_becomes_one(desk: Desk, clock: Clock) -> None:
    for content in (b"first", b"second", b"third!"):
        desk.upload("a", content, REPLACE)
        clock.move(seconds=1)
    first = listed(desk, at("NII", "a"))[-1]

    undelete(desk, first.address, version=first.number)

    assert (desk.read("a"), desk.counters()) == (b"first", (1, 5))
    assert [version.size_bytes for version in listed(desk, at("NII", "a"))] == [6, 6]
    with pytest.raises(NotFound):
        undelete(desk, first.address, version=first.number)


def test_a_version_of_another_file_is_none_of_this_one(desk: Desk) -> None:
    for path in "ab":
        desk.upload(path, b"first")
        desk.upload(path, b"second", REPLACE)
    [of_b] = listed(desk, at("NII", "b"))

    with pytest.raises(NotFound):
        undelete(desk, at("NII", "a"), version=of_b.number)


def test_what_is_there_is_not_brought_back(desk: Desk) -> None:
    desk.upload("a")

    with pytest.raises(NotBroughtBack, match="version=N"):
        undelete(desk, at("NII", "a"))
    for where in (at("NII"), at()):
        with pytest.raises(NotFound):
            undelete(desk, where)


def test_a_resource_comes_back_unless_its_label_was_taken(desk: Desk) -> None:
    desk.upload("a")
    rid = desk.resource().rid
    delete(desk, at("NII"))
    desk.upload("new")

    with pytest.raises(NotBroughtBack):
        undelete(desk, at(str(rid)))
    undelete(desk, at("NII"), "OLD")

    assert (desk.paths(at("OLD")), desk.resource("OLD").rid, desk.counters("OLD")) == (["a"], rid, (1, 6))
    assert desk.paths(at("NII")) == ["new"]


def test_all_that_can_be_brought_back_is_listed_with_who_and_when(desk: Desk, clock: Clock) -> None:
    make_session(desk)
    for act in (
        lambda: desk.upload("b.txt", b"new", REPLACE, where=parse_address(f"{SESSION}/resources/NOTES")),
        lambda: delete(desk, f"{SESSION}/resources/NOTES/files/b.txt"),
        lambda: delete(desk, f"{SESSION}/scans/1/resources/DICOM"),
        lambda: delete(desk, SCAN),
        lambda: desk.upload("c", b"1"),
        lambda: desk.upload("c", b"22", REPLACE),
    ):
        clock.move(minutes=1)
        act()

    rows = listed(desk)

    assert [row.what for row in rows] == ["version", "scan", "resource", "file"]
    assert {row.login for row in rows} == {"alice"}
    assert {row.until - row.deleted_at for row in rows} == {rows[0].until - rows[0].deleted_at}
    assert [(row.files, row.size_bytes) for row in rows] == [(1, 1), (None, None), (1, 6), (1, 3)]
    for row in rows:
        undelete(desk, row.address, version=row.number or None)
    assert desk.paths(IN_SCAN) == ["a.dcm"]
    assert desk.read("c") == b"1"
    assert [row.what for row in listed(desk)] == ["version", "version"]


def test_what_is_deleted_itself_is_listed_alone(desk: Desk) -> None:
    make_session(desk)
    delete(desk, SCAN)
    delete(desk, SUBJECT)

    assert [row.what for row in listed(desk, SUBJECT)] == ["subject"]
    assert [row.what for row in listed(desk)] == ["subject"]
    with pytest.raises(NotFound):
        listed(desk, parse_address(SESSION))


def test_only_who_may_delete_is_told_and_brings_back(desk: Desk, people: dict[str, Viewer]) -> None:
    session = delete(desk, make_session(desk))
    desk.archive.members.put(desk.viewer, "DEMO", "member", ["bob"])

    for act in (
        lambda: desk.archive.undo.undelete(people["bob"], session),
        lambda: desk.archive.undo.list_all(people["bob"], at(), limit=1),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_of_many_who_bring_back_the_same_one_does(desk: Desk) -> None:
    desk.upload("a")
    delete(desk, at("NII", "a"))

    def act(_number: int) -> bool:
        try:
            undelete(desk, at("NII", "a"))
        except (NotBroughtBack, NotFound):
            return False
        return True

    assert sum(all_at_once(6, act)) == 1
    assert desk.counters() == (1, 6)
