"""Lists of projects and of what is in them, over HTTP (core-api section 3.9)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from filmroom.model.columns import Root, find_column, find_repeated, iter_short_names, narrowed_type
from filmroom.model.datatypes import PROJECT, SUBJECT, DataType, find_data_type, get_data_type
from filmroom.model.errors import BadValue
from filmroom.model.lists import MOMENTS, Column, Condition, Fact, Part, Wanted
from filmroom.model.nodes import Kind
from filmroom.model.table import Batches, Cell, Columns, Table, counted, sorted_by
from filmroom.model.values import NUMBERS
from filmroom.rest.call import Call, Handler
from filmroom.rest.filters import all_of, read_filter
from filmroom.rest.formats import table_reply, timestamps
from filmroom.rest.params import read_whole
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.lists import Batch, Values

_DEFAULT_LIMIT: Final = 100
# What is no filter, though a field may be called so.
_RESERVED: Final = frozenset(
    {"columns", "format", "xsiType", "sortBy", "sortOrder", "limit", "offset", "fields", "recent", "type_filter"}
)
_ID: Final = Column("ID", Part.SELF, Fact.ID)
_SESSION_ID: Final = Column("session_ID", Part.SESSION, Fact.ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """A list: what rows are of, its default columns and the word in its URIs (C-77, C-89 to C-120).

    ``kinds`` are those of which there can be rows: without ``xsiType`` there are such of the first ``shown``.
    ``key`` is the fact that its first column tells, and ``key_name`` what that is called, None for a path that says
    the type of the rows (C-121). ``is_paged`` says whether it knows ``limit`` and ``offset``, ``is_general`` whether
    it says more of things of one type (C-104).
    """

    kinds: tuple[Kind, ...]
    data_type: str
    columns: tuple[str, ...]
    word: str
    shown: int = 1
    key: Fact = Fact.ID
    key_name: str | None = None
    is_paged: bool = False
    is_general: bool = False


PROJECTS: Final = List(
    kinds=(Kind.PROJECT,),
    data_type=PROJECT,
    columns=("secondary_ID", "name", "description", "pi_firstname", "pi_lastname", "URI"),
    word="projects",
    key_name="ID",
)
SUBJECTS: Final = List(
    kinds=(Kind.SUBJECT,),
    data_type=SUBJECT,
    columns=("project", "label", "insert_date", "insert_user", "URI"),
    word="subjects",
    key_name="ID",
    is_paged=True,
)
# C-103: assessors only where they are asked for.
EXPERIMENTS: Final = List(
    kinds=(Kind.EXPERIMENT, Kind.ASSESSOR),
    data_type="xnat:subjectAssessorData",
    columns=("ID", "project", "date", "xsiType", "label", "insert_date", "URI"),
    word="experiments",
    is_paged=True,
)
# C-104.
ALL_EXPERIMENTS: Final = replace(EXPERIMENTS, data_type="xnat:experimentData", shown=2, is_general=True)
ASSESSORS: Final = List(
    kinds=(Kind.ASSESSOR,),
    data_type="xnat:imageAssessorData",
    columns=("ID", "project", "label", "date", "xsiType", "insert_date", "session_ID", "session_label", "URI"),
    word="experiments",
)
SCANS: Final = List(
    kinds=(Kind.SCAN,),
    data_type="xnat:imageScanData",
    columns=("ID", "type", "quality", "xsiType", "note", "series_description", "URI"),
    word="scans",
    key=Fact.NUMBER,
    key_name="xnat_imagescandata_id",
)
RECONSTRUCTIONS: Final = List(
    kinds=(Kind.RECONSTRUCTION,),
    data_type="xnat:reconstructedImageData",
    columns=("ID", "type", "baseScanType", "URI"),
    word="reconstructions",
    key=Fact.NUMBER,
    key_name="xnat_reconstructedimagedata_id",
)


def lister(wanted: List) -> Handler:
    """The handler of a list."""

    def list_things(archive: Archive, call: Call) -> Reply:
        types = _asked_types(call)
        root = _root(call, wanted, types)
        if call.query.has("fields"):
            return table_reply(call, Table(columns=("key", "xpath"), rows=list(iter_short_names(root))))
        return _Listing(wanted, root, types).answer(archive, call)

    return list_things


def _asked_types(call: Call) -> tuple[DataType, ...] | None:
    """C-126: data types, several with commas, by name or by element, in any case; None where all will do.

    Raises BadValue for one that is not known.
    """
    names = call.query.text("xsiType")
    if names is None:
        return None
    known = {name.strip(): find_data_type(name.strip()) for name in names.split(",") if name.strip()}
    if unknown := [name for name, data_type in known.items() if data_type is None]:
        raise BadValue("xsiType", ", ".join(unknown), "no such data type is known here")
    return tuple(data_type for data_type in known.values() if data_type)


def _root(call: Call, wanted: List, types: tuple[DataType, ...] | None) -> Root:
    """C-124: the one type that is asked for, else the most specific one that columns and filters name."""
    default = Root(wanted.kinds[: wanted.shown], get_data_type(wanted.data_type))
    if types is None:
        data_type = narrowed_type(default, _paths(call))
    else:
        data_type = types[0] if len(types) == 1 else default.data_type
    kinds = {known.family for known in types or (data_type,)}
    chosen = () if None in kinds else tuple(kind for kind in wanted.kinds if kind in kinds)
    return Root(chosen or default.kinds, data_type)


def _paths(call: Call) -> Iterator[str]:
    yield from (call.query.text("columns") or "").split(",")
    yield from (name for name, _ in call.query.items())


@dataclass(frozen=True, slots=True)
class _Listing:
    """One request for a list."""

    wanted: List
    root: Root
    types: tuple[DataType, ...] | None

    def answer(self, archive: Archive, call: Call) -> Reply:
        shown = self._shown(call)
        offset, limit = self._window(call)
        is_sorted = call.query.text("sortBy") is not None
        asked = Wanted(
            kinds=self.root.kinds,
            types=self._types(),
            columns=(*(column for column in shown.values() if column), _ID, *self._above()),
            condition=self._condition(call),
            latest=call.query.text("recent") is not None,
            # What is to be sorted is read whole before a part of it is shown.
            offset=0 if is_sorted else offset,
            limit=None if is_sorted else limit,
        )
        with archive.lists.open_rows(call.viewer, call.address, asked) as batches:
            table = Table(columns=tuple(shown), rows=Batches(self._iter_shown(shown, batches)))
            if is_sorted:
                table = self._sorted(call, table, shown)
                end = None if limit is None else offset + limit
                table = replace(table, rows=tuple(table.rows)[offset:end])
            return table_reply(call, counted(table) if limit is None else table, is_sorted=is_sorted)

    def _types(self) -> tuple[DataType, ...] | None:
        """The types to which the rows are limited; None where those of the kinds are just these."""
        if self.types is not None:
            return self.types
        return None if self.root.data_type.xsi_type == self.wanted.data_type else (self.root.data_type,)

    def _above(self) -> tuple[Column, ...]:
        return (_SESSION_ID,) if self.wanted.kinds[0] in {Kind.SCAN, Kind.RECONSTRUCTION} else ()

    def _shown(self, call: Call) -> dict[str, Column | None]:
        """C-121 to C-123: by name, the key first and URI (None) last unless asked for; unknown names are dropped."""
        asked = call.query.text("columns")
        key = Column(self.wanted.key_name or f"{self.root.data_type.xsi_type.lower()}/id", Part.SELF, self.wanted.key)
        shown: dict[str, Column | None] = {key.name: key}
        for name in self._names(asked):
            if name == "URI":
                shown.setdefault(name, None)
            elif column := find_column(name, self.root) or find_repeated(name, self.root):
                shown.setdefault(column.name, column)
        shown.setdefault("URI", None)
        return shown

    def _names(self, asked: str | None) -> Iterator[str]:
        if asked is None:
            yield from self.wanted.columns
            yield from self._more()
            return
        for name in asked.split(","):
            yield from self.wanted.columns if name.strip() == "DEFAULT" else (name.strip(),)
        if self.wanted.is_general and self.types is not None and self.root.data_type.is_abstract:
            yield from ("xsiType", "project")

    def _more(self) -> Iterator[str]:
        """C-104: what the list of all experiments says besides, when it is of one kind."""
        if self.wanted.is_general and self.types is not None:
            for kind in self.root.kinds:
                yield from _PARENT_COLUMNS[kind]

    def _condition(self, call: Call) -> Condition:
        """C-126: every other parameter that names a column is a filter; all of them count."""
        filters: list[Condition] = []
        for name, value in call.query.items():
            if name in _RESERVED or not value or (column := find_column(name, self.root)) is None:
                continue
            call.query.texts(name)
            filters.append(read_filter(column, value))
        return all_of(filters)

    def _window(self, call: Call) -> tuple[int, int | None]:
        """C-129: what to leave out before the first row, and how many rows there may be; C-104: of the latest ones."""
        if (recent := call.query.text("recent")) is not None and self.wanted.is_general:
            return 0, read_whole(recent, "recent") if recent.isdigit() else _DEFAULT_LIMIT
        if not self.wanted.is_paged:
            return 0, None
        limit, offset = call.query.text("limit"), call.query.text("offset")
        if limit == "*" or (limit is None and offset is None):
            return 0, None
        return read_whole(offset or "0", "offset"), read_whole(limit, "limit") if limit else _DEFAULT_LIMIT

    def _sorted(self, call: Call, table: Table, shown: dict[str, Column | None]) -> Table:
        """C-128: by the names of columns, or by what else stands for them."""
        asked = [name.strip() for name in (call.query.text("sortBy") or "").split(",")]
        names = [column.name if (column := find_column(name, self.root)) else name for name in asked]
        numbers = frozenset(name for name, column in shown.items() if column and column.kind in NUMBERS)
        descending = (call.query.text("sortOrder") or "").lower() == "desc"
        return sorted_by(table, names, descending=descending, numbers=numbers)

    def _iter_shown(self, shown: dict[str, Column | None], batches: Iterable[Batch]) -> Iterator[Columns]:
        columns = [column for column in shown.values() if column]
        for batch in batches:
            values = iter(cells(columns, batch))
            uris = self._uris(*batch[len(columns) :])
            yield [uris if column is None else next(values) for column in shown.values()]

    def _uris(self, ids: Values, sessions: Values | None = None) -> Sequence[str]:
        """C-223: always the way without a project."""
        if sessions is None:
            return [f"/data/{self.wanted.word}/{one}" for one in ids]
        pairs = zip(sessions, ids, strict=True)
        return [f"/data/experiments/{session}/{self.wanted.word}/{one}" for session, one in pairs]


_PARENT_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.EXPERIMENT: ("subject_ID", "subject_label"),
    Kind.ASSESSOR: ("session_ID", "session_label"),
}


def cells(columns: Sequence[Column], batch: Batch) -> list[Sequence[Cell]]:
    """What is shown of the first values of a batch, which are those of the columns."""
    shown = zip(columns, batch, strict=False)
    return [timestamps(values) if column.what in MOMENTS else values for column, values in shown]
