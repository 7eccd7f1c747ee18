"""A stock of training views with what the teacher sees in them, drawn once and learnt from several times.

Drawing a view and running the teacher on it cost as much as a training step, so a stock is used for a few passes, each
time mirrored and coloured anew, before the next one is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from Model.training.mask_sampler import MaskSampler
from Model.training.mask_teacher import KEPT, SIDE, MaskTeacher

HINTS = (1, 2, 3)  # the teacher's maps at strides 8, 16 and 32 guide the encoder's stages of the same strides
HINT_CHANNELS = tuple(KEPT[level][1] for level in HINTS)


@dataclass
class Batch:
    """One batch of views.

    Args:
        pictures: (n, 3, s, s) float, 0 .. 1; ``masks`` (n, 1, s, s) float, 0 .. 1.
        hints: the teacher's normalised maps, (n, c, s / 8, s / 8) and on by halves.
    """

    pictures: Tensor
    masks: Tensor
    hints: list[Tensor]


class ViewStock:
    """Views and teacher maps in memory: about 0.25 MB each at 160 px.

    Args:
        sampler: draws the views.
        teacher: looks at them.
        count: how many, a multiple of 16.
        side: in px.
    """

    def __init__(self, sampler: MaskSampler, teacher: MaskTeacher, count: int, side: int) -> None:
        pictures, masks = [], []
        maps: list[list[Tensor]] = [[] for _ in HINTS]
        for _ in range(count // 16):
            drawn = [sampler.draw(side) for _ in range(16)]
            pictures += [p for p, _ in drawn]
            masks += [m for _, m in drawn]
            large = [np.asarray(Image.fromarray(p).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for p, _ in drawn]
            seen = teacher.maps(np.stack(large))
            for place, hint in enumerate(HINTS):
                size = -(-side // 2 ** (place + 3))
                maps[place].append(F.adaptive_avg_pool2d(seen[hint].float(), size).half())
        self.pictures = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        self.masks = torch.from_numpy(np.stack(masks)).unsqueeze(1)
        self.maps = [torch.cat(batches) for batches in maps]
        self.scale = []
        for level in self.maps:
            some = level[:512].float()
            self.scale.append((some.mean(dim=(0, 2, 3), keepdim=True), some.std(dim=(0, 2, 3), keepdim=True) + 1e-3))

    def passes(self, times: int, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield batches of ``size`` until every view was seen ``times`` times, half of the batches mirrored."""
        for _ in range(times):
            order = torch.randperm(len(self.pictures), generator=generator)
            for start in range(0, len(order) - size + 1, size):
                chosen = order[start : start + size]
                parts = [self.pictures[chosen].float() / 255, self.masks[chosen].float() / 255]
                parts += [
                    (m[chosen].float() - mean) / std for m, (mean, std) in zip(self.maps, self.scale, strict=True)
                ]
                if torch.rand(1, generator=generator) < 0.5:
                    parts = [part.flip(3) for part in parts]
                yield Batch(parts[0], parts[1], parts[2:])
