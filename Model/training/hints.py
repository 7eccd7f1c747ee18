"""Hints: the student imitates its teacher's feature maps place by place, not the pooled vector alone.

One picture gives one pooled vector but some eighty places at strides 8, 16 and 32; a network that starts from random
weights and sees few pictures learns its early layers from them.

Source: Romero et al. 2014, FitNets, https://arxiv.org/abs/1412.6550
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.teachers import MobileNetV2

Maps = list[Tensor]

RESNET_WIDTHS = (128, 256, 512)
TEACHER_WIDTHS = (32, 96, 320)
# The last block of MobileNetV2 at strides 8, 16 and 32.
TEACHER_BLOCKS = (5, 12, 16)


def trunk_maps(trunk: nn.Module, images: Tensor) -> tuple[Tensor, Maps]:
    """Return a trunk's pooled features and its maps at strides 8, 16 and 32.

    Shape: (n, 3, h, w) -> (n, width), [(n, c, h / stride, w / stride), ...].
    """
    if isinstance(trunk, MobileNetV2):
        return trunk.with_maps(images, TEACHER_BLOCKS)
    resnet = cast("Any", trunk)  # torchvision's ResNet: its layers are attributes that nn.Module does not declare
    x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
    first = resnet.layer2(resnet.layer1(x))
    second = resnet.layer3(first)
    third = resnet.layer4(second)
    return torch.flatten(resnet.avgpool(third), 1), [first, second, third]


def map_widths(trunk: nn.Module) -> tuple[int, ...]:
    """Return the channels of the maps that `trunk_maps` gives."""
    return TEACHER_WIDTHS if isinstance(trunk, MobileNetV2) else RESNET_WIDTHS


class Hints(nn.Module):
    """One linear map per stride from the student's channels to the teacher's.

    Args:
        widths: channels of the teacher's maps.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = zip(RESNET_WIDTHS, widths, strict=True)
        self.translate = nn.ModuleList(nn.Conv2d(own, other, 1) for own, other in pairs)

    def forward(self, student: Maps, teacher: Maps) -> Tensor:
        """Return the mean squared error on the teacher's maps, each channel scaled to mean 0 and variance 1.

        A value of 1 is what predicting the mean would give.
        """
        losses = []
        for translate, own, other in zip(self.translate, student, teacher, strict=True):
            if other.shape[-2:] != own.shape[-2:]:
                other = F.interpolate(other.float(), size=own.shape[-2:], mode="bilinear", antialias=True)
            target = F.batch_norm(other.float(), None, None, training=True)
            losses.append(F.mse_loss(translate(own.float()), target))
        return torch.stack(losses).mean()
