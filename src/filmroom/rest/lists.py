"""Lists of subjects, experiments, assessors, scans and reconstructions over HTTP (core-api section 3.9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from filmroom.model.datatypes import DataType, find_data_type, iter_known
from filmroom.model.nodes import FieldValue, Kind, Node, Place
from filmroom.model.table import Table, counted
from filmroom.rest import items
from filmroom.rest.call import Call, Handler
from filmroom.rest.formats import table_reply, timestamp
from filmroom.rest.params import read_whole
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.entities import Window

_DEFAULT_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class _List:
    """A list of one kind: the header of its first column and its default columns after that (C-89 to C-120).

    ``kinds`` are those of which there can be rows: without ``xsiType`` there are such of the first ``shown``.
    ``is_paged`` says whether it knows ``limit`` and ``offset``.
    """

    kinds: tuple[Kind, ...]
    key: str
    columns: tuple[str, ...]
    uri: Callable[[Place], str]
    shown: int = 1
    is_paged: bool = False

    @property
    def kind(self) -> Kind:
        return self.kinds[0]


def _flat_uri(place: Place) -> str:
    return f"/data/{'subjects' if place.kind is Kind.SUBJECT else 'experiments'}/{place.node.id}"


def _session_uri(word: str) -> Callable[[Place], str]:
    return lambda place: f"/data/experiments/{place.session.id if place.session else ''}/{word}/{place.node.id}"


SUBJECTS: Final = _List(
    (Kind.SUBJECT,),
    "ID",
    ("project", "label", "insert_date", "insert_user", "URI"),
    _flat_uri,
    is_paged=True,
)
# C-103: assessors only where they are asked for.
EXPERIMENTS: Final = _List(
    (Kind.EXPERIMENT, Kind.ASSESSOR),
    "xnat:subjectassessordata/id",
    ("ID", "project", "date", "xsiType", "label", "insert_date", "URI"),
    _flat_uri,
    is_paged=True,
)
# C-104.
ALL_EXPERIMENTS: Final = replace(EXPERIMENTS, key="xnat:experimentdata/id", shown=2)
ASSESSORS: Final = _List(
    (Kind.ASSESSOR,),
    "xnat:imageassessordata/id",
    ("ID", "project", "label", "date", "xsiType", "insert_date", "session_ID", "session_label", "URI"),
    _flat_uri,
)
SCANS: Final = _List(
    (Kind.SCAN,),
    "xnat_imagescandata_id",
    ("ID", "type", "quality", "xsiType", "note", "series_description", "URI"),
    _session_uri("scans"),
)
RECONSTRUCTIONS: Final = _List(
    (Kind.RECONSTRUCTION,),
    "xnat_reconstructedimagedata_id",
    ("ID", "type", "baseScanType", "URI"),
    _session_uri("reconstructions"),
)


def lister(wanted: _List) -> Handler:
    """The handler of a list."""

    def list_entities(archive: Archive, call: Call) -> Reply:
        types = _asked_types(call)
        kinds = wanted.kinds[: wanted.shown] if types is None else wanted.kinds
        window = _window(call, wanted, types)
        places = archive.entities.list_inside(call.viewer, call.address, *kinds, window=window)
        columns = _columns(call, wanted, types)
        rows = [_row(place, columns, wanted) for place in places]
        table = Table(columns=tuple(map(_header, columns)), rows=rows)
        return table_reply(call, counted(table) if window.limit is None else table)

    return list_entities


def _window(call: Call, wanted: _List, types: tuple[DataType, ...] | None) -> Window:
    """C-126, C-129: the rows of the types asked for; a part of them only of lists that can be long."""

    def holds(place: Place) -> bool:
        return types is None or _is_of(place, types)

    limit, offset = (call.query.text("limit"), call.query.text("offset")) if wanted.is_paged else (None, None)
    if limit == "*" or (limit is None and offset is None):
        return Window(holds=holds)
    return Window(
        holds=holds,
        offset=read_whole(offset or "0", "offset"),
        limit=read_whole(limit, "limit") if limit else _DEFAULT_LIMIT,
    )


def _asked_types(call: Call) -> tuple[DataType, ...] | None:
    """C-126: data types, several with commas, by name or by element, in any case; None where all will do."""
    names = call.query.text("xsiType")
    if names is None:
        return None
    known = (find_data_type(name.strip()) for name in names.split(","))
    return tuple(data_type for data_type in known if data_type)


def _is_of(place: Place, types: tuple[DataType, ...]) -> bool:
    return bool({data_type.xsi_type for data_type in types} & set(_lineage(place)))


def _lineage(place: Place) -> tuple[str, ...]:
    data_type = find_data_type(place.node.xsi_type)
    return tuple(ancestor.xsi_type for ancestor in data_type.lineage) if data_type else (place.node.xsi_type,)


# C-104: what the list of all experiments says besides, when it is of one type.
_PARENT_COLUMNS: Final[dict[Kind | None, tuple[str, ...]]] = {
    Kind.EXPERIMENT: ("subject_ID", "subject_label"),
    Kind.ASSESSOR: ("session_ID", "session_label"),
}


def _columns(call: Call, wanted: _List, types: tuple[DataType, ...] | None) -> tuple[str, ...]:
    """C-121 to C-123: the key first, then what was asked for, then URI; unknown short names are dropped."""
    asked = call.query.text("columns")
    if asked is None:
        kinds = dict.fromkeys(data_type.kind for data_type in types or () if wanted is ALL_EXPERIMENTS)
        return (wanted.key, *wanted.columns, *(column for kind in kinds for column in _PARENT_COLUMNS.get(kind, ())))
    names: list[str] = []
    for name in asked.split(","):
        names += wanted.columns if name == "DEFAULT" else [name.strip()]
    known = [name for name in names if "/" in name or _is_known(name, wanted)]
    key = () if wanted.key in known else (wanted.key,)
    return tuple(dict.fromkeys((*key, *known, "URI")))


def _is_known(name: str, wanted: _List) -> bool:
    if name in _COMPUTED or name in wanted.columns or name == wanted.key:
        return True
    return any(data_type.find_field_path(name) for data_type in iter_known(wanted.kind))


def _header(column: str) -> str:
    """C-122."""
    return column.lower() if "/" in column else column


def _project_shown(place: Place) -> Node:
    """C-89, C-103: a subject tells its own project wherever it is seen, an experiment the one it was asked for in."""
    return place.project if place.kind is Kind.SUBJECT else place.seen_in


_COMPUTED: Final[dict[str, Callable[[Place], str]]] = {
    "ID": lambda place: place.node.id,
    "label": lambda place: place.node.label or "",
    "project": lambda place: _project_shown(place).id,
    "xsiType": lambda place: place.node.xsi_type,
    "insert_date": lambda place: timestamp(place.node.created_at),
    "insert_user": lambda place: place.node.created_by,
    "subject_ID": lambda place: place.subject.id if place.subject else "",
    "subject_label": lambda place: (place.subject.label or "") if place.subject else "",
    "session_ID": lambda place: place.session.id if place.session else "",
    "session_label": lambda place: (place.session.label or "") if place.session else "",
}


def _row(place: Place, columns: tuple[str, ...], wanted: _List) -> list[str | int]:
    fields = items.fields_of(place)
    return [_cell(place, column, wanted, fields) for column in columns]


def _cell(place: Place, column: str, wanted: _List, fields: Mapping[str, FieldValue]) -> str | int:
    if column == "URI":
        return wanted.uri(place)
    if column == wanted.key and column not in _COMPUTED:
        return place.node.pk if wanted.kind in {Kind.SCAN, Kind.RECONSTRUCTION} else place.node.id
    if column in _COMPUTED:
        return _COMPUTED[column](place)
    data_type = find_data_type(place.node.xsi_type)
    path = data_type.find_field_path(column) if data_type else None
    return str(fields.get(path or "", ""))
