"""How well a picture shows one garment: what chooses the picture that stands for a product.

The measures are shares, higher is better, and cheap beside the networks: about 2 ms. They rank the pictures of one
product; how they find faults over a whole catalogue is the audit's to say.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

SIDE = 256
"""The measures are taken at this size, in px on the long side."""

GARMENT = 128
"""Mask value from which a pixel is garment."""

BACKGROUND = 32
"""Mask value below which a pixel is background."""

CERTAIN = 224
"""Mask value from which the segmenter had no doubt."""

RIM = 2
"""Pixels along the mask's outline, at `SIDE`, where every mask is soft: they say nothing of doubt."""

LEAST_INNER = 0.3
"""Share of the mask that must lie within the rim for its certainty to be measured: a chain is all rim."""

TOLERANCE = 20
"""How far a channel of a plain background's pixel may be from the background's median colour, of 255."""

SPECK = 0.02
"""Parts of the mask smaller than this share of it are no garment of their own."""

GOOD_SIDE = 600
"""Pixels of the shorter side from which more of them show nothing more."""

HALF_SHARP = 80.0
"""Variance of the Laplacian at which sharpness is one half; a catalogue's pictures have hundreds, blurred ones tens."""

WEIGHTS = {"single": 0.3, "plain": 0.3, "whole": 0.2, "sharp": 0.1, "size": 0.1}
NOTHING_FOUND = 0.3
"""Factor on the score of a picture without a garment."""


def measure(image: Image.Image, mask: NDArray[np.uint8], size: tuple[int, int], found: bool) -> dict[str, Any]:
    """Return a picture's measures by name, and the weighted mean of `WEIGHTS` as "score", each 0..1.

    single: share of the mask that is its largest part; plain: share of the background that has its one colour; whole:
    share of the border that is not garment, which a close-up's is; sharp: by the variance of the Laplacian over the
    garment; size: of the shorter side; clear: share of the mask, its rim aside, that the segmenter was certain of.

    Args:
        image: RGB, shrunk as the networks see it.
        mask: 0 background .. 255 garment, of the image's size. Shape: (H, W).
        size: of the picture as it is stored, in px.
        found: whether a garment was found; without one the mask means nothing.
    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000 (variance of the Laplacian).
    """
    ratio = min(SIDE / max(image.size), 1.0)
    small = (max(round(image.width * ratio), 3), max(round(image.height * ratio), 3))
    shrunk = image.convert("RGB").resize(small, Image.Resampling.BOX)
    pixels = np.asarray(shrunk).astype(np.int16)  # (h, w, 3)
    cover = np.asarray(Image.fromarray(mask).resize(small, Image.Resampling.BOX))  # (h, w)
    garment = cover >= GARMENT if found else np.ones(cover.shape, bool)
    measures = {
        "single": _single(garment) if found else 0.0,
        "plain": _plain(shrunk, pixels, cover) if found else 0.0,
        "whole": _whole(garment) if found else 0.0,
        "sharp": _sharp(pixels, garment),
        "size": min(min(size) / GOOD_SIDE, 1.0),
    }
    score = sum(WEIGHTS[name] * value for name, value in measures.items()) * (1.0 if found else NOTHING_FOUND)
    # How sure the segmenter was says whether there is a garment at all, not which of a product's pictures is cleaner.
    measures["clear"] = _clear(cover) if found else 0.0
    return {**{name: round(value, 4) for name, value in measures.items()}, "score": round(score, 4)}


def _single(garment: NDArray[np.bool_]) -> float:
    labels, count = ndimage.label(garment)
    if not count:
        return 0.0
    areas = np.bincount(labels.ravel())[1:]
    return float(areas.max() / areas[areas >= SPECK * areas.sum()].sum())


def _plain(shrunk: Image.Image, pixels: NDArray[np.int16], cover: NDArray[np.uint8]) -> float:
    outside = cover < BACKGROUND
    count = np.count_nonzero(outside)
    if not count:
        return 0.0
    near = outside
    for channel, counts in enumerate(np.reshape(shrunk.histogram(Image.fromarray(outside)), (3, 256))):
        near = near & (np.abs(pixels[:, :, channel] - median_level(counts)) <= TOLERANCE)
    return np.count_nonzero(near) / count


def median_level(counts: NDArray[np.int64]) -> float:
    """Return the median of the levels 0, 1, ..., each of which occurs so many times: a sort's answer without sorting.

    Args:
        counts: not all zero. Shape: (n,).
    """
    below = np.cumsum(counts)
    middle = (int(below[-1]) - 1) / 2
    lower, upper = np.searchsorted(below, [math.floor(middle), math.ceil(middle)], side="right").tolist()
    return (lower + upper) / 2


def _whole(garment: NDArray[np.bool_]) -> float:
    border = np.concatenate([garment[0], garment[-1], garment[1:-1, 0], garment[1:-1, -1]])
    return float(1.0 - border.mean())


def _clear(cover: NDArray[np.uint8]) -> float:
    some = cover >= BACKGROUND
    inner = ndimage.binary_erosion(some, iterations=RIM, border_value=1)
    if not inner.any() or np.count_nonzero(inner) < LEAST_INNER * np.count_nonzero(some):
        return 1.0
    return float((cover[inner] >= CERTAIN).mean())


def _sharp(pixels: NDArray[np.int16], garment: NDArray[np.bool_]) -> float:
    if not garment.any():
        return 0.0
    grey = (pixels[:, :, 0] + pixels[:, :, 1] + pixels[:, :, 2]).astype(np.float32) / 3
    variance = float(ndimage.laplace(grey)[garment].var())
    return variance / (variance + HALF_SHARP)
