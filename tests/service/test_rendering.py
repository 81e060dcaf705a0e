"""DICOM images become what a viewer would show of them: samples of pydicom, and small images made here."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from filmroom.service.confined import NotDone
from filmroom.service.rendering import MOST_PIXELS, render

# Some of the samples are odd on purpose, and pydicom says so.
pytestmark = pytest.mark.filterwarnings("ignore")


def _sample(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def _shown(path: Path) -> NDArray[Any]:
    with path.open("rb") as source:
        return np.asarray(render(source))


def _made(values: list[list[Any]], *, dtype: str = "uint16", **said: Any) -> io.BytesIO:
    """A grey image of these values."""
    pixels = np.array(values, dtype)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.BitsAllocated = dataset.BitsStored = pixels.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(dtype.startswith("int"))
    dataset.PhotometricInterpretation = "MONOCHROME2"
    is_float = dtype.startswith("float")
    setattr(dataset, "FloatPixelData" if is_float else "PixelData", pixels.tobytes() + bytes(pixels.nbytes % 2))
    for keyword, value in said.items():
        setattr(dataset, keyword, value)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out


def _greys(source: io.BytesIO) -> list[list[int]]:
    greys: list[list[int]] = np.asarray(render(source)).tolist()
    return greys


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_gdcm_KY.dcm",
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_rle_32bit_2frame.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_colours_are_what_they_are_in_every_encoding(name: str) -> None:
    """These samples hold one picture: bars of red, green, blue, black and white."""
    shown = _shown(_sample(name)).astype(int)

    bars = [shown[row, 50] for row in (5, 25, 45, 65, 95)]
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)]
    assert shown.shape == (100, 100, 3)
    assert np.abs(np.array(bars) - np.array(wanted)).max() <= 5


@pytest.mark.parametrize("how", ["RLE", "bigendian", "expb", "implicit", "jp2klossless", "jpeg_ls_lossless", "padded"])
def test_greys_are_what_they_are_in_every_encoding(how: str) -> None:
    assert np.array_equal(_shown(_sample(f"MR_small_{how}.dcm")), _shown(_sample("MR_small.dcm")))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("JPEG2000.dcm", (1024, 256)),
        ("JPGExtended.dcm", (1024, 256)),
        ("J2K_pixelrep_mismatch.dcm", (512, 512)),
        ("JPEGLSNearLossless_08.dcm", (45, 10)),
        ("JPEGLSNearLossless_16.dcm", (50, 10)),
        ("examples_palette.dcm", (350, 800, 3)),
        ("examples_ybr_color.dcm", (240, 320, 3)),
        ("image_dfl.dcm", (512, 512)),
        ("liver_1frame.dcm", (512, 512)),
        ("rtdose.dcm", (10, 10)),
    ],
)
def test_an_image_of_every_kind_is_shown(name: str, shape: tuple[int, ...]) -> None:
    """JPEG 2000, JPEG, JPEG-LS, palette, YBR in 30 frames, deflated, one bit, 32 bits in 15 frames."""
    shown = _shown(_sample(name))

    assert shown.shape == shape
    assert shown.max() - shown.min() > 100


def test_without_a_window_the_least_is_black_and_the_most_white() -> None:
    assert _greys(_made([[1000, 1100, 1200]])) == [[0, 128, 255]]
    assert _greys(_made([[-20, 0, 20]], dtype="int16")) == [[0, 128, 255]]
    assert _greys(_made([[7, 7]])) == [[0, 0]]


def test_monochrome1_is_white_where_it_is_least() -> None:
    """PS3.3 C.7.6.3.1.2."""
    assert _greys(_made([[0, 10, 100]], PhotometricInterpretation="MONOCHROME1")) == [[255, 229, 0]]


@pytest.mark.parametrize(
    ("said", "greys"),
    [
        ({}, [0, 0, 128, 255, 255]),
        ({"WindowCenter": ["100", "7"], "WindowWidth": ["101", "7"]}, [0, 0, 128, 255, 255]),
        ({"RescaleSlope": "2", "RescaleIntercept": "-100"}, [0, 0, 128, 255, 255]),
        ({"VOILUTFunction": "LINEAR_EXACT", "WindowWidth": "100"}, [0, 0, 128, 255, 255]),
        ({"VOILUTFunction": "SIGMOID", "WindowWidth": "100"}, [5, 30, 128, 225, 255]),
        ({"WindowWidth": "1"}, [0, 0, 0, 255, 255]),
    ],
)
def test_a_window_is_what_is_seen(said: dict[str, Any], greys: list[int]) -> None:
    """PS3.3 C.11.2: what is in the window becomes grey, what is outside black or white."""
    window = {"WindowCenter": "100.5", "WindowWidth": "101"}

    shown = _greys(_made([[0, 50, 100, 150, 1000]], **(window | said)))

    assert np.abs(np.array(shown) - np.array([greys])).max() <= 2


@pytest.mark.parametrize("said", [{"WindowWidth": "0"}, {"WindowWidth": ""}, {"WindowCenter": ""}])
def test_a_window_that_is_none_is_passed_over(said: dict[str, Any]) -> None:
    window = {"WindowCenter": "50", "WindowWidth": "100"}

    assert _greys(_made([[0, 500, 1000]], **(window | said))) == [[0, 128, 255]]


def test_tables_say_how_values_look() -> None:
    """PS3.3 C.11.1 and C.11.2: a modality LUT, then a VOI LUT."""
    modality, voi = Dataset(), Dataset()
    modality.LUTDescriptor, modality.LUTData = [3, 0, 16], struct.pack("<3H", 2, 1, 0)
    voi.LUTDescriptor, voi.LUTData = [3, 0, 16], struct.pack("<3H", 0, 13107, 65535)

    shown = _greys(_made([[0, 1, 2]], ModalityLUTSequence=[modality], VOILUTSequence=[voi]))

    assert shown == [[255, 51, 0]]


def test_a_multi_frame_image_keeps_its_window_elsewhere() -> None:
    """PS3.3 C.7.6.16.2.10."""
    macro, group = Dataset(), Dataset()
    macro.WindowCenter, macro.WindowWidth = "100.5", "101"
    group.FrameVOILUTSequence = [macro]

    shown = _greys(_made([[0, 100, 1000]], SharedFunctionalGroupsSequence=[group]))

    assert shown == [[0, 128, 255]]


def test_numbers_beyond_16_bits_are_shown_in_steps() -> None:
    assert _greys(_made([[0, 2**31, 2**32 - 1]], dtype="uint32")) == [[0, 128, 255]]
    assert _greys(_made([[-1.5, 0, 1.5], [float("nan"), float("inf"), 0]], dtype="float32")) == [
        [0, 128, 255],
        [128, 128, 128],
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("README.txt", "is no DICOM file"),
        ("no_meta.dcm", "is no DICOM file"),
        ("test-SR.dcm", "holds no image"),
        ("waveform_ecg.dcm", "holds no image"),
    ],
)
def test_what_is_no_image_is_told_so(name: str, reason: str) -> None:
    with pytest.raises(NotDone, match=reason):
        _shown(_sample(name))


def test_an_image_beyond_the_limit_is_refused_by_its_header() -> None:
    source = _made([[0, 1]], Rows=MOST_PIXELS // 1000, Columns=1001)

    with pytest.raises(NotDone, match="more than the 64 million"):
        render(source)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.100", "1.2.3.4"])
def test_a_transfer_syntax_that_is_not_known_is_named(tmp_path: Path, uid: str) -> None:
    dataset = dcmread(_sample("MR_small_RLE.dcm"))
    dataset.file_meta.TransferSyntaxUID = UID(uid)
    dataset.save_as(tmp_path / "a.dcm", implicit_vr=False, little_endian=True)

    with pytest.raises(NotDone, match="transfer syntax that is not decoded here"):
        _shown(tmp_path / "a.dcm")


def test_a_file_without_a_transfer_syntax_is_told_so(tmp_path: Path) -> None:
    dataset = dcmread(_sample("MR_small.dcm"))
    del dataset.file_meta.TransferSyntaxUID
    dataset.save_as(tmp_path / "a.dcm", implicit_vr=False, little_endian=True)

    with pytest.raises(NotDone, match="does not say its transfer syntax"):
        _shown(tmp_path / "a.dcm")
