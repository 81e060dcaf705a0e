"""What a list or a search asks for: columns of things and of what hangs around them, and conditions on those."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filmroom.model.nodes import Kind
from filmroom.model.structure import DataType
from filmroom.model.values import TEXT, Value, ValueKind


class Part(StrEnum):
    """Whose value a column holds: that of the thing which a row is of (SELF), or of something around it.

    Those in MANY are there any number of times, and there is a row for each of them (C-125); for the others there is
    at most one.
    """

    SELF = "self"
    PROJECT = "project"
    SUBJECT = "subject"
    SESSION = "session"
    EXPERIMENT = "experiment"
    SCAN = "scan"
    RECONSTRUCTION = "reconstruction"
    ASSESSOR = "assessor"
    RESOURCE = "resource"
    SCAN_RESOURCE = "scan resource"
    ASSESSOR_RESOURCE = "assessor resource"
    SHARE = "share"


MANY: Final = frozenset(Part) - {Part.SELF, Part.PROJECT, Part.SUBJECT, Part.SESSION}
RESOURCES_OF: Final = {
    Part.RESOURCE: Part.SELF,
    Part.SCAN_RESOURCE: Part.SCAN,
    Part.ASSESSOR_RESOURCE: Part.ASSESSOR,
}
"""The parts that are resources, and what they hang on."""


class Fact(StrEnum):
    """What is known of a thing besides its fields. The last five are those of a resource.

    COUNT_ of sessions and OWNERS are known of projects alone.
    """

    ID = "ID"
    LABEL = "label"
    PROJECT = "project"
    XSI_TYPE = "xsiType"
    INSERT_DATE = "insert_date"
    INSERT_USER = "insert_user"
    LAST_MODIFIED = "last_modified"
    ACCESSIBILITY = "accessibility"
    OWNERS = "owners"
    COUNT_MR = "mr_count"
    COUNT_CT = "ct_count"
    COUNT_PET = "pet_count"
    COUNT_US = "us_count"
    NUMBER = "number"
    FILE_COUNT = "file_count"
    FILE_SIZE = "file_size"
    FORMAT = "format"
    CONTENT = "content"


MOMENTS: Final = frozenset({Fact.INSERT_DATE, Fact.LAST_MODIFIED})
# Sessions of a type in a project that the viewer may read.
COUNTED: Final[dict[Fact | str, str]] = {
    Fact.COUNT_MR: "xnat:mrSessionData",
    Fact.COUNT_CT: "xnat:ctSessionData",
    Fact.COUNT_PET: "xnat:petSessionData",
    Fact.COUNT_US: "xnat:usSessionData",
}
_WHOLE: Final = frozenset({*COUNTED, Fact.NUMBER, Fact.FILE_COUNT, Fact.FILE_SIZE})


EACH: Final = "[]"
"""In the path of a column, after a step to an element that is there many times: each of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it is called, of which part it tells, and what: a fact, or a field by its stored path.

    ``of_type`` is the data type by which it was named, None where none was; ``repeats`` says that the field holds a
    list of texts, or that its path has EACH in it.
    """

    name: str
    part: Part
    what: Fact | str
    value: Value = TEXT
    of_type: DataType | None = None
    repeats: bool = False

    @property
    def among(self) -> str:
        """The path of the elements of which it tells, without their last EACH; empty for none."""
        return self.what.rpartition(EACH)[0]

    @property
    def kind(self) -> ValueKind:
        """What kind of values it holds; those that tell of a moment count as dates and times."""
        if self.what in MOMENTS:
            return ValueKind.DATETIME
        return ValueKind.INTEGER if self.what in _WHOLE else self.value.kind


class Operator(StrEnum):
    """How a value is compared. LIKE takes ``*`` and ``%`` for any text and heeds no case; IS_NULL takes no value."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    LIKE = "LIKE"
    UNLIKE = "NOT LIKE"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one column. ``value`` is in the form in which such values are stored."""

    column: Column
    operator: Operator
    value: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it asks for one text, as it is."""
        return self.operator is Operator.EQUAL and self.column.kind is ValueKind.STRING


@dataclass(frozen=True, slots=True)
class All:
    """Conditions that must all hold; none at all holds always."""

    of: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Conditions of which one must hold; none at all never holds."""

    of: tuple["Condition", ...] = ()


Condition = Test | All | AnyOf


def iter_tests(condition: Condition) -> Iterator[Test]:
    if isinstance(condition, Test):
        yield condition
    else:
        for inner in condition.of:
            yield from iter_tests(inner)


def iter_columns(condition: Condition) -> Iterator[Column]:
    """The columns that a condition looks at."""
    return (test.column for test in iter_tests(condition))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of a list: rows of things of ``kinds``, of one of ``types`` or what extends one (None: of any).

    ``latest`` puts what was changed last first; else things come as they were made. ``limit`` None is all of them.
    """

    kinds: tuple[Kind, ...]
    columns: tuple[Column, ...]
    types: tuple[DataType, ...] | None = None
    condition: Condition = All()
    latest: bool = False
    offset: int = 0
    limit: int | None = None

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Those that are shown, and those that are only asked about."""
        return (*self.columns, *iter_columns(self.condition))

    @property
    def end(self) -> int | None:
        return None if self.limit is None else self.offset + self.limit
