"""The data types in force: those of ``datatypes.toml``, read when they are first asked for, and a site's own."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from filmroom.model.nodes import Kind
from filmroom.model.structure import RESOURCES, DataType, Field
from filmroom.model.typetable import DataTypes, TypeTableError, check_fields, read_types

__all__ = ["RESOURCES", "DataType", "DataTypes", "Field", "TypeTableError"]

PROJECT: Final = "xnat:projectData"
SUBJECT: Final = "xnat:subjectData"
RECONSTRUCTION: Final = "xnat:reconstructedImageData"


@cache
def shipped_types() -> DataTypes:
    """Those that every installation has."""
    # The one thing that model reads: a part of the program, as its modules are.
    return read_types(files("filmroom.model").joinpath("datatypes.toml").read_text(encoding="utf-8"))


class _InForce:
    """What a site added, if it added anything: one table for the whole process, as a program has one set of types."""

    own: DataTypes | None = None


def data_types() -> DataTypes:
    return _InForce.own or shipped_types()


def use_own_types(text: str | None) -> None:
    """Add a site's own types to the shipped ones; None takes them away again. Raises TypeTableError."""
    if text is None:
        _InForce.own = None
        return
    types = read_types(text, known=shipped_types())
    for added in types.types[len(shipped_types().types) :]:
        check_fields(added)  # of those shipped a test does
    _InForce.own = types


def find_data_type(name: str) -> DataType | None:
    """A type by its name or by the name of its element, in any case (C-50)."""
    return data_types().find(name)


def get_data_type(name: str) -> DataType:
    """Raises LookupError for a name that is not in the table."""
    if (found := find_data_type(name)) is None:
        raise LookupError(f"no data type {name!r} is known")
    return found


def iter_known(kind: Kind) -> Iterator[DataType]:
    """The types that things of a kind can have."""
    return (data_type for data_type in data_types().types if data_type.kind is kind)


def scan_type_of(session: DataType) -> DataType | None:
    """C-116: the type of the scans of a session of some modality, where there is one of that name."""
    found = find_data_type(session.xsi_type.replace("SessionData", "ScanData"))
    return found if found is not None and found.kind is Kind.SCAN else None
