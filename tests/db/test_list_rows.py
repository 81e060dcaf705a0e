"""What a list never asks of the database, whatever the layers above let through."""

import pytest

from filmroom.db.engine import Database
from filmroom.db.lists import Scope, read_rows
from filmroom.model.lists import All, Column, Fact, Operator, Part, Wanted
from filmroom.model.lists import Test as Condition
from filmroom.model.nodes import Kind
from filmroom.model.permission import Reach

_SCOPE = Scope(reach=Reach(is_everything=True), around=Reach(is_everything=True))
_ID = Column("ID", Part.SELF, Fact.ID)


@pytest.mark.parametrize("part", [Part.SUBJECT, Part.SESSION, Part.PROJECT])
@pytest.mark.parametrize("fact", [Fact.ID, Fact.LABEL])
def test_what_is_not_around_a_row_is_never_told_of(database: Database, part: Part, fact: Fact) -> None:
    """Neither shown nor asked about: a table that is not joined would give everything in it."""
    stray = Column("stray", part, fact)
    shown = Wanted(kinds=(Kind.PROJECT,), columns=(_ID, stray))
    asked = Wanted(kinds=(Kind.PROJECT,), columns=(_ID,), condition=All((Condition(stray, Operator.EQUAL, "X"),)))

    for wanted in (shown, asked):
        with database.read() as connection, pytest.raises(ValueError, match="around the rows"):
            read_rows(connection, wanted, _SCOPE)
