"""Augmentation of whole batches as tensor operations; no picture is touched one by one.

Pictures come in as RGB and alpha in [0, 1]; alpha is the garment mask where one is known. Every random number comes
from the generator passed in, so a run can be repeated.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Strength:
    """How far a view may be from its picture.

    Args:
        turn: rotation, at most this many degrees either way.
        zoom: (smallest, largest) magnification.
        stretch: largest change of the sides' ratio, as a factor.
        shift: largest move, as a share of half the side.
        tilt: perspective, 0 for none.
        light: brightness, contrast, saturation, each within 1 +- light.
        tint: gain of each colour channel, within 1 +- tint.
        blur: share of views that lose resolution.
        cut: share of views cut once more, as a customer cuts a photo, with white bars where they are not square.
        jpeg: share of views made smaller or larger, blurred and saved as JPEG, as phones and chats do.
        erase: share of views with a patch covered.
        swap: share of views with a known mask whose background is replaced.
        white: share of them whose background becomes white; counts within `swap`.
    """

    turn: float = 20.0
    zoom: tuple[float, float] = (0.8, 1.6)
    stretch: float = 1.25
    shift: float = 0.18
    tilt: float = 0.15
    light: float = 0.35
    tint: float = 0.06
    blur: float = 0.3
    cut: float = 0.0
    jpeg: float = 0.0
    erase: float = 0.25
    swap: float = 0.6
    white: float = 0.3


CUT_OUT = Strength(zoom=(0.85, 1.6), swap=0.75, white=0.55)
"""The service shows the encoder a garment on white, most of the time."""
AS_SENT = replace(CUT_OUT, zoom=(0.85, 1.5), cut=0.3, jpeg=0.5)
"""Views as customers send them."""


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def homographies(count: int, strength: Strength, generator: torch.Generator) -> Tensor:
    """Return random maps from the view's coordinates to the picture's, both in [-1, 1]. Shape: (count, 3, 3)."""
    angle = _uniform(count, -strength.turn, strength.turn, generator) * math.pi / 180
    low, high = strength.zoom
    scale = torch.exp(-_uniform(count, math.log(low), math.log(high), generator))
    ratio = torch.exp(_uniform(count, -1, 1, generator) * math.log(strength.stretch) / 2)
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    # A zoomed-in view may look anywhere inside the picture.
    room = strength.shift + (1 - scale).clamp(min=0)
    matrix = torch.zeros(count, 3, 3)
    matrix[:, 0, 0] = torch.cos(angle) * scale * ratio * flip
    matrix[:, 0, 1] = -torch.sin(angle) * scale / ratio
    matrix[:, 1, 0] = torch.sin(angle) * scale * ratio * flip
    matrix[:, 1, 1] = torch.cos(angle) * scale / ratio
    matrix[:, 0, 2] = _uniform(count, -1, 1, generator) * room
    matrix[:, 1, 2] = _uniform(count, -1, 1, generator) * room
    matrix[:, 2, 0] = _uniform(count, -strength.tilt, strength.tilt, generator)
    matrix[:, 2, 1] = _uniform(count, -strength.tilt, strength.tilt, generator)
    matrix[:, 2, 2] = 1.0
    return matrix


def cuts(count: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return random cuts: maps from a square view to the part that it shows, and how much of each axis that part fills.

    A part keeps 60 to 95 % of the width and of the height, anywhere, and its longer side fills the view.

    Args:
        share: of views that are cut; the others show everything.
    Returns:
        Maps between coordinates in [-1, 1], and shares of the view's width and height in 0..1. Shape: (count, 3, 3),
        (count, 2).
    """
    chosen = torch.rand(count, 1, generator=generator) < share
    kept = torch.where(chosen, _uniform(count * 2, 0.6, 0.95, generator).view(count, 2), torch.ones(count, 2))
    centre = (1 - kept) * _uniform(count * 2, -1, 1, generator).view(count, 2)
    scale = kept.amax(dim=1, keepdim=True)
    maps = torch.zeros(count, 3, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = scale[:, 0]
    maps[:, :2, 2] = centre
    maps[:, 2, 2] = 1.0
    return maps, kept / scale


def bars(filled: Tensor, size: int) -> Tensor:
    """Return 1 where a cut fills the view and 0 in the bars beside it. Shape: (n, 2) -> (n, 1, size, size)."""
    axis = ((torch.arange(size) + 0.5) * 2 / size - 1).abs()
    wide = axis.view(1, 1, size) <= filled[:, 0].view(-1, 1, 1)
    tall = axis.view(1, size, 1) <= filled[:, 1].view(-1, 1, 1)
    return (wide & tall).unsqueeze(1).float()


def render(pictures: Tensor, maps: Tensor, size: int) -> Tensor:
    """Sample views of the pictures; what lies outside a picture is 0. Shape: (n, c, h, w) -> (n, c, size, size)."""
    axis = (torch.arange(size) + 0.5) * 2 / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, -1, 3)  # (1, size*size, 3)
    mapped = points @ maps.transpose(1, 2)
    grid = mapped[..., :2] / mapped[..., 2:].clamp(min=0.2)
    return F.grid_sample(pictures, grid.view(-1, size, size, 2), mode="bilinear", align_corners=False)


def change_colours(images: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and the gain of each channel. Shape: (n, 3, h, w)."""
    count = len(images)

    def factor(amount: float, channels: int = 1) -> Tensor:
        return 1 + _uniform(count * channels, -amount, amount, generator).view(count, channels, 1, 1)

    images = images * factor(strength.light) * factor(strength.tint, 3)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = (images - mean) * factor(strength.light) + mean
    grey = images.mean(dim=1, keepdim=True)
    return ((images - grey) * factor(strength.light) + grey).clamp(0, 1)


def lose_detail(images: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Shrink and enlarge some pictures, and add a little noise to them. Shape: (n, 3, h, w)."""
    chosen = torch.rand(len(images), generator=generator) < strength.blur
    if not chosen.any():
        return images
    size = images.shape[-1]
    small = int(size * float(_uniform(1, 0.35, 0.8, generator)))
    shrunk = F.interpolate(images[chosen], size=(small, small), mode="bilinear", antialias=True)
    coarse = F.interpolate(shrunk, size=(size, size), mode="bilinear")
    noise = torch.randn(coarse.shape, generator=generator) * float(_uniform(1, 0, 0.04, generator))
    images = images.clone()
    images[chosen] = (coarse + noise).clamp(0, 1)
    return images


def recompress(images: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Give some pictures another size, a little blur and JPEG's marks, then their old size. Shape: (n, 3, h, w)."""
    images = images.clone()
    for at in torch.nonzero(torch.rand(len(images), generator=generator) < strength.jpeg)[:, 0].tolist():
        ratio, radius = float(_uniform(1, 0.5, 1.2, generator)), float(_uniform(1, 0, 1, generator))
        quality = int(torch.randint(30, 90, (1,), generator=generator))
        picture = Image.fromarray((images[at].permute(1, 2, 0) * 255 + 0.5).to(torch.uint8).numpy())
        size = (max(8, round(picture.width * ratio)), max(8, round(picture.height * ratio)))
        small = picture.resize(size, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(radius))
        file = io.BytesIO()
        small.save(file, "JPEG", quality=quality)
        worn = Image.open(file).resize(picture.size, Image.Resampling.BILINEAR)
        images[at] = torch.from_numpy(np.array(worn)).permute(2, 0, 1).float() / 255
    return images


def mix(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return pictures of two views each, laid over each other at a quarter to three quarters of their light.

    Source: Zhang et al. 2018, https://arxiv.org/abs/1710.09412; as something only a teacher names, Beyer et al. 2022,
    https://arxiv.org/abs/2106.05237

    Shape: (n, 3, h, w) -> (count, 3, h, w); count at most n.
    """
    first, second = (torch.randperm(len(images), generator=generator)[:count] for _ in range(2))
    share = _uniform(count, 0.25, 0.75, generator).view(-1, 1, 1, 1)
    return images[first] * share + images[second] * (1 - share)


def erase(images: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Cover a rectangle of some pictures with one colour. Shape: (n, 3, h, w)."""
    count, _, height, width = images.shape
    chosen = torch.rand(count, generator=generator) < strength.erase
    top, left = _uniform(count, -0.1, 0.9, generator) * height, _uniform(count, -0.1, 0.9, generator) * width
    tall, wide = _uniform(count, 0.1, 0.4, generator) * height, _uniform(count, 0.1, 0.4, generator) * width
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    inside_rows = (rows >= top.view(-1, 1, 1)) & (rows < (top + tall).view(-1, 1, 1))
    inside_columns = (columns >= left.view(-1, 1, 1)) & (columns < (left + wide).view(-1, 1, 1))
    hole = (inside_rows & inside_columns & chosen.view(-1, 1, 1)).unsqueeze(1)
    colour = torch.rand(count, 3, 1, 1, generator=generator)
    return torch.where(hole, colour, images)


def backgrounds(pictures: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Return enlarged corners of other pictures of the batch, a plain colour for a third. Shape: (n, 3, size, size)."""
    count = len(pictures)
    maps = torch.zeros(count, 3, 3)
    maps[:, 0, 0] = maps[:, 1, 1] = _uniform(count, 0.15, 0.35, generator)
    corner = torch.randint(0, 2, (count, 2), generator=generator) * 2.0 - 1
    maps[:, :2, 2] = corner * _uniform(count * 2, 0.45, 0.65, generator).view(count, 2)
    maps[:, 2, 2] = 1.0
    texture = render(pictures[torch.randperm(count, generator=generator)][:, :3], maps, size)
    plain = torch.rand(count, 3, 1, 1, generator=generator).expand_as(texture)
    return torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.33, plain, texture)


def views(pictures: Tensor, size: int, strength: Strength, generator: torch.Generator) -> Tensor:
    """Return one random view of each picture.

    Args:
        pictures: RGB and alpha in [0, 1]. Shape: (n, 4, h, w).
        size: side of a view in pixels.
    Returns:
        RGB in [0, 1]; what lies outside a picture is white. Shape: (n, 3, size, size).
    """
    count = len(pictures)
    inside = torch.ones_like(pictures[:, :1])
    parts, filled = cuts(count, strength.cut, generator)
    sampled = render(torch.cat([pictures, inside], dim=1), homographies(count, strength, generator) @ parts, size)
    rgb, alpha, inside = sampled[:, :3], sampled[:, 3:4], sampled[:, 4:]
    rgb = rgb + (1 - inside)
    known = (pictures[:, 3].amin(dim=(1, 2)) < 0.5).view(-1, 1, 1, 1)
    dice = torch.rand(count, 1, 1, 1, generator=generator)
    swapped = known & (dice < strength.swap)
    behind = torch.where(dice < strength.white, torch.ones_like(rgb), backgrounds(pictures, size, generator))
    rgb = torch.where(swapped, rgb * alpha + behind * (1 - alpha), rgb)
    rgb = change_colours(rgb, strength, generator)
    rgb = lose_detail(rgb, strength, generator)
    rgb = recompress(rgb, strength, generator)
    beside = 1 - bars(filled, size)
    return erase(torch.where(beside > 0, beside, rgb), strength, generator)
