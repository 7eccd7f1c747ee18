"""Named colours: the words of the sample catalogue and the sRGB and CIELAB values they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RGB = tuple[float, float, float]

_HEX = {
    "white": "f3f2ef",
    "ivory": "efe7d6",
    "beige": "d9c6a5",
    "sand": "c8b088",
    "camel": "bb8c57",
    "tan": "a8703f",
    "brown": "6d4a34",
    "black": "26262a",
    "charcoal": "45484f",
    "grey": "8f9399",
    "light grey": "c6c9cc",
    "navy": "25345a",
    "blue": "3566b4",
    "sky blue": "93bfe6",
    "indigo": "384c80",
    "teal": "23807f",
    "mint": "aaddc6",
    "green": "35845a",
    "sage": "a3b296",
    "olive": "73703f",
    "khaki": "a99d70",
    "forest": "2b5643",
    "yellow": "f1d05a",
    "mustard": "cd9f38",
    "orange": "e58640",
    "coral": "ef8472",
    "red": "c43a38",
    "burgundy": "742937",
    "pink": "efb2c0",
    "rose": "d2698a",
    "lavender": "bcabdc",
    "purple": "70509a",
}


@dataclass(frozen=True)
class Colour:
    """A named colour. `rgb` is sRGB in 0..1."""

    name: str
    rgb: RGB

    @property
    def lab(self) -> RGB:
        """The CIELAB (D65) value of this colour."""
        lightness, a, b = srgb_to_lab(np.asarray(self.rgb, dtype=np.float64))
        return float(lightness), float(a), float(b)


def _parse(code: str) -> RGB:
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


PALETTE: dict[str, Colour] = {name: Colour(name, _parse(code)) for name, code in _HEX.items()}


def mix(first: RGB, second: RGB, amount: float) -> RGB:
    """Return `first` moved towards `second` by `amount` in 0..1."""
    return (
        first[0] + (second[0] - first[0]) * amount,
        first[1] + (second[1] - first[1]) * amount,
        first[2] + (second[2] - first[2]) * amount,
    )


def darker(colour: RGB, amount: float) -> RGB:
    """Return the colour moved towards black by `amount` in 0..1."""
    return mix(colour, (0.06, 0.06, 0.08), amount)


def lighter(colour: RGB, amount: float) -> RGB:
    """Return the colour moved towards a warm white by `amount` in 0..1."""
    return mix(colour, (0.97, 0.965, 0.95), amount)


def luma(colour: RGB) -> float:
    """Return the perceived brightness of an sRGB colour in 0..1."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def srgb_to_lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert sRGB to CIELAB under D65.

    Args:
        rgb: values in 0..1. Shape: (..., 3).
    Returns:
        L in 0..100, a and b. Shape: (..., 3).
    Source: IEC 61966-2-1 and CIE 15.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
