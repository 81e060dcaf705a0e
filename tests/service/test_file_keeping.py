"""Files: listed, opened, deleted."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from conftest import Clock
from filmroom.blobs.local import LocalStore
from filmroom.model.address import Address
from filmroom.model.errors import BadName, BadValue, MissingBytes, NotFound
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Selection
from filmroom.service.archive import Archive
from service.desk import REPLACE, Desk, at, blob_path, md5_of, open_desk, saying

# The files that most tests delete from, each of ten bytes.
TREE = ("a/b/c.dcm", "a/b.dcm", "a.dcm", "scan1/x", "scan10.dcm", "scan1.dcm", "*", "a%/x", "a_/x")


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


@pytest.fixture
def tree(desk: Desk) -> Desk:
    desk.put([desk.arrival(path, b"0123456789") for path in TREE])
    return desk


def _delete(desk: Desk, *spellings: str, where: Address | None = None) -> None:
    desk.archive.files.delete(desk.viewer, where or at("NII", spellings[0]), spellings=spellings)


def test_a_listing_says_what_a_row_of_it_needs(desk: Desk) -> None:
    desk.upload("a", b"voxels", saying("t", "n=v", format="NIFTI", content="RAW"))

    with desk.archive.files.open_listing(desk.viewer, at("NII"), Selection()) as listing:
        [columns] = listing.batches

    [(pk, path, size_bytes, md5, format_, content, tags, damaged_at)] = zip(*columns, strict=True)
    assert list(listing.resources) == [pk]
    found = listing.resources[pk]
    assert (found.place.node.id, found.resource.label) == ("DEMO", "NII")
    assert (path, size_bytes, md5) == ("a", 6, md5_of(b"voxels"))
    assert (format_, content, orjson.loads(tags), damaged_at) == ("NIFTI", "RAW", ["t", "n=v"], None)


def test_resources_are_listed_in_the_order_of_their_numbers(desk: Desk) -> None:
    """F-108."""
    for label, path in (("Z", "b"), ("A", "c"), ("Z", "a")):
        desk.upload(path, where=at(label))

    assert desk.paths() == ["a", "b", "c"]
    assert desk.paths(at("A,Z")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("where", "paths"), [("A", ["a"]), ("1", ["a"]), ("A,B", ["a", "b"]), ("B, 1", ["a", "b"]), ("nothing", [])]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_the_named_resources_are_listed(desk: Desk, where: str, paths: list[str]) -> None:
    """F-51, F-95a: an unknown label lists nothing."""
    for label in ("A", "B", "C"):
        desk.upload(label.lower(), where=at(label))

    assert desk.paths(at(where)) == paths


def test_an_unknown_number_is_not_found(desk: Desk) -> None:
    """F-52."""
    desk.upload("a")

    with pytest.raises(NotFound):
        desk.paths(at("2"))


@pytest.mark.parametrize(
    ("selection", "paths"),
    [
        (Selection(prefix="a/"), ["a/b.dcm", "a/b/c.dcm"]),
        (Selection(prefix="scan1"), ["scan1.dcm", "scan1/x", "scan10.dcm"]),
        (Selection(paths=("scan1",)), ["scan1/x"]),
        (Selection(prefix="nothing/"), []),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_folder_is_listed(tree: Desk, selection: Selection, paths: list[str]) -> None:
    """F-97: 200 even when empty."""
    assert tree.paths(selection=selection) == paths


def test_a_file_is_opened_by_the_first_spelling_that_is_there(desk: Desk) -> None:
    """F-6, F-96."""
    desk.put([desk.arrival("a b", b"decoded"), desk.arrival("a%20b", b"as sent"), desk.arrival("c%20d", b"raw only")])

    contents = []
    for spellings in (("a b", "a%20b"), ("c d", "c%20d"), ("nothing", "a%20b")):
        opened = desk.archive.files.open_file(desk.viewer, at("NII"), spellings=spellings)
        with opened.blob as blob:
            contents.append(blob.read())

    assert contents == [b"decoded", b"raw only", b"as sent"]


def test_without_a_resource_all_are_searched_in_order(desk: Desk) -> None:
    """F-100."""
    for label, path, content in (("Z", "a", b"first"), ("A", "a", b"second"), ("A", "b", b"only here")):
        desk.upload(path, content, where=at(label))

    assert [desk.read(path, at()) for path in ("a", "b")] == [b"first", b"only here"]


@pytest.mark.parametrize(
    ("where", "path"),
    [(at("NII"), "b"), (at("NII"), "A"), (at("NII"), "a/"), (at("OTHER"), "a"), (at("9"), "a"), (at(), "b")],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_is_not_there_is_not_found(desk: Desk, where: Address, path: str) -> None:
    desk.upload("a")

    with pytest.raises(NotFound):
        desk.read(path, where)


def test_a_file_stays_readable_while_it_is_replaced_and_deleted(desk: Desk) -> None:
    desk.upload("a", b"first")
    opened = desk.archive.files.open_file(desk.viewer, at("NII"), spellings=["a"])

    desk.upload("a", b"second", REPLACE)
    _delete(desk, "a")

    with opened.blob as blob:
        assert blob.read() == b"first"


@pytest.mark.parametrize("size_bytes", [0, 5, 7], ids=["emptied", "cut", "grown"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bytes_that_are_not_what_was_stored_are_missing(desk: Desk, tmp_path: Path, size_bytes: int) -> None:
    arrival = desk.arrival("a", b"voxels")
    desk.put([arrival])
    with blob_path(tmp_path, arrival.staged.key).open("r+b") as damaged:
        damaged.truncate(size_bytes)

    with pytest.raises(MissingBytes) as raised:
        desk.read("a")

    assert raised.value.key == arrival.staged.key


def test_bytes_that_are_gone_are_missing(desk: Desk, tmp_path: Path) -> None:
    arrival = desk.arrival("a")
    desk.put([arrival])
    blob_path(tmp_path, arrival.staged.key).unlink()

    with pytest.raises(MissingBytes):
        desk.read("a")


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("a.dcm", {"a.dcm"}),
        ("a/b.dcm", {"a/b.dcm"}),
        ("a", {"a/b.dcm", "a/b/c.dcm"}),
        ("a/", {"a/b.dcm", "a/b/c.dcm"}),
        ("a/b", {"a/b/c.dcm"}),
        ("scan1", {"scan1/x"}),
        ("scan1*", {"scan1/x", "scan10.dcm", "scan1.dcm"}),
        ("scan1/*", {"scan1/x"}),
        ("a%", {"a%/x"}),
        ("a_*", {"a_/x"}),
        ("*", set(TREE)),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_named_is_deleted_and_its_neighbours_stay(tree: Desk, path: str, gone: set[str]) -> None:
    """F-162, F-163: a file, a folder, or a beginning, which is literal; the counters follow (F-164)."""
    _delete(tree, path)

    left = set(TREE) - gone
    assert set(tree.paths()) == left
    assert tree.counters() == (len(left), 10 * len(left))


def test_an_emptied_resource_stays_and_counts_nothing(tree: Desk) -> None:
    """F-164."""
    _delete(tree, "*")

    assert tree.counters() == (0, 0)


@pytest.mark.parametrize(
    ("spellings", "gone"),
    [(("a b", "a%20b"), "a b"), (("c d", "c%20d"), "c%20d"), (("nothing", "c%20d"), "c%20d")],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_spelling_that_matches_is_deleted(desk: Desk, spellings: Sequence[str], gone: str) -> None:
    desk.put([desk.arrival(path) for path in ("a b", "a%20b", "c%20d")])

    _delete(desk, *spellings)

    assert set(desk.paths()) == {"a b", "a%20b", "c%20d"} - {gone}


@pytest.mark.parametrize("path", ["nothing", "A.dcm", "a.dc", "scan", "nothing*", "scan1/x/*"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_matches_nothing_is_not_found(tree: Desk, path: str) -> None:
    """F-161."""
    with pytest.raises(NotFound):
        _delete(tree, path)

    assert set(tree.paths()) == set(TREE)


@pytest.mark.parametrize("path", ["..", "a/../b", "a//", "."])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_path_that_cannot_be_deletes_nothing(tree: Desk, path: str) -> None:
    with pytest.raises(BadName):
        _delete(tree, path)

    assert set(tree.paths()) == set(TREE)


@pytest.mark.parametrize("where", [at("NII"), at("NII", ""), at(None, "a.dcm"), at("nothing", "a.dcm")])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_deletion_that_does_not_say_of_what_is_refused(tree: Desk, where: Address) -> None:
    """F-161, and decisions.md: without a path, name ``.../files/*``."""
    with pytest.raises(BadValue):
        _delete(tree, "a.dcm", where=where)

    assert set(tree.paths()) == set(TREE)


def test_an_unknown_number_deletes_nothing(tree: Desk) -> None:
    """F-52."""
    with pytest.raises(NotFound):
        _delete(tree, "a.dcm", where=at("9", "a.dcm"))


def test_a_resource_is_named_by_its_number_too(tree: Desk) -> None:
    _delete(tree, "a.dcm", where=at("1", "a.dcm"))

    assert "a.dcm" not in tree.paths()


def test_other_resources_keep_their_files(tree: Desk) -> None:
    tree.upload("a.dcm", where=at("OTHER"))

    _delete(tree, "*")

    assert tree.paths() == ["a.dcm"]


def test_deleting_twice_is_not_found(tree: Desk) -> None:
    _delete(tree, "a.dcm")

    with pytest.raises(NotFound):
        _delete(tree, "a.dcm")

    assert tree.counters() == (len(TREE) - 1, 10 * (len(TREE) - 1))


def test_a_deletion_keeps_bytes_and_what_is_said_of_the_resource(desk: Desk, blobs: LocalStore, clock: Clock) -> None:
    desk.upload("a", b"1", saying("t", format="NIFTI"))
    clock.move(hours=1)

    _delete(desk, "a")

    assert desk.resource().said == Description(format="NIFTI", tags=("t",))
    assert len(list(blobs.iter_keys())) == 1
