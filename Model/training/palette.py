"""The colours of a garment, counted from its pixels and put beside the encoder's features after training.

A network that learns to know a garment in any light gives up first what tells navy from black, and a customer asks for
that first. So the exported encoder has a side branch: every pixel that is not background white falls softly into bins
of CIELAB, the square roots of the bins' shares pass a linear discriminant analysis of a shop's colour names, fitted to
training pictures in changing light, and what comes out is put beside the features (beside.py). How much the colours
count was chosen on validation pictures; docs/experiments.md has the figures,
docs/decisions/0014-colours-beside-features.md the reasons.

Sources: Swain & Ballard 1991, https://doi.org/10.1007/BF00130487 (histograms); Arandjelović & Zisserman 2012,
https://doi.org/10.1109/CVPR.2012.6248018 (square roots); Fisher 1936,
https://doi.org/10.1111/j.1469-1809.1936.tb02137.x (discriminants).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor, nn
from torch.nn import functional as F

from Model.colour_table import RGB_TO_XYZ, WHITE
from Model.training.stage import IMAGENET

Matrix = npt.NDArray[np.float32]

CELL = 4
"""Side in px of the squares whose mean colour is counted."""
COUNTED, BACKGROUND = 250 / 255, 254 / 255
"""A pixel's darkest channel up to which it counts fully, and from which on it is background; linear between."""
WHITE_WEIGHT = 1e-3
"""Of one white cell that is always counted, as a share of the picture: a picture of nothing else is white."""
CENTRE = 0.25
"""How far from the middle a cell counts 1 / sqrt(e), as a share of the side: a model's other clothes are at the rim."""
BINS, SPREAD = 64, 8.0
"""Bins of CIELAB, and the distance from a bin's middle at which a pixel's share of it falls to 1 / sqrt(e)."""
COLOURS = 32
"""Of the vector's 512 numbers, those that tell the colours."""
WEIGHT = 0.2
"""Length of the colours beside features of length 1: a twenty-fifth of what the features count."""

FEWEST = 10
"""Pictures that a colour's name needs to count."""
SAMPLE = 5
"""Cells of each picture, on average, that the bins' middles are taken from."""
SHRINKAGE = 0.05
LIGHT, CAST = 0.05, 0.03
"""How much the light of a training picture changes: standard deviation of log brightness, and of each channel's."""

_TO_XYZ = torch.from_numpy(RGB_TO_XYZ / WHITE[:, None])
_OPPONENT = torch.tensor([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])


def to_lab(colours: Tensor) -> Tensor:
    """Return CIELAB (D65) of sRGB colours 0 .. 1. Shape: (n, 3, h, w), both.

    Source: IEC 61966-2-1 for sRGB, CIE 15 for L*a*b*; as `Model.colour_table.rgb_to_lab`, in torch.
    """
    linear = torch.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,njhw->nihw", _TO_XYZ, linear)
    curve = torch.where(xyz > (6 / 29) ** 3, xyz.clamp_min(1e-6) ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return torch.einsum("ij,njhw->nihw", _OPPONENT, curve) - torch.tensor([16.0, 0.0, 0.0]).view(1, 3, 1, 1)


def cells(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean colour of what is not background in every square of 4 x 4 px, and how much it counts.

    Args:
        pictures: 0 .. 1, a garment on white. Shape: (n, 3, h, w), h and w multiples of 4.
    Returns:
        Colours 0 .. 1, shape (n, 3, h / 4, w / 4), and weights, shape (n, 1, h / 4, w / 4).
    """
    darkest = pictures.amin(dim=1, keepdim=True)
    counted = ((BACKGROUND - darkest) / (BACKGROUND - COUNTED)).clamp(0, 1)
    weights = F.avg_pool2d(counted, CELL)
    colours = F.avg_pool2d(pictures * counted, CELL) / weights.clamp_min(1e-3)
    rows, columns = (torch.arange(n) / n + 0.5 / n - 0.5 for n in weights.shape[-2:])
    distance = rows[:, None] ** 2 + columns[None, :] ** 2
    return colours.clamp(0, 1), weights * torch.exp(-distance / (2 * CENTRE**2))


class Palette(nn.Module):
    """Tells the colours of pictures. Shape: normalised pictures (n, 3, h, w) to unit vectors (n, colours)."""

    def __init__(self, bins: int = BINS, colours: int = COLOURS) -> None:
        super().__init__()
        self.assign = nn.Linear(3, bins)
        """From CIELAB to the logarithm of each bin's share, but for what is the same for all bins."""
        self.project = nn.Linear(bins, colours)
        self.weight = nn.Parameter(torch.tensor([WEIGHT]))

    def shares(self, colours: Tensor, weights: Tensor) -> Tensor:
        """Return the square roots of the bins' shares; see `cells`. Shape: (n, bins)."""
        colours = torch.cat([colours.flatten(2), torch.ones_like(colours[:, :, :1, 0])], dim=2)
        fixed = WHITE_WEIGHT * weights.shape[-2] * weights.shape[-1]
        weights = torch.cat([weights.flatten(2), torch.ones_like(weights[:, :, :1, 0]) * fixed], dim=2)
        lab = to_lab(colours[:, :, None])[:, :, 0].transpose(1, 2)  # (n, cells, 3)
        # The bins last: ONNX Runtime takes four times as long for a softmax over any other axis.
        shares = self.assign(lab.reshape(-1, 3)).softmax(dim=1).unflatten(0, lab.shape[:2])
        return ((weights @ shares)[:, 0] / weights.sum(dim=2)).clamp_min(1e-12).sqrt()

    def seen(self, images: Tensor) -> Tensor:
        """Return the square roots of the bins' shares of normalised pictures. Shape: (n, 3, h, w) -> (n, bins)."""
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in IMAGENET)
        return self.shares(*cells(images * std + mean))

    def directions(self, shares: Tensor) -> Tensor:
        """Return the colours of such shares, of unit length. Shape: (n, bins) -> (n, colours)."""
        return unit_rows(self.project(shares))

    def forward(self, images: Tensor) -> Tensor:
        """Return the colours of normalised pictures, of unit length. Shape: (n, 3, h, w) -> (n, colours)."""
        return self.directions(self.seen(images))


def unit_rows(vectors: Tensor) -> Tensor:
    """Return the rows at unit length.

    `F.normalize` would export a Clip, whose histogram the quantiser cannot make: all are about 1.
    """
    lengths = vectors.square().sum(dim=1, keepdim=True).sqrt()
    return vectors / torch.maximum(lengths, torch.tensor(1e-12))


@torch.no_grad()
def fit_palette(pictures: Iterable[Tensor], names: Sequence[str], seed: int = 0) -> Palette | None:
    """Fit bins and directions to pictures whose colour has a name.

    Args:
        pictures: batches of them, 0 .. 1, on white. Shape: (n, 3, h, w) each.
        names: of the pictures' colours; those of fewer than 10 pictures are left out.
    Returns:
        None where there are fewer than two colours.
    """
    counts = Counter(names)
    known = np.array([bool(name) and counts[name] >= FEWEST for name in names], dtype=bool)
    if len(set(np.asarray(names)[known])) < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    counted = [_in_other_light(*cells(batch), generator) for batch in pictures]
    centres = _centres(counted, generator, seed)
    palette = Palette(len(centres))
    # exp(-|x - c|^2 / 2 s^2) over all bins' sum: |x|^2 is the same for all and cancels.
    palette.assign.weight.copy_(centres / SPREAD**2)
    palette.assign.bias.copy_(-(centres**2).sum(dim=1) / (2 * SPREAD**2))
    shares = torch.cat([palette.shares(*each) for each in counted]).numpy().astype(np.float64)
    fitted = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
    fitted.fit(shares[known], np.asarray(names)[known])
    found = fitted.scalings_[:, : min(COLOURS, len(fitted.classes_) - 1)].T
    directions = np.zeros((COLOURS, len(centres)))
    directions[: len(found)] = found
    palette.project.weight.copy_(torch.from_numpy(directions))
    palette.project.bias.copy_(torch.from_numpy(-directions @ shares[known].mean(axis=0)))
    return palette.eval()


def _in_other_light(colours: Tensor, weights: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    light = torch.exp(LIGHT * torch.randn(len(colours), 1, 1, 1, generator=generator))
    cast = torch.exp(CAST * torch.randn(len(colours), 3, 1, 1, generator=generator))
    return (colours * light * cast).clamp(0, 1), weights


def _centres(counted: Sequence[tuple[Tensor, Tensor]], generator: torch.Generator, seed: int) -> Tensor:
    """Return the bins' middles, in CIELAB, by k-means over some of the cells. Shape: (bins, 3)."""
    some = []
    for colours, weights in counted:
        found = to_lab(colours).movedim(1, 3)[weights[:, 0] > 0.1]
        some.append(found[torch.randperm(len(found), generator=generator)[: SAMPLE * len(colours)]])
    seen = torch.cat(some).numpy()
    return torch.from_numpy(KMeans(min(BINS, len(seen)), n_init=1, random_state=seed).fit(seen).cluster_centers_)
