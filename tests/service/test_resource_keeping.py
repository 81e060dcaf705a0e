"""Resources: made, listed, read as a catalog, deleted."""

import pytest

from conftest import Clock
from filmroom.blobs.local import LocalStore
from filmroom.model.conflicts import ResourceExists
from filmroom.model.errors import BadName, NotFound
from filmroom.model.people import Viewer
from filmroom.model.resources import Description
from filmroom.service.archive import Archive
from service.desk import Desk, at, open_desk, saying

NOTHING_SAID = Description()


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _create(desk: Desk, label: str | None) -> None:
    desk.archive.resources.create(desk.viewer, at(label), NOTHING_SAID)


def _delete(desk: Desk, names: str | None) -> None:
    desk.archive.resources.delete(desk.viewer, at(names))


def _labels(desk: Desk) -> list[str | None]:
    return [resource.label for resource in desk.resources()]


def test_a_new_resource_is_empty_and_not_counted_yet(desk: Desk) -> None:
    """F-65, F-88."""
    said = Description(format="NIFTI", content="RAW", description="ä", tags=("t", "n=v"))

    made = desk.make_resource("NII", said)

    assert (made.rid, made.label, made.said, made.file_count, made.size_bytes) == (1, "NII", said, None, None)
    assert desk.paths() == []


def test_resources_come_in_the_order_in_which_they_were_made(desk: Desk) -> None:
    """F-68."""
    for label in ("Z", "A", "m"):
        _create(desk, label)

    assert [(resource.rid, resource.label) for resource in desk.resources()] == [(1, "Z"), (2, "A"), (3, "m")]


def test_a_label_is_given_once(desk: Desk) -> None:
    """F-85."""
    desk.make_resource("NII", Description(format="kept"))

    with pytest.raises(ResourceExists) as raised:
        _create(desk, "NII")

    assert raised.value.label == "NII"
    assert desk.resource().said.format == "kept"


def test_the_number_of_a_resource_is_no_free_label(desk: Desk) -> None:
    """F-85: that number exists here; any other number cannot be a label."""
    made = desk.make_resource("NII")

    with pytest.raises(ResourceExists):
        _create(desk, str(made.rid))
    with pytest.raises(BadName):
        _create(desk, str(made.rid + 1))

    assert _labels(desk) == ["NII"]


@pytest.mark.parametrize("label", ["", "NULL", "..", "a/b", "a\\b", "a\nb", " a", "x" * 65, "007"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_label_that_cannot_be_makes_nothing(desk: Desk, label: str) -> None:
    with pytest.raises(BadName):
        _create(desk, label)

    assert desk.resources() == ()


def test_labels_that_differ_in_case_are_two(desk: Desk) -> None:
    """F-51."""
    for label in ("nii", "NII"):
        _create(desk, label)

    assert _labels(desk) == ["nii", "NII"]


def test_two_projects_may_use_one_label(desk: Desk) -> None:
    desk.make_resource("NII")
    open_desk(desk.archive, desk.viewer, "OTHER")

    desk.archive.resources.create(desk.viewer, at("NII", project="OTHER"), NOTHING_SAID)

    assert [resource.rid for resource in desk.resources(at(project="OTHER"))] == [2]


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ("A", ["B", "C"]),
        ("2", ["A", "C"]),
        ("A,C", ["B"]),
        (" A , 3 ", ["B"]),
        ("A,nothing", ["B", "C"]),
        ("nothing", ["A", "B", "C"]),
        ("a", ["A", "B", "C"]),
        ("A,A,1", ["B", "C"]),
        (None, ["A", "B", "C"]),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_named_resources_are_deleted(desk: Desk, names: str | None, left: list[str]) -> None:
    """F-51, F-91, F-92; a label that is not there is no error."""
    for label in ("A", "B", "C"):
        _create(desk, label)

    _delete(desk, names)

    assert _labels(desk) == left


def test_a_resource_goes_with_its_files_and_its_label_is_free(desk: Desk) -> None:
    desk.upload("a")

    _delete(desk, "NII")
    again = desk.make_resource("NII")

    assert again.file_count is None
    assert desk.paths() == []


def test_deleting_twice_is_no_error(desk: Desk) -> None:
    """F-91."""
    desk.make_resource("NII")
    _delete(desk, "NII")

    _delete(desk, "NII")

    assert desk.resources() == ()


@pytest.mark.parametrize("names", ["2", "A,2", "0", "99999999999999999999"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unknown_number_deletes_nothing(desk: Desk, names: str) -> None:
    """F-52: one that is no resource here fails the whole request."""
    _create(desk, "A")

    with pytest.raises(NotFound):
        _delete(desk, names)

    assert _labels(desk) == ["A"]


def test_a_number_of_another_project_is_unknown(desk: Desk) -> None:
    made = desk.make_resource("NII")
    open_desk(desk.archive, desk.viewer, "OTHER")

    with pytest.raises(NotFound):
        desk.archive.resources.delete(desk.viewer, at(str(made.rid), project="OTHER"))

    assert _labels(desk) == ["NII"]


def test_deletion_keeps_bytes_until_they_are_swept(desk: Desk, blobs: LocalStore) -> None:
    """decisions.md: everything can be brought back until then."""
    desk.upload("a")

    _delete(desk, "NII")

    assert len(list(blobs.iter_keys())) == 1


def test_a_catalog_holds_all_that_is_known(desk: Desk, clock: Clock) -> None:
    desk.upload("b", b"123", saying("t", format="NIFTI"))
    desk.upload("a/c", b"12345")

    with desk.archive.resources.open_catalog(desk.viewer, at("NII")) as catalog:
        entries = list(catalog.entries)

    assert (catalog.place.node.id, catalog.resource) == ("DEMO", desk.resource())
    assert [(entry.path, entry.digest.size_bytes) for entry in entries] == [("a/c", 5), ("b", 3)]
    assert entries[1].said == saying("t", format="NIFTI").said
    assert (entries[1].created_by, entries[1].created_at) == ("alice", clock.now)


def test_a_catalog_is_found_by_number_too(desk: Desk) -> None:
    made = desk.make_resource("NII")

    with desk.archive.resources.open_catalog(desk.viewer, at(str(made.rid))) as catalog:
        assert (catalog.resource, list(catalog.entries)) == (made, [])


@pytest.mark.parametrize("names", ["nothing", "A,B", None, "7"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_catalog_is_of_one_resource(desk: Desk, names: str | None) -> None:
    """F-77."""
    for label in ("A", "B"):
        _create(desk, label)

    with pytest.raises(NotFound), desk.archive.resources.open_catalog(desk.viewer, at(names)):
        pass


def test_a_catalog_shows_one_state(desk: Desk) -> None:
    desk.upload("a")
    with desk.archive.resources.open_catalog(desk.viewer, at("NII")) as catalog:
        desk.upload("b")

        paths = [entry.path for entry in catalog.entries]

    assert paths == ["a"]
    assert catalog.resource.file_count == 1
