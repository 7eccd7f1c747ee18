"""What the encoder is trained for: category, colour, kind, words, the very garment, and its teacher's eye.

`Objective` holds every head and adds the losses up; the heads are thrown away after training.

Contrastive losses compare each view with the batch and with a memory of the views before it: with sixty views on two
cores, finding the other view of a garment is too easy to teach anything, with four thousand it is the real question.

Source: Khosla et al. 2020, https://arxiv.org/abs/2004.11362; Wang et al. 2020, https://arxiv.org/abs/1912.06798
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from pytorch_metric_learning.losses import CrossBatchMemory, SupConLoss
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.datasets import UNKNOWN, Batch
from Model.training.hints import Hints, Maps
from Model.training.resnet import DIM


@dataclass(frozen=True)
class Weights:
    """Weight of each part of the loss; 0 leaves a part out.

    `product` draws pictures of the same category and colour together. `memory`: views that contrastive losses
    remember, 0 for the batch alone.
    """

    category: float = 1.0
    type: float = 0.3
    colour: float = 0.3
    gender: float = 0.1
    tag: float = 0.3
    words: float = 0.3
    supervised_contrast: float = 0.3
    instance_contrast: float = 0.3
    product_contrast: float = 0.0
    teacher: float = 2.0
    teacher_category: float = 2.0
    hints: float = 2.0
    smoothing: float = 0.05
    temperature: float = 0.1
    memory: int = 0


COLOURS = 1000
"""More than a vocabulary has; a category and a colour become one number."""


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


def _contrast(weights: Weights) -> nn.Module:
    """Return the contrastive loss; with one other view of each garment it is the same as NT-Xent."""
    loss = SupConLoss(temperature=weights.temperature)
    return CrossBatchMemory(loss, DIM, memory_size=weights.memory) if weights.memory else loss


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
        # Not registered as modules: what they remember is neither averaged between processes nor saved.
        self._contrast = {name: _contrast(weights) for name in ("supervised", "instance", "product")}

    def forward(
        self, features: Tensor, batch: Batch, lesson: Taught | None, maps: Maps | None = None
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and its parts.

        Args:
            features: of two views of each picture, all first views before all second ones; then of views that
                nothing but the lesson is known of. Shape: (2n + m, 512).
            lesson: what the teacher makes of the first views, or of all; of all, if m > 0.
            maps: the student's maps of all views, for the hints.
        """
        weights, parts = self.weights, {}
        plain = features[: 2 * len(batch.item)]
        for key, head in self.heads.items():
            name = key.removesuffix("_head")
            target = batch.labels[name].repeat(2)
            known = target != UNKNOWN
            if known.any():
                parts[name] = F.cross_entropy(head(plain[known]), target[known], label_smoothing=weights.smoothing)
        words = batch.words.repeat(2, 1)
        known = words[:, 0] != UNKNOWN
        if known.any():
            # Summed over words: most are absent, and a mean would drown the few that are there.
            loss = F.binary_cross_entropy_with_logits(self.words(plain[known]), words[known].float(), reduction="none")
            parts["words"] = loss.sum(dim=1).mean() / 10
        unit = F.normalize(plain, dim=1)
        category = batch.labels["category"].repeat(2)
        known = category != UNKNOWN
        parts["supervised_contrast"] = self._contrast["supervised"](unit[known], category[known])
        parts["instance_contrast"] = self._contrast["instance"](unit, batch.item.repeat(2))
        if weights.product_contrast:
            colour = batch.labels["colour"].repeat(2)
            known = known & (colour != UNKNOWN)
            product = category * COLOURS + colour
            if known.any():
                parts["product_contrast"] = self._contrast["product"](unit[known], product[known])
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
