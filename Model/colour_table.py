"""What is known of colours and the words that shops use for them: a table of examples, read from beside this file.

`colour_table.csv` holds examples of colours in CIELAB and, for each, how much seeing it speaks for every word; a first
row without a colour holds how often shops say each word anyway. `Model/training/fit_colours.py` makes it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from Model.errors import CardInvalid

TABLE = Path(__file__).with_name("colour_table.csv")

NAMES: tuple[str, ...] = (
    *("black", "grey", "white", "cream", "beige", "khaki", "tan", "brown", "navy", "blue", "turquoise", "teal"),
    *("green", "olive", "yellow", "mustard", "orange", "peach", "red", "burgundy", "pink", "magenta", "purple"),
    "lavender",
)
"""The words, each a filter that a customer would look for."""

HUE_WEIGHT = 2.2
"""How much more a step in a or b counts than one in L: folds and shadows change L alone."""

STEPS = 64
"""Steps of each channel in the look-up from sRGB to the nearest example."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ColourTable:
    """Examples of colours and what they speak for.

    Args:
        lab: examples in CIELAB (D65). Shape: (n, 3).
        evidence: for each word, natural log scale. Shape: (n, len(NAMES)).
        prior: of each word. Shape: (len(NAMES),).
    """

    lab: Floats
    evidence: Floats
    prior: Floats

    def nearest(self, lab: Floats) -> npt.NDArray[np.intp]:
        """Return the nearest example of each colour. Shape: (m, 3) to (m,)."""
        scale = np.array([1.0, HUE_WEIGHT, HUE_WEIGHT], dtype=np.float32)
        examples = self.lab * scale
        # |x - e|^2 less |x|^2, which is the same for every example.
        return np.asarray(((examples**2).sum(axis=1) - 2 * (lab * scale) @ examples.T).argmin(axis=1))


def rgb_to_lab(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Convert sRGB to CIELAB with the D65 white point. Shape: (..., 3) to (..., 3).

    Source: IEC 61966-2-1 for sRGB, CIE 15 for L*a*b*.
    """
    values = np.asarray(pixels, dtype=np.float32) / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = linear @ RGB_TO_XYZ.T / WHITE
    curve = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    dtype=np.float32,
)
WHITE = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)


def read_table(file: Path = TABLE) -> ColourTable:
    """Return the table in a file.

    Raises:
        CardInvalid: its columns are not L, a, b and the words of `NAMES`, or it is not numbers.
    """
    with file.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    if tuple(header) != ("L", "a", "b", *NAMES):
        raise CardInvalid(f"{file.name} does not have the columns L, a, b and the colour words: fit it again.")
    try:
        numbers = np.array([[float(cell or 0) for cell in row] for row in rows], dtype=np.float32)
    except ValueError as error:
        raise CardInvalid(f"{file.name} holds something that is no number: fit it again.") from error
    return ColourTable(lab=numbers[1:, :3], evidence=numbers[1:, 3:], prior=numbers[0, 3:])


def write_table(table: ColourTable, file: Path, source: str) -> None:
    """Write a table that `read_table` reads.

    Args:
        source: where its numbers come from, in a sentence.
    """
    with file.open("w", newline="", encoding="utf-8") as lines:
        lines.write(f"# {source}\n")
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["L", "a", "b", *NAMES])
        writer.writerow(["", "", "", *(f"{value:.2f}" for value in table.prior)])
        for lab, row in zip(table.lab, table.evidence, strict=True):
            writer.writerow([*(f"{value:.1f}" for value in lab), *(f"{value:.2f}" for value in row)])


@cache
def colour_table() -> ColourTable:
    """Return the table beside this file, read once."""
    return read_table()


@cache
def examples_by_rgb() -> npt.NDArray[np.uint16]:
    """Return the nearest example to the middle of every cell of sRGB. Shape: (STEPS, STEPS, STEPS)."""
    return nearest_by_rgb(colour_table())


def nearest_by_rgb(table: ColourTable) -> npt.NDArray[np.uint16]:
    """Return a table's nearest example to the middle of every cell of sRGB. Shape: (STEPS, STEPS, STEPS)."""
    width = 256 // STEPS
    middles = (np.arange(STEPS) * width + width // 2).astype(np.uint8)
    planes = [
        table.nearest(rgb_to_lab(np.stack(np.broadcast_arrays(red, middles[:, None], middles), axis=-1).reshape(-1, 3)))
        for red in middles
    ]
    return np.stack(planes).reshape(STEPS, STEPS, STEPS).astype(np.uint16)
