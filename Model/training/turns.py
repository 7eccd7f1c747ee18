"""Fit which way up a garment lies: training pictures, taken for upright, turned by a half and a quarter to each side.

A few of the photos lie on their side themselves. So the head is fitted twice: the second time without those that the
first one takes for turned.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from Model.card import Turns
from Model.embedder import Embedder
from Model.encoders import Vectors

DOUBT = 0.02
"""Chosen on validation photos, as RELUCTANCE was (docs/experiments.md, 36)."""
RELUCTANCE = 5.0
KEPT = 0.5
"""Least probability of being upright that a training picture needs for the second fit."""
STRENGTH = 30.0
"""scikit-learn's C."""
WAYS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
CHUNK = 16


def turned_vectors(eye: Embedder, images: Sequence[Image.Image]) -> Vectors:
    """Return the vectors of each picture turned to the left by 0, 1, 2 and 3 quarters. Shape: (n, 4, dim).

    Args:
        eye: of an encoder whose card has no turns yet.
    """
    parts = []
    for start in range(0, len(images), CHUNK):
        pictures = [
            image if way is None else image.transpose(way) for image in images[start : start + CHUNK] for way in WAYS
        ]
        found = np.stack([sight.vector for sight in eye.see(pictures)])
        parts.append(found.reshape(-1, len(WAYS), found.shape[1]))
    return np.concatenate(parts)


def fit_turns(vectors: Vectors) -> Turns:
    """Return the head fitted to pictures in four turns.

    Args:
        vectors: as of `turned_vectors`. Shape: (n, 4, dim).
    """
    first = _fit(vectors)
    upright = first.predict_proba(vectors[:, 0])[:, 0] >= KEPT
    fitted = _fit(vectors[upright]) if upright.any() else first
    encoded = base64.b64encode(fitted.coef_.astype("<f2").tobytes()).decode("ascii")
    zero, one, two, three = (round(float(value), 5) for value in fitted.intercept_)
    return Turns(weights_fp16_b64=encoded, bias=(zero, one, two, three), doubt=DOUBT, reluctance=RELUCTANCE)


def _fit(vectors: Vectors) -> LogisticRegression:
    truth = np.tile(np.arange(len(WAYS)), len(vectors))
    return LogisticRegression(C=STRENGTH, max_iter=1000).fit(vectors.reshape(len(truth), -1), truth)
