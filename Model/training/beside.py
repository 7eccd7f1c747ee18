"""What the exported encoder puts beside its features: colours (palette.py) and names (naming.py).

A vector keeps its 512 numbers: the features give up the directions that hardly any picture uses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from Model.training.datasets import PictureSet, make_vocabulary, over_white
from Model.training.naming import Naming, fit_naming
from Model.training.palette import COLOURS, Palette, fit_palette, unit_rows
from Model.training.resnet import DIM, Encoder
from Model.training.stage import normalise
from Model.training.validate import embed

log = logging.getLogger(__name__)

Matrix = npt.NDArray[np.float32]

PICTURES = 8000
"""Of the shop, that the colours' directions are fitted to."""
NAMED = 4000
"""Of these, those that the colours' names are fitted to."""
BATCH = 64


class Beside(nn.Module):
    """Puts colours and names beside an encoder's vectors.

    Shape: normalised pictures (n, 3, h, w), centred features (n, 512) and unit vectors (n, 512 - what is beside them)
    to unit vectors (n, 512).
    """

    def __init__(self, palette: Palette, naming: Naming) -> None:
        super().__init__()
        self.palette = palette
        self.naming = naming

    def forward(self, images: Tensor, features: Tensor, vectors: Tensor) -> Tensor:
        """Return the vectors with what is beside them."""
        shares = self.palette.seen(images)
        colours = self.palette.weight * self.palette.directions(shares)
        return unit_rows(torch.cat([vectors, colours, *self.naming(features, shares)], dim=1))


def narrowing(vectors: Matrix, width: int) -> Matrix:
    """Return the orthonormal directions that keep most of some unit vectors' length. Shape: (width, dim)."""
    _, directions = np.linalg.eigh(vectors.astype(np.float64).T @ vectors.astype(np.float64))
    return directions[:, ::-1][:, :width].T.astype(np.float32)


@torch.no_grad()
def put_beside(
    network: Encoder, head: nn.Linear, cache: Path, size: int, vectors: Matrix, seed: int = 0
) -> Beside | None:
    """Give the network its colours and names, fitted to the shop pictures of a cache; after emphasis.py.

    The last linear layer makes room for them: it keeps the directions that hold most of what the vectors are.

    Args:
        head: of the training, that names categories. Shape: (n, 512) -> (n, categories).
        size: side of the pictures in px, a multiple of 4.
        vectors: of training pictures, as the network now makes them. Shape: (n, 512).
    Returns:
        None, with the network as it was, where the shop's pictures have fewer than two colours.
    """
    vocabulary = make_vocabulary(json.loads((cache / "shop.json").read_text(encoding="utf-8")))
    shop = PictureSet(cache, "shop", vocabulary)
    some = shop.only(np.random.default_rng(seed).permutation(len(shop))[:PICTURES])
    names = [record["colour"] for record in some.records]
    palette = fit_palette(_batches(some, size), names, seed)
    emphasis = network.emphasis
    if palette is None or not isinstance(emphasis, nn.Linear):
        return None
    few = some.only(np.arange(min(NAMED, len(some))))
    shares = torch.cat([palette.seen(normalise(batch, "resnet34")) for batch in _batches(few, size)]).numpy()
    network.emphasis = nn.Identity()
    features = embed(network, "resnet34", few, size).numpy()
    network.emphasis = emphasis
    naming = fit_naming(head, features, shares, names[: len(few)])
    if naming is None:
        return None
    narrow = narrowing(vectors, DIM - COLOURS - naming.names)
    network.emphasis = nn.Linear(DIM, len(narrow), bias=False)
    network.emphasis.weight.copy_(torch.from_numpy(narrow) @ emphasis.weight)
    network.beside = Beside(palette, naming).eval()
    log.info("put colours and %d names beside the features, fitted to %d pictures", naming.names, len(some))
    return network.beside


def _batches(source: PictureSet, size: int) -> Iterator[Tensor]:
    for start in range(0, len(source), BATCH):
        yield over_white(source.pictures(np.arange(start, min(start + BATCH, len(source))), size))
