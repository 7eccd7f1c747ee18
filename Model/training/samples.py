"""What one step of training sees: views, mixed views, and the teachers' lesson on them; and a stock of such samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from Model.training.augment import mix, views
from Model.training.blockwise import BlockLesson
from Model.training.cache import PHOTO_SIZE
from Model.training.datasets import Batch, Mixer, PictureSet
from Model.training.lesson import Lesson, Teachers
from Model.training.stage import Stage


@dataclass(frozen=True)
class Sample:
    """Two views of each picture and mixed ones, ready for the student, and the lesson on the first views or on all.

    Where only the last layer of the student learns, `seen` is what it is given of these views.
    """

    batch: Batch
    seen: Tensor
    lesson: Lesson | BlockLesson | None


class Sampler:
    """Draws pictures, makes views of them, and has the teachers look at them.

    Args:
        sets: the sets and how many pictures of each go into a sample.
        teacher: None without one.
        seed: of the draw and of the views.
    """

    def __init__(
        self, stage: Stage, sets: Sequence[tuple[PictureSet, int]], teacher: Teachers | None, seed: int
    ) -> None:
        self._stage, self._teacher = stage, teacher
        self._size = max(stage.size, stage.teacher_size if teacher else 0)
        self._mixer = Mixer(list(sets), min(PHOTO_SIZE, int(self._size * 1.15)), seed)
        self._generator = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def pairs(self) -> tuple[Batch, Tensor]:
        """Return the next pictures and two views of each. Shape: (2n, 3, h, h)."""
        batch = self._mixer.draw()
        seen = [views(batch.pictures, self._size, self._stage.strength, self._generator) for _ in range(2)]
        return dataclasses.replace(batch, pictures=batch.pictures[:0]), torch.cat(seen)

    @torch.no_grad()
    def __call__(self) -> Sample:
        """Return the next sample, at the student's size."""
        stage = self._stage
        batch, seen = self.pairs()
        if stage.mixed:
            seen = torch.cat([seen, mix(seen, stage.mixed, self._generator)])
        shown = seen if stage.teach_both else seen[: len(batch.item)]
        lesson = self._teacher(at_size(shown, stage.teacher_size)) if self._teacher else None
        return Sample(batch, at_size(seen, stage.size), lesson)


def at_size(images: Tensor, size: int) -> Tensor:
    """Return pictures with sides of that many pixels. Shape: (n, 3, h, h) -> (n, 3, size, size)."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


class Stock:
    """Samples that are used several times, in random order, because views and lessons cost as much as a step.

    Args:
        make: a new sample.
        passes: how often each is used, on average.
        size: samples kept.
    """

    def __init__(self, make: Callable[[], Sample], passes: int, seed: int, size: int = 24) -> None:
        self._make, self._passes, self._size = make, passes, size
        self._kept: list[tuple[Sample, int]] = []
        self._random = np.random.default_rng(seed)

    def next(self) -> Sample:
        """Return a new sample or a kept one."""
        if self._passes <= 1:
            return self._make()
        if not self._kept or (len(self._kept) < self._size and self._random.random() < 2 / self._passes):
            sample, used = self._make(), 0
        else:
            sample, used = self._kept.pop(int(self._random.integers(len(self._kept))))
        if used + 1 < self._passes:
            self._kept.append((sample, used + 1))
        return sample
