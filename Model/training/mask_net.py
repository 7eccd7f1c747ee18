"""The garment mask network: U²-Netp's nested U blocks behind a strided stem.

U²-Netp (Qin et al. 2020, "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection") spends about
13 GMAC on a 320 px picture, most of it in its first and last stage at full resolution. Here a strided stem brings the
picture to a quarter of its size first, the nested U stages work there with more channels, and one light
full-resolution head redraws the edges. docs/decisions/0007-garment-mask-network.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvUnit(nn.Sequential):
    """3x3 convolution, batch norm, ReLU: the one brick of U²-Net."""

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


def upsample_like(x: Tensor, reference: Tensor) -> Tensor:
    """Resize ``x`` bilinearly to the height and width of ``reference``."""
    return F.interpolate(x, size=reference.shape[-2:], mode="bilinear", align_corners=False)


class NestedUBlock(nn.Module):
    """RSU of the paper: a small U-Net with ``depth`` levels whose input is added to its output.

    Args:
        in_channels, mid_channels, out_channels: widths of input, inner levels and output.
        depth: convolution levels of the inner U, 3 .. 7; each but the first and last halves the size.
        dilated: keep the size and dilate instead (RSU-4F), for maps too small to halve again.
    Shape: (n, in_channels, h, w) to (n, out_channels, h, w).
    """

    def __init__(
        self, in_channels: int, mid_channels: int, out_channels: int, *, depth: int, dilated: bool = False
    ) -> None:
        super().__init__()
        self.dilated = dilated
        self.enter = ConvUnit(in_channels, out_channels)
        dilations = [2**level if dilated else 1 for level in range(depth - 1)]
        widths = [out_channels] + [mid_channels] * (depth - 1)
        self.down = nn.ModuleList(
            ConvUnit(widths[level], mid_channels, dilation=dilations[level]) for level in range(depth - 1)
        )
        self.bottom = ConvUnit(mid_channels, mid_channels, dilation=2 ** (depth - 1) if dilated else 2)
        self.up = nn.ModuleList(
            ConvUnit(2 * mid_channels, out_channels if level == 0 else mid_channels, dilation=dilations[level])
            for level in range(depth - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output: entry plus inner U."""
        entry: Tensor = self.enter(x)
        kept: list[Tensor] = []
        y = entry
        for level, conv in enumerate(self.down):
            if level > 0 and not self.dilated:
                y = F.max_pool2d(y, 2, ceil_mode=True)
            y = conv(y)
            kept.append(y)
        y = self.bottom(y)
        for level in reversed(range(len(self.up))):
            if not self.dilated and y.shape[-2:] != kept[level].shape[-2:]:
                # Nearest: the next convolution smooths it; the bilinear gradient would cost a tenth of the training.
                y = F.interpolate(y, size=kept[level].shape[-2:], mode="nearest")
            y = self.up[level](torch.cat([y, kept[level]], dim=1))
        return entry + y


@dataclass(frozen=True)
class Widths:
    """Channel widths of the network.

    Args:
        stem: channels of the full-size stem and of the half-size one (twice as many).
        mid: inner width of each of the five encoder stages.
        out: output width of each of the five encoder stages.
    """

    stem: int = 16
    mid: tuple[int, int, int, int, int] = (16, 32, 32, 48, 64)
    out: tuple[int, int, int, int, int] = (32, 64, 96, 128, 128)


DEPTHS = (5, 5, 4, 4, 4)


class MaskTrunk(nn.Module):
    """U²-Netp topology at a quarter of its input size, with a half-size edge head.

    Shape: (n, 3, h, w) float, normalised, h and w multiples of 4 (160 when served), to a list of logits
    (n, 1, ., .): the final one first at full size, then the fused one and the five side outputs at their own sizes
    (a quarter of the input and halving from there).
    """

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or Widths()
        stem = widths.stem
        self.stem_half = ConvUnit(3, stem, stride=2)
        self.stem_quarter = ConvUnit(stem, 2 * stem, stride=2)
        ins = (2 * stem, *widths.out[:-1])
        last = len(DEPTHS) - 1
        self.encoder = nn.ModuleList(
            NestedUBlock(ins[i], widths.mid[i], widths.out[i], depth=DEPTHS[i], dilated=i == last)
            for i in range(last + 1)
        )
        self.decoder = nn.ModuleList(
            NestedUBlock(
                widths.out[i + 1] + widths.out[i] if i == last - 1 else widths.out[i] * 2,
                widths.mid[i],
                widths.out[max(i - 1, 0)],
                depth=DEPTHS[i],
            )
            for i in range(last)
        )
        side_in = [*(widths.out[max(i - 1, 0)] for i in range(last)), widths.out[last]]
        self.side = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in side_in)
        self.fuse = nn.Conv2d(len(DEPTHS), 1, 1)
        self.lift_half = ConvUnit(widths.out[0] + stem, 16)
        self.head = nn.Conv2d(16, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the logits of every output, the final one first, and the encoder's maps, finest first."""
        half = self.stem_half(x)
        y = self.stem_quarter(half)
        kept: list[Tensor] = []
        for i, block in enumerate(self.encoder):
            if i > 0:
                y = F.max_pool2d(y, 2, ceil_mode=True)
            y = block(y)
            kept.append(y)
        sides: list[Tensor] = [self.side[len(DEPTHS) - 1](y)]
        for i in reversed(range(len(DEPTHS) - 1)):
            y = self.decoder[i](torch.cat([upsample_like(y, kept[i]), kept[i]], dim=1))
            sides.insert(0, self.side[i](y))
        quarter = [side if i == 0 else upsample_like(side, sides[0]) for i, side in enumerate(sides)]
        fused = self.fuse(torch.cat(quarter, dim=1))
        # Four logits per half-size pixel, shuffled to full size, correct the fused mask's edges.
        edges = F.pixel_shuffle(self.head(self.lift_half(torch.cat([upsample_like(y, half), half], dim=1))), 2)
        final = upsample_like(fused, x) + edges
        return [final, fused, *sides], kept


class GarmentMaskNet(nn.Module):
    """The trunk on the picture at half its size, and two convolutions at full size that redraw the edges.

    Shape: (n, 3, h, w) float, normalised, h and w multiples of 8 (320 when served), to logits: the final one
    (n, 1, h, w) first, then the trunk's.
    """

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        self.trunk = MaskTrunk(widths)
        redraw = nn.Conv2d(8, 1, 3, padding=1)
        nn.init.zeros_(redraw.weight)
        if redraw.bias is not None:
            nn.init.zeros_(redraw.bias)
        self.edge = nn.Sequential(ConvUnit(4, 8), redraw)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits of every output, the final one first."""
        outputs, _ = self.trunk(F.avg_pool2d(x, 2))
        coarse = upsample_like(outputs[0], x)
        edges: Tensor = self.edge(torch.cat([x, coarse], dim=1))
        return [coarse + edges, *outputs]


class ServedMask(nn.Module):
    """What is exported: the final output alone, as a probability, with two anchor pixels.

    rembg stretches a mask so that its smallest value becomes 0 and its largest 1. For a crop that a garment fills, or a
    picture without one, that would blow up noise, and a flat mask would become NaN. So the last two pixels of the last
    row are always 0 and 1: the stretch then changes nothing, and two pixels of 102,400 are the price.

    Shape: (n, 3, h, w) to (n, 1, h, w) in 0 .. 1.
    """

    def __init__(self, net: GarmentMaskNet) -> None:
        super().__init__()
        self.net = net
        self.anchor = nn.Buffer(torch.tensor([0.0, 1.0]))

    def forward(self, image: Tensor) -> Tensor:
        """Return the probability that a pixel is garment."""
        outputs: Sequence[Tensor] = self.net(image)
        mask = torch.sigmoid(outputs[0])
        last = mask[..., -1:, :]
        last = torch.cat([last[..., :-2], last[..., -2:] * 0 + self.anchor], dim=-1)
        return torch.cat([mask[..., :-1, :], last], dim=-2)
