"""Teachers, and what they make of views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.checkpoints import read_checkpoint
from Model.training.hints import Maps, map_widths, trunk_maps
from Model.training.limits import bound
from Model.training.resnet import DIM
from Model.training.stage import make_network, normalise
from Model.training.teachers import WIDTH


@dataclass(frozen=True)
class Lesson:
    """What a teacher makes of some views.

    Shape: vectors (n, width), centred; logits (n, 13), None if the teacher was not tuned; maps at strides 8, 16, 32.
    """

    vectors: Tensor
    logits: Tensor | None
    maps: Maps


class Teacher:
    """A frozen network that turns views into targets: centred vectors, and category logits if it was tuned."""

    def __init__(self, source: str) -> None:
        self.tuned = not source.endswith(".tflite")
        if self.tuned:
            saved = read_checkpoint(Path(source))
            self.arch = saved["stage"]["arch"]
            self.network = make_network(self.arch)
            self.network.load_state_dict(saved["average"])
            if saved.get("limits") is not None:
                bound(self.network, saved["limits"])
            self.width = DIM
            weight = saved["average_heads"]["heads.category_head.weight"]
            self.head = nn.Linear(DIM, len(weight))
            self.head.load_state_dict({"weight": weight, "bias": saved["average_heads"]["heads.category_head.bias"]})
        else:
            self.arch = source
            self.network = make_network(source)
            self.width = WIDTH
        self.map_widths = map_widths(self.network.trunk)
        self.network.eval()
        self.mean = torch.zeros(self.width)
        self.seen = 0

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Lesson:
        """Return what the student should see in pictures in [0, 1]. Shape: (n, 3, h, w)."""
        with torch.autocast("cpu", torch.bfloat16):
            trunk, maps = trunk_maps(self.network.trunk, normalise(images, self.arch))
        if self.tuned:
            features = self.network.neck(self.network.reduce(trunk.float()))
            return Lesson(features, self.head(features), maps)
        self.seen += 1
        self.mean.lerp_(trunk.float().mean(dim=0), max(0.01, 1 / self.seen))
        return Lesson(trunk.float() - self.mean, None, maps)


class Teachers:
    """Several teachers as one: vectors side by side at equal length, logits averaged, maps of the first.

    Args:
        sources: checkpoints of tuned teachers, or TFLite files. At least one.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._teachers = [Teacher(source) for source in sources]
        self.width = sum(teacher.width for teacher in self._teachers)
        self.map_widths = self._teachers[0].map_widths

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Lesson:
        """Return what the student should see in pictures in [0, 1]. Shape: (n, 3, h, w)."""
        lessons = [teacher(images) for teacher in self._teachers]
        logits = [lesson.logits for lesson in lessons if lesson.logits is not None]
        vectors = torch.cat([F.normalize(lesson.vectors, dim=1) for lesson in lessons], dim=1)
        return Lesson(vectors, torch.stack(logits).mean(dim=0) if logits else None, lessons[0].maps)
