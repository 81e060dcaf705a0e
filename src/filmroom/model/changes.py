"""What a client says of a thing: read, checked field by field, and not done yet (C-48 to C-54)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from filmroom.model.datatypes import DataType, get_data_type
from filmroom.model.errors import BadFields, BadValue
from filmroom.model.merging import merged_fields
from filmroom.model.nodes import KEPT, FieldValue, Node, Status, with_status
from filmroom.model.values import Value, to_stored

_CLEARS: Final = "NULL"
"""C-52."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``data_type`` is None where nothing says it; ``new_label`` asks for a rename.

    ``document`` is merged over what is there, ``fields`` then replace field by field; an empty one is cleared.
    ``is_whole`` says that what the document leaves out is gone (C-53): fields and nested elements, never things of
    their own. ``inside`` are the things that the document tells of inside this one.
    """

    data_type: DataType | None
    fields: Mapping[str, FieldValue]
    document: Mapping[str, FieldValue] = field(default_factory=dict)
    inside: tuple["Change", ...] = ()
    new_label: str | None = None
    is_whole: bool = False
    status: Status | None = None

    def text(self, path: str) -> str:
        """What it says of a field, empty for nothing."""
        return str(self.fields.get(path) or self.document.get(path) or "")


def changed_fields(node: Node, change: Change) -> dict[str, FieldValue]:
    """C-48, C-53: the document over what is there or in place of it, then the parameters; empty clears (C-52)."""
    fields = {path: value for path, value in node.fields.items() if not change.is_whole or path.startswith(KEPT)}
    if change.document:
        fields = merged_fields(fields, _unplaced(change.document), get_data_type(node.xsi_type).body)
    fields = {path: value for path, value in {**fields, **_unplaced(change.fields)}.items() if value}
    return with_status(fields, change.status) if change.status else fields


def _unplaced(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {path: value for path, value in fields.items() if path not in _PLACING}


# What says which thing it is and where it hangs, and is no field of it.
_PLACING: Final = frozenset({"ID", "project", "label", "subject_ID", "image_session_ID", "imageSession_ID"})


@dataclass
class Reading:
    """What has been read so far: fields as they are stored, what is wrong, and names that mean nothing."""

    fields: dict[str, FieldValue] = field(default_factory=dict)
    faults: list[BadValue] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def put(self, path: str, value: Value, text: str) -> None:
        """A field that holds one text."""
        if (stored := self._checked(path, value, text)) is not None:
            self.fields[path] = stored

    def add(self, path: str, value: Value, text: str) -> None:
        """One more text of a field that holds a list."""
        if (stored := self._checked(path, value, text)) is not None:
            known = self.fields.setdefault(path, [])
            if isinstance(known, list):
                known.append(stored)

    def _checked(self, path: str, value: Value, text: str) -> str | None:
        """C-54: in every way in which a value can come."""
        try:
            return to_stored(value, text)
        except ValueError as error:
            self.faults.append(BadValue(path, text, str(error)))
            return None

    def raise_faults(self) -> None:
        """Raises BadFields if anything was wrong."""
        if self.faults:
            raise BadFields(tuple(self.faults))


def read_parameters(pairs: Iterable[tuple[str, str]], data_type: DataType, into: Reading) -> set[str]:
    """The names of the parameters that set fields (C-51). Of several for one field the first counts."""
    repeated = {known.path for known in data_type.all_fields if known.repeats}
    read: set[str] = set()
    done: set[str] = set()
    for name, text in pairs:
        if (path := data_type.find_field_path(name)) is None:
            continue
        read.add(name)
        if path in done:
            continue
        done.add(path)
        value = data_type.find_value(path)
        if not text.strip() or text == _CLEARS or value is None:
            into.fields[path] = ""
        elif path in repeated:
            into.fields[path] = []
            for part in filter(None, map(str.strip, text.split(","))):
                into.add(path, value, part)
        else:
            into.put(path, value, text)
    return read
