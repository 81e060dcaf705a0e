"""XNAT's data types as data: which fields a thing has, how parameters name them, in what order XML gives them.

Core-api sections 3.2 and 8.1. A type has its own fields after those of the type that it extends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from filmroom.model.nodes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field by its path relative to its thing; a path with ``/`` is a part of a nested element.

    ``shortcut`` is the short parameter name (C-62 to C-67), None where there is only the path. ``repeats`` says that
    it holds a list. ``holds`` says that it is no field of its own but the place of other things: nodes of a kind, or
    (RECONSTRUCTION and ASSESSOR have two such places) resources.
    """

    path: str
    shortcut: str | None = None
    is_attribute: bool = False
    repeats: bool = False
    holds: Kind | str | None = None


RESOURCES: Final = "resources"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataType:
    """Each type is there once, so that what was worked out of it can be kept; two are equal if they are the same.

    ``fields`` in the order of XNAT's schema, without those of the type it extends; see ``all_fields``.
    """

    xsi_type: str
    element_name: str
    kind: Kind | None
    extends: "DataType | None" = None
    fields: tuple[Field, ...] = ()

    @property
    def lineage(self) -> tuple["DataType", ...]:
        """The type itself and all that it extends, nearest first."""
        return (self, *(self.extends.lineage if self.extends else ()))

    @property
    def all_fields(self) -> tuple[Field, ...]:
        return tuple(field for data_type in reversed(self.lineage) for field in data_type.fields)


def _attributes(*names: str) -> tuple[Field, ...]:
    """Attributes whose shortcuts are their names."""
    return tuple(Field(path=name, shortcut=name, is_attribute=True) for name in names)


def _elements(*names: str, under: str = "") -> tuple[Field, ...]:
    """Elements whose shortcuts are their names."""
    return tuple(Field(path=f"{under}{name}", shortcut=name) for name in names)


def _people(under: str) -> tuple[Field, ...]:
    """C-206, with the shortcuts of C-62."""
    plain = tuple(Field(path=f"{under}/{name}") for name in ("institution", "department", "email", "phone"))
    return (
        Field(path=f"{under}/title"),
        Field(path=f"{under}/firstname", shortcut="pi_firstname"),
        Field(path=f"{under}/lastname", shortcut="pi_lastname"),
        *plain,
    )


_RESOURCES: Final = Field(path="resources/resource", holds=RESOURCES)
_SIDES: Final = (Field(path="in/file", holds=RESOURCES), Field(path="out/file", holds=RESOURCES))

PROJECT: Final = DataType(
    xsi_type="xnat:projectData",
    element_name="xnat:Project",
    kind=Kind.PROJECT,
    fields=(
        *_attributes("ID", "secondary_ID"),
        *_elements("name", "type", "description", "keywords"),
        Field(path="aliases/alias", shortcut="alias", repeats=True),
        _RESOURCES,
        *_people("PI"),
    ),
)

_DEMOGRAPHICS: Final = (
    "dob yob age gender handedness ses education educationDesc race ethnicity weight height gestational_age "
    "post_menstrual_age birth_weight"
)

SUBJECT: Final = DataType(
    xsi_type="xnat:subjectData",
    element_name="xnat:Subject",
    kind=Kind.SUBJECT,
    fields=(
        *_attributes("ID", "project", "group", "label", "src", "initials"),
        _RESOURCES,
        *_people("investigator"),
        *_elements(*_DEMOGRAPHICS.split(), under="demographics/"),
        Field(path="experiments/experiment", holds=Kind.EXPERIMENT),
    ),
)

EXPERIMENT: Final = DataType(
    xsi_type="xnat:experimentData",
    element_name="xnat:Experiment",
    kind=None,
    fields=(
        *_attributes("ID", "project", "visit_id", "visit", "version", "original", "protocol", "label"),
        *_elements("date", "time", "duration", "delay", "note"),
        *_people("investigator"),
        Field(path="validation/method", shortcut="validation_method"),
        Field(path="validation/date", shortcut="validation_date"),
        Field(path="validation/notes", shortcut="validation_notes"),
        Field(path="validation/status", shortcut="validation_status"),
        _RESOURCES,
        *_elements("acquisition_site"),
    ),
)

_SUBJECT_ASSESSOR: Final = DataType(
    xsi_type="xnat:subjectAssessorData",
    element_name="xnat:SubjectAssessor",
    kind=None,
    extends=EXPERIMENT,
    fields=_elements("subject_ID", "age"),
)

_IMAGE_SESSION: Final = DataType(
    xsi_type="xnat:imageSessionData",
    element_name="xnat:ImageSession",
    kind=None,
    extends=_SUBJECT_ASSESSOR,
    fields=(
        *_attributes("session_type", "modality", "UID", "study_id"),
        Field(path="scanner", shortcut="scanner"),
        *(Field(path=f"scanner/{name}") for name in ("manufacturer", "model")),
        *_elements("operator", "prearchivePath"),
        Field(path="scans/scan", holds=Kind.SCAN),
        Field(path="reconstructions/reconstructedImage", holds=Kind.RECONSTRUCTION),
        Field(path="assessors/assessor", holds=Kind.ASSESSOR),
        *_elements("dcmAccessionNumber", "dcmPatientId", "dcmPatientName", "dcmPatientBirthDate", "dcmPatientWeight"),
        *_elements("coil", "fieldStrength", "marker", "stabilization", "studyType", "patientID", "patientName"),
    ),
)

_IMAGE_SCAN: Final = DataType(
    xsi_type="xnat:imageScanData",
    element_name="xnat:ImageScan",
    kind=None,
    fields=(
        *_attributes("ID", "type", "UID", "project"),
        *_elements("image_session_ID", "note", "quality", "condition", "series_description", "series_class"),
        *_elements("documentation"),
        *(Field(path=f"scanner/{name}") for name in ("manufacturer", "model", "softwareVersion")),
        *_elements("modality", "frames", "operator"),
        Field(path="file", holds=RESOURCES),
        Field(path="startTime", shortcut="scanTime"),
        *_elements("start_date", "requestedProcedureDescription", "protocolName", "bodyPartExamined"),
        *_elements("coil", "fieldStrength", "marker", "stabilization"),
    ),
)

RECONSTRUCTION: Final = DataType(
    xsi_type="xnat:reconstructedImageData",
    element_name="xnat:ReconstructedImage",
    kind=Kind.RECONSTRUCTION,
    fields=(*_attributes("ID", "type", "baseScanType"), *_elements("image_session_ID"), *_SIDES),
)

_IMAGE_ASSESSOR: Final = DataType(
    xsi_type="xnat:imageAssessorData",
    element_name="xnat:ImageAssessor",
    kind=None,
    extends=EXPERIMENT,
    fields=(*_SIDES, *_elements("imageSession_ID")),
)

# C-197, C-198: what stands before SessionData and ScanData.
_STEMS: Final = (
    *("mr", "ct", "pet", "petmr", "cr", "dx", "mg", "io", "us", "ecg", "hd", "eps", "xa", "rf", "xa3D"),
    *("dx3DCraniofacial", "nm", "sr", "rg", "es", "esv", "gm", "gmv", "sm", "xc", "xcv", "op", "opt", "rt"),
    *("meg", "eeg", "otherDicom", "dms", "cfm", "pa", "emg", "eog", "resp", "pos", "obj"),
)
_SCAN_STEMS: Final = ("sc", "seg", "mrs", "voiceAudio")
# C-198, C-209: where the element's name is not the stem in capitals.
_ELEMENT_STEMS: Final = {
    "otherDicom": "OtherDicom",
    "seg": "Seg",
    "voiceAudio": "VoiceAudio",
    "dx3DCraniofacial": "DX3DCraniofacial",
}


def _session(stem: str) -> DataType:
    name = _ELEMENT_STEMS.get(stem, stem.upper())
    return DataType(
        xsi_type=f"xnat:{stem}SessionData",
        element_name=f"xnat:{name}Session",
        kind=Kind.EXPERIMENT,
        extends=_IMAGE_SESSION,
    )


def _scan(stem: str) -> DataType:
    name = _ELEMENT_STEMS.get(stem, stem.upper())
    infix = "Image" if stem == "rt" else ""
    return DataType(
        xsi_type=f"xnat:{stem}{infix}ScanData",
        element_name=f"xnat:{name}{infix}Scan",
        kind=Kind.SCAN,
        extends=_IMAGE_SCAN,
    )


def _other(stem: str, element_name: str, kind: Kind, extends: DataType) -> DataType:
    return DataType(xsi_type=f"xnat:{stem}Data", element_name=element_name, kind=kind, extends=extends)


DATA_TYPES: Final = (
    PROJECT,
    SUBJECT,
    EXPERIMENT,
    _SUBJECT_ASSESSOR,
    _IMAGE_SESSION,
    _IMAGE_SCAN,
    _IMAGE_ASSESSOR,
    RECONSTRUCTION,
    *map(_session, _STEMS),
    *map(_scan, (*_STEMS, *_SCAN_STEMS)),
    _other("subjectVariables", "xnat:SubjectVariables", Kind.EXPERIMENT, _SUBJECT_ASSESSOR),
    _other("generic", "xnat:Generic", Kind.EXPERIMENT, _SUBJECT_ASSESSOR),
    _other("qcManualAssessor", "xnat:QCManualAssessment", Kind.ASSESSOR, _IMAGE_ASSESSOR),
    _other("qcAssessment", "xnat:QCAssessment", Kind.ASSESSOR, _IMAGE_ASSESSOR),
)

_BY_NAME: Final = {
    name.lower(): data_type for data_type in DATA_TYPES for name in (data_type.xsi_type, data_type.element_name)
}


def find_data_type(name: str) -> DataType | None:
    """A type by its name or by the name of its element, in any case (C-50)."""
    return _BY_NAME.get(name.lower())


def find_field_path(data_type: DataType, parameter: str) -> str | None:
    """The path of the field that a parameter names, None for no field of this type.

    By shortcut, or by full path below the type or one that it extends, in any case (C-51). A path that the table does
    not know but that can be one is taken as it is: sites extend their types.
    """
    if (path := _shortcuts(data_type).get(parameter)) is not None:
        return path
    prefix, slash, path = parameter.partition("/")
    if not slash or prefix.lower() not in {ancestor.xsi_type.lower() for ancestor in data_type.lineage}:
        return None
    return _known_paths(data_type).get(path.lower()) or (path if _PATH.fullmatch(path) else None)


@cache
def _known_paths(data_type: DataType) -> dict[str, str]:
    return {field.path.lower(): field.path for field in data_type.all_fields if field.holds is None}


@cache
def _shortcuts(data_type: DataType) -> dict[str, str]:
    return {field.shortcut: field.path for field in data_type.all_fields if field.shortcut}


# C-52: segments, and one condition on a repeated child such as field[name=x].
_PATH: Final = re.compile(r"[A-Za-z_]\w*(\[\w+=[^\[\]/]+\])?(/[A-Za-z_]\w*(\[\w+=[^\[\]/]+\])?)*")


def iter_known(kind: Kind) -> Iterator[DataType]:
    """The types that things of a kind can have."""
    return (data_type for data_type in DATA_TYPES if data_type.kind is kind)
