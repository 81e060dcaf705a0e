"""The program that lists the elements of a DICOM file: the file on its standard input, JSON rows on its output.

A process of its own, with limits (``confined.py``). A row is the tag, the tag inside a sequence (else empty), the value
representation, the value as text, the description and the keyword; what is deeper than one sequence is left out.
"""

import json
import sys
from collections.abc import Iterator
from typing import BinaryIO, Final

from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_description, dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from filmroom.service.confined import NotDone, confine

MOST_ROWS: Final = 50_000
LONGEST_VALUE: Final = 1024
# What is larger is left in the file: no text that anybody reads in a table is.
_LARGEST_ELEMENT_BYTES: Final = 64 * 1024
_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
# What pydicom raises for a value that is none of what its representation says.
_NOT_READ: Final = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, NotImplementedError, OSError)

Row = tuple[str, str, str, str, str, str]


def dump(source: BinaryIO) -> list[Row]:
    """Raises NotDone, and anything at all for a file that is broken."""
    try:
        dataset = dcmread(source, stop_before_pixels=True, defer_size=_LARGEST_ELEMENT_BYTES)
    except InvalidDicomError as error:
        raise NotDone("is no DICOM file") from error
    rows: list[Row] = []
    for part in (dataset.file_meta, dataset):
        for row in _iter_rows(part):
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise NotDone(f"has more than {MOST_ROWS} elements")
    return rows


def _iter_rows(dataset: Dataset) -> Iterator[Row]:
    for tag in sorted(dataset.keys()):
        element = _read(dataset, tag)
        yield _row(tag, "", element, tag)
        if isinstance(element, DataElement) and element.VR == "SQ":
            for item in element.value:
                for inner in sorted(item.keys()):
                    yield _row(tag, _shown(inner), _read(item, inner), inner)


def _read(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """None for what was left in the file, and for what cannot be read."""
    raw = dataset.get_item(tag)
    if isinstance(raw, RawDataElement) and raw.value is None and raw.length:
        return None
    try:
        return dataset[tag]
    except _NOT_READ:
        return None


def _row(tag: BaseTag, inner: str, element: DataElement | None, told: BaseTag) -> Row:
    description = dictionary_description(told) if dictionary_has_tag(told) else ""
    vr = str(element.VR) if element else ""
    return (_shown(tag), inner, vr, _text(element) if element else "", description, keyword_for_tag(tag))


def _text(element: DataElement) -> str:
    if element.VR in _BINARY or element.VR == "SQ" or element.value is None:
        return ""
    values = element.value if isinstance(element.value, MultiValue | list) else [element.value]
    return "\\".join(str(value) for value in values).replace("\0", "")[:LONGEST_VALUE]


def _shown(tag: BaseTag) -> str:
    return f"({tag.group:04X},{tag.element:04X})"


def main() -> int:
    return confine(lambda: json.dump(dump(sys.stdin.buffer), sys.stdout))


if __name__ == "__main__":
    sys.exit(main())
