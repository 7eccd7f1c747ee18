"""Stretch the encoder's features along the directions that tell categories apart, after training and before export.

A network that learned to find the very garment again spends most of its 512 directions on what tells two T-shirts
apart, and a dozen on what tells a T-shirt from a dress. The cosine counts them all alike. Linear discriminant analysis
on training pictures finds that dozen, and a symmetric matrix stretches them: neighbours of the same category come
closer, at a price in finding the very garment. How far to stretch was chosen on validation photos; docs/experiments.md
has the curve.

Source: Fisher 1936, https://doi.org/10.1111/j.1469-1809.1936.tb02137.x
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from Model.probe import unit
from Model.training.datasets import PictureSet, make_vocabulary
from Model.training.resnet import DIM, Encoder
from Model.training.validate import embed

log = logging.getLogger(__name__)

Matrix = npt.NDArray[np.float32]

STRENGTH = 1.0
SHRINKAGE = 0.1
SHOP_PICTURES = 4000
FEWEST = 10
"""Pictures that a category needs to count."""


def emphasis_matrix(features: Matrix, labels: Sequence[str], strength: float = STRENGTH) -> Matrix:
    """Return the symmetric matrix that stretches the directions between categories by 1 + strength.

    Args:
        features: centred, of training pictures. Shape: (n, dim).
        labels: their categories; pictures without one, "", and categories of fewer than 10 pictures are left out.
    Returns:
        The identity where there are fewer than two categories. Shape: (dim, dim).
    """
    names, counts = np.unique(np.asarray(labels), return_counts=True)
    categories = [name for name, count in zip(names, counts, strict=True) if name and count >= FEWEST]
    identity = np.eye(features.shape[1])
    if len(categories) < 2:
        return identity.astype(np.float32)
    chosen = np.isin(labels, categories)
    fitted = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
    fitted.fit(features[chosen].astype(np.float64), np.asarray(labels)[chosen])
    directions, _ = np.linalg.qr(fitted.scalings_[:, : len(categories) - 1])
    matrix: Matrix = (identity + strength * directions @ directions.T).astype(np.float32)
    return matrix


def emphasise(network: Encoder, cache: Path, size: int, strength: float = STRENGTH, seed: int = 0) -> Matrix:
    """Give the network its last linear layer, fitted to the training pictures of a cache.

    Args:
        size: side of the pictures in px.
        strength: 0 leaves the features as they are.
    Returns:
        The unit vectors that the network now makes of these pictures. Shape: (n, 512).
    """
    records = json.loads((cache / "shop.json").read_text(encoding="utf-8"))
    vocabulary = make_vocabulary(records)
    features, labels = [], []
    for name in ("garments", "photos", "street", "shop"):
        if not (cache / f"{name}.json").exists():
            continue
        source = PictureSet(cache, name, vocabulary)
        known = np.flatnonzero([bool(record["label"]) for record in source.records])
        if name == "shop":
            known = np.random.default_rng(seed).permutation(known)[:SHOP_PICTURES]
        features.append(embed(network, "resnet34", source.only(known), size).numpy())
        labels += [source.records[at]["label"] for at in known]
    known_features = np.concatenate(features)
    matrix = emphasis_matrix(known_features, labels, strength)
    network.emphasis = nn.Linear(DIM, DIM, bias=False)
    with torch.no_grad():
        network.emphasis.weight.copy_(torch.from_numpy(matrix))
    log.info("emphasised the categories by %.1f, fitted to %d pictures", strength, len(labels))
    return unit(known_features @ matrix.T)
