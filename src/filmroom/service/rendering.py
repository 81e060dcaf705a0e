"""The program that shows a DICOM image as JPEG: a DICOM file on its standard input, a JPEG on its output.

It is a process of its own (``images.py`` starts it) because what it reads comes from anybody, and decoders are C code
that believes the sizes it is told: whatever a file does to it, it ends within its limits and takes nothing along
(docs/decisions/0008, ``confined.py``).

Rules of display are DICOM's; numbers in comments are sections of PS3.3 (2024).
"""

import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, get_decoder, pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from filmroom.service.confined import NotDone, confine

MOST_PIXELS: Final = 64_000_000
# What stands before the pixels and is larger than this is none of the tables that are used here.
_LARGEST_ELEMENT_BYTES: Final = 16 * 1024 * 1024
_ROWS_AT_ONCE: Final = 256
_MOST_LEVELS: Final = 65536
_QUALITY: Final = 90
# C.7.6.16: where multi-frame images keep what others have at the top level.
_FRAME_GROUPS: Final = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_FRAME_MACROS: Final = ("PixelValueTransformationSequence", "FrameVOILUTSequence")

Pixels = NDArray[Any]


def render(source: BinaryIO) -> Image.Image:
    """The first frame of a DICOM file, in 8 bits of grey or of each colour.

    Raises NotDone, and anything at all for a file that is broken.
    """
    dataset = _read_head(source)
    syntax = _check_head(dataset)
    # A deflated file can only be read as a whole.
    whole = dcmread(source) if syntax == DeflatedExplicitVRLittleEndian else source
    pixels = pixel_array(whole, index=0)
    bits = int(dataset.BitsStored) if "BitsStored" in dataset else 8
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    return Image.fromarray(_grey(pixels, dataset) if pixels.ndim == 2 else _colour(pixels, bits))  # noqa: PLR2004


def _read_head(source: BinaryIO) -> Dataset:
    """All that stands before the pixels, with the values of the first frame at the top level."""
    source.seek(0)
    try:
        dataset = dcmread(source, stop_before_pixels=True, defer_size=_LARGEST_ELEMENT_BYTES)
    except InvalidDicomError as error:
        raise NotDone("is no DICOM file") from error
    source.seek(0)
    groups = (group for keyword in _FRAME_GROUPS for group in (dataset.get(keyword) or ())[:1])
    for macro in [macro for group in groups for keyword in _FRAME_MACROS for macro in (group.get(keyword) or ())[:1]]:
        dataset.update(macro)
    return dataset


def _check_head(dataset: Dataset) -> UID:
    """The transfer syntax. Raises NotDone for what holds no image, or too large a one, or cannot be decoded here."""
    rows, columns = dataset.get("Rows"), dataset.get("Columns")
    if not rows or not columns:
        raise NotDone("holds no image")
    if rows * columns > MOST_PIXELS:
        raise NotDone(f"has {rows} x {columns} pixels, more than the {MOST_PIXELS // 1_000_000} million that are shown")
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not syntax:
        raise NotDone("does not say its transfer syntax")
    try:
        is_known = get_decoder(syntax).is_available
    except NotImplementedError:
        is_known = False
    if not is_known:
        raise NotDone(f"is in a transfer syntax that is not decoded here ({syntax.name})")
    return UID(syntax)


def _colour(pixels: Pixels, bits: int) -> Pixels:
    """Red, green and blue, the upper 8 bits of each."""
    return np.ascontiguousarray((pixels[..., :3] >> max(0, bits - 8)).astype(np.uint8))


def _grey(pixels: Pixels, dataset: Dataset) -> Pixels:
    """What every value looks like is worked out once, then looked up: 65,536 levels in place of 64 million pixels."""
    pixels = np.nan_to_num(pixels, nan=0, posinf=0, neginf=0)
    is_whole = np.issubdtype(pixels.dtype, np.integer)
    low, high = float(pixels.min()), float(pixels.max())
    step = max((high - low) / (_MOST_LEVELS - 1), 1.0 if is_whole else np.finfo(np.float64).tiny)
    levels = low + step * np.arange(int((high - low) / step + 0.5) + 1)
    shades = _shades(levels.astype(np.int64) if is_whole else levels, dataset)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":  # C.7.6.3.1.2: the smallest value is white
        shades = 255 - shades
    image = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        band = slice(top, top + _ROWS_AT_ONCE)
        image[band] = shades[((pixels[band].astype(np.float64) - low) / step + 0.5).astype(np.intp)]
    return image


def _shades(levels: Pixels, dataset: Dataset) -> Pixels:
    """C.11.1 and C.11.2: stored values, rescaled, as the file would have them seen; else from the least to the most."""
    values: Pixels = apply_modality_lut(levels, dataset)
    if lookup := dataset.get("VOILUTSequence"):
        shades: Pixels = apply_voi(np.rint(values).astype(np.int64), dataset) / (2 ** lookup[0].LUTDescriptor[2] - 1)
    elif window := _find_window(dataset):
        shades = _WINDOWS.get(str(dataset.get("VOILUTFunction", "")), _linear)(values.astype(np.float64), *window)
    else:
        low, high = values.min(), values.max()
        shades = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    grey: Pixels = np.rint(np.clip(shades, 0, 1) * 255).astype(np.uint8)
    return grey


def _find_window(dataset: Dataset) -> tuple[float, float] | None:
    """The first window's centre and width; None where there is none that is one."""
    try:
        centre, width = (np.atleast_1d(dataset.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
        window = float(centre[0]), float(width[0])
    except (TypeError, ValueError, IndexError):
        return None
    return window if np.isfinite(window).all() and window[1] > 0 else None


def _linear(values: Pixels, centre: float, width: float) -> Pixels:
    """C.11.2.1.2.1."""
    bottom = centre - 0.5 - (width - 1) / 2
    return (values - bottom) / max(width - 1, _NARROWEST)


def _linear_exact(values: Pixels, centre: float, width: float) -> Pixels:
    """C.11.2.1.3.2."""
    return (values - centre) / width + 0.5


def _sigmoid(values: Pixels, centre: float, width: float) -> Pixels:
    """C.11.2.1.3.1."""
    return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))


_NARROWEST: Final = 1e-6
_WINDOWS: Final[dict[str, Callable[[Pixels, float, float], Pixels]]] = {
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}


def main() -> int:
    return confine(lambda: render(sys.stdin.buffer).save(sys.stdout.buffer, "JPEG", quality=_QUALITY))


if __name__ == "__main__":
    sys.exit(main())
