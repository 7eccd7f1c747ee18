"""One rule for pictures on a plain background, for catalogue and query alike.

A shop's picture on white does not need a network to find its garment. Where the border of a picture is one colour,
everything that this colour reaches from the border is background, and the rest is garment.

The rule is measured by `tests/model/segmenters/test_plain_border.py`; its numbers are part of PREPROCESSING_VERSION.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from Model.segmenters.base import Mask

SIDE = 256
"""The rule looks at the picture at this size, in px on the long side."""

RING = 0.02
"""Width of the border that must be plain, as a share of the shorter side."""

PLAIN_SHARE = 0.97
"""Share of the border's pixels that must have the one colour."""

PLAIN_TOLERANCE = 10
"""How far a channel of a plain border's pixel may be from the median colour, of 255: JPEG noise, a faint vignette."""

EDGE_TOLERANCE = 14
"""How far a channel must be from the border's colour to be garment, of 255."""


def plain_border_mask(image: Image.Image) -> Mask | None:
    """Return the garment's mask where the border is uniformly plain, None where a network has to look.

    Args:
        image: RGB.
    Returns:
        (H, W) uint8 of the picture's size, 0 or 255 with a soft edge; all zero where the whole picture is plain.
    """
    ratio = min(SIDE / max(image.size), 1.0)
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    small = image if size == image.size else image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    pixels = np.asarray(small).astype(np.int16)  # (h, w, 3)
    colour = border_colour(pixels)
    if colour is None:
        return None
    garment = garment_on(pixels, colour)
    return np.asarray(Image.fromarray(garment).resize(image.size, Image.Resampling.BILINEAR))


def border_colour(pixels: npt.NDArray[np.int16]) -> npt.NDArray[np.int16] | None:
    """Return the border's one colour, or None where it has more than one.

    Shape: (h, w, 3) to (3,).
    """
    height, width, _ = pixels.shape
    ring = max(round(min(height, width) * RING), 2)
    if min(height, width) <= 2 * ring:
        return None
    border = np.concatenate(
        [
            pixels[:ring].reshape(-1, 3),
            pixels[-ring:].reshape(-1, 3),
            pixels[ring:-ring, :ring].reshape(-1, 3),
            pixels[ring:-ring, -ring:].reshape(-1, 3),
        ]
    )
    colour = np.median(border, axis=0).astype(np.int16)
    plain = np.abs(border - colour).max(axis=1) <= PLAIN_TOLERANCE
    return colour if plain.mean() >= PLAIN_SHARE else None


def garment_on(pixels: npt.NDArray[np.int16], colour: npt.NDArray[np.int16]) -> Mask:
    """Return 255 where the background's colour does not reach from the border. Shape: (h, w, 3) to (h, w)."""
    like_background = np.abs(pixels - colour).max(axis=2) <= EDGE_TOLERANCE
    # The border itself is background by definition, and joins the regions that touch it.
    like_background[[0, -1]] = True
    like_background[:, [0, -1]] = True
    regions, _ = ndimage.label(like_background)
    garment = regions != regions[0, 0]
    # Specks of dust and JPEG noise are no garment.
    garment = ndimage.binary_opening(garment, structure=np.ones((2, 2), dtype=bool))
    return np.where(garment, 255, 0).astype(np.uint8)
