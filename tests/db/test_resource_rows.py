"""Rows of resources: numbered once, found by label or number on their own side, counted exactly."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, select

from db.rows import LATER, NOTHING_SAID, NOW, add_node, add_resource, read
from filmroom.db.engine import Database
from filmroom.db.resources import (
    add_to_counters,
    describe_resource,
    find_first_resource,
    find_resource_by_label,
    find_resource_by_rid,
    insert_resource,
    list_resources_of,
    mark_resources_deleted,
)
from filmroom.db.schema import resource as table
from filmroom.model.people import Stamp, Viewer
from filmroom.model.resources import Description, Owner, Resource, Side


@pytest.fixture
def owner(database: Database) -> Owner:
    return Owner(add_node(database))


def _by_label(database: Database, owner: Owner, label: str) -> Resource | None:
    return read(database, lambda connection: find_resource_by_label(connection, owner, label))


def _by_rid(database: Database, owner: Owner, rid: int) -> Resource | None:
    return read(database, lambda connection: find_resource_by_rid(connection, owner, rid))


def _delete(database: Database, *resources: Resource) -> None:
    pks = [one.pk for one in resources]
    database.write(lambda connection: mark_resources_deleted(connection, pks, stamp=Stamp(LATER, None)))


def test_numbers_start_at_one_and_go_on_over_all_owners(database: Database, owner: Owner) -> None:
    """F-88: one sequence for the whole archive."""
    other = Owner(add_node(database, "OTHER"))

    rids = [add_resource(database, one, label).rid for one, label in ((owner, "A"), (other, "A"), (owner, "B"))]

    assert rids == [1, 2, 3]


def test_numbers_are_unique_under_concurrency(database: Database, owner: Owner) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: add_resource(database, owner, f"R{number}"), range(64)))

    assert sorted(one.rid for one in made) == list(range(1, 65))


def test_a_number_is_not_given_again_after_deletion(database: Database, owner: Owner) -> None:
    first = add_resource(database, owner, "A")
    _delete(database, first)

    assert add_resource(database, owner, "A").rid > first.rid


def test_a_resource_is_made_as_it_is_said(database: Database, owner: Owner) -> None:
    said = Description(format="DICOM", content="RAW", description="ä\nb", tags=("x", "n=v"))

    made = database.write(
        lambda connection: insert_resource(connection, owner, label="NII", said=said, stamp=Stamp(NOW, None))
    )

    assert made is not None
    assert made == Resource(pk=made.pk, rid=1, side=Side.NONE, label="NII", said=said, file_count=None, size_bytes=None)
    assert made == _by_label(database, owner, "NII") == _by_rid(database, owner, 1)


def test_a_label_is_taken_once(database: Database, owner: Owner) -> None:
    add_resource(database, owner, "NII")

    again = database.write(
        lambda connection: insert_resource(connection, owner, label="NII", said=NOTHING_SAID, stamp=Stamp(NOW, None))
    )

    assert again is None
    assert len(read(database, lambda connection: list_resources_of(connection, [owner])[owner])) == 1


def test_only_one_of_many_takes_a_label(database: Database, owner: Owner) -> None:
    def take(_number: int) -> Resource | None:
        return database.write(
            lambda connection: insert_resource(connection, owner, label="A", said=NOTHING_SAID, stamp=Stamp(NOW, None))
        )

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(take, range(16)))

    assert sum(one is not None for one in made) == 1


def test_labels_are_compared_exactly(database: Database, owner: Owner) -> None:
    """F-51."""
    add_resource(database, owner, "NII")

    found = [_by_label(database, owner, label) for label in ("nii", "NII ", "Nii", "NI", "N%", "N__")]

    assert found == [None] * 6


def test_sides_are_apart(database: Database, owner: Owner) -> None:
    """F-89, F-146."""
    going_in, coming_out = Owner(owner.node_pk, Side.IN), Owner(owner.node_pk, Side.OUT)
    first, second = add_resource(database, going_in, "X"), add_resource(database, coming_out, "X")

    assert _by_label(database, going_in, "X") == first
    assert _by_label(database, coming_out, "X") == second
    assert _by_rid(database, going_in, second.rid) is None
    assert _by_label(database, owner, "X") is None


def test_a_number_finds_only_what_hangs_on_its_owner(database: Database, owner: Owner) -> None:
    other = Owner(add_node(database, "OTHER"))
    made = add_resource(database, other)

    assert _by_rid(database, owner, made.rid) is None
    assert _by_rid(database, other, made.rid) == made


def test_a_number_that_cannot_be_is_not_found(database: Database, owner: Owner) -> None:
    """F-52."""
    add_resource(database, owner)

    found = [_by_rid(database, owner, rid) for rid in (0, 2, 2**31 - 1, 2**31, 2**63, 10**30)]

    assert found == [None] * 6


def test_deleted_resources_are_not_found(database: Database, owner: Owner) -> None:
    gone, left = add_resource(database, owner, "A"), add_resource(database, owner, "B")

    _delete(database, gone)

    assert _by_label(database, owner, "A") is None
    assert _by_rid(database, owner, gone.rid) is None
    assert read(database, lambda connection: list_resources_of(connection, [owner])[owner]) == [left]
    assert read(database, lambda connection: find_first_resource(connection, owner)) == left


def test_several_resources_are_deleted_together(database: Database, owner: Owner) -> None:
    _delete(database, *(add_resource(database, owner, label) for label in "ABC"))

    deleted = read(database, lambda connection: connection.execute(select(table.c.deleted_at)).scalars().all())
    assert deleted == [LATER] * 3


def test_resources_come_by_number(database: Database, owner: Owner) -> None:
    """F-68."""
    for label in ("Z", "A", None, "M"):
        add_resource(database, owner, label)

    labels = read(database, lambda connection: [one.label for one in list_resources_of(connection, [owner])[owner]])

    assert labels == ["Z", "A", None, "M"]


def test_the_first_of_none_is_none(database: Database, owner: Owner) -> None:
    assert read(database, lambda connection: find_first_resource(connection, owner)) is None


def test_counters_are_unknown_until_the_first_upload_then_exact(
    database: Database, owner: Owner, people: dict[str, Viewer]
) -> None:
    made, alice = add_resource(database, owner), people["alice"].pk
    seen = [(made.file_count, made.size_bytes)]

    for files, size_bytes in ((0, 0), (3, 2**40), (-2, -100), (0, -5)):
        database.write(
            lambda connection, files=files, size_bytes=size_bytes: add_to_counters(  # type: ignore[misc]
                connection, made.pk, files=files, size_bytes=size_bytes, stamp=Stamp(LATER, alice)
            )
        )
        now = _by_label(database, owner, "NII")
        assert now is not None
        seen.append((now.file_count, now.size_bytes))

    assert seen == [(None, None), (0, 0), (3, 2**40), (1, 2**40 - 100), (1, 2**40 - 105)]
    row = read(database, lambda connection: connection.execute(table.select()).one())
    assert (row.created_at, row.modified_at, row.modified_by) == (NOW, LATER, alice)


def test_counters_lose_nothing_under_concurrency(database: Database, owner: Owner) -> None:
    made = add_resource(database, owner)

    def unit(connection: Connection) -> None:
        add_to_counters(connection, made.pk, files=1, size_bytes=7, stamp=Stamp(NOW, None))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: database.write(unit), range(64)))

    now = _by_label(database, owner, "NII")
    assert now is not None
    assert (now.file_count, now.size_bytes) == (64, 7 * 64)


def test_a_resource_is_described_anew(database: Database, owner: Owner) -> None:
    made = add_resource(database, owner)
    said = Description(format="NIFTI", tags=("a",))

    database.write(lambda connection: describe_resource(connection, made.pk, said))

    now = _by_label(database, owner, "NII")
    assert now is not None
    assert now.said == said
