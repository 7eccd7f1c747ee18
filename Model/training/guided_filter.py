"""Draw a mask's edges where the picture has them.

The network sees 192 px and decides at a quarter of them; its mask, enlarged to 320 px, is soft and a few pixels beside
the seam. In every small window the filter fits the mask as a linear function of the colours there, and what it returns
is the mean of these fits: an edge of the mask moves to the edge of colour beside it, and where there is none it stays.

Sources: He, Sun and Tang 2013, "Guided Image Filtering", https://doi.org/10.1109/TPAMI.2012.213; fitted at a quarter of
the size as in He and Sun 2015, "Fast Guided Filter", https://arxiv.org/abs/1505.00996.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHRINK = 4
"""How many times smaller the picture is where the fits are made."""
RADIUS = 3
"""Of a window in pixels of the smaller picture: 7 x 7 of 80 x 80."""
EPSILON = 3e-5
"""Variance of a colour, 0 .. 1, below which a window counts as plain."""


def window_mean(x: Tensor, radius: int) -> Tensor:
    """Return the mean over the square window around each pixel, as much of it as lies in the picture."""
    above, beside = (neighbours(count, radius) for count in x.shape[-2:])
    return above @ x @ beside.T  # a pooling would take four times as long in ONNX Runtime


def neighbours(count: int, radius: int) -> Tensor:
    """Return the matrix that takes the mean of each place's neighbours on a line. Shape: (count, count)."""
    places = torch.arange(count)
    near = ((places[:, None] - places).abs() <= radius).float()
    return near / near.sum(dim=1, keepdim=True)


class GuidedFilter(nn.Module):
    """The colour guided filter.

    Args:
        radius: of a window, in pixels of the smaller picture.
        epsilon: how much variance of a colour, 0 .. 1, is none.
    Shape: masks (n, 1, h, w) and pictures (n, 3, h, w) in 0 .. 1, h and w multiples of 4, to masks
        (n, 1, h, w) in 0 .. 1.
    """

    def __init__(self, radius: int = RADIUS, epsilon: float = EPSILON) -> None:
        super().__init__()
        self.radius, self.epsilon = radius, epsilon

    def forward(self, masks: Tensor, pictures: Tensor) -> Tensor:
        """Return the masks with their edges at those of the pictures."""
        slopes, heights = self.fits(F.avg_pool2d(masks, SHRINK), F.avg_pool2d(pictures, SHRINK))
        means = window_mean(torch.cat([slopes, heights], dim=1), self.radius)
        enlarged = F.interpolate(means, scale_factor=float(SHRINK), mode="bilinear", align_corners=False)
        drawn = (enlarged[:, :3] * pictures).sum(dim=1, keepdim=True) + enlarged[:, 3:]
        return drawn.clamp(0, 1)

    def fits(self, masks: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return each window's linear fit: slopes (n, 3, h, w) by colour, and heights (n, 1, h, w)."""
        r, g, b = pictures.split(1, dim=1)
        products = torch.cat([r * r, r * g, r * b, g * g, g * b, b * b, pictures * masks], dim=1)
        means = window_mean(torch.cat([pictures, masks, products], dim=1), self.radius)
        mean_r, mean_g, mean_b, mean = means[:, :4].split(1, dim=1)
        colours = means[:, :3]
        rr, rg, rb, gg, gb, bb = means[:, 4:10].split(1, dim=1)
        rr, gg, bb = rr - mean_r * mean_r, gg - mean_g * mean_g, bb - mean_b * mean_b
        rr, gg, bb = rr + self.epsilon, gg + self.epsilon, bb + self.epsilon
        rg, rb, gb = rg - mean_r * mean_g, rb - mean_r * mean_b, gb - mean_g * mean_b
        with_r, with_g, with_b = (means[:, 10:] - colours * mean).split(1, dim=1)
        # Three equations, solved as L D L^T: the cofactors of nearly grey windows would cancel in fp32.
        g_on_r, b_on_r = rg / rr, rb / rr
        gg = gg - g_on_r * rg
        b_on_g = (gb - b_on_r * rg) / gg
        bb = bb - b_on_r * rb - b_on_g * b_on_g * gg
        left_g = with_g - g_on_r * with_r
        left_b = with_b - b_on_r * with_r - b_on_g * left_g
        slope_b = left_b / bb
        slope_g = left_g / gg - b_on_g * slope_b
        slope_r = with_r / rr - g_on_r * slope_g - b_on_r * slope_b
        slopes = torch.cat([slope_r, slope_g, slope_b], dim=1)
        return slopes, mean - (slopes * colours).sum(dim=1, keepdim=True)
