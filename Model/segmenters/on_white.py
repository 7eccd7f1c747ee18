"""What is done with a mask: the garment on white, its box, how much of the picture it covers."""

from __future__ import annotations

import numpy as np
from PIL import Image

from Model.preprocess import Box
from Model.segmenters.base import Mask

SURE = 128
"""From this value of a mask on, a pixel counts as garment."""


def on_white(image: Image.Image, mask: Mask) -> Image.Image:
    """Return the picture with everything but the garment white, mixed along soft edges.

    Args:
        image: RGB.
        mask: (H, W) uint8 of the picture's size.
    """
    white = Image.new("RGB", image.size, (255, 255, 255))
    return Image.composite(image, white, Image.fromarray(mask))


def coverage(mask: Mask) -> float:
    """Return the share of the picture that is garment, 0..1."""
    return float(np.count_nonzero(mask >= SURE)) / mask.size


def garment_box(mask: Mask) -> Box | None:
    """Return the box around what is garment, as fractions; None where nothing is.

    Rows and columns with fewer than 0.2 % of the garment's pixels are left out: a stray speck must not widen the box.
    """
    sure = mask >= SURE
    rows, columns = np.count_nonzero(sure, axis=1), np.count_nonzero(sure, axis=0)
    least = max(0.002 * rows.sum(), 1.0)
    y, x = np.flatnonzero(rows >= least), np.flatnonzero(columns >= least)
    if y.size == 0 or x.size == 0:
        return None
    height, width = mask.shape
    return Box(
        float(x[0]) / width,
        float(y[0]) / height,
        float(x[-1] + 1 - x[0]) / width,
        float(y[-1] + 1 - y[0]) / height,
    )
