"""What every network has to beat: the histogram of a picture's colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.probe import unit
from Model.segmenters.base import Mask

BINS = 8
"""Per channel: 8 x 8 x 8 = 512 values, as many as the encoder's vector has."""


def colour_histograms(images: Sequence[Image.Image], masks: Sequence[Mask] | None = None) -> npt.NDArray[np.float32]:
    """Return each picture's RGB histogram, square-rooted and of unit length.

    The inner product of two such vectors is the Bhattacharyya coefficient of the histograms.

    Args:
        images: RGB.
        masks: (H, W) uint8 of the pictures' sizes: count only what is garment; None for every pixel.
    Returns:
        (n, 512) float32.
    """
    rows = np.zeros((len(images), BINS**3), dtype=np.float32)
    for number, image in enumerate(images):
        pixels = np.asarray(image).astype(np.int64) * BINS // 256
        index = (pixels[..., 0] * BINS + pixels[..., 1]) * BINS + pixels[..., 2]
        counted = index.ravel() if masks is None else index[masks[number] >= 128]
        rows[number] = np.bincount(counted, minlength=BINS**3)
    return unit(np.sqrt(rows))
