"""One stage of training: its settings, its network, and how pictures are normalised for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from Model.training.augment import Strength
from Model.training.losses import Weights
from Model.training.resnet import BLOCKS, Encoder, resnet_trunk
from Model.training.teachers import WIDTH, load_teacher
from Model.training.torch_compat import channels_last

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SIGNED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Args:
        name: of its checkpoint file.
        arch: "resnet34", or a path of a TFLite MobileNetV2 to tune.
        size: side of the pictures the trained network sees, in pixels.
        steps: optimiser steps; each sees two views of every picture of a batch.
        minutes: time limit; the learning rate follows whichever of steps and minutes is further along.
        mix: pictures per batch of photos, street, shop, garments (photos cut out by the mask network) and worn (crops
            of street photos, cut out likewise).
        rate: highest learning rate. rate_end: the last one, as a share of it.
        trunk_rate: learning rate of the trunk as a share of `rate`.
        rest: the last of a ResNet's layers that stays as it is, with all before it: "layer1" saves a fifth of a step's
            time; "layer3", with `blocks`, leaves the fourth stage alone to learn, from what is computed once for each
            view, which makes many `passes` cheap. "" for none.
        start: checkpoint to take weights from, None for a fresh network.
        back: how far the result is moved back, in a straight line, to the weights that the stage began with: 0 to 1.
            Half-way is often better than either end (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903).
        teachers: checkpoints of tuned teachers, or TFLite files; none of them for labels alone.
        teacher_size: side of the pictures the teachers see.
        teach_both: the teachers look at both views of each picture; else at the first, at half the price.
        mixed: views in each step that are two views laid over each other. Only teachers can name what they show, so
            that they also teach what they have not learned by heart; needs `teach_both`.
        judge: the set whose validation side measures the stage: "photos" whole, or "garments" cut out. A stage that
            draws worn crops is measured on those of validation, too.
        passes: how often a set of views is used before it is thrown away.
        blocks: learn what the teachers' own blocks do; see blockwise.py. Two shares of the stage: until the first,
            every block is given the teachers' maps; from the second on, what the blocks before it make of the picture,
            and each still learns by itself alone. (0, 0) trains all blocks together, and beside them the heads, as
            `weights` say. None for an ordinary stage.
        ceiling: share of each activation's values that limits are set around when the stage begins (see limits.py);
            None keeps the start checkpoint's limits, or none.
    """

    name: str
    arch: str = "resnet34"
    size: int = 96
    steps: int = 1000
    minutes: float = 1e9
    mix: tuple[int, ...] = (16, 8, 8)
    rate: float = 1.5e-3
    rate_end: float = 0.02
    trunk_rate: float = 1.0
    rest: str = ""
    warmup: int = 60
    decay: float = 0.05
    average: float = 0.998
    start: str | None = None
    back: float = 0.0
    teachers: tuple[str, ...] = ()
    teacher_size: int = 128
    teach_both: bool = False
    mixed: int = 0
    passes: int = 1
    judge: str = "photos"
    blocks: tuple[float, float] | None = None
    ceiling: float | None = None
    seed: int = 7
    weights: Weights = field(default_factory=Weights)
    strength: Strength = field(default_factory=Strength)

    def __post_init__(self) -> None:
        if not 0 <= self.back < 1 or (self.back and not self.start):
            raise ValueError("back is a share of the way to a start checkpoint: at least 0, less than 1.")
        if self.blocks is not None and not (0 <= self.blocks[0] <= self.blocks[1] <= 1 and self.arch == "resnet34"):
            raise ValueError("blocks are two shares of the stage of a resnet34, the first not after the second.")
        if self.rest not in ("", "layer1", "layer2", "layer3"):
            raise ValueError(f"rest is a layer of a ResNet before its last one, not {self.rest!r}.")
        if self.rest and self.blocks not in (None, (0, 0)):
            raise ValueError("blocks that are given the teachers' maps do not rest: rest wants blocks (0, 0).")
        if self.mixed and not (self.teachers and (self.teach_both or self.blocks is not None)):
            raise ValueError("mixed views have no label: they need teachers, and teach_both.")
        if self.mixed > 2 * sum(self.mix):
            raise ValueError(f"{self.mixed} mixed views cannot be made of {2 * sum(self.mix)} views.")
        if self.teachers and self.weights.hints and self.arch not in BLOCKS:
            raise ValueError("hints are read off a ResNet's maps: a TFLite network learns without them, hints = 0.")


def make_network(arch: str) -> Encoder:
    """Return an encoder of the named architecture: "resnet34", or a TFLite file as an ImageNet-trained trunk."""
    network = Encoder(resnet_trunk(arch)) if arch in BLOCKS else Encoder(load_teacher(Path(arch)), width=WIDTH)
    return channels_last(network)


def normalise(images: Tensor, arch: str) -> Tensor:
    """Return pictures in [0, 1] normalised as the architecture wants them, channels last."""
    mean, std = IMAGENET if arch in BLOCKS else SIGNED
    images = (images - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    return images.contiguous(memory_format=torch.channels_last)


def read_stage(path: Path) -> Stage:
    """Return the stage that a JSON file describes; fields it lacks have their defaults.

    Raises:
        TypeError: it has a field that Stage, Weights or Strength does not.
    """
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    strength: dict[str, Any] = settings.pop("strength", {})
    if "zoom" in strength:
        strength["zoom"] = tuple(strength["zoom"])
    weights = Weights(**settings.pop("weights", {}))
    mix, teachers = tuple(settings.pop("mix", Stage.mix)), tuple(settings.pop("teachers", ()))
    if settings.get("blocks") is not None:
        settings["blocks"] = tuple(settings["blocks"])
    return Stage(mix=mix, teachers=teachers, weights=weights, strength=Strength(**strength), **settings)
