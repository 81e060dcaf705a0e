"""What files hold in every workload, as pieces: the same for the same name each time, unlike those of other names."""

import hashlib
import io
import random
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

Content = Callable[[str, int], Iterator[memoryview]]

PATIENT_ID: Final = "BENCH"
STUDY_UID: Final = "2.25.1"
SERIES_UID: Final = "2.25.2"

_PIECE_BYTES: Final = 256 * 1024
_BLOCK_BYTES: Final = 1024 * 1024
_COLUMNS: Final = 320
# More than the head of a file and the tag of its padding; an image has as many whole rows as fit into the rest.
_HEAD_BYTES: Final = 2_000
# DICOM PS3.5 §B.2: a UID below 2.25 is a number of 128 bits. All of ours have as many digits.
_UID_ROOT: Final = "2.25."
_LEAST_UID: Final = 10**38
_UNNAMED_UID: Final = f"{_UID_ROOT}{_LEAST_UID}"
_BOUNDARY: Final = "ThIs_Is_tHe_bouNdaRY"

FORM_TYPE: Final = f"multipart/form-data; boundary={_BOUNDARY}"


def iter_content(name: str, size_bytes: int) -> Iterator[memoryview]:
    """Random bytes."""
    first = zlib.crc32(name.encode()) % _BLOCK_BYTES
    for done in range(0, size_bytes, _PIECE_BYTES):
        start = (first + done) % _BLOCK_BYTES
        yield random_bytes()[start : start + min(_PIECE_BYTES, size_bytes - done)]


@cache
def random_bytes() -> memoryview:
    return memoryview(random.Random(0).randbytes(_BLOCK_BYTES + _PIECE_BYTES))


def iter_dicom(name: str, size_bytes: int) -> Iterator[memoryview]:
    """One valid DICOM file of an MR image of noise, all of them of one series; at least 3,000 bytes, an even number."""
    head, pixels_bytes, tail = _dicom_template(size_bytes)
    uid = sop_instance_uid(name).encode()
    yield memoryview(head.replace(_UNNAMED_UID.encode(), uid))
    yield from iter_content(name, pixels_bytes)
    yield memoryview(tail)


def sop_instance_uid(name: str) -> str:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{_UID_ROOT}{_LEAST_UID + int(digest, 16) % _LEAST_UID}"


@cache
def _dicom_template(size_bytes: int) -> tuple[bytes, int, bytes]:
    """What comes before the pixels, the bytes of the pixels, and what comes after them."""
    rows = (size_bytes - _HEAD_BYTES) // (2 * _COLUMNS)
    pixels = bytes(random_bytes()[: 2 * _COLUMNS])
    unpadded_bytes = len(_write_dicom(pixels * rows, padding_bytes=0))
    written = _write_dicom(pixels * rows, padding_bytes=size_bytes - unpadded_bytes)
    head, _, tail = written.partition(pixels * rows)
    return head, rows * len(pixels), tail


def _write_dicom(pixels: bytes, *, padding_bytes: int) -> bytes:
    from pydicom import dcmwrite  # noqa: PLC0415 - a third of a second that most runs need not spend
    from pydicom.dataset import Dataset, FileMetaDataset  # noqa: PLC0415
    from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage  # noqa: PLC0415

    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = MRImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = UID(_UNNAMED_UID)
    image.PatientID, image.PatientName, image.Modality = PATIENT_ID, "Bench^Bench", "MR"
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY_UID, SERIES_UID
    image.Rows, image.Columns = len(pixels) // (2 * _COLUMNS), _COLUMNS
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.PixelData = pixels
    image.DataSetTrailingPadding = bytes(padding_bytes)
    written = io.BytesIO()
    dcmwrite(written, image, enforce_file_format=True)
    return written.getvalue()


def iter_form(name: str, pieces: Iterator[memoryview]) -> Iterator[memoryview]:
    """A body of the type FORM_TYPE that holds one file."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    yield memoryview(head.encode())
    yield from pieces
    yield memoryview(f"\r\n--{_BOUNDARY}--\r\n".encode())
