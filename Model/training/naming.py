"""What a picture would be called, put beside its vector: probabilities of categories and of colour names.

Neighbours by features alone look alike, and a sleeveless dress looks like a long T-shirt. The head that named
categories in training is more often right than the neighbours are, so its 13 probabilities go into the vector, and so
do those of a shop's colour names, from the pixels (palette.py) and the features. The product of two lists of
probabilities says how probable it is that both pictures bear one name. Probabilities, not their square roots: a picture
of which nothing is sure then has a short list, and its place among the neighbours is up to its looks.

How much the names count was chosen on validation pictures; docs/experiments.md has the figures,
docs/decisions/0017-names-beside-features.md the reasons.

Source: the expected likelihood kernel, Jebara, Kondor and Howard 2004, https://www.jmlr.org/papers/v5/jebara04a.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from Model.training.palette import FEWEST, unit_rows
from Model.training.resnet import DIM

Matrix = npt.NDArray[np.float32]

CATEGORY_WEIGHT, COLOUR_WEIGHT = 0.9, 0.3
"""Length of a list of probabilities in which one name is certain, beside features of length 1."""
TEMPERATURE = 1.7
"""Of the categories: the head has seen its training pictures too often to doubt enough."""

FEATURES_SCALE, SHARES_SCALE = 4.0, 8.0
"""Of what the colour names are told from, so that one penalty suits both."""
PENALTY = 0.3
"""Inverse strength of the colour names' ridge penalty."""


class Naming(nn.Module):
    """Names pictures.

    Shape: centred features (n, 512) and shares of the palette's bins (n, bins) to (n, categories) and (n, colours).
    """

    def __init__(self, categories: int, colours: int, bins: int) -> None:
        super().__init__()
        self.category = nn.Linear(DIM, categories)
        self.colour = nn.Linear(bins + DIM, colours)
        self.category_weight = nn.Parameter(torch.tensor([CATEGORY_WEIGHT]))
        self.colour_weight = nn.Parameter(torch.tensor([COLOUR_WEIGHT]))

    def forward(self, features: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities, each list times its weight."""
        unit = unit_rows(features)
        categories = self.category(unit).softmax(dim=1)
        colours = self.colour(torch.cat([shares, unit], dim=1)).softmax(dim=1)
        return self.category_weight * categories, self.colour_weight * colours

    @property
    def names(self) -> int:
        """How many numbers it puts beside a vector."""
        return self.category.out_features + self.colour.out_features


@torch.no_grad()
def fit_naming(head: nn.Linear, features: Matrix, shares: Matrix, names: Sequence[str]) -> Naming | None:
    """Return what names pictures: categories as a training's head does, colours as fitted to some pictures.

    Args:
        head: of the training; it read features that were not of unit length. Shape: (n, 512) -> (n, categories).
        features: of the pictures, of unit length. Shape: (n, 512).
        shares: of the palette's bins; see `palette.Palette.seen`. Shape: (n, bins).
        names: of the pictures' colours; those of fewer than 10 pictures are left out.
    Returns:
        None where there are fewer than two colours.
    """
    counts = Counter(names)
    known = np.array([bool(name) and counts[name] >= FEWEST for name in names], dtype=bool)
    labels = np.asarray(names)[known]
    if len(set(labels)) < 2:
        return None
    scales = np.concatenate([np.full(shares.shape[1], SHARES_SCALE), np.full(DIM, FEATURES_SCALE)])
    inputs = np.concatenate([shares, features], axis=1)[known].astype(np.float64) * scales
    fitted = LogisticRegression(C=PENALTY, max_iter=2000).fit(inputs, labels)
    weights, biases = fitted.coef_, fitted.intercept_
    if len(weights) == 1:  # of two names scikit-learn tells one from the other
        weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    naming = Naming(head.out_features, len(weights), shares.shape[1])
    naming.colour.weight.copy_(torch.from_numpy(weights * scales))
    naming.colour.bias.copy_(torch.from_numpy(biases))
    # The features have a length of about sqrt(512) in training: a batch normalisation makes them.
    naming.category.weight.copy_(head.weight * math.sqrt(DIM) / TEMPERATURE)
    naming.category.bias.copy_(head.bias / TEMPERATURE)
    return naming.eval()


@torch.no_grad()
def head_of(naming: Naming) -> nn.Linear:
    """Return the training's head that the categories are named by: what `fit_naming` was given."""
    head = nn.Linear(DIM, naming.category.out_features)
    head.weight.copy_(naming.category.weight * TEMPERATURE / math.sqrt(DIM))
    head.bias.copy_(naming.category.bias * TEMPERATURE)
    return head
