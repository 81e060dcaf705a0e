"""Rows of files: selected literally, listed by code point, replaced with a history, marked deleted and counted."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from db.rows import LATER, NOW, add_files, add_node, add_resource, listed_rows, new_entry, read
from filmroom.db.engine import Database
from filmroom.db.files import (
    Brief,
    _clash,
    find_brief,
    find_clash,
    find_file,
    get_brief,
    insert_file,
    iter_bytes,
    iter_files,
    mark_files_deleted,
    replace_file,
)
from filmroom.db.schema import file, file_history
from filmroom.model.errors import Busy
from filmroom.model.people import Viewer
from filmroom.model.resources import Description, Digest, FileEntry, Owner, Resource, Selection

EVERYTHING = Selection()
# Upper and lower case, non-ASCII inside and beyond the basic plane, and signs around the slash ("-" "." "/" "0").
PATHS = (
    "B",
    "a",
    "A",
    "b/c",
    "b",
    "é",
    "e\u0301",
    "\uffff",
    "\U0001f9e0",
    "_",
    "b-",
    "b.d",
    "b0",
    "10",
    "9",
    "ß/ä",
    " x",
)
# Characters that mean something in LIKE or GLOB; here they are letters like others.
PREFIXES = ("", "a", "a%", "a_", "a*", "a\\", "a[", "A", "b%", "zz", "%", "é")
LITERAL = ("a%", "a%b", "axb", "a_", "a_b", "a*", "a*b", "a?b", "a[x]b", "a\\%b", "ab", "A%b", "b%")


@pytest.fixture
def there(database: Database) -> Resource:
    return add_resource(database, Owner(add_node(database)))


def _listed(database: Database, resource: Resource, selection: Selection = EVERYTHING) -> list[str]:
    return [path for _, path, *_ in listed_rows(database, [resource.pk], selection)]


def _get(database: Database, resource: Resource, path: str) -> FileEntry:
    found = read(database, lambda connection: find_file(connection, resource.pk, path))
    assert found is not None
    return found


def _pk(database: Database, resource: Resource, path: str) -> int:
    return read(database, lambda connection: get_brief(connection, resource.pk, path).pk)


def _delete(database: Database, resource: Resource, selection: Selection) -> tuple[int, int]:
    return database.write(lambda connection: mark_files_deleted(connection, resource.pk, selection, now=NOW))


def test_files_are_listed_by_path_in_code_point_order(database: Database, there: Resource) -> None:
    add_files(database, there, *PATHS)

    assert _listed(database, there) == sorted(PATHS)


def test_whole_entries_come_in_the_same_order(database: Database, there: Resource) -> None:
    add_files(database, there, *PATHS)

    paths = read(database, lambda connection: [entry.path for entry in iter_files(connection, there.pk)])

    assert paths == sorted(PATHS)


def test_files_of_several_resources_come_resource_by_resource(database: Database, there: Resource) -> None:
    second = add_resource(database, Owner(add_node(database, "OTHER")))
    add_files(database, second, "a", "b")
    add_files(database, there, "b", "c")

    pks = [second.pk, there.pk]
    listed = [(pk, path) for pk, path, *_ in listed_rows(database, pks)]
    bytes_ = read(
        database,
        lambda connection: [(row.resource_pk, row.path) for row in iter_bytes(connection, pks, EVERYTHING)],
    )

    assert listed == bytes_ == [(there.pk, "b"), (there.pk, "c"), (second.pk, "a"), (second.pk, "b")]


def test_no_resources_have_no_files(database: Database, there: Resource) -> None:
    add_files(database, there, "a")

    assert listed_rows(database, []) == []


def test_an_archive_of_files_is_told_what_it_needs_of_each(database: Database, there: Resource) -> None:
    entry = replace(new_entry("a", key="lease-batch-1"), digest=Digest(size_bytes=5, md5="f" * 32, crc32=7))
    database.write(lambda connection: insert_file(connection, there.pk, entry, by=None))

    rows = read(database, lambda connection: [tuple(row) for row in iter_bytes(connection, [there.pk], EVERYTHING)])

    assert rows == [(there.pk, "a", "lease-batch-1", 5, 7, NOW)]


def test_thousands_of_files_are_listed_once_each(database: Database, there: Resource) -> None:
    paths = [f"{number:05}.dcm" for number in range(2500)]
    add_files(database, there, *paths)

    assert _listed(database, there) == paths


def test_other_resources_are_not_listed(database: Database, there: Resource) -> None:
    other = add_resource(database, Owner(add_node(database, "OTHER")))
    add_files(database, there, "mine")
    add_files(database, other, "theirs")

    assert _listed(database, there) == ["mine"]


def test_a_prefix_is_literal(database: Database, there: Resource) -> None:
    add_files(database, there, *LITERAL)

    listed = {prefix: _listed(database, there, Selection(prefix=prefix)) for prefix in PREFIXES}

    assert listed == {prefix: sorted(path for path in LITERAL if path.startswith(prefix)) for prefix in PREFIXES}


def test_a_path_selects_the_file_and_the_folder_of_that_name_only(database: Database, there: Resource) -> None:
    """F-163: ``scan1`` is not the beginning of ``scan10``."""
    words = ("a%", "a_", "a*", "axx", "scan1", "scan10", "scan1.dcm", "Scan1", "a\\", "ä\U0001f9e0")
    add_files(database, there, *words, *(f"{word}/x/y" for word in words))

    listed = {word: _listed(database, there, Selection(paths=(word,))) for word in (*words, "SCAN1", "s", "scan1/x")}

    expected = {word: [word, f"{word}/x/y"] for word in words}
    assert listed == {**expected, "SCAN1": [], "s": [], "scan1/x": ["scan1/x/y"]}


def test_what_is_selected_meets_every_condition(database: Database, there: Resource) -> None:
    add_files(database, there, "a/b", "a/c", "b")

    assert _listed(database, there, Selection(paths=("a",), prefix="b")) == []
    assert _listed(database, there, Selection(paths=("a",), prefix="a/b")) == ["a/b"]


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=5)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@given(prefix=_NAMES, others=st.sets(_NAMES, max_size=5))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_may_be_a_prefix(database: Database, prefix: str, others: set[str]) -> None:
    paths = {prefix, f"{prefix}x", *others}
    there = add_resource(database, Owner(add_node(database, f"P{_count_files(database)}")))
    add_files(database, there, *paths)

    assert _listed(database, there, Selection(prefix=prefix)) == sorted(
        path for path in paths if path.startswith(prefix)
    )


def _count_files(database: Database) -> int:
    return read(database, lambda connection: connection.execute(select(func.count(file.c.pk))).scalar_one())


# What is there, what is to come, and with what it clashes.
CLASHES = (
    ("a", "a/b", "a"),
    ("a/b", "a/b/c/d", "a/b"),
    ("a/b", "a", "a/b"),
    ("a/b/c/d", "a/b", "a/b/c/d"),
    ("a\uffff/b", "a\uffff", "a\uffff/b"),
    ("a", "a", None),
    ("a", "ab", None),
    ("a", "A/b", None),
    ("a/b", "a/c", None),
    ("a0", "a", None),
    ("a.b", "a", None),
    ("a-/b", "a", None),
    ("a%/b", "a", None),
    ("b/a", "a", None),
    ("a/b", "a0", None),
)


def test_a_file_clashes_with_a_folder_of_its_name(database: Database) -> None:
    owner = Owner(add_node(database))
    resources = [add_resource(database, owner, f"R{number}") for number in range(len(CLASHES))]
    for one, (there_is, _, _) in zip(resources, CLASHES, strict=True):
        add_files(database, one, there_is)

    found = [
        (there_is, path, read(database, partial(find_clash, resource_pk=one.pk, path=path)))
        for one, (there_is, path, _) in zip(resources, CLASHES, strict=True)
    ]

    assert found == list(CLASHES)


def test_deleted_files_and_those_of_others_do_not_clash(database: Database, there: Resource) -> None:
    other = add_resource(database, Owner(add_node(database, "OTHER")))
    add_files(database, there, "a")
    add_files(database, other, "a")
    _delete(database, there, EVERYTHING)

    assert read(database, lambda connection: find_clash(connection, there.pk, "a/b")) is None


def test_a_path_is_taken_once(database: Database, there: Resource) -> None:
    add_files(database, there, "a")

    is_added = database.write(lambda connection: insert_file(connection, there.pk, new_entry("a", key="k"), by=None))

    assert not is_added
    assert _get(database, there, "a").key != "k"


def test_a_file_is_found_as_it_was_added(database: Database, there: Resource, people: dict[str, Viewer]) -> None:
    digest = Digest(size_bytes=2**40, md5="0123456789abcdef" * 2, crc32=2**32 - 1)
    said = Description(format="NIFTI", content="ä", description="two\nlines", tags=("a", "ü=ö"))
    entry = replace(new_entry("a/ä.nii", key="l-b-k"), digest=digest, said=said)
    alice = people["alice"].pk

    database.write(lambda connection: insert_file(connection, there.pk, entry, by=alice))

    assert _get(database, there, "a/ä.nii") == replace(entry, created_by="alice", modified_by="alice")


def test_a_file_that_is_not_there_is_not_found(database: Database, there: Resource) -> None:
    def look(connection: Connection) -> tuple[FileEntry | None, Brief | None]:
        return find_file(connection, there.pk, "a"), find_brief(connection, there.pk, "a")

    assert read(database, look) == (None, None)


def test_a_file_that_comes_and_goes_is_tried_again(database: Database, there: Resource) -> None:
    with pytest.raises(Busy):
        read(database, lambda connection: get_brief(connection, there.pk, "a"))


def test_replacing_gives_new_bytes_and_keeps_who_created_it(
    database: Database, there: Resource, people: dict[str, Viewer]
) -> None:
    """F-153."""
    alice, bob = people["alice"].pk, people["bob"].pk
    database.write(lambda connection: insert_file(connection, there.pk, new_entry("a", key="old"), by=alice))
    pk = _pk(database, there, "a")
    new = replace(new_entry("a", key="new", size_bytes=9, at=LATER), said=Description(format="DICOM"))

    database.write(lambda connection: replace_file(connection, pk, new, by=bob))

    assert _get(database, there, "a") == replace(new, created_at=NOW, created_by="alice", modified_by="bob")
    assert _get(database, there, "a").is_changed


def test_what_was_replaced_goes_to_the_history(database: Database, there: Resource, people: dict[str, Viewer]) -> None:
    said = Description(format="DICOM", content="RAW", description="first", tags=("t",))
    old = replace(new_entry("a", key="old", size_bytes=5), said=said)
    alice, bob = people["alice"].pk, people["bob"].pk
    database.write(lambda connection: insert_file(connection, there.pk, old, by=alice))
    pk = _pk(database, there, "a")

    database.write(lambda connection: replace_file(connection, pk, new_entry("a", key="new", at=LATER), by=bob))

    row = read(database, lambda connection: connection.execute(file_history.select()).one())
    assert (row.file_pk, row.key, row.size_bytes, row.md5, row.crc32) == (pk, "old", 5, "0" * 32, 0)
    assert (row.format, row.content, row.description, row.tags) == ("DICOM", "RAW", "first", '["t"]')
    assert (row.modified_at, row.modified_by, row.replaced_at, row.replaced_by) == (NOW, alice, LATER, bob)


def test_each_replacement_adds_to_the_history(database: Database, there: Resource) -> None:
    add_files(database, there, "a")
    pk = _pk(database, there, "a")

    for key in ("second", "third"):
        database.write(lambda connection, key=key: replace_file(connection, pk, new_entry("a", key=key), by=None))  # type: ignore[misc]

    keys = read(database, lambda connection: connection.execute(select(file_history.c.key)).scalars().all())
    assert len(keys) == 2
    assert "second" in keys


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(), []),
        (Selection(paths=("a",)), ["a0", "ab", "b/c"]),
        (Selection(paths=("a0",)), ["a/x", "a/y/z", "ab", "b/c"]),
        (Selection(paths=("b",)), ["a/x", "a/y/z", "a0", "ab"]),
        (Selection(prefix="a"), ["b/c"]),
        (Selection(prefix="a/"), ["a0", "ab", "b/c"]),
        (Selection(paths=("nothing",)), ["a/x", "a/y/z", "a0", "ab", "b/c"]),
    ],
)
def test_deletion_takes_what_is_selected_and_counts_it(
    database: Database, there: Resource, selection: Selection, left: list[str]
) -> None:
    add_files(database, there, "a/x", "a/y/z", "a0", "ab", "b/c", size_bytes=10)

    count, size_bytes = _delete(database, there, selection)

    assert _listed(database, there) == left
    assert (count, size_bytes) == (5 - len(left), 10 * (5 - len(left)))


def test_what_is_deleted_already_is_not_counted_again(database: Database, there: Resource) -> None:
    add_files(database, there, "a")
    _delete(database, there, EVERYTHING)

    assert _delete(database, there, EVERYTHING) == (0, 0)


def test_a_file_knows_its_name_and_whether_it_was_changed() -> None:
    entry = new_entry("a/b/c.dcm")

    assert (entry.name, entry.is_changed) == ("c.dcm", False)


@pytest.mark.parametrize("depth", [0, 1, 7])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_looking_for_a_clash_never_reads_a_whole_resource(database: Database, depth: int) -> None:
    """The cost of an upload must not grow with its resource."""
    sql = str(_clash(depth)._statement.compile(dialect=database.engine.dialect))
    with database.read() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        rows = driver.execute(f"EXPLAIN QUERY PLAN {sql}", [""] * sql.count("?")).fetchall()

    searches = [row[3] for row in rows if "SEARCH" in row[3] or "SCAN" in row[3]]
    assert searches
    assert all("uq_file_path (resource_pk=? AND path" in search for search in searches)
