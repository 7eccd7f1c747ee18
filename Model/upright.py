"""Which way up a garment lies: people lay a shirt across the picture, and pictures forget how they were held.

A linear head on an encoder's vectors says by how many quarters the garment in a picture is turned. Where it doubts that
the garment is upright, the picture is turned to either side and encoded twice more, and the three vectors decide
together: if the garment lies on its left, the picture turned to the right is upright, and the one turned to the left is
upside down. A picture that is upside down as it comes stays so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.card import Turns
from Model.encoders import Encoder

Floats = npt.NDArray[np.float32]

QUARTERS = (0, 1, 3)
"""Turns to the left that a picture is looked at in; the first is the picture as it comes."""
TO_THE_SIDES = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
"""The second and third of them."""


def log_probabilities(turns: Turns, vectors: Floats) -> Floats:
    """Return the logarithm of the probability that the garment is turned to the left by 0, 1, 2 and 3 quarters.

    Shape: (..., dim) to (..., 4).
    """
    logits = vectors @ turns.weights.T + np.asarray(turns.bias, dtype=np.float32)
    highest = logits.max(axis=-1, keepdims=True)
    result: Floats = logits - highest - np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))
    return result


def in_doubt(turns: Turns, vectors: Floats) -> npt.NDArray[np.bool_]:
    """Return which pictures are worth a second look. Shape: (n, dim) to (n,)."""
    doubted: npt.NDArray[np.bool_] = log_probabilities(turns, vectors)[:, 0] < np.log(turns.doubt)
    return doubted


def upright_view(turns: Turns, views: Floats) -> npt.NDArray[np.int64]:
    """Return which of each picture's views is upright.

    Args:
        views: vectors of the picture turned to the left by `QUARTERS`. Shape: (n, 3, dim).
    Returns:
        Its place in QUARTERS; another than the first has to be more probable by `turns.reluctance`. Shape: (n,).
    """
    found = log_probabilities(turns, views)
    scores = np.stack(
        [
            # If this view is upright, the picture as it comes is turned by -upright, and each view by so much more.
            np.mean([found[:, at, (quarters - upright) % 4] for at, quarters in enumerate(QUARTERS)], axis=0)
            for upright in QUARTERS
        ],
        axis=1,
    )
    scores[:, 0] += turns.reluctance
    return scores.argmax(axis=1)


def see_upright(encoder: Encoder, pictures: Sequence[Image.Image], vectors: Floats) -> tuple[Floats, list[int]]:
    """Look again at the garments that may lie on their side.

    Args:
        pictures: garments as the encoder sees them.
        vectors: of the pictures as they come. Shape: (n, dim).
    Returns:
        The vectors, some of them of turned pictures, and the quarters by which each was turned to the left.
    """
    turns = encoder.card.turns
    quarters = [0] * len(pictures)
    doubted = [] if turns is None or not pictures else np.flatnonzero(in_doubt(turns, vectors)).tolist()
    if turns is None or not doubted:
        return vectors, quarters
    turned = encoder.embed([pictures[at].transpose(way) for at in doubted for way in TO_THE_SIDES])
    views = np.concatenate([vectors[doubted, None], turned.reshape(len(doubted), len(TO_THE_SIDES), -1)], axis=1)
    result = vectors.copy()
    for at, seen, view in zip(doubted, views, upright_view(turns, views).tolist(), strict=True):
        result[at], quarters[at] = seen[view], QUARTERS[view]
    return result, quarters
