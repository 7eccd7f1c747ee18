"""What the audit and the statistics keep of a picture's pixels: how blurred it is, and its garment's colours."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

WINDOW = 11
"""Pixels of the mean that a picture is blurred by once more."""

SIDE = 640
"""The blur is measured at this size at most, in px on the long side."""

BINS = 16
GARMENT = 128
"""Mask value from which a pixel is garment."""

Histogram = list[list[float]]
"""Of R, G and B: the shares of the pixels in 16 equal steps from 0 to 255, each row's sum 1."""


def blur_effect(image: Image.Image) -> float:
    """Return how blurred a picture is: 0 sharp .. 1.

    A sharp picture loses much of the difference between neighbouring pixels when it is blurred once more, a blurred one
    hardly any. The measure is a ratio, so a plain garment on white counts as sharp as a patterned one.

    Source: Crete et al., The blur effect: perception and estimation with a new no-reference blur metric, 2007.
    """
    ratio = min(SIDE / max(image.size), 1.0)
    small = (
        image if ratio == 1.0 else image.resize((max(int(image.width * ratio), 1), max(int(image.height * ratio), 1)))
    )
    pixels = np.asarray(small.convert("L"), np.float32)  # (h, w)
    return max(_along(pixels, axis) for axis in (0, 1))


def _along(pixels: NDArray[np.float32], axis: int) -> float:
    sharp = np.abs(np.diff(pixels, axis=axis))
    again = np.abs(np.diff(ndimage.uniform_filter1d(pixels, WINDOW, axis=axis), axis=axis))
    total = float(sharp.sum())
    if total == 0.0:
        return 1.0
    return round((total - float(np.maximum(sharp - again, 0).sum())) / total, 4)


def rgb_histogram(image: Image.Image, mask: NDArray[np.uint8]) -> Histogram | None:
    """Return how the garment's pixels are spread over each channel; None where the mask shows none.

    Args:
        mask: 0 background .. 255 garment, of the image's size. Shape: (H, W).
    """
    garment = mask >= GARMENT
    count = np.count_nonzero(garment)
    if not count:
        return None
    levels = np.reshape(image.convert("RGB").histogram(Image.fromarray(garment)), (3, BINS, 256 // BINS))
    return [[round(float(value) / count, 4) for value in row] for row in levels.sum(axis=2).tolist()]
