"""The probe: a picture drawn from a seed, so that two machines can compare what a model makes of it.

int8 arithmetic saturates on processors without VNNI, and a library may change; a card's probe vector makes that
visible when the model is loaded instead of as bad matches.
"""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.card import Probe

GRID = 16


def probe_picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draw the probe picture: 8x8 colour noise, enlarged smoothly.

    Args:
        seed: of numpy's default generator.
        size: height and width in px.
    """
    noise = np.random.default_rng(seed).integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((size[1], size[0]), Image.Resampling.BICUBIC)


def vector_of_mask(mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Reduce a segmenter's raw output to a unit vector, for its probe: means over a 16 x 16 grid.

    Shape: (H, W) with H and W multiples of 16, to (256,).
    """
    height, width = mask.shape
    cells = mask.reshape(GRID, height // GRID, GRID, width // GRID).mean(axis=(1, 3)).ravel()
    return unit(cells.astype(np.float32))


def make_probe(seed: int, vector: npt.NDArray[np.float32], min_cosine: float = 0.995) -> Probe:
    """Return the card's probe for the vector that the exported file gives for `probe_picture(seed, ...)`."""
    encoded = base64.b64encode(unit(vector).astype("<f2").tobytes()).decode("ascii")
    return Probe(seed=seed, vector_fp16_b64=encoded, min_cosine=min_cosine)


def unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale to unit length along the last axis; a zero vector stays zero."""
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    scaled: npt.NDArray[np.float32] = (vector / np.maximum(norm, 1e-12)).astype(np.float32)
    return scaled
