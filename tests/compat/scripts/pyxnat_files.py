"""Files and resources through pyxnat 1.6.4, on every level that has them."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyxnat import Interface
from pyxnat.core.errors import DatabaseError, DataError
from refusals import refused


class Desk(NamedTuple):
    """Who asks, a folder to work in, and by what the seven kinds of resources are reached."""

    archive: Interface
    folder: Path
    levels: dict[str, Any]

    def place(self, name: str) -> Path:
        """An empty folder."""
        place = self.folder / name
        place.mkdir(parents=True)
        return place


def _connect(url: str, password: str, folder: Path) -> Desk:
    archive = Interface(server=url, user="admin", password=password)
    session = archive.select.project("FILES").subject("S1").experiment("MR1")
    scan, reconstruction = session.scan("1"), session.reconstruction("R1")
    assessor = session.assessor("QC1")
    scan.create(scans="xnat:mrScanData")
    reconstruction.create()
    assessor.create(assessors="xnat:qcManualAssessorData")
    levels = {
        "project": archive.select.project("FILES"),
        "subject": archive.select.project("FILES").subject("S1"),
        "experiment": session,
        "scan": scan,
        "assessor": assessor,
        "assessor_in": assessor,
        "assessor_out": assessor,
        "reconstruction_in": reconstruction,
        "reconstruction_out": reconstruction,
    }
    return Desk(archive, folder, levels)


def _resources(desk: Desk, label: str) -> Iterator[tuple[str, Any]]:
    """The resource of this label on each level."""
    for level, owner in desk.levels.items():
        way = {"in": owner.in_resource, "out": owner.out_resource} if "_" in level else {"": owner.resource}
        yield level, way[level.partition("_")[2]](label)


def _bytes(resource: Any, path: str, folder: Path) -> bytes:
    target = folder / "got"
    resource.file(path).get(str(target))
    return target.read_bytes()


def _paths(resource: Any, pattern: str = "*") -> list[str]:
    """``files().get()`` gives the last part of each only."""
    return sorted(file.id() for file in resource.files(pattern))


def _unpacked(resource: Any, folder: Path) -> dict[str, bytes]:
    """What a download of the whole resource holds."""
    got = resource.get(str(folder), extract=True)
    root = folder / resource.label()
    return {str(Path(path).relative_to(root)): Path(path).read_bytes() for path in got}


def _tree(folder: Path) -> dict[str, bytes]:
    tree = {"a.txt": b"first", "deep/b.bin": bytes(range(256)) * 40, "deep/er/c.txt": b""}
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return tree


def file_put_and_get_on_every_level(desk: Desk) -> None:
    folder = desk.place("levels")
    for level, resource in _resources(desk, "ONE"):
        content = f"voxels of {level}".encode() * 1000
        (folder / "source").write_bytes(content)

        resource.file("deep/image.nii").put(str(folder / "source"), overwrite=True)

        assert resource.exists(), level
        assert resource.file("deep/image.nii").exists(), level
        assert _bytes(resource, "deep/image.nii", folder) == content, level
        assert _paths(resource) == ["deep/image.nii"], level
        assert resource.label() == "ONE", level
        assert resource.id().isdigit(), level


def put_dir_and_get_on_every_level(desk: Desk) -> None:
    folder = desk.place("dirs")
    source = folder / "source"
    tree = _tree(source)
    for level, resource in _resources(desk, "TREE"):
        resource.put_dir(str(source), overwrite=True)

        assert _unpacked(resource, desk.place(f"dirs/{level}")) == tree, level


def resource_create_and_delete_on_every_level(desk: Desk) -> None:
    for level, resource in _resources(desk, "EMPTY"):
        resource.create()
        assert resource.exists(), level
        assert resource.files().get() == [], level

        resource.delete()
        assert not resource.exists(), level


def resource_attributes(desk: Desk) -> None:
    resource = desk.levels["subject"].resource("ATTRIBUTES")
    resource.file("a.txt").put("five!", format="TEXT", content="RAW", tags="x y")

    attributes = resource.attributes()

    assert attributes["label"] == "ATTRIBUTES", attributes
    assert (int(attributes["file_count"]), int(attributes["file_size"])) == (1, 5), attributes
    assert set(attributes) == {"label", "file_count", "file_size", "tags", "format", "content"}, attributes


def file_attributes(desk: Desk) -> None:
    file = desk.levels["scan"].resource("ATTRIBUTES").file("a.txt")
    file.put("five!", format="TEXT", content="RAW", tags="x,y")

    assert file.size() == "5"
    assert (file.format(), file.content()) == ("TEXT", "RAW")
    assert set(file.labels().split(",")) == {"x", "y"}, file.labels()
    assert file.attributes()["digest"] == hashlib.md5(b"five!").hexdigest()
    assert file.attributes()["Name"] == "a.txt"
    assert file.attributes()["path"] == "a.txt"
    assert "GMT" in file.last_modified()
    assert file.id() == "a.txt"


def file_without_words_about_it(desk: Desk) -> None:
    """The client sends ``U`` for each; it comes back as it was sent."""
    file = desk.levels["project"].resource("UNSAID").file("a.txt")
    file.put("text")

    assert (file.format(), file.content(), file.labels()) == ("U", "U", "U")


def text_is_put_as_it_is(desk: Desk) -> None:
    resource = desk.levels["subject"].resource("TEXT")
    resource.file("note.txt").put("first line\nsecond line\n")

    assert _bytes(resource, "note.txt", desk.place("text")) == b"first line\nsecond line\n"


def an_empty_file(desk: Desk) -> None:
    folder = desk.place("empty")
    (folder / "nothing").touch()
    resource = desk.levels["subject"].resource("NOTHING")

    resource.file("nothing").put(str(folder / "nothing"))

    assert resource.file("nothing").exists()
    assert resource.file("nothing").size() == "0"
    assert _bytes(resource, "nothing", folder) == b""


def names_of_all_sorts(desk: Desk) -> None:
    resource = desk.levels["experiment"].resource("NAMES")
    folder = desk.place("names")
    names = ["a b.txt", "a+b.txt", "a&b.txt", "a;b.txt", "a,b.txt", "a=b.txt", "a@b.txt", "ü.txt", "(1).txt", "d e/f g"]
    for name in names:
        resource.file(name).put(f"content of {name}")

    for name in names:
        assert resource.file(name).exists(), name
        assert _bytes(resource, name, folder) == f"content of {name}".encode(), name
    assert _paths(resource) == sorted(names)
    for name in names:
        resource.file(name).delete()
        assert not resource.file(name).exists(), name


def overwriting(desk: Desk) -> None:
    folder = desk.place("overwrite")
    resource = desk.levels["scan"].resource("AGAIN")
    resource.file("a.txt").put("first")

    resource.file("a.txt").put("refused in silence")
    assert _bytes(resource, "a.txt", folder) == b"first"

    resource.file("a.txt").put("second", overwrite=True)
    assert _bytes(resource, "a.txt", folder) == b"second"


def parameters_of_an_upload(desk: Desk) -> None:
    resource = desk.levels["scan"].resource("REASON")
    resource.file("a.txt").put("why", params={"event_reason": "a reason & more"})

    assert resource.file("a.txt").exists()


def put_zip(desk: Desk) -> None:
    folder = desk.place("zip")
    with zipfile.ZipFile(folder / "tree.zip", "w") as archive:
        archive.writestr("tree/", "")
        archive.writestr("tree/a.txt", "first")
        archive.writestr("tree/deep/", "")
        archive.writestr("tree/deep/b.txt", "second")
    packed, unpacked = desk.levels["subject"].resource("PACKED"), desk.levels["subject"].resource("UNPACKED")

    packed.put_zip(str(folder / "tree.zip"), extract=False)
    unpacked.put_zip(str(folder / "tree.zip"), extract=True)

    assert _bytes(packed, "tree.zip", folder) == (folder / "tree.zip").read_bytes()
    assert _paths(unpacked) == ["tree/a.txt", "tree/deep/b.txt"]
    assert _bytes(unpacked, "tree/deep/b.txt", folder) == b"second"


def put_zip_again(desk: Desk) -> None:
    folder = desk.place("zip_again")
    resource = desk.levels["subject"].resource("ZIPPED_TWICE")
    for content, overwrite in (("first", False), ("refused", False), ("second", True)):
        with zipfile.ZipFile(folder / "tree.zip", "w") as archive:
            archive.writestr("a.txt", content)
        resource.put_zip(str(folder / "tree.zip"), overwrite=overwrite)

        expected = b"second" if overwrite else b"first"
        assert _bytes(resource, "a.txt", folder) == expected


def put_a_list_of_files(desk: Desk) -> None:
    source = desk.place("list/source")
    tree = _tree(source)
    resource = desk.levels["project"].resource("LIST")

    resource.put([str(source / path) for path in tree])

    folder = desk.place("list/got")
    assert {path: _bytes(resource, path, folder) for path in _paths(resource)} == tree


def the_other_names_of_putting(desk: Desk) -> None:
    source = desk.place("synonyms/source")
    tree = _tree(source)
    resource = desk.levels["subject"].resource("SYNONYMS")

    resource.file("inserted").insert("one")
    resource.file("created").create("two")
    resource.batch_insert([str(source / path) for path in tree])

    assert {"inserted", "created", *tree} == set(_paths(resource))


def get_as_a_zip(desk: Desk) -> None:
    source = desk.place("as_zip/source")
    tree = _tree(source)
    resource = desk.levels["experiment"].resource("AS_ZIP")
    resource.put_dir(str(source))

    got = resource.get(str(desk.place("as_zip/got")))

    with zipfile.ZipFile(got) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert sorted(members.values()) == sorted(tree.values()), sorted(members)


def files_by_pattern(desk: Desk) -> None:
    resource = desk.levels["project"].resource("PATTERN")
    for name in ("a.txt", "b.txt", "c.nii"):
        resource.file(name).put(name)

    assert sorted(resource.files("*.txt").get()) == ["a.txt", "b.txt"]
    assert resource.files("c*").get() == ["c.nii"]
    assert sorted(file.id() for file in resource.files()) == ["a.txt", "b.txt", "c.nii"]


def resources_are_listed_by_number(desk: Desk) -> None:
    subject = desk.archive.select.project("FILES").subject("S2")
    subject.create()
    for label in ("NIFTI_1", "NIFTI_2", "OTHER"):
        subject.resource(label).create()

    assert sorted(resource.label() for resource in subject.resources()) == ["NIFTI_1", "NIFTI_2", "OTHER"]
    assert all(number.isdigit() for number in subject.resources().get())
    second = subject.resource("NIFTI_2").id()
    assert [resource.label() for resource in subject.resources(second)] == ["NIFTI_2"]


def files_of_all_resources(desk: Desk) -> None:
    subject = desk.archive.select.project("FILES").subject("S3")
    subject.resource("ONE").file("a.txt").put("a")
    subject.resource("TWO").file("b.txt").put("b")

    assert sorted(subject.resources().files().get()) == ["a.txt", "b.txt"]
    assert sorted(desk.archive.select("/projects/FILES/subjects/S3/resources/*/files").get()) == ["a.txt", "b.txt"]


def a_resource_is_reached_by_its_number(desk: Desk) -> None:
    by_label = desk.levels["subject"].resource("NUMBERED")
    by_label.file("a.txt").put("by label")

    by_number = desk.levels["subject"].resource(by_label.id())

    assert by_number.exists()
    assert _bytes(by_number, "a.txt", desk.place("numbered")) == b"by label"
    assert by_number.label() == "NUMBERED"


def a_resource_describes_itself(desk: Desk) -> None:
    resource = desk.levels["subject"].resource("SHOWN")
    resource.file("a.txt").put("five!")

    assert repr(resource) == f"<Resource Object> {resource.id()} `SHOWN` (1 files 5.00 B)"


def a_file_is_deleted(desk: Desk) -> None:
    resource = desk.levels["experiment"].resource("DELETED")
    resource.file("a.txt").put("a")
    resource.file("b.txt").put("b")

    resource.file("a.txt").delete()

    assert resource.files().get() == ["b.txt"]


def the_default_side_is_out(desk: Desk) -> None:
    assessor = desk.levels["assessor"]
    assessor.resource("SIDE").file("a.txt").put("out")

    assert "SIDE" in [resource.label() for resource in assessor.out_resources()]
    assert "SIDE" not in [resource.label() for resource in assessor.in_resources()]


def a_larger_file_is_the_same_when_it_comes_back(desk: Desk) -> None:
    folder = desk.place("large")
    content = bytes(number * 7 % 251 for number in range(3_000_000))
    (folder / "large.bin").write_bytes(content)
    resource = desk.levels["scan"].resource("LARGE")

    resource.file("large.bin").put(str(folder / "large.bin"))

    assert resource.file("large.bin").size() == "3000000"
    assert _bytes(resource, "large.bin", folder) == content


def a_resource_that_is_there_is_not_made_again(desk: Desk) -> None:
    resource = desk.levels["subject"].resource("TWICE")
    resource.create()

    refused(resource.create, DatabaseError)


def what_is_not_there_is_an_error(desk: Desk) -> None:
    resource = desk.levels["subject"].resource("MISSING")

    assert not resource.exists()
    assert not resource.file("a.txt").exists()
    assert resource.files().get() == []
    resource.delete()  # XNAT finds nothing wrong with that (F-328)
    for act in (resource.file("a.txt").delete, resource.file("a.txt").get):
        refused(act, DataError)
