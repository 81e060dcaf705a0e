"""Where an upload goes: which resource, made anew or not, and what is advised before the body comes."""

import pytest

from filmroom.blobs.local import LocalStore
from filmroom.model.address import Address
from filmroom.model.conflicts import PathConflict
from filmroom.model.errors import ArchiveError, BadName, Busy, NotAllowed, NotFound
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.uploads import UNNAMED_LABEL, Fate
from service.desk import REFUSE, REPLACE, Desk, at, digest_of, open_desk, saying


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def _labels(desk: Desk) -> list[str | None]:
    return [resource.label for resource in desk.resources()]


def test_a_resource_that_is_not_there_is_made(desk: Desk) -> None:
    """F-145."""
    desk.upload("a", b"123", saying("t", format="NIFTI"), where=at("NEW"))

    made = desk.resource("NEW")
    assert (made.rid, made.file_count, made.size_bytes) == (1, 1, 3)
    assert made.said == saying("t", format="NIFTI").said


def test_a_resource_that_is_there_is_used(desk: Desk) -> None:
    made = desk.make_resource("NII")

    desk.upload("a")

    assert desk.resource().rid == made.rid
    assert desk.counters() == (1, 6)


def test_a_resource_is_addressed_by_its_number_too(desk: Desk) -> None:
    made = desk.make_resource("NII")

    desk.upload("a", where=at(str(made.rid)))

    assert desk.paths(at("NII")) == ["a"]


@pytest.mark.parametrize("rid", ["2", "0", "4294967296", "9" * 40])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_unknown_number_makes_nothing(desk: Desk, blobs: LocalStore, rid: str) -> None:
    """F-148."""
    desk.make_resource("NII")

    with pytest.raises(NotFound):
        desk.upload("a", where=at(rid))

    assert _labels(desk) == ["NII"]
    assert list(blobs.iter_keys()) == []


@pytest.mark.parametrize("names", ["NEW,OTHER", " NEW , OTHER", "NEW,", "NEW,NEW"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_of_a_list_is_meant(desk: Desk, names: str) -> None:
    """F-145."""
    desk.upload("a", where=at(names))

    assert _labels(desk) == ["NEW"]


@pytest.mark.parametrize("label", ["NULL", "null", ".", "..", "a/b", "a\\b", "a\nb", " a", "x" * 65, ""])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_label_that_cannot_be_makes_nothing(desk: Desk, blobs: LocalStore, label: str) -> None:
    with pytest.raises(BadName):
        desk.upload("a", where=at(label))

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == []


def test_without_a_resource_the_first_one_is_used(desk: Desk) -> None:
    """F-147."""
    for label in ("ZZ", "AA"):
        desk.make_resource(label)

    desk.upload("a", where=at())

    assert desk.paths(at("ZZ")) == ["a"]


def test_without_a_resource_and_with_none_there_one_is_made(desk: Desk) -> None:
    """F-147."""
    fates = [desk.upload(path, where=at()) for path in ("a", "b", "a")]

    assert fates == [Fate.STORED, Fate.STORED, Fate.SAME]
    assert _labels(desk) == [UNNAMED_LABEL]


def test_a_resource_that_was_deleted_meanwhile_is_made_anew(desk: Desk) -> None:
    old = desk.make_resource("NII")
    arrival = desk.arrival("a")
    desk.archive.resources.delete(desk.viewer, at("NII"))

    fates = desk.put([arrival])

    assert fates == (Fate.STORED,)
    assert desk.resource().rid > old.rid
    assert desk.paths() == ["a"]


def test_a_number_that_was_deleted_meanwhile_is_not_found(desk: Desk, blobs: LocalStore) -> None:
    old = desk.make_resource("NII")
    arrival = desk.arrival("a")
    desk.archive.resources.delete(desk.viewer, at("NII"))

    with pytest.raises(NotFound):
        desk.put([arrival], where=at(str(old.rid)))

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == []


def test_a_project_that_was_deleted_meanwhile_is_not_found(desk: Desk, blobs: LocalStore) -> None:
    arrival = desk.arrival("a")
    desk.archive.projects.delete(desk.viewer, at())

    with pytest.raises(NotFound):
        desk.put([arrival])

    assert list(blobs.iter_keys()) == []


def test_what_an_outsider_staged_is_not_kept(desk: Desk, people: dict[str, Viewer], blobs: LocalStore) -> None:
    outsider = Desk(desk.archive, people["bob"])

    with pytest.raises(NotAllowed):
        outsider.upload("a")

    assert desk.resources() == ()
    assert list(blobs.iter_keys()) == []


def test_an_alias_of_the_project_leads_there_too(desk: Desk) -> None:
    """C-68."""
    desk.archive.projects.put(desk.viewer, "DEMO", {"aliases/alias": ["other"]})

    desk.upload("a", where=at("NII", project="other"))

    assert desk.paths() == ["a"]


@pytest.mark.parametrize(
    ("where", "path", "is_wanted"),
    [
        ("NII", "there", (False, True)),
        ("NII", "new", (True, True)),
        ("NII", None, (True, True)),
        ("OTHER", "there", (True, True)),
        (None, "there", (False, True)),
        ("1", "there", (False, True)),
        ("NII,OTHER", "there", (False, True)),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_upload_that_would_be_refused_is_advised_against(
    desk: Desk, where: str | None, path: str | None, is_wanted: tuple[bool, bool]
) -> None:
    desk.upload("there")

    advice = tuple(
        desk.archive.uploads.check_upload(desk.viewer, at(where, path), options) for options in (REFUSE, REPLACE)
    )

    assert advice == is_wanted


@pytest.mark.parametrize(
    ("where", "error"),
    [
        (at("NII", "there/x"), PathConflict),
        (at("NII", "folder"), PathConflict),
        (at("NII", "../x"), BadName),
        (at("NII", "folder/"), BadName),
        (at("NII", "x_catalog.xml"), BadName),
        (at("NULL", "x"), BadName),
        (at("17", "x"), NotFound),
        (at("NII", "x", project="NOWHERE"), NotFound),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_kept_is_said_before_the_body_comes(
    desk: Desk, where: Address, error: type[ArchiveError]
) -> None:
    desk.put([desk.arrival("there"), desk.arrival("folder/file")])

    with pytest.raises(error):
        desk.archive.uploads.check_upload(desk.viewer, where, REPLACE)


def test_asking_for_advice_makes_nothing(desk: Desk) -> None:
    is_wanted = desk.archive.uploads.check_upload(desk.viewer, at("NEW", "a"), REFUSE)

    assert is_wanted
    assert desk.resources() == ()


def test_a_file_that_came_between_advice_and_commit_is_refused(desk: Desk) -> None:
    is_wanted = desk.archive.uploads.check_upload(desk.viewer, at("NII", "a"), REFUSE)
    arrival = desk.arrival("a", b"mine")
    desk.upload("a", b"theirs")

    fates = desk.put([arrival])

    assert is_wanted
    assert fates == (Fate.REFUSED,)
    assert desk.read("a") == b"theirs"


def test_a_body_that_was_only_summed_up_is_compared(desk: Desk) -> None:
    desk.upload("a", b"there")

    fates = [
        desk.archive.uploads.compare(desk.viewer, where, digest_of(content))
        for where, content in (
            (at("NII", "a"), b"there"),
            (at("1", "a"), b"there"),
            (at(None, "a"), b"there"),
            (at("NII", "a"), b"other"),
        )
    ]

    assert fates == [Fate.SAME, Fate.SAME, Fate.SAME, Fate.REFUSED]


@pytest.mark.parametrize("where", [at("NII", "b"), at("OTHER", "a"), at("NII")])
def test_a_body_is_sent_again_when_what_was_in_its_way_is_gone(desk: Desk, where: Address) -> None:
    desk.upload("a", b"there")

    with pytest.raises(Busy):
        desk.archive.uploads.compare(desk.viewer, where, digest_of(b"there"))
