"""XNAT's data types as data: which fields a thing has, how parameters name them, in what order XML gives them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field by its path relative to its thing.

    ``shortcut`` is the short parameter name (C-62), None where there is only the path. ``repeats`` says that it holds
    a list. A path with ``/`` is a part of a nested element.
    """

    path: str
    shortcut: str | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataType:
    """``attributes`` are XML attributes, the others XML elements in the order of XNAT's schema.

    The resources of a thing stand in the middle, between ``elements`` and ``later_elements``.
    """

    xsi_type: str
    element_name: str
    attributes: tuple[Field, ...]
    elements: tuple[Field, ...]
    later_elements: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return (*self.attributes, *self.elements, *self.later_elements)


# C-62, C-191, C-206.
PROJECT: Final = DataType(
    xsi_type="xnat:projectData",
    element_name="xnat:Project",
    attributes=(
        Field(path="ID", shortcut="ID"),
        Field(path="secondary_ID", shortcut="secondary_ID"),
    ),
    elements=(
        Field(path="name", shortcut="name"),
        Field(path="type"),
        Field(path="description", shortcut="description"),
        Field(path="keywords", shortcut="keywords"),
        Field(path="aliases/alias", shortcut="alias", repeats=True),
    ),
    later_elements=(
        Field(path="PI/title"),
        Field(path="PI/firstname", shortcut="pi_firstname"),
        Field(path="PI/lastname", shortcut="pi_lastname"),
        Field(path="PI/institution"),
        Field(path="PI/department"),
        Field(path="PI/email"),
        Field(path="PI/phone"),
    ),
)


def find_field(data_type: DataType, parameter: str) -> Field | None:
    """The field that a parameter names, by shortcut or by full path in any case (C-51); None for no field of it."""
    prefix = f"{data_type.xsi_type}/".lower()
    path = parameter.lower().removeprefix(prefix) if parameter.lower().startswith(prefix) else None
    return next(
        (field for field in data_type.fields if parameter == field.shortcut or field.path.lower() == path), None
    )
