"""A stock of training views, drawn once and learnt from several times.

Drawing a view costs about as much as a training step, so a stock is used for a few passes, each time mirrored and
coloured anew, before the next one is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from Model.training.mask_sampler import MaskSampler, coloured


class ViewStock:
    """Views in memory: about 0.1 MB each at 160 px.

    Args:
        sampler: draws the views.
        count: how many.
        side: in px.
    """

    def __init__(self, sampler: MaskSampler, count: int, side: int) -> None:
        drawn = [sampler.draw(side) for _ in range(count)]
        self.pictures = torch.from_numpy(np.stack([picture for picture, _ in drawn])).permute(0, 3, 1, 2)
        self.masks = torch.from_numpy(np.stack([mask for _, mask in drawn])).unsqueeze(1)

    def passes(self, times: int, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches until every view was seen `times` times, half of the batches mirrored.

        Args:
            size: of a batch; the few views that are left over at the end of a pass are skipped.
        Yields: pictures (size, 3, s, s) and masks (size, 1, s, s), float, 0 .. 1.
        """
        for _ in range(times):
            order = torch.randperm(len(self.pictures), generator=generator)
            for start in range(0, len(order) - size + 1, size):
                chosen = order[start : start + size]
                pictures, masks = self.pictures[chosen].float() / 255, self.masks[chosen].float() / 255
                if torch.rand(1, generator=generator) < 0.5:
                    pictures, masks = pictures.flip(3), masks.flip(3)
                yield coloured(pictures, generator), masks
