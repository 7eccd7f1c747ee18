"""What the encoder is trained for: category, colour, kind, words, the very garment, and its teacher's eye.

`Objective` holds every head and adds the losses up; the heads are thrown away after training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.datasets import UNKNOWN, Batch
from Model.training.hints import Hints, Maps
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
    teacher_category: float = 2.0
    hints: float = 2.0
    smoothing: float = 0.05
    temperature: float = 0.1


class Imitated(Protocol):
    """A teacher as the heads must know it: the width of its vectors, and of its maps at strides 8, 16 and 32."""

    width: int
    map_widths: tuple[int, ...]


class Taught(Protocol):
    """What a teacher makes of some views; see lesson.Lesson."""

    @property
    def vectors(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor | None: ...
    @property
    def maps(self) -> Maps: ...


class Objective(nn.Module):
    """All heads over the 512 features.

    Args:
        sizes: outputs of each classification head.
        words: outputs of the title-word head.
        teacher: who is imitated; None without a teacher.
    """

    def __init__(self, sizes: dict[str, int], words: int, teacher: Imitated | None, weights: Weights) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({f"{name}_head": nn.Linear(DIM, size) for name, size in sizes.items()})
        self.words = nn.Linear(DIM, words)
        self.teacher = nn.Linear(DIM, teacher.width) if teacher else None
        self.hints = Hints(teacher.map_widths) if teacher and weights.hints else None
        self.weights = weights
        self.supervised = SupConLoss(temperature=weights.temperature)
        self.instance = NTXentLoss(temperature=weights.temperature)

    def forward(
        self, features: Tensor, batch: Batch, lesson: Taught | None, maps: Maps | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and its parts.

        Args:
            features: of two views of each picture, all first views before all second ones. Shape: (2n, 512).
            lesson: what the teacher makes of the first views.
            maps: the student's maps of all views, for the hints.
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
        if self.teacher is not None and lesson is not None:
            first = features[: len(lesson.vectors)]
            parts["teacher"] = (1 - F.cosine_similarity(self.teacher(first), lesson.vectors, dim=1)).mean()
            if lesson.logits is not None:
                soft = F.softmax(lesson.logits / 2, dim=1)
                logits = F.log_softmax(self.heads["category_head"](first) / 2, dim=1)
                parts["teacher_category"] = F.kl_div(logits, soft, reduction="batchmean")
            if self.hints is not None and maps is not None:
                parts["hints"] = self.hints([one[: len(first)] for one in maps], lesson.maps)
        total = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
        return total, {name: float(part.detach()) for name, part in parts.items()}
