"""Projects: made, described, listed, opened and closed to others, deleted with all below them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.projects import claim_project_name
from filmroom.model.address import Address
from filmroom.model.conflicts import ProjectNameTaken
from filmroom.model.errors import IllegalId, NotFound, RetiredProjectId
from filmroom.model.nodes import Accessibility, FieldValue, Kind, Node
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Side
from filmroom.service.archive import Archive
from filmroom.service.entities import Entities
from filmroom.service.projects import Projects
from service.desk import at, open_desk
from waiting import PATIENCE_SECONDS


def _project(name: str = "DEMO") -> Address:
    return Address(kind=Kind.PROJECT, project=name)


@pytest.fixture
def projects(archive: Archive) -> Projects:
    return archive.projects


@pytest.fixture
def entities(archive: Archive) -> Entities:
    return archive.entities


@pytest.fixture
def alice(people: dict[str, Viewer]) -> Viewer:
    return people["alice"]


def _get(entities: Entities, viewer: Viewer, name: str = "DEMO") -> Node:
    return entities.get(viewer, _project(name)).place.node


def test_a_new_project_is_named_after_its_id_and_belongs_to_who_made_it(
    projects: Projects, entities: Entities, alice: Viewer, clock: Clock
) -> None:
    """C-70."""
    projects.put(alice, "DEMO", {})

    tree = entities.get(alice, _project())
    made = tree.place.node
    assert (made.kind, made.id, made.xsi_type) == (Kind.PROJECT, "DEMO", "xnat:projectData")
    assert made.fields == {"secondary_ID": "DEMO", "name": "DEMO"}
    assert made.accessibility is Accessibility.PROTECTED
    assert (made.created_at, made.created_by, made.creator_pk) == (clock.now, "alice", alice.pk)
    assert tree.resources[Side.NONE] == ()


def test_a_site_decides_what_new_projects_are(
    database: Database, blobs: LocalStore, clock: Clock, alice: Viewer, tmp_path: Path
) -> None:
    rules = replace(RULES, default_accessibility=Accessibility.PRIVATE)
    archive = Archive(database, blobs, clock=clock, rules=rules, spool_dir=tmp_path)

    archive.projects.put(alice, "DEMO", {})

    assert _get(archive.entities, alice).accessibility is Accessibility.PRIVATE


def test_a_project_is_made_as_it_is_described(projects: Projects, entities: Entities, alice: Viewer) -> None:
    fields: dict[str, FieldValue] = {
        "name": "A trial",
        "secondary_ID": "trial",
        "PI/lastname": "Ä",
        "aliases/alias": ["x", "y"],
    }

    projects.put(alice, "DEMO", fields, accessibility=Accessibility.PUBLIC)

    made = _get(entities, alice)
    assert made.fields == fields
    assert made.aliases == ("x", "y")
    assert made.accessibility is Accessibility.PUBLIC


def test_a_change_keeps_what_it_does_not_name(
    projects: Projects, entities: Entities, alice: Viewer, clock: Clock
) -> None:
    """C-69."""
    created_at = clock.now
    projects.put(alice, "DEMO", {"description": "old", "keywords": "kept"}, accessibility=Accessibility.PRIVATE)
    clock.move(hours=1)

    projects.put(alice, "DEMO", {"description": "new"})

    changed = _get(entities, alice)
    assert changed.fields == {"secondary_ID": "DEMO", "name": "DEMO", "description": "new", "keywords": "kept"}
    assert changed.accessibility is Accessibility.PRIVATE
    assert changed.created_at == created_at


def test_an_empty_field_is_cleared_and_a_name_becomes_the_id_again(
    projects: Projects, entities: Entities, alice: Viewer
) -> None:
    projects.put(alice, "DEMO", {"description": "x", "name": "other", "aliases/alias": ["a"]})

    projects.put(alice, "DEMO", {"description": "", "name": "", "aliases/alias": []})

    assert _get(entities, alice).fields == {"secondary_ID": "DEMO", "name": "DEMO"}


def test_an_administrators_change_leaves_the_project_to_its_owner(
    projects: Projects, entities: Entities, alice: Viewer, people: dict[str, Viewer]
) -> None:
    projects.put(alice, "DEMO", {})

    projects.put(people["admin"], "DEMO", {"description": "by admin"})

    assert _get(entities, alice).fields["description"] == "by admin"
    assert [project.id for project in projects.list_visible(alice)] == ["DEMO"]


@pytest.mark.parametrize("project_id", ["", "a b", "a/b", "ä", "a.b", "x" * 256, "../x"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_id_that_cannot_be_makes_nothing(projects: Projects, alice: Viewer, project_id: str) -> None:
    """C-57."""
    with pytest.raises(IllegalId):
        projects.put(alice, project_id, {})

    assert projects.list_visible(alice) == ()


# How a project comes to hold a name, by each of the four that share one namespace: its ID and its fields.
SLOTS: dict[str, Callable[[str, str], tuple[str, dict[str, FieldValue]]]] = {
    "ID": lambda name, _own: (name, {}),
    "secondary_ID": lambda name, own: (own, {"secondary_ID": name}),
    "name": lambda name, own: (own, {"name": name}),
    "alias": lambda name, own: (own, {"aliases/alias": [f"{own}2", name]}),
}


@pytest.mark.parametrize("theirs", SLOTS)
@pytest.mark.parametrize("ours", SLOTS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_four_names_share_one_namespace_in_which_case_does_not_count(
    projects: Projects, alice: Viewer, people: dict[str, Viewer], theirs: str, ours: str
) -> None:
    """C-72: all sixteen combinations, and for one's own projects as for those of others."""
    projects.put(alice, *SLOTS[theirs]("Taken", "THEIRS"))
    before = projects.list_visible(people["admin"])

    for viewer in (people["bob"], alice):
        with pytest.raises(ProjectNameTaken) as raised:
            projects.put(viewer, *SLOTS[ours]("tAKEN", "OURS"))

        assert raised.value.name == "tAKEN"
    assert projects.list_visible(people["admin"]) == before


def test_the_id_of_anothers_project_is_taken(
    projects: Projects, entities: Entities, alice: Viewer, people: dict[str, Viewer]
) -> None:
    projects.put(alice, "DEMO", {}, accessibility=Accessibility.PRIVATE)

    with pytest.raises(ProjectNameTaken):
        projects.put(people["bob"], "DEMO", {"description": "mine now"})

    assert "description" not in _get(entities, alice).fields


@pytest.mark.parametrize(
    ("project_id", "fields"), [("Wanted", {}), ("NEW", {"name": "wanted"})], ids=["as an ID", "as a name"]
)
def test_of_two_that_want_a_name_at_once_the_first_gets_it(
    archive: Archive, alice: Viewer, database: Database, project_id: str, fields: dict[str, FieldValue]
) -> None:
    archive.projects.put(alice, "FIRST", {})
    first = _get(archive.entities, alice, "FIRST")
    claimed, may_commit = threading.Event(), threading.Event()

    def claim(connection: Connection) -> None:
        assert claim_project_name(connection, "WANTED", project_pk=first.pk)
        claimed.set()
        assert may_commit.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(2) as pool:
        claiming = pool.submit(database.write, claim)
        assert claimed.wait(PATIENCE_SECONDS)
        wanting = pool.submit(archive.projects.put, alice, project_id, fields)
        with pytest.raises(TimeoutError):
            wanting.result(0.2)
        may_commit.set()
        claiming.result(PATIENCE_SECONDS)

        assert isinstance(wanting.exception(PATIENCE_SECONDS), ProjectNameTaken)


def test_a_change_can_meet_a_taken_name_too(projects: Projects, entities: Entities, alice: Viewer) -> None:
    projects.put(alice, "FIRST", {"name": "Taken"})
    projects.put(alice, "SECOND", {"description": "kept"})

    with pytest.raises(ProjectNameTaken):
        projects.put(alice, "SECOND", {"description": "lost", "name": "taken"})

    assert _get(entities, alice, "SECOND").fields["description"] == "kept"


def test_a_project_may_repeat_its_own_names(projects: Projects, entities: Entities, alice: Viewer) -> None:
    projects.put(alice, "DEMO", {"name": "demo", "aliases/alias": ["Demo", "DEMO"]})

    projects.put(alice, "DEMO", {"secondary_ID": "dEMO"})

    assert _get(entities, alice).fields["secondary_ID"] == "dEMO"


def test_a_name_that_was_given_up_is_free(projects: Projects, entities: Entities, alice: Viewer) -> None:
    projects.put(alice, "FIRST", {"name": "Shared", "aliases/alias": ["a"]})
    projects.put(alice, "FIRST", {"name": "", "aliases/alias": []})

    projects.put(alice, "SECOND", {"name": "shared", "aliases/alias": ["A"]})

    assert _get(entities, alice, "A").id == "SECOND"


@pytest.mark.parametrize(
    ("name", "is_found"),
    [("DEMO", True), ("alias", True), ("demo", False), ("ALIAS", False), ("second", False), ("title", False)],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_project_is_addressed_by_id_or_alias(
    projects: Projects, entities: Entities, alice: Viewer, name: str, *, is_found: bool
) -> None:
    """C-68."""
    projects.put(alice, "DEMO", {"secondary_ID": "second", "name": "title", "aliases/alias": ["alias"]})

    try:
        found = _get(entities, alice, name).id == "DEMO"
    except NotFound:
        found = False

    assert found is is_found


def test_a_change_by_alias_changes_the_project_itself(projects: Projects, entities: Entities, alice: Viewer) -> None:
    projects.put(alice, "DEMO", {"aliases/alias": ["alias"]})

    projects.put(alice, "alias", {"description": "by alias"})

    assert [project.id for project in projects.list_visible(alice)] == ["DEMO"]
    assert _get(entities, alice).fields["description"] == "by alias"


def test_everybody_sees_their_own_and_administrators_all(
    projects: Projects, alice: Viewer, people: dict[str, Viewer]
) -> None:
    for project_id in ("z", "A", "C"):
        projects.put(alice, project_id, {}, accessibility=Accessibility.PRIVATE)
    projects.put(people["bob"], "B", {}, accessibility=Accessibility.PRIVATE)

    listed = {login: [project.id for project in projects.list_visible(person)] for login, person in people.items()}

    assert listed == {"admin": ["A", "B", "C", "z"], "alice": ["A", "C", "z"], "bob": ["B"]}


@pytest.mark.parametrize("accessibility", Accessibility)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_project_is_opened_and_closed_to_others(
    projects: Projects, entities: Entities, alice: Viewer, accessibility: Accessibility
) -> None:
    projects.put(alice, "DEMO", {"description": "kept"})

    projects.set_accessibility(alice, _project(), accessibility)

    changed = _get(entities, alice)
    assert changed.accessibility is accessibility
    assert changed.fields["description"] == "kept"


def test_a_deleted_project_is_gone_with_all_below_it(archive: Archive, alice: Viewer) -> None:
    desk = open_desk(archive, alice)
    desk.upload("a")
    rid = desk.resource().rid

    archive.projects.delete(alice, at())

    assert archive.projects.list_visible(alice) == ()
    for look in (
        desk.resources,
        desk.paths,
        lambda: desk.read("a"),
        lambda: desk.read("a", at(str(rid))),
        lambda: desk.upload("b"),
        lambda: desk.make_resource("NEW"),
        lambda: archive.projects.delete(alice, at()),
    ):
        with pytest.raises(NotFound):
            look()


def test_deleting_one_project_leaves_the_others(archive: Archive, alice: Viewer) -> None:
    desk = open_desk(archive, alice)
    other = open_desk(archive, alice, "OTHER")
    other.upload("a", where=at("NII", project="OTHER"))

    archive.projects.delete(alice, at())

    assert other.paths(at(project="OTHER")) == ["a"]
    assert [project.id for project in archive.projects.list_visible(desk.viewer)] == ["OTHER"]


RETIRED = ("DEMO", "demo", "second", "TITLE", "alias")


@pytest.mark.parametrize("name", RETIRED)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_names_of_a_deleted_project_rest_while_it_can_be_brought_back(
    projects: Projects, alice: Viewer, people: dict[str, Viewer], clock: Clock, name: str
) -> None:
    """C-72, decisions.md."""
    projects.put(alice, "DEMO", {"secondary_ID": "second", "name": "title", "aliases/alias": ["alias"]})
    projects.delete(alice, _project())
    clock.move(days=7, microseconds=-1)

    for viewer in (alice, people["bob"]):
        with pytest.raises(RetiredProjectId):
            projects.put(viewer, name, {})
        with pytest.raises(RetiredProjectId):
            projects.put(viewer, "NEW", {"name": name})

    assert projects.list_visible(people["admin"]) == ()


@pytest.mark.parametrize("name", RETIRED)
def test_the_names_of_a_deleted_project_are_free_after_its_undo_period(
    projects: Projects, entities: Entities, alice: Viewer, people: dict[str, Viewer], clock: Clock, name: str
) -> None:
    projects.put(alice, "DEMO", {"secondary_ID": "second", "name": "title", "aliases/alias": ["alias"]})
    projects.delete(alice, _project())
    clock.move(days=7)

    projects.put(people["bob"], name, {})

    made = _get(entities, people["bob"], name)
    assert (made.id, made.created_by) == (name, "bob")


def test_a_project_that_comes_again_is_empty(archive: Archive, alice: Viewer, clock: Clock) -> None:
    desk = open_desk(archive, alice)
    desk.upload("a")
    archive.projects.delete(alice, at())
    clock.move(days=7)

    again = open_desk(archive, alice)

    assert again.resources() == ()


def test_an_undo_period_can_be_none(
    database: Database, blobs: LocalStore, clock: Clock, alice: Viewer, tmp_path: Path
) -> None:
    rules = replace(RULES, undo_period=timedelta(0))
    archive = Archive(database, blobs, clock=clock, rules=rules, spool_dir=tmp_path)
    projects, entities = archive.projects, archive.entities
    projects.put(alice, "DEMO", {"description": "old"})
    projects.delete(alice, _project())

    projects.put(alice, "DEMO", {})

    assert "description" not in _get(entities, alice).fields


def test_a_project_comes_with_its_resources(archive: Archive, alice: Viewer) -> None:
    desk = open_desk(archive, alice)
    for label in ("Z", "A"):
        desk.make_resource(label, Description(format=label))

    tree = archive.entities.get(alice, at())

    assert [resource.label for resource in tree.resources[Side.NONE]] == ["Z", "A"]
