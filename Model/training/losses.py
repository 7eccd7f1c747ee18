"""What the encoder is trained for: category, colour, kind, words, the very garment, and its teacher's eye.

`Objective` holds every head and adds the losses up; the heads are thrown away after training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.datasets import UNKNOWN, Batch
from Model.training.resnet import DIM


@dataclass(frozen=True)
class Weights:
    """Weight of each part of the loss; 0 leaves a part out."""

    category: float = 1.0
    type: float = 0.3
    colour: float = 0.3
    gender: float = 0.1
    tag: float = 0.3
    words: float = 0.3
    supervised_contrast: float = 0.3
    instance_contrast: float = 0.3
    teacher: float = 2.0
    smoothing: float = 0.05
    temperature: float = 0.1


class Objective(nn.Module):
    """All heads over the 512 features.

    Args:
        sizes: outputs of each classification head.
        words: outputs of the title-word head.
        teacher_width: width of the teacher's vectors, 0 without a teacher.
    """

    def __init__(self, sizes: dict[str, int], words: int, teacher_width: int, weights: Weights) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({f"{name}_head": nn.Linear(DIM, size) for name, size in sizes.items()})
        self.words = nn.Linear(DIM, words)
        self.teacher = nn.Linear(DIM, teacher_width) if teacher_width else None
        self.weights = weights
        self.supervised = SupConLoss(temperature=weights.temperature)
        self.instance = NTXentLoss(temperature=weights.temperature)

    def forward(
        self, features: Tensor, batch: Batch, teacher: Tensor | None, teacher_logits: Tensor | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and its parts.

        Args:
            features: of two views of each picture, all first views before all second ones. Shape: (2n, 512).
            teacher: the teacher's centred features of the first views. Shape: (n, width).
            teacher_logits: the teacher's 13 category logits of the first views. Shape: (n, 13).
        """
        weights, parts = self.weights, {}
        for key, head in self.heads.items():
            name = key.removesuffix("_head")
            target = batch.labels[name].repeat(2)
            known = target != UNKNOWN
            if known.any():
                parts[name] = F.cross_entropy(head(features[known]), target[known], label_smoothing=weights.smoothing)
        words = batch.words.repeat(2, 1)
        known = words[:, 0] != UNKNOWN
        if known.any():
            # Summed over words: most are absent, and a mean would drown the few that are there.
            loss = F.binary_cross_entropy_with_logits(
                self.words(features[known]), words[known].float(), reduction="none"
            )
            parts["words"] = loss.sum(dim=1).mean() / 10
        unit = F.normalize(features, dim=1)
        category = batch.labels["category"].repeat(2)
        known = category != UNKNOWN
        parts["supervised_contrast"] = self.supervised(unit[known], category[known])
        parts["instance_contrast"] = self.instance(unit, batch.item.repeat(2))
        if self.teacher is not None and teacher is not None:
            first = features[: len(teacher)]
            imitated = F.cosine_similarity(self.teacher(first), teacher, dim=1)
            parts["teacher"] = (1 - imitated).mean()
            if teacher_logits is not None:
                soft = F.softmax(teacher_logits / 2, dim=1)
                logits = F.log_softmax(self.heads["category_head"](first) / 2, dim=1)
                parts["teacher"] = parts["teacher"] + F.kl_div(logits, soft, reduction="batchmean")
        total = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}
