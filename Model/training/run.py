"""A stage in training: what it holds, how it takes a step, what it saves, how it is judged; train_encoder.py drives it.

`Run` learns from labels and from what teachers make of whole pictures, `BlockRun` from what their blocks do.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from Model.training.blockwise import (
    BlockLesson,
    Blocks,
    BlockTeachers,
    given_last,
    imitate,
    imitate_end,
    prepare,
    see,
)
from Model.training.checkpoints import read_checkpoint
from Model.training.datasets import PictureSet, Vocabulary
from Model.training.files import written_whole
from Model.training.hints import trunk_maps
from Model.training.lesson import Teachers
from Model.training.limits import Limits, bound, measure
from Model.training.losses import Objective, Weights
from Model.training.resnet import Encoder, grow
from Model.training.samples import Sample, Sampler
from Model.training.stage import Stage, make_network, normalise
from Model.training.validate import figures, validate

LAYERS = ("conv1", "bn1", "layer1", "layer2", "layer3")
"""What `Stage.rest` leaves as it is, up to the one it names."""

LOOKS = 2
"""Samples, of two views of each picture, that limits on activations and the teachers' channels are measured on."""

BLOCKS = "blocks."
"""What a checkpoint's names of the blocks' state begin with."""

LARGEST_GRADIENT = 5.0
"""Norm that a step's gradient is cut to."""


class Average:
    """Moving average of a network's parameters and running statistics; counters are copied."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards the network; early steps move it further."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def _rate(progress: float, step: int, stage: Stage) -> float:
    warm = min(1.0, (step + 1) / stage.warmup)
    return warm * (stage.rate_end + (1 - stage.rate_end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Run:
    """A stage in training: its network and heads, their averages, the optimiser, and how far it has come.

    Args:
        teacher: who is imitated; None without one.
        saved: the stage's own checkpoint, to go on from; None begins the stage.
    Raises:
        CheckpointInvalid, FileNotFoundError: there is no readable checkpoint to start from.
    """

    def __init__(
        self,
        stage: Stage,
        vocabulary: Vocabulary,
        teacher: Teachers | None,
        saved: dict[str, Any] | None,
    ) -> None:
        torch.manual_seed(stage.seed)
        self.stage, self.vocabulary = stage, vocabulary
        self.network = make_network(stage.arch)
        self.objective = self._heads(teacher)
        self.limits: Limits | None = None
        self.step, self.spent = 0, 0.0
        if saved is None and stage.start:
            self._begin_from(read_checkpoint(Path(stage.start)))
        resting = LAYERS[: LAYERS.index(stage.rest) + 1] if stage.rest else ()
        self._resting = [self.network.trunk.get_submodule(name) for name in resting]
        for layer in self._resting:
            layer.requires_grad_(False)
        named = list(self.network.named_parameters())
        trunk = [value for name, value in named if name.startswith("trunk") and value.requires_grad]
        fresh = [value for name, value in named if not name.startswith("trunk")] + list(self.objective.parameters())
        groups = [{"params": trunk, "share": stage.trunk_rate}, {"params": fresh, "share": 1.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=stage.rate, weight_decay=stage.decay)
        self.average = Average(self.network, stage.average)
        self.average_heads = Average(self.objective, stage.average)
        if saved is not None:
            self._go_on(saved)
        if self.limits is not None:
            bound(self.network, self.limits)

    def _heads(self, teacher: Teachers | None) -> nn.Module:
        """Return what is trained beside the network, and thrown away after training."""
        return Objective(self.vocabulary.sizes(), len(self.vocabulary.words), teacher, self.stage.weights)

    def _begin_from(self, first: dict[str, Any]) -> None:
        """Take another stage's average, and those of its heads that fit."""
        grow(self.network, first["average"])
        self.limits = first.get("limits")
        heads = self.objective.state_dict()
        heads.update({k: v for k, v in first["average_heads"].items() if k in heads and v.shape == heads[k].shape})
        self.objective.load_state_dict(heads)

    def _go_on(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.objective.load_state_dict(saved["heads"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average.state, self.average_heads.state = saved["average"], saved["average_heads"]
        self.step, self.spent, self.limits = saved["step"], saved["spent"], saved["limits"]

    def measure_limits(self, looks: Sampler, ceiling: float) -> None:
        """Set limits around what the network does with some views, and keep to them; see limits.py."""
        seen = torch.cat([looks.pairs()[1] for _ in range(LOOKS)])
        self.limits = measure(self.network, normalise(seen, self.stage.arch), ceiling)
        bound(self.network, self.limits)

    def begin(self) -> None:
        """Make ready for steps."""
        self.network.train()
        for layer in self._resting:
            layer.eval()  # its normalisations, too, stay as they are

    @property
    def progress(self) -> float:
        """Share of the stage that is done, by steps or by minutes, whichever is further."""
        return max(self.step / self.stage.steps, self.spent / 60 / self.stage.minutes)

    def prepare(self, sample: Sample) -> Sample:
        """Return a drawn sample as `loss` wants it, with what needs to be computed only once for all its passes."""
        return sample

    def learn(self, sample: Sample, progress: float) -> dict[str, float]:
        """Take one step, and return the parts of its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.stage.rate * group["share"] * _rate(progress, self.step, self.stage)
        loss, parts = self.loss(sample, progress)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.network.parameters(), *self.objective.parameters()], LARGEST_GRADIENT)
        self.optimiser.step()
        self.average.update(self.network, self.step)
        self.average_heads.update(self.objective, self.step)
        self.step += 1
        return parts

    def loss(self, sample: Sample, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a sample, and its parts."""
        del progress  # the labels and the teachers say the same from beginning to end
        with torch.autocast("cpu", torch.bfloat16):
            pooled, maps = trunk_maps(self.network.trunk, normalise(sample.seen, self.stage.arch))
        features = self.network.neck(self.network.reduce(pooled.float()))
        loss, parts = self.objective(features, sample.batch, sample.lesson, maps)
        return loss, parts

    def move_back(self) -> None:
        """Move the averages towards the stage's start; heads that it lacked stay as they are."""
        first = read_checkpoint(Path(str(self.stage.start)))
        for average, before in ((self.average, first["average"]), (self.average_heads, first["average_heads"])):
            for name, value in average.state.items():
                if value.is_floating_point() and name in before and before[name].shape == value.shape:
                    value.lerp_(before[name], self.stage.back)

    def save(self, path: Path, done: bool) -> None:
        """Write the checkpoint, in one piece or not at all."""
        content = {
            "stage": dataclasses.asdict(self.stage),
            "vocabulary": dataclasses.asdict(self.vocabulary),
            "step": self.step,
            "limits": self.limits,
            "spent": self.spent,
            "done": done,
            "network": self.network.state_dict(),
            "heads": self.objective.state_dict(),
            "average": self.average.state,
            "average_heads": self.average_heads.state,
        }
        with written_whole(path) as part:
            torch.save(content if done else content | {"optimiser": self.optimiser.state_dict()}, part)

    def validate(self, validation: PictureSet) -> dict[str, float]:
        """Return what the averages do with validation pictures; see validate.py."""
        judge = self._judge()
        heads = Objective(self.vocabulary.sizes(), len(self.vocabulary.words), None, Weights())
        heads.load_state_dict({name: self.average_heads.state[name] for name in heads.state_dict()})
        return validate(judge, heads, self.stage.arch, validation, self.stage.size)

    def _judge(self) -> Encoder:
        """Return the averaged network."""
        judge = make_network(self.stage.arch)
        judge.load_state_dict(self.average.state)
        if self.limits is not None:
            bound(judge, self.limits)
        return judge


class BlockHeads(Objective):
    """All heads over the 512 features, and beside them what the student's channels stand for."""

    def __init__(self, sizes: dict[str, int], words: int, weights: Weights, teachers: int) -> None:
        super().__init__(sizes, words, None, weights)
        self.blocks = Blocks(teachers)


class BlockRun(Run):
    """A stage whose blocks learn what those of its teachers do; see blockwise.py.

    Once the blocks see what those before them make, the heads learn beside them what teachers do not know: labels, and
    which views are of the very same garment, as much as the stage's weights say.

    Args:
        teachers: who they are.
        looks: a draw of pictures that the teachers' channels are measured on, unless the start knows them.
    """

    objective: BlockHeads
    _known = False

    def __init__(
        self,
        stage: Stage,
        vocabulary: Vocabulary,
        teachers: BlockTeachers,
        looks: Sampler,
        saved: dict[str, Any] | None,
    ) -> None:
        super().__init__(stage, vocabulary, None, saved)
        self._teachers = teachers
        if saved is None and not self._known:
            if stage.start is None:
                prepare(self.network.trunk)
            self.objective.blocks.calibrate(teachers(torch.cat([looks.pairs()[1] for _ in range(LOOKS)])))
            self.average = Average(self.network, stage.average)
            self.average_heads = Average(self.objective, stage.average)

    def _heads(self, teacher: Teachers | None) -> nn.Module:
        del teacher
        return BlockHeads(
            self.vocabulary.sizes(), len(self.vocabulary.words), self.stage.weights, len(self.stage.teachers)
        )

    def _begin_from(self, first: dict[str, Any]) -> None:
        heads, own = first["average_heads"], self.objective.blocks.state_dict()
        known = {name: heads[BLOCKS + name] for name in own if BLOCKS + name in heads}
        fitting = self.objective.blocks.fitting(known)
        # A served encoder has kept its channels, but not what they stand for.
        self._known = all(name in fitting and fitting[name].shape == value.shape for name, value in own.items())
        heads = heads | {BLOCKS + name: value for name, value in fitting.items()}
        super()._begin_from(first | {"average_heads": heads})

    def prepare(self, sample: Sample) -> Sample:
        """Return a sample of what the fourth stage is given, and of its lesson without maps, if all before it rests."""
        if self.stage.rest != LAYERS[-1]:
            return sample
        lesson = self._teachers(sample.seen)
        lesson = dataclasses.replace(lesson, maps={}, places=lesson.places.bfloat16())
        given = given_last(self.network.trunk, sample.seen, self.stage.arch)
        return dataclasses.replace(sample, seen=given, lesson=lesson)

    def loss(self, sample: Sample, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a sample, and its parts."""
        until, own = self.stage.blocks or (0.0, 0.0)
        forced = None
        trunk, blocks = self.network.trunk, self.objective.blocks
        if isinstance(sample.lesson, BlockLesson):
            loss, parts, pooled = imitate_end(blocks, self._teachers, trunk, sample.seen, sample.lesson)
            return self._beside(loss, parts, pooled, sample)
        if own > 0:
            share = 1.0 if progress < until else max(0.0, own - progress) / max(own - until, 1e-9)
            forced = torch.rand(len(sample.seen)) < share
        loss, parts, pooled = imitate(blocks, self._teachers, trunk, sample.seen, self.stage.arch, forced)
        return (loss, parts) if forced is not None else self._beside(loss, parts, pooled, sample)

    def _beside(
        self, loss: Tensor, parts: dict[str, float], pooled: Tensor, sample: Sample
    ) -> tuple[Tensor, dict[str, float]]:
        """Add what the heads lose."""
        features = self.network.neck(self.network.reduce(pooled))
        beside, known = self.objective(features, sample.batch, None)
        return loss + beside, parts | known

    def validate(self, validation: PictureSet) -> dict[str, float]:
        """Return what the averages do with validation pictures, through the teachers' own heads."""
        heads = self._heads(None)
        heads.load_state_dict(self.average_heads.state)
        blocks = cast("BlockHeads", heads).blocks
        seen = see(blocks, self._teachers, self._judge().trunk, self.stage.arch, validation, self.stage.size)
        return figures(*seen, validation)
