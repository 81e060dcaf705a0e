"""From the names that clients have for columns, in lists and searches, to what they mean (C-62 to C-67, C-122)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from filmroom.model.datatypes import SUBJECT, find_data_type, iter_known
from filmroom.model.lists import COUNTED, EACH, RESOURCES_OF, Column, Fact, Part
from filmroom.model.nodes import Kind
from filmroom.model.structure import RESOURCES, SHARES, Body, DataType, Element, parse_step
from filmroom.model.values import TEXT

# C-63 to C-67: those that can only be read.
_COMPUTED: Final[dict[str, tuple[Part, Fact]]] = {
    "xsiType": (Part.SELF, Fact.XSI_TYPE),
    "insert_date": (Part.SELF, Fact.INSERT_DATE),
    "insert_user": (Part.SELF, Fact.INSERT_USER),
    "last_modified": (Part.SELF, Fact.LAST_MODIFIED),
    "subject_label": (Part.SUBJECT, Fact.LABEL),
    "subject_project": (Part.SUBJECT, Fact.PROJECT),
    "session_ID": (Part.SESSION, Fact.ID),
    "session_label": (Part.SESSION, Fact.LABEL),
    "session_project": (Part.SESSION, Fact.PROJECT),
    "xnat_imagescandata_id": (Part.SELF, Fact.NUMBER),
    "xnat_reconstructedimagedata_id": (Part.SELF, Fact.NUMBER),
}
# The kinds whose things have the numbers of that name.
_NUMBERS: Final = {"xnat_imagescandata_id": Kind.SCAN, "xnat_reconstructedimagedata_id": Kind.RECONSTRUCTION}
# Fields that say where a thing is, which is known without them.
_PLACES: Final[dict[str, tuple[Part, Fact]]] = {
    "ID": (Part.SELF, Fact.ID),
    "label": (Part.SELF, Fact.LABEL),
    "project": (Part.SELF, Fact.PROJECT),
    "subject_ID": (Part.SUBJECT, Fact.ID),
    "imageSession_ID": (Part.SESSION, Fact.ID),
    "image_session_ID": (Part.SESSION, Fact.ID),
}
# C-64, C-67: the short names of what is above a thing, by the type and the fact that a path to it ends at.
_ABOVE: Final[dict[tuple[str, Part, Fact | str], str]] = {
    (SUBJECT, Part.SUBJECT, Fact.LABEL): "subject_label",
    (SUBJECT, Part.SUBJECT, Fact.PROJECT): "subject_project",
    ("xnat:imageSessionData", Part.SESSION, Fact.ID): "session_ID",
    ("xnat:imageSessionData", Part.SESSION, Fact.LABEL): "session_label",
    ("xnat:imageSessionData", Part.SESSION, Fact.PROJECT): "session_project",
}
# No path of a field holds these.
_IN_NO_PATH: Final = frozenset('\0"\\')
# What every thing has below its fields.
_META: Final = {
    "meta/insert_date": Fact.INSERT_DATE,
    "meta/insert_user/login": Fact.INSERT_USER,
    "meta/last_modified": Fact.LAST_MODIFIED,
    "extension_item/element_name": Fact.XSI_TYPE,
}
# What a project alone says besides, to searches.
_OF_PROJECT: Final = {fact.value: fact for fact in Fact if fact in COUNTED or fact in {Fact.OWNERS, Fact.ACCESSIBILITY}}
# What one comes to from a thing of a kind by the type of another one.
_AROUND: Final[dict[Kind, dict[Kind, Part]]] = {
    Kind.PROJECT: {},
    Kind.SUBJECT: {Kind.PROJECT: Part.PROJECT, Kind.EXPERIMENT: Part.EXPERIMENT},
    Kind.EXPERIMENT: {
        Kind.PROJECT: Part.PROJECT,
        Kind.SUBJECT: Part.SUBJECT,
        Kind.SCAN: Part.SCAN,
        Kind.RECONSTRUCTION: Part.RECONSTRUCTION,
        Kind.ASSESSOR: Part.ASSESSOR,
    },
    **{
        kind: {Kind.PROJECT: Part.PROJECT, Kind.SUBJECT: Part.SUBJECT, Kind.EXPERIMENT: Part.SESSION}
        for kind in (Kind.ASSESSOR, Kind.SCAN, Kind.RECONSTRUCTION)
    },
}
# What things of a kind are to what is below them.
_THEMSELVES: Final = {Kind.SUBJECT: Part.SUBJECT, Kind.EXPERIMENT: Part.SESSION}
_RESOURCES: Final = {of: part for part, of in RESOURCES_OF.items()}
_RESOURCE_FACTS: Final = {
    fact.value: fact for fact in (Fact.LABEL, Fact.FILE_COUNT, Fact.FILE_SIZE, Fact.FORMAT, Fact.CONTENT)
}
_SHARE_FACTS: Final = {"project": Fact.PROJECT, "label": Fact.LABEL}


@dataclass(frozen=True, slots=True)
class Root:
    """What rows are of: things of some kinds, and of one type or what extends it."""

    kinds: tuple[Kind, ...]
    data_type: DataType

    @property
    def kind(self) -> Kind:
        return self.kinds[0]


def find_column(name: str, root: Root) -> Column | None:
    """What a client's name for a column means; None for one that means nothing.

    A short name is looked up as it is written; a path (``type/path``) in any case, and it may lead to something around
    the thing. The column is called by the short name that stands for a path, else by the path in lower case (C-122).
    """
    if any(mark in name for mark in _IN_NO_PATH):
        return None
    if "/" not in name:
        return _find_short(name, root)
    prefix, _, path = name.partition("/")
    data_type = find_data_type(prefix)
    if data_type is None or (part := _part_of(data_type, root)) is None:
        return None
    found = _find_below(path, data_type, part, root)
    if found is None:
        return None
    above = _ABOVE.get((data_type.xsi_type, found.part, found.what))
    short = _short_name(path, data_type) if part is Part.SELF else above
    return replace(found, name=short or name.lower())


def find_repeated(name: str, root: Root) -> Column | None:
    """What a path means that goes through elements which are there many times and does not say which of them is meant.

    None for another path. Such a column is for showing: no condition can be put on it.
    """
    prefix, _, path = name.partition("/")
    data_type = find_data_type(prefix)
    if data_type is None or (part := _part_of(data_type, root)) is None:
        return None
    known = next((one for one in data_type.all_fields if one.is_part and one.path.lower() == path.lower()), None)
    if known is None:
        return None
    what = "/".join(_iter_marked(known.path, data_type.body))
    return Column(name.lower(), part, what, value=known.value, of_type=data_type, repeats=True)


def _iter_marked(path: str, body: Body) -> Iterator[str]:
    """The steps of a path, those to an element that is there many times with an empty condition."""
    for step in path.split("/"):
        element = body.elements.get(step)
        yield f"{step}{EACH}" if element and element.repeats and not element.is_list else step
        body = element.body if element else Body()


def _find_short(name: str, root: Root) -> Column | None:
    if name in _COMPUTED:
        part, fact = _COMPUTED[name]
        seen = _seen_from(root, part) if fact is not Fact.NUMBER or _NUMBERS[name] in root.kinds else None
        return Column(name, seen, fact) if seen else None
    for data_type in (root.data_type, *(known for kind in root.kinds for known in iter_known(kind))):
        if (path := data_type.find_field_path(name)) is not None:
            found = _column_of_field(path, data_type, Part.SELF, root)
            return replace(found, name=_spelled(name), of_type=None) if found else None
    return None


def _seen_from(root: Root, part: Part) -> Part | None:
    """What a part is to things of these kinds: something around them, or they themselves; None where neither is so.

    Nothing but this may be looked for: a query takes whatever it does not join from anywhere in the archive.
    """
    is_around = part in _AROUND[root.kind].values() or (part is Part.SESSION and Kind.ASSESSOR in root.kinds)
    if part is Part.SELF or is_around:
        return part
    return Part.SELF if _THEMSELVES.get(root.kind) is part else None


def find_own_column(name: str, root: Root) -> Column | None:
    """What a short name means to a search, which shows more of projects than lists do."""
    fact = _OF_PROJECT.get(name) if root.kind is Kind.PROJECT else None
    return Column(name, Part.SELF, fact) if fact else find_column(name, root)


def _spelled(name: str) -> str:
    """C-122: one field has two short names, and is told by the first."""
    return "UID" if name == "studyInstanceUID" else name


def _part_of(data_type: DataType, root: Root) -> Part | None:
    if data_type.family in root.kinds or data_type in root.data_type.lineage:
        return Part.SELF
    return _AROUND[root.kind].get(data_type.family) if data_type.family else None


def _find_below(path: str, data_type: DataType, part: Part, root: Root) -> Column | None:
    """What is at a path below a part that is of a type."""
    if (fact := _META.get(path.lower())) is not None:
        return Column("", part, fact, of_type=data_type)
    if (field_path := data_type.find_field_path(f"{data_type.xsi_type}/{path}")) is not None:
        return _column_of_field(field_path, data_type, part, root)
    for element_path, element in _iter_held(data_type):
        if (rest := _after(element_path, path)) is not None:
            return _find_held(rest, element, part, root)
    return None


def _column_of_field(path: str, data_type: DataType, part: Part, root: Root) -> Column | None:
    if path in _PLACES:
        above, fact = _PLACES[path]
        seen = part if above is Part.SELF else _seen_from(root, above)
        return Column("", seen, fact, of_type=data_type) if seen else None
    known = next((one for one in data_type.all_fields if one.path == path), None)
    value = data_type.find_value(path) or TEXT
    return Column("", part, path, value=value, of_type=data_type, repeats=known is not None and known.repeats)


def _iter_held(data_type: DataType) -> Iterator[tuple[str, Element]]:
    """The elements of a type that are the places of other things, by path."""
    for name, element in data_type.body.elements.items():
        if element.holds is not None:
            yield name, element
        for inner, below in element.body.elements.items() if element.of_type is None else ():
            if below.holds is not None:
                yield f"{name}/{inner}", below


def _after(element_path: str, path: str) -> str | None:
    """What a path says after that of an element, whose conditions are passed over; None where it goes elsewhere."""
    wanted = element_path.lower().split("/")
    steps = path.split("/")
    names = [parsed[0].lower() if (parsed := parse_step(step)) else "" for step in steps[: len(wanted)]]
    return "/".join(steps[len(wanted) :]) if names == wanted and len(steps) > len(wanted) else None


def _find_held(path: str, element: Element, part: Part, root: Root) -> Column | None:
    if element.holds == SHARES:
        fact = _SHARE_FACTS.get(path.lower())
        return Column("", Part.SHARE, fact) if fact and part is Part.SELF else None
    if element.holds == RESOURCES:
        fact = _RESOURCE_FACTS.get(path.lower())
        return Column("", _RESOURCES[part], fact) if fact and part in _RESOURCES else None
    inner = _AROUND[root.kind].get(Kind(element.holds)) if part is Part.SELF and element.holds else None
    if inner is None or element.of_type is None:
        return None
    for data_type in (element.of_type, *iter_known(Kind(str(element.holds)))):
        if found := _find_below(path, data_type, inner, root):
            return replace(found, of_type=element.of_type)
    return None


def _short_name(path: str, data_type: DataType) -> str | None:
    """C-122: the first short name of a field, if it is this very type that declares it."""
    field_path = data_type.find_field_path(f"{data_type.xsi_type}/{path}")
    inherited = data_type.extends.all_fields if data_type.extends else ()
    if field_path is None or any(one.path == field_path for one in inherited):
        return None
    known = next((one for one in data_type.all_fields if one.path == field_path), None)
    return known.shortcuts[0] if known and known.shortcuts else None


def narrowed_type(root: Root, names: Iterator[str]) -> DataType:
    """The most specific type that paths name, if they all name one line of them (C-124)."""
    narrowest = root.data_type
    for name in names:
        data_type = find_data_type(name.partition("/")[0]) if "/" in name else None
        if data_type is None or root.data_type not in data_type.lineage:
            continue
        if narrowest in data_type.lineage:
            narrowest = data_type
        elif data_type not in narrowest.lineage:
            return root.data_type
    return narrowest


def iter_short_names(root: Root) -> Iterator[tuple[str, str]]:
    """The short names that a list knows, each with the path that it stands for (C-130)."""
    known: dict[str, str] = {}
    for data_type in (root.data_type, *(one for kind in root.kinds for one in iter_known(kind))):
        for field in data_type.all_fields:
            for name in field.shortcuts:
                known.setdefault(name, f"{data_type.xsi_type}/{field.path}")
    yield from sorted((known | {name: name for name in _COMPUTED if name not in known}).items())
