"""The colours of a garment, named with the words that shops use.

Every garment pixel is taken for the nearest of some hundred examples of colours in CIELAB. Each example speaks for and
against words, as learned from a shop's pictures and what the shop called them: grey that comes with black is shine,
grey alone is grey. Examples keep a striped shirt's two colours apart where a mean would invent a third, and need no
search for clusters: a table of 64 x 64 x 64 colours makes a pixel's example one look-up.

How well the words agree with a shop's own is in docs/results/colours.md; `Model/training/fit_colours.py` fits them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from Model.colour_table import NAMES, ColourTable, Floats, colour_table, examples_by_rgb, rgb_to_lab
from Model.segmenters.base import Mask

__all__ = [
    "NAMES",
    "Colour",
    "Pixels",
    "example_shares",
    "garment_colours",
    "garment_pixels",
    "nearest_examples",
    "rgb_to_lab",
]

SIDE = 128
"""Colours are counted on a picture of this size, in px on the long side."""

LEAST_SHARE = 0.12
"""A colour that covers less of the garment is not named."""

CENTRE = 0.3
"""How far from the middle of the garment's box a pixel counts 1 / sqrt(e), as a share of the box's sides: the product
is in the middle, the model's other clothes are above and below it."""

CONTEXT = 0.5
"""How much the whole garment has to say in what a part of it is called, 0 nothing .. 1 as much as the part."""

Lab = tuple[float, float, float]


@dataclass(frozen=True)
class Colour:
    """One colour of a garment.

    Args:
        name: a word of the palette.
        lab: mean CIELAB (D65) of its pixels: L 0..100, a and b about -100..100.
        share: of the garment, 0..1; its middle counts more than its rim.
    """

    name: str
    lab: Lab
    share: float

    def to_json(self) -> dict[str, str | float | list[float]]:
        """Return the form that is stored with a picture's features."""
        return {"name": self.name, "lab": [round(value, 1) for value in self.lab], "share": round(self.share, 3)}


@dataclass(frozen=True)
class Pixels:
    """A garment's pixels.

    Args:
        rgb: sRGB. Shape: (n, 3) uint8.
        weights: how much each counts; they sum to 1 unless there is none. Shape: (n,).
    """

    rgb: npt.NDArray[np.uint8]
    weights: Floats


def garment_colours(image: Image.Image, mask: Mask, most: int = 4) -> list[Colour]:
    """Return a garment's colours, the one that a shop would name first.

    Args:
        image: RGB.
        mask: (H, W) uint8 of the picture's size, 255 where the garment is.
        most: colours at most.
    Returns:
        list[Colour]: none where too little of the mask is certain to be garment.
    """
    pixels = garment_pixels(image, mask)
    if len(pixels.rgb) == 0:
        return []
    table = colour_table()
    examples = nearest_examples(pixels, examples_by_rgb())
    scores = word_scores(example_shares(examples, pixels, len(table.lab)), table)
    words = words_of_examples(table, scores, np.unique(examples))[examples]
    shares = np.bincount(words, weights=pixels.weights, minlength=len(NAMES))
    lab = rgb_to_lab(pixels.rgb)
    order = [int(index) for index in np.argsort(-scores, kind="stable") if shares[index] > 0]
    named = [index for rank, index in enumerate(order) if rank == 0 or shares[index] >= LEAST_SHARE]
    return [
        Colour(NAMES[index], _mean(lab[words == index], pixels.weights[words == index]), float(shares[index]))
        for index in named[:most]
    ]


def garment_pixels(image: Image.Image, mask: Mask) -> Pixels:
    """Return the colours of what is surely garment: without its rim, which is mixed with the background."""
    ratio = min(SIDE / max(image.size), 1.0)
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    pixels = np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    sure = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX)) >= 192
    inner = ndimage.binary_erosion(sure, border_value=1)
    # A thin strap or a small picture may be all rim.
    used = inner if np.count_nonzero(inner) >= 0.5 * np.count_nonzero(sure) else sure
    rows, columns = np.nonzero(used)
    weights = np.exp(-0.5 * (_from_middle(rows) ** 2 + _from_middle(columns) ** 2) / CENTRE**2)
    return Pixels(pixels[used], (weights / max(weights.sum(), 1e-9)).astype(np.float32))


def nearest_examples(pixels: Pixels, by_rgb: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Return the example that each pixel is taken for. Shape: (n,)."""
    width = 256 // len(by_rgb)
    cells = pixels.rgb // width
    return by_rgb[cells[:, 0], cells[:, 1], cells[:, 2]]


def example_shares(examples: npt.NDArray[np.uint16], pixels: Pixels, count: int) -> npt.NDArray[np.float64]:
    """Return the garment's share of each example; they sum to 1. Shape: (count,)."""
    return np.bincount(examples, weights=pixels.weights, minlength=count).astype(np.float64)


def word_scores(shares: npt.NDArray[np.float64], table: ColourTable) -> Floats:
    """Return how well each word fits a garment, as the logarithm of its probability. Shape: (len(NAMES),).

    The square root lets a small area speak louder than its size, as a coloured trim does to people.
    """
    scores = np.sqrt(shares) @ table.evidence + table.prior
    scores -= scores.max()
    return (scores - np.log(np.exp(scores).sum())).astype(np.float32)


def words_of_examples(table: ColourTable, scores: Floats, seen: npt.NDArray[np.uint16]) -> npt.NDArray[np.intp]:
    """Return the word of each example on this garment: in a navy coat's folds, near-black is navy.

    Args:
        scores: of the garment's words.
        seen: the examples that the garment has.
    Returns:
        Indices of `NAMES`; one of those seen has the garment's best word. Shape: (n,).
    """
    words = np.asarray((table.evidence + table.prior + CONTEXT * scores).argmax(axis=1))
    best = int(scores.argmax())
    if best not in words[seen]:
        # No part alone would be called so, only all together: what speaks for it most stands for it.
        words[seen[table.evidence[seen, best].argmax()]] = best
    return words


def _from_middle(places: npt.NDArray[np.intp]) -> Floats:
    """Return places as -0.5 at one end of their range .. 0.5 at the other."""
    if len(places) == 0:
        return np.zeros(0, dtype=np.float32)
    first, last = int(places.min()), int(places.max())
    return ((places - first + 0.5) / (last - first + 1) - 0.5).astype(np.float32)


def _mean(lab: Floats, weights: Floats) -> Lab:
    lightness, a, b = (float(value) for value in np.average(lab, axis=0, weights=weights))
    return lightness, a, b
