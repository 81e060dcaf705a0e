"""What a listing says of each file, whether or not the others say the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from db.rows import NOW, add_node, add_resource, listed_rows, new_entry
from filmroom.db.engine import Database
from filmroom.db.files import insert_file
from filmroom.db.schema import file
from filmroom.model.resources import Description, Digest, Owner


def test_a_listing_says_what_a_row_of_it_needs(database: Database) -> None:
    there = add_resource(database, Owner(add_node(database)))
    said = Description(format="DICOM", content="RAW", description="not listed", tags=("a", "b=c"))
    entry = replace(new_entry("a", size_bytes=5), said=said, digest=Digest(size_bytes=5, md5="f" * 32, crc32=7))
    database.write(lambda connection: insert_file(connection, there.pk, entry, by=None))

    expected = (there.pk, "a", 5, "f" * 32, "DICOM", "RAW", '["a","b=c"]', None)
    assert listed_rows(database, [there.pk]) == [expected]
    assert listed_rows(database, [there.pk], with_keys=True) == [(*expected, entry.key)]


# Texts that mean something in JSON, in SQL, or in a list that is put together from either.
_SAID = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3) | st.sampled_from(
    ("", "DICOM", "null", '"', "\\", "[]", "',", "\u2028", "\U0001f9e0")
)
_DESCRIPTIONS = st.builds(Description, format=_SAID, content=_SAID, tags=st.lists(_SAID, max_size=2).map(tuple))


@given(said=st.lists(_DESCRIPTIONS, min_size=1, max_size=8), damaged=st.sets(st.integers(0, 7), max_size=2))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_listing_says_of_each_file_what_is_said_of_it(
    database: Database, said: list[Description], damaged: set[int]
) -> None:
    resources = [add_resource(database, Owner(add_node(database, f"P{uuid4()}"))) for _ in range(2)]
    entries = [replace(new_entry(f"{number}"), said=each) for number, each in enumerate(said)]

    def fill(connection: Connection) -> None:
        for number, entry in enumerate(entries):
            insert_file(connection, resources[number % 2].pk, entry, by=None)
        paths = [f"{number}" for number in damaged]
        in_them = file.c.resource_pk.in_([resource.pk for resource in resources])
        connection.execute(update(file).where(in_them, file.c.path.in_(paths)).values(damaged_at=NOW))

    database.write(fill)
    listed = {
        row[1]: (*row[4:6], orjson.loads(row[6]), row[7]) for row in listed_rows(database, [r.pk for r in resources])
    }

    assert listed == {
        f"{number}": (each.format, each.content, list(each.tags), _MICROSECONDS if number in damaged else None)
        for number, each in enumerate(said)
    }


_MICROSECONDS = (NOW - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
