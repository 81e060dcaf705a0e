"""The gate: to an outsider everything answers like what is not there (C-21), whatever is asked."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from filmroom.model.address import Address
from filmroom.model.changes import Change
from filmroom.model.datatypes import SUBJECT, get_data_type
from filmroom.model.errors import NotAllowed, NotFound
from filmroom.model.lists import Column, Fact, Part, Wanted
from filmroom.model.nodes import Accessibility, Kind
from filmroom.model.people import GUEST, Viewer
from filmroom.model.resources import Description, Selection
from filmroom.service.archive import Archive
from filmroom.service.bundles import BundleFormat, Bundles
from filmroom.service.cache import Cache
from filmroom.service.entities import Entities
from filmroom.service.files import Files
from filmroom.service.lists import Lists
from filmroom.service.projects import Projects
from filmroom.service.refresh import Refresh, Work
from filmroom.service.resources import Resources
from filmroom.service.uploads import Uploads
from service.desk import REFUSE, REPLACE, Desk, at, digest_of, open_desk

UseCase = Callable[[Desk, Address], object]


def _list_files(desk: Desk, where: Address) -> object:
    with desk.archive.files.open_listing(desk.viewer, where, Selection()) as listing:
        return list(listing.batches)


def _read_catalog(desk: Desk, where: Address) -> object:
    with desk.archive.resources.open_catalog(desk.viewer, where) as catalog:
        return list(catalog.entries)


def _open_file(desk: Desk, where: Address) -> object:
    opened = desk.archive.files.open_file(desk.viewer, where, spellings=["a"])
    opened.blob.close()
    return opened.entry


def _open_nth(desk: Desk, where: Address) -> object:
    opened = desk.archive.files.open_nth(desk.viewer, where, Selection(), 0)
    opened.blob.close()
    return opened.entry


def _open_first(desk: Desk, where: Address) -> object:
    opened = desk.archive.files.open_first(desk.viewer, where, lambda _blob: True)
    opened.blob.close()
    return opened.entry


def _open_bundle(desk: Desk, where: Address) -> object:
    bundle = desk.archive.bundles.open(
        desk.viewer,
        where,
        Selection(),
        bundle_format=BundleFormat.TAR,
        names=lambda found, _holds: dict.fromkeys(found, str),
    )
    bundle.close()
    return bundle


def _create(desk: Desk, where: Address) -> object:
    free = replace(where, resource=f"{where.resource}2")
    desk.archive.resources.create(desk.viewer, free, Description())
    return free


def _put(desk: Desk, where: Address) -> object:
    arrivals = [desk.arrival("new")]
    return desk.archive.uploads.put(desk.viewer, where, arrivals, options=REFUSE)


def _refresh(desk: Desk, where: Address) -> object:
    return desk.archive.refresh.run(desk.viewer, replace(where, path=None), Work(counts=True, reads_bytes=True))


def _move(desk: Desk, where: Address) -> object:
    cached = Address(kind=Kind.USER, resource="up")
    desk.upload("new", options=REPLACE, where=cached)
    return desk.archive.cache.move(desk.viewer, cached, replace(where, path=None), options=REFUSE)


def _check_move(desk: Desk, where: Address) -> object:
    cached = Address(kind=Kind.USER, resource="up")
    desk.upload("new", options=REPLACE, where=cached)
    desk.archive.cache.check_move(desk.viewer, cached, where, REFUSE)
    return where


def _list_subjects(desk: Desk, where: Address) -> object:
    wanted = Wanted(kinds=(Kind.SUBJECT,), columns=(Column("ID", Part.SELF, Fact.ID),))
    with desk.archive.lists.open_rows(desk.viewer, where, wanted) as batches:
        return list(batches)


# Every method of the archive that takes a viewer and an address.
USE_CASES: Final[dict[str, UseCase]] = {
    "Projects.set_accessibility": lambda desk, where: desk.archive.projects.set_accessibility(
        desk.viewer, where, Accessibility.PUBLIC
    ),
    "Projects.put_setting": lambda desk, where: desk.archive.projects.put_setting(
        desk.viewer, where, "quarantine_code", "1"
    ),
    "Projects.delete": lambda desk, where: desk.archive.projects.delete(desk.viewer, where),
    "Entities.get": lambda desk, where: desk.archive.entities.get(desk.viewer, where),
    "Entities.get_place": lambda desk, where: desk.archive.entities.get_place(desk.viewer, where),
    "Entities.list_places": lambda desk, where: desk.archive.entities.list_places(desk.viewer, where),
    "Lists.open_rows": _list_subjects,
    "Entities.delete": lambda desk, where: desk.archive.entities.delete(desk.viewer, where),
    "Bundles.open": _open_bundle,
    "Resources.list_all": lambda desk, where: desk.archive.resources.list_all(desk.viewer, where),
    "Resources.create": _create,
    "Resources.open_catalog": _read_catalog,
    "Resources.delete": lambda desk, where: desk.archive.resources.delete(desk.viewer, where),
    "Files.open_listing": _list_files,
    "Files.open_file": _open_file,
    "Files.open_nth": _open_nth,
    "Files.open_first": _open_first,
    "Files.delete": lambda desk, where: desk.archive.files.delete(desk.viewer, where, spellings=["a"]),
    "Uploads.check_upload": lambda desk, where: desk.archive.uploads.check_upload(desk.viewer, where, REFUSE),
    "Uploads.compare": lambda desk, where: desk.archive.uploads.compare(desk.viewer, where, digest_of(b"")),
    "Uploads.put": _put,
    "Refresh.run": _refresh,
    "Cache.move": _move,
    "Cache.check_move": _check_move,
}


@pytest.fixture
def owner(archive: Archive, people: dict[str, Viewer]) -> Desk:
    desk = open_desk(archive, people["alice"])
    desk.upload("a")
    return desk


def _refusal(use: UseCase, desk: Desk, where: Address) -> str:
    with pytest.raises(NotFound) as raised:
        use(desk, where)
    return str(raised.value)


def test_every_use_case_is_here() -> None:
    """Besides those that take no address, those that may find nothing there, and what is in one's own cache."""
    taking_viewers = {
        f"{group.__name__}.{name}"
        for group in (Projects, Entities, Lists, Resources, Files, Bundles, Uploads, Refresh, Cache)
        for name, method in inspect.getmembers(group, inspect.isfunction)
        if not name.startswith("_") and "viewer" in inspect.signature(method).parameters
    }

    without_address = {"Projects.list_visible", "Projects.put", "Entities.put", "Entities.find_type", "Files.locate"}
    own = {f"Cache.{name}" for name in ("list_folders", "make_folder", "delete_folder", "delete_files", "has")}
    assert taking_viewers == {*USE_CASES, *without_address, *own}


@pytest.mark.parametrize("use", USE_CASES.values(), ids=USE_CASES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_outsider_finds_nothing_of_a_private_project_and_changes_nothing(
    owner: Desk, people: dict[str, Viewer], use: UseCase
) -> None:
    owner.archive.projects.set_accessibility(owner.viewer, at(), Accessibility.PRIVATE)
    before = (owner.archive.entities.get(owner.viewer, at()), owner.paths())
    outsider = Desk(owner.archive, people["bob"])

    hidden = _refusal(use, outsider, at("NII", "a"))

    assert hidden == _refusal(use, outsider, at("NII", "a", project="NOWHERE")).replace("NOWHERE", "DEMO")
    assert (owner.archive.entities.get(owner.viewer, at()), owner.paths()) == before


CHANGES: Final = (
    "Projects.set_accessibility",
    "Projects.put_setting",
    "Projects.delete",
    "Entities.delete",
    "Resources.create",
    "Resources.delete",
    "Files.delete",
    "Uploads.check_upload",
    "Uploads.compare",
    "Uploads.put",
    "Refresh.run",
    "Cache.move",
    "Cache.check_move",
)
# What an outsider may do: of a protected project see the record (C-147), of a public one read all.
OPEN_TO_ALL: Final = {
    Accessibility.PROTECTED: {"Entities.get", "Entities.get_place"},
    Accessibility.PUBLIC: set(USE_CASES) - set(CHANGES),
}


@pytest.mark.parametrize(
    ("accessibility", "name"),
    [(level, name) for level, names in OPEN_TO_ALL.items() for name in USE_CASES if name not in names],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_outsider_is_refused_where_only_the_project_is_known(
    owner: Desk, people: dict[str, Viewer], accessibility: Accessibility, name: str
) -> None:
    owner.archive.projects.set_accessibility(owner.viewer, at(), accessibility)
    before = (owner.archive.entities.get(owner.viewer, at()), owner.paths())

    with pytest.raises(NotAllowed):
        USE_CASES[name](Desk(owner.archive, people["bob"]), at("NII", "a"))

    assert (owner.archive.entities.get(owner.viewer, at()), owner.paths()) == before


@pytest.mark.parametrize(
    ("accessibility", "name"), [(level, name) for level, names in OPEN_TO_ALL.items() for name in sorted(names)]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_open_to_all_is_open_to_outsiders_and_guests(
    owner: Desk, people: dict[str, Viewer], accessibility: Accessibility, name: str
) -> None:
    owner.archive.projects.set_accessibility(owner.viewer, at(), accessibility)
    where = replace(at("NII", "a"), path=None, resource=None) if name == "Entities.get" else at("NII", "a")

    for viewer in (people["bob"], GUEST):
        USE_CASES[name](Desk(owner.archive, viewer), where)


def _make_subject(desk: Desk, where: Address) -> object:
    return desk.archive.entities.put(desk.viewer, where, Change(data_type=get_data_type(SUBJECT), fields={}))


def test_an_outsider_makes_nothing_in_a_project(owner: Desk, people: dict[str, Viewer]) -> None:
    owner.archive.projects.set_accessibility(owner.viewer, at(), Accessibility.PRIVATE)
    where = Address(kind=Kind.SUBJECT, project="DEMO", subject="S")
    outsider = Desk(owner.archive, people["bob"])

    hidden = _refusal(_make_subject, outsider, where)

    nowhere = _refusal(_make_subject, outsider, replace(where, project="NOWHERE"))
    assert hidden == nowhere.replace("NOWHERE", "DEMO")
    assert owner.archive.entities.get(owner.viewer, at()).inside == ()


@pytest.mark.parametrize("use", [use for name, use in USE_CASES.items() if name != "Lists.open_rows"])
@pytest.mark.parametrize(
    "where",
    [
        Address(kind=Kind.SITE, resource="NII", path="a"),
        Address(kind=Kind.PROJECT, project="", resource="NII", path="a"),
    ],
    ids=["site", "no name"],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_address_without_a_project_leads_nowhere(owner: Desk, use: UseCase, where: Address) -> None:
    """But for lists of what is in all projects."""
    _refusal(use, owner, where)


@pytest.mark.parametrize("login", ["alice", "admin"])
@pytest.mark.parametrize("use", USE_CASES.values(), ids=USE_CASES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_owners_and_administrators_may_do_everything(
    owner: Desk, people: dict[str, Viewer], use: UseCase, login: str
) -> None:
    """C-149: none of these raises."""
    use(Desk(owner.archive, people[login]), at("NII", "a"))


@pytest.mark.parametrize(("accessibility", "listed"), [("private", 0), ("protected", 1), ("public", 1)])
def test_an_outsider_is_told_of_projects_that_are_not_private(
    owner: Desk, people: dict[str, Viewer], accessibility: str, listed: int
) -> None:
    owner.archive.projects.set_accessibility(owner.viewer, at(), Accessibility(accessibility))

    assert len(owner.archive.projects.list_visible(people["bob"])) == listed
