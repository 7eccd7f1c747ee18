"""What everything that learns masks minimises, and at which rate: the served network and both of its teachers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def mask_loss(outputs: Sequence[Tensor], masks: Tensor) -> Tensor:
    """Return cross entropy plus soft IoU, summed over the outputs, each at its own size.

    Args:
        outputs: logits, the final one first. Shape: (n, 1, ., .) each.
        masks: soft truth at full size, 0 .. 1. Shape: (n, 1, h, w).
    """
    total = torch.zeros(())
    for place, output in enumerate(outputs):
        logits = output.float()
        truth = (
            masks
            if logits.shape[-1] == masks.shape[-1]
            else F.adaptive_avg_pool2d(masks, (logits.shape[-2], logits.shape[-1]))
        )
        share = torch.sigmoid(logits)
        both = (share * truth).sum(dim=(1, 2, 3))
        either = (share + truth - share * truth).sum(dim=(1, 2, 3))
        iou = 1 - (both + 1) / (either + 1)
        weight = 1.0 if place < 2 else 0.4
        total = total + weight * (F.binary_cross_entropy_with_logits(logits, truth) + iou.mean())
    return total


def learning_rate(highest: float, share: float, step: int, warmup: int = 100) -> float:
    """Return the rate at a share of the budget: some steps of warm-up, then a cosine to a hundredth of the highest."""
    return min(1.0, (step + 1) / warmup) * highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))
