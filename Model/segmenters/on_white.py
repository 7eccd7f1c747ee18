"""What is done with a mask: what an encoder is shown, the garment's box, how much of the picture it covers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.card import Background
from Model.preprocess import Box
from Model.segmenters.base import Mask

SURE = 128
"""From this value of a mask on, a pixel counts as garment."""

STRAY = 0.002
"""Share of a garment's pixels that may be specks, on each side."""


def on_white(image: Image.Image, mask: Mask) -> Image.Image:
    """Return the picture with everything but the garment white, mixed along soft edges.

    Args:
        image: RGB.
        mask: (H, W) uint8 of the picture's size.
    """
    white = Image.new("RGB", image.size, (255, 255, 255))
    return Image.composite(image, white, Image.fromarray(mask))


def with_background(image: Image.Image, mask: Mask, background: Background) -> Image.Image:
    """Return the picture as an encoder's card asks for it: RGB, or RGBA with the mask as alpha.

    Args:
        image: RGB.
        mask: (H, W) uint8 of the picture's size.
    """
    if background == "white":
        return on_white(image, mask)
    if background == "alpha":
        return Image.merge("RGBA", (*image.split(), Image.fromarray(mask)))
    return image


def only_inside(mask: Mask, edges: tuple[int, int, int, int]) -> Mask:
    """Return the mask with nothing outside of a box.

    Args:
        edges: left, top, right, bottom in px, within the mask.
    """
    left, top, right, bottom = edges
    if (right - left, bottom - top) == (mask.shape[1], mask.shape[0]):
        return mask
    inside = np.zeros_like(mask)
    inside[top:bottom, left:right] = mask[top:bottom, left:right]
    return inside


def coverage(mask: Mask) -> float:
    """Return the share of the picture that is garment, 0..1."""
    return float(np.count_nonzero(mask >= SURE)) / mask.size


def garment_box(mask: Mask) -> Box | None:
    """Return the box around what is garment, as fractions; None where nothing is.

    What lies outside of the outermost 0.2 % of the garment's pixels on each side is left out: a stray speck must not
    widen the box.
    """
    sure = mask >= SURE
    rows, columns = np.count_nonzero(sure, axis=1), np.count_nonzero(sure, axis=0)
    if not rows.any():
        return None
    (top, bottom), (left, right) = _extent(rows), _extent(columns)
    height, width = mask.shape
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def _extent(counts: npt.NDArray[np.intp]) -> tuple[int, int]:
    """Return where the pixels begin and end along one axis, but for `STRAY` of them on each side.

    Args:
        counts: garment pixels of each row or column, not all zero. Shape: (n,).
    """
    least = STRAY * counts.sum()
    begin = int(np.argmax(np.cumsum(counts) > least))
    end = len(counts) - int(np.argmax(np.cumsum(counts[::-1]) > least))
    return begin, end
