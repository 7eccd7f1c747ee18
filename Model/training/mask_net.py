"""The garment mask network: our own encoder's maps under a decoder of U²-Net's nested U blocks.

U²-Netp (Qin et al. 2020, "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection") starts from
nothing and spends about 13 GMAC on a 320 px picture. The encoder of this repository already knows what a garment looks
like, so the mask network begins as a copy of its first three stages (ResNet34, He et al. 2015), seen at 192 px, nested
U blocks draw the mask from their maps, and a guided filter puts its edges where the picture has them.
docs/decisions/0012-mask-from-the-encoder.md has the measurements.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.errors import CheckpointInvalid
from Model.training.guided_filter import GuidedFilter
from Model.training.mask_data import Pixels
from Model.training.resnet import grow, resnet_trunk

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FORMAT = 7
"""Of the checkpoints; raised whenever the network changes."""
SIDE_SHARE = 0.6
"""Of the picture's side, the side at which the trunk sees it: 192 px of 320."""


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


def lateral(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return a 1x1 convolution that narrows a map of the encoder for the decoder."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
    )


class EncoderMaps(nn.Module):
    """The first three stages of the encoder's ResNet34, the third cut to half of its blocks.

    Shape: (n, 3, h, w) float, normalised, to maps of 64, 64, 128 and 256 channels at strides 2, 4, 8 and 16.
    """

    CHANNELS = (64, 64, 128, 256)
    BLOCKS = 3
    """Of the third stage's six: each has 1.2 million weights."""

    def __init__(self) -> None:
        super().__init__()
        whole = resnet_trunk()
        whole.layer3 = nn.Sequential(*list(whole.get_submodule("layer3").children())[: self.BLOCKS])
        self.conv1, self.bn1, self.relu, self.maxpool, self.layer1, self.layer2, self.layer3 = (
            whole.get_submodule(name) for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3")
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps, finest first."""
        maps: list[Tensor] = [self.relu(self.bn1(self.conv1(x)))]
        y: Tensor = self.maxpool(maps[0])
        for stage in (self.layer1, self.layer2, self.layer3):
            y = stage(y)
            maps.append(y)
        return maps

    def begin_as(self, encoder: Mapping[str, Tensor]) -> None:
        """Take over an encoder's weights; blocks that a shallower encoder lacks pass their input through.

        Args:
            encoder: its state, with `trunk.conv1.weight` and so on; what lies behind the third stage is not used.
        Raises:
            KeyError: a weight is unknown to a ResNet34.
        """
        dropped = ("layer4.", "fc.", *(f"layer3.{block}." for block in range(self.BLOCKS, 6)))
        named = {key.removeprefix("trunk."): value for key, value in encoder.items() if key.startswith("trunk.")}
        grow(self, {key: value for key, value in named.items() if not key.startswith(dropped)})


class MaskTrunk(nn.Module):
    """The encoder's maps, nested U blocks that join them from coarse to fine, and a half-size edge head.

    Shape: (n, 3, h, w) float, normalised, h and w multiples of 16 (192 when served), to a list of logits (n, 1, ., .):
    the final one first at full size, then the fused one and the three side outputs at strides 4, 4, 8 and 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps = EncoderMaps()
        narrow = (12, 32, 64, 128)
        self.lateral = nn.ModuleList(lateral(*widths) for widths in zip(EncoderMaps.CHANNELS, narrow, strict=True))
        self.decoder = nn.ModuleList(
            (
                NestedUBlock(32 + 64, 32, 48, depth=5),
                NestedUBlock(64 + 128, 48, 64, depth=4),
                NestedUBlock(128, 64, 128, depth=4, dilated=True),
            )
        )
        self.side = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in (48, 64, 128))
        self.fuse = nn.Conv2d(3, 1, 1)
        self.lift_half = ConvUnit(48 + 12, 16)
        self.head = nn.Conv2d(16, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits of every output, the final one first."""
        half, *maps = (narrow(each) for narrow, each in zip(self.lateral, self.maps(x), strict=True))
        y = self.decoder[2](maps[2])
        sides = [self.side[2](y)]
        for level in (1, 0):
            y = self.decoder[level](torch.cat([upsample_like(y, maps[level]), maps[level]], dim=1))
            sides.insert(0, self.side[level](y))
        quarter = [side if i == 0 else upsample_like(side, sides[0]) for i, side in enumerate(sides)]
        fused = self.fuse(torch.cat(quarter, dim=1))
        # Four logits per half-size pixel, shuffled to full size, correct the fused mask's edges.
        edges = F.pixel_shuffle(self.head(self.lift_half(torch.cat([upsample_like(y, half), half], dim=1))), 2)
        return [upsample_like(fused, x) + edges, fused, *sides]


def trunk_side(side: int) -> int:
    """Return the side in px at which the trunk sees a picture of ``side`` px: the nearest multiple of 16."""
    return max(16, round(SIDE_SHARE * side / 16) * 16)


class GarmentMaskNet(nn.Module):
    """The trunk on the picture made smaller.

    Shape: (n, 3, h, w) float, normalised, h and w 32 or more (320 when served), to logits: the final one
    (n, 1, h, w) first, then the trunk's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = MaskTrunk()
        self.edges = GuidedFilter()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits of every output, the final one first."""
        size = (trunk_side(x.shape[-2]), trunk_side(x.shape[-1]))
        outputs: list[Tensor] = self.trunk(F.interpolate(x, size=size, mode="bilinear", align_corners=False))
        return [upsample_like(outputs[0], x), *outputs]

    def masks(self, x: Tensor, logits: Tensor) -> Tensor:
        """Return the probability that a pixel is garment, its edges drawn where the picture has them.

        Args:
            x: what the network was given.
            logits: the final ones. Shape: (n, 1, h, w).
        """
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (MEAN, STD))
        masks: Tensor = self.edges(torch.sigmoid(logits), x * std + mean)
        return masks


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
        mask = self.net.masks(image, outputs[0])
        last = mask[..., -1:, :]
        last = torch.cat([last[..., :-2], last[..., -2:] * 0 + self.anchor], dim=-1)
        return torch.cat([mask[..., :-1, :], last], dim=-2)


def normalised(pictures: Tensor) -> Tensor:
    """Return pictures (n, 3, h, w), 0 .. 1, as rembg feeds them: divided by their own maximum, ImageNet mean, std."""
    peak = pictures.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
    return (pictures / peak - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


@torch.no_grad()
def predict(net: GarmentMaskNet, pictures: Pixels) -> npt.NDArray[np.float32]:
    """Return soft masks (n, side, side), 0 .. 1, of pictures (n, side, side, 3)."""
    x = normalised(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(x.contiguous(memory_format=torch.channels_last))[0]
    return np.asarray(net.masks(x, logits.float())[:, 0].numpy(), np.float32)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Return what a checkpoint of mask_train.py holds: "net", "average" and the state of the run.

    Raises:
        FileNotFoundError: there is none.
        CheckpointInvalid: it is of another format, or cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(file, weights_only=True)
        found = state["format"]
    except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise CheckpointInvalid(f"{file} is not a checkpoint of the garment mask.") from error
    if found != FORMAT:
        raise CheckpointInvalid(f"{file} is a checkpoint of format {found}, this code reads {FORMAT}: train it anew.")
    return state
