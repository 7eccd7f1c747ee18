"""The colours of a garment, named with the words that shops use.

Every garment pixel votes for its nearest word in CIELAB; a garment's colours are the words with the most votes. Votes
keep a striped shirt's two colours apart where a mean would invent a third, and need no search for clusters: a table of
32 x 32 x 32 colours makes a vote one look-up.

How well the words agree with a shop's own is measured in `tests/model/test_colours.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from Model.segmenters.base import Mask

SIDE = 128
"""Colours are counted on a picture of this size, in px on the long side."""

LEAST_SHARE = 0.12
"""A colour that covers less of the garment is not named."""

HUE_WEIGHT = 2.0
"""How much more a step in a or b counts than one in L: folds and shadows change L alone."""

Lab = tuple[float, float, float]

# Several examples per word, because a word is not a ball: "black" in a photo reaches from L 5 to L 28.
# From the medians of 5,000 shop pictures by their own colour word, set apart by hand.
PALETTE: tuple[tuple[str, tuple[Lab, ...]], ...] = (
    ("black", ((8, 0, 0), (16, 0, 0), (24, 0, 0))),
    ("grey", ((45, 0, 0), (60, 0, 0), (73, 0, 0))),
    ("white", ((84, 0, 0), (91, 0, 0), (97, 0, 0))),
    ("cream", ((90, 0, 10),)),
    ("beige", ((72, 3, 15), (80, 3, 12))),
    ("khaki", ((58, 2, 18),)),
    ("tan", ((58, 14, 28),)),
    ("brown", ((20, 6, 6), (28, 6, 8), (38, 10, 16), (48, 12, 22))),
    ("navy", ((14, 2, -6), (20, 3, -12), (27, 0, -9))),
    ("blue", ((32, 12, -40), (45, 0, -25), (45, 0, -12), (55, -12, -28), (65, -5, -20), (78, -6, -12))),
    ("turquoise", ((65, -25, -8),)),
    ("teal", ((40, -20, -5),)),
    ("green", ((30, -15, 10), (45, -35, 25), (65, -35, 40), (70, -12, 5), (80, -20, 25))),
    ("olive", ((36, -3, 15), (45, -2, 22))),
    ("yellow", ((75, 8, 50), (82, 0, 60), (90, -5, 40))),
    ("mustard", ((62, 8, 42),)),
    ("orange", ((60, 38, 45), (68, 28, 40))),
    ("peach", ((76, 18, 18),)),
    ("red", ((35, 42, 22), (42, 50, 28), (50, 55, 30))),
    ("burgundy", ((18, 14, 4), (26, 24, 8), (33, 28, 10))),
    ("pink", ((55, 40, 0), (60, 48, 4), (70, 28, 2), (82, 14, 2))),
    ("magenta", ((42, 52, -5),)),
    ("purple", ((24, 14, -10), (32, 22, -22), (42, 20, -15))),
    ("lavender", ((68, 10, -12),)),
)
NAMES: tuple[str, ...] = tuple(name for name, _ in PALETTE)

# Which word a shop puts first is no plain count: it says black of shoes whose shine is grey, and brown more often than
# the shadows of brown alone would have it. Fitted on the same shop pictures; words not named here count as they are.
WEIGHTS: dict[str, float] = {
    "black": 1.5,
    "brown": 2.0,
    "purple": 1.5,
    "blue": 1.25,
    "green": 1.25,
    "orange": 1.25,
    "red": 1.25,
    "magenta": 0.6,
    "cream": 0.5,
    "grey": 0.5,
    "mustard": 0.5,
}


@dataclass(frozen=True)
class Colour:
    """One colour of a garment.

    Args:
        name: a word of the palette.
        lab: mean CIELAB (D65) of the pixels that voted for it: L 0..100, a and b about -100..100.
        share: of the garment, 0..1.
    """

    name: str
    lab: Lab
    share: float

    def to_json(self) -> dict[str, str | float | list[float]]:
        """Return the form that is stored with a picture's features."""
        return {"name": self.name, "lab": [round(value, 1) for value in self.lab], "share": round(self.share, 3)}


def garment_colours(image: Image.Image, mask: Mask, most: int = 4) -> list[Colour]:
    """Return a garment's colours, the one that a shop would name first.

    Args:
        image: RGB.
        mask: (H, W) uint8 of the picture's size, 255 where the garment is.
        most: colours at most.
    Returns:
        list[Colour]: at least one where the mask is not empty, none where it is.
    """
    pixels = garment_pixels(image, mask)
    if len(pixels) == 0:
        return []
    bins = pixels >> 3  # (n, 3): the table's cells
    votes = _table()[bins[:, 0], bins[:, 1], bins[:, 2]]
    counts = np.bincount(votes, minlength=len(NAMES))
    shares = counts / counts.sum()
    lab = rgb_to_lab(pixels)
    weights = np.array([WEIGHTS.get(name, 1.0) for name in NAMES])
    order = np.argsort(-shares * weights, kind="stable")[:most]
    return [
        Colour(NAMES[index], _mean(lab[votes == index]), float(shares[index]))
        for rank, index in enumerate(order)
        if rank == 0 or shares[index] >= LEAST_SHARE
    ]


def garment_pixels(image: Image.Image, mask: Mask) -> npt.NDArray[np.uint8]:
    """Return the colours of what is surely garment: without its rim, which is mixed with the background.

    Shape: (n, 3).
    """
    ratio = min(SIDE / max(image.size), 1.0)
    size = (max(round(image.width * ratio), 1), max(round(image.height * ratio), 1))
    pixels = np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    sure = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX)) >= 192
    inner = ndimage.binary_erosion(sure, border_value=1)
    # A thin strap or a small picture may be all rim.
    return pixels[inner if np.count_nonzero(inner) >= 0.5 * np.count_nonzero(sure) else sure]


def rgb_to_lab(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Convert sRGB to CIELAB with the D65 white point. Shape: (..., 3) to (..., 3).

    Source: IEC 61966-2-1 for sRGB, CIE 15 for L*a*b*.
    """
    values = np.asarray(pixels, dtype=np.float32) / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _RGB_TO_XYZ.T / _WHITE
    curve = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    dtype=np.float32,
)
_WHITE = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)


@cache
def _table() -> npt.NDArray[np.uint8]:
    """Return the palette index of every colour in steps of 8. Shape: (32, 32, 32)."""
    steps = np.arange(32, dtype=np.uint8) * 8 + 4
    cells = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    scale = np.array([1.0, HUE_WEIGHT, HUE_WEIGHT], dtype=np.float32)
    lab = rgb_to_lab(cells) * scale
    nearest = np.full(len(cells), np.inf, dtype=np.float32)
    index = np.zeros(len(cells), dtype=np.uint8)
    for number, (_, examples) in enumerate(PALETTE):
        for example in examples:
            distance = ((lab - np.array(example, dtype=np.float32) * scale) ** 2).sum(axis=1)
            closer = distance < nearest
            nearest[closer], index[closer] = distance[closer], number
    return index.reshape(32, 32, 32)


def _mean(lab: npt.NDArray[np.float32]) -> Lab:
    lightness, a, b = (float(value) for value in lab.mean(axis=0))
    return lightness, a, b
