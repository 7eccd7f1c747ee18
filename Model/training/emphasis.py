"""One linear layer behind the encoder's features, fitted after training and before export: whitened, then stretched.

The cosine counts all 512 directions alike, and two things can be said against that.

- Some directions change from one view of a garment to the next and tell little. The covariance of the difference
  between two views says which; whitening by it makes them quieter, and the very garment is found more often.
- A network that learned to find the very garment spends most directions on what tells two T-shirts apart, and a dozen
  on what tells a T-shirt from a dress. Linear discriminant analysis finds that dozen, and a symmetric matrix stretches
  them: neighbours of the same category come closer, at a price in finding the very garment.

How far to go with either was chosen on validation photos; docs/experiments.md has the curves.

Sources: Fisher 1936, https://doi.org/10.1111/j.1469-1809.1936.tb02137.x; whitening by matching pairs: Mikolajczyk and
Matas 2007, https://doi.org/10.1109/ICCV.2007.4408871, as in Radenovic et al. 2018, https://arxiv.org/abs/1711.02512
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sklearn.covariance import shrunk_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from Model.probe import unit
from Model.training.augment import AS_SENT, views
from Model.training.datasets import PictureSet, make_vocabulary
from Model.training.resnet import DIM, Encoder
from Model.training.stage import normalise
from Model.training.validate import embed

log = logging.getLogger(__name__)

Matrix = npt.NDArray[np.float32]

WHITENING = 1.0
"""1 makes the difference between two views as large in every direction, 0 leaves the features as they are."""
STRENGTH = 0.5
SHRINKAGE = 0.1
"""Of every covariance towards one that is the same in all directions."""
PAIRS = 4000
VIEWED = 288
"""Side in px of the pictures that views are made of."""
SHOP_PICTURES = 4000
FEWEST = 10
"""Pictures that a category needs to count."""


def whitening_matrix(first: Matrix, second: Matrix, power: float = WHITENING) -> Matrix:
    """Return the symmetric matrix C^(-power / 2), where C is the covariance of two views of one picture.

    Args:
        first, second: features of a view of each picture and of another one. Shape: (n, dim) each.
        power: 0 .. 1.
    Returns:
        Scaled to a determinant of 1. Shape: (dim, dim).
    """
    apart = (first.astype(np.float64) - second) / np.sqrt(2)
    covariance = shrunk_covariance(apart.T @ apart / len(apart), SHRINKAGE)
    variances, directions = np.linalg.eigh(covariance)
    gains = np.maximum(variances, 1e-12) ** (-power / 2)
    matrix: Matrix = ((directions * (gains / np.exp(np.log(gains).mean()))) @ directions.T).astype(np.float32)
    return matrix


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


def emphasise(
    network: Encoder, cache: Path, size: int, *, whitening: float = WHITENING, strength: float = STRENGTH, seed: int = 0
) -> Matrix:
    """Give the network its last linear layer, fitted to the training pictures of a cache.

    Args:
        size: side of the pictures in px.
        whitening, strength: 0 and 0 leave the features as they are.
    Returns:
        The unit vectors that the network now makes of these pictures. Shape: (n, 512).
    """
    records = json.loads((cache / "shop.json").read_text(encoding="utf-8"))
    vocabulary = make_vocabulary(records)
    sets = [name for name in ("garments", "photos", "street", "shop") if (cache / f"{name}.json").exists()]
    features, labels = [], []
    for name in sets:
        source = PictureSet(cache, name, vocabulary)
        known = np.flatnonzero([bool(record["label"]) for record in source.records])
        if name == "shop":
            known = np.random.default_rng(seed).permutation(known)[:SHOP_PICTURES]
        features.append(embed(network, "resnet34", source.only(known), size).numpy())
        labels += [source.records[at]["label"] for at in known]
    known_features = np.concatenate(features)
    white = whitening_matrix(*two_views(network, PictureSet(cache, sets[0], vocabulary), size, seed), whitening)
    matrix = emphasis_matrix(known_features @ white, labels, strength) @ white
    network.emphasis = nn.Linear(DIM, DIM, bias=False)
    with torch.no_grad():
        network.emphasis.weight.copy_(torch.from_numpy(matrix))
    log.info("whitened by %.2f, categories stretched by %.1f, %d pictures", whitening, strength, len(labels))
    return unit(known_features @ matrix.T)


@torch.no_grad()
def two_views(network: Encoder, source: PictureSet, size: int, seed: int = 0) -> tuple[Matrix, Matrix]:
    """Return the features of two views, as customers send them, of some pictures. Shape: (n, 512) each."""
    generator = torch.Generator().manual_seed(seed)
    some = np.random.default_rng(seed).permutation(len(source))[:PAIRS]
    found: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    network.eval()
    for start in range(0, len(some), 64):
        pictures = source.pictures(some[start : start + 64], VIEWED)
        for features in found:
            with torch.autocast("cpu", torch.bfloat16):
                inputs = normalise(views(pictures, size, AS_SENT, generator), "resnet34")
                features.append(network(inputs).float())
    first, second = (torch.cat(features).numpy() for features in found)
    return first, second
