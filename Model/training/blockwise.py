"""A ResNet34 learns, block by block, what one or two tuned teachers make of a picture.

Maps at three depths and a vector at the end (hints.py, lesson.py) tell thirty layers little about what each of them is
to do. Here a part of the student's channels at every depth stands for the channels of the teachers at that depth. So
each block has a question and an answer of its own, what goes into the teachers' block and what comes out of it, at
every place of every picture. First it is asked about the teachers' maps, so that it need not wait for the blocks before
it (teacher forcing); then about the student's own, which are not quite theirs.

What is lost in the end is lost in the fourth stage, whose three blocks stand for five (docs/experiments.md, 68). So it
can learn alone, what it is given computed once for each view: asked for the end only, and several times as fast.

A block of a ResNet ends in a ReLU, which passes only what is positive; MobileNetV2's maps have both signs. So what a
channel stands for is the teacher's value in standard deviations, plus `SHIFT`.

Source: Wang et al. 2018, Progressive Blockwise Knowledge Distillation, https://www.ijcai.org/proceedings/2018/384;
Bengio et al. 2015, Scheduled Sampling, https://arxiv.org/abs/1506.03099
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.errors import TrainingError
from Model.training.datasets import PictureSet, over_white
from Model.training.lesson import Teacher
from Model.training.resnet import DIM
from Model.training.stage import normalise
from Model.training.teachers import MobileNetV2
from Model.training.torch_compat import import_torchvision

MOST = 2
"""So many MobileNetV2 fit into a ResNet34's channels side by side."""

SHIFT = 3.0
"""Standard deviations below its mean at which a teacher's value is cut off."""

BRANCH = 0.3
"""What a residual branch's normalisation multiplies by at first: enough to learn at once, too little to do harm."""

SMALLEST_VARIANCE = 0.05
"""Of a channel, as a share of its group's: errors of channels that hardly change are not blown up further."""


@dataclass(frozen=True)
class Link:
    """Blocks of the student that learn together.

    Args:
        blocks: names within the trunk.
        given: number of the teachers' block whose map goes in; None for the picture itself.
        sought: number of the teachers' block whose map is to come out.
        scale: number of the block by whose mean and deviation `sought` is measured: one for a whole run of residual
            blocks, so that what is added to a map remains a sum.
        first: the student's channel that the teachers' first one is.
    """

    blocks: tuple[str, ...]
    given: int | None
    sought: int
    scale: int
    first: int = 0


LINKS = (
    Link(("layer1.0", "layer1.1", "layer1.2"), None, 2, 2),
    Link(("layer2.0",), 2, 3, 5),
    Link(("layer2.1",), 3, 4, 5),
    Link(("layer2.2", "layer2.3"), 4, 5, 5),
    Link(("layer3.0",), 5, 6, 9),
    Link(("layer3.1",), 6, 7, 9),
    Link(("layer3.2",), 7, 9, 9),
    # 2 x 96 channels begin where the 2 x 64 before them leave room, so that half of those need not be cleared away.
    Link(("layer3.3",), 9, 10, 12, 64),
    Link(("layer3.4",), 10, 11, 12, 64),
    Link(("layer3.5",), 11, 12, 12, 64),
    Link(("layer4.0",), 12, 14, 14),
)
LAST = ("layer4.1", "layer4.2")
"""The blocks behind the links. The teachers' block 16 has more channels than fit, so it is read off by a linear layer,
and so are the places whose mean is the teachers' feature."""
DEEPEST = 16
CHANNELS = {2: 24, 3: 32, 4: 32, 5: 32, 6: 64, 7: 64, 9: 64, 10: 96, 11: 96, 12: 96, 14: 160, 16: 320}
"""Of one teacher's map after each of these blocks."""
SCALE = {link.sought: link.scale for link in LINKS} | {DEEPEST: DEEPEST}
FIRST = {link.sought: link.first for link in LINKS}

WEIGHTS = {"places": 2.0, "features": 3.0, "categories": 1.5}
"""Of the parts of the loss that the last features hang on; every other part counts once."""


@dataclass(frozen=True)
class BlockLesson:
    """What the teachers make of some pictures.

    Shape: maps of each block of k teachers {number: (n, k c, h, w)}; places (n, k * 512, h, w), whose mean over places
    becomes the features; features (n, 512) of each teacher; logits (n, 13) of each.
    """

    maps: dict[int, Tensor]
    places: Tensor
    features: list[Tensor]
    logits: list[Tensor]


class BlockTeachers:
    """One or two tuned MobileNetV2 that show what each of their blocks does.

    Args:
        sources: checkpoints of tuned teachers.
    Raises:
        TrainingError: these are not one or two tuned MobileNetV2.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self._teachers = [Teacher(source) for source in sources]
        trunks = [teacher.network.trunk for teacher in self._teachers]
        tuned = all(teacher.tuned for teacher in self._teachers)
        if not (1 <= len(trunks) <= MOST and tuned and all(isinstance(trunk, MobileNetV2) for trunk in trunks)):
            raise TrainingError("Learning block by block takes one or two tuned MobileNetV2 as teachers.")
        for trunk in trunks:
            cast("MobileNetV2", trunk).centre()

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._teachers)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> BlockLesson:
        """Return what the teachers make of pictures in [0, 1]. Shape: (n, 3, h, w), sides multiples of 32."""
        maps: dict[int, list[Tensor]] = {number: [] for number in CHANNELS}
        places = []
        for teacher in self._teachers:
            trunk = cast("MobileNetV2", teacher.network.trunk)
            with torch.autocast("cpu", torch.bfloat16):
                last, seen = trunk.places(normalise(images, teacher.arch), tuple(CHANNELS))
            for number, one in zip(CHANNELS, seen, strict=True):
                maps[number].append(one)
            reduce = cast("nn.Linear", teacher.network.reduce)
            places.append(F.conv2d(last.float(), reduce.weight[:, :, None, None]))
        whole = torch.cat(places, dim=1)
        features = self.features(whole)
        sides = {number: torch.cat(both, dim=1).float() for number, both in maps.items()}
        return BlockLesson(sides, whole, features, self.logits(features))

    def features(self, places: Tensor) -> list[Tensor]:
        """Return each teacher's features from its places. Shape: (n, k * 512, h, w) to (n, 512) each."""
        shares = places.mean(dim=(2, 3)).split(DIM, dim=1)
        return [teacher.network.neck(share) for teacher, share in zip(self._teachers, shares, strict=True)]

    def logits(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return what each teacher's category head makes of features. Shape: (n, 512) each to (n, 13) each."""
        return [teacher.head(one) for teacher, one in zip(self._teachers, features, strict=True)]


class Blocks(nn.Module):
    """What a student's channels stand for, and what is read off behind them; thrown away after training.

    Args:
        teachers: how many.
    """

    def __init__(self, teachers: int) -> None:
        super().__init__()
        self.deepest = nn.Conv2d(DIM, teachers * CHANNELS[DEEPEST], 1)
        self.places = nn.Conv2d(DIM, teachers * DIM, 1, bias=False)
        for number, width in CHANNELS.items():
            for name in ("mean", "deviation", "variance"):
                self.register_buffer(f"{name}{number}", torch.ones(1, teachers * width, 1, 1))
        self.register_buffer("spread", torch.ones(1, teachers * DIM, 1, 1))

    spread: Tensor

    def fitting(self, others: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the state of blocks that learned from more teachers, as far as it is about the first of them."""
        return {
            name: others[name][tuple(map(slice, value.shape))]
            for name, value in self.state_dict().items()
            if name in others
        }

    @torch.no_grad()
    def calibrate(self, lesson: BlockLesson) -> None:
        """Take means and deviations from what the teachers make of some pictures."""
        for number, values in lesson.maps.items():
            scale = lesson.maps[SCALE[number]]
            deviation = scale.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-3)
            self._of("mean", number).copy_(scale.mean(dim=(0, 2, 3), keepdim=True))
            self._of("deviation", number).copy_(deviation)
            variance = (values / deviation).var(dim=(0, 2, 3), keepdim=True)
            self._of("variance", number).copy_(variance.clamp(min=SMALLEST_VARIANCE))
        self.spread.copy_(lesson.places.std(dim=(0, 2, 3), keepdim=True).clamp(min=1e-3))

    def carried(self, number: int, values: Tensor) -> Tensor:
        """Return the student's channels that stand for a map of the teachers'. Shape: (n, k c, h, w)."""
        return (self._scaled(number, values) + SHIFT).clamp(min=0)

    def forward(
        self, trunk: nn.Module, images: Tensor, lesson: BlockLesson | None, forced: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Run the student.

        Shape: its last map (n, 512, h / 32, w / 32).

        Args:
            images: normalised. Shape: (n, 3, h, w).
            lesson: what the teachers make of them; None for the student alone, without any loss.
            forced: pictures whose blocks are given the teachers' maps, while each link learns for itself; None to
                train all blocks together. Shape: (n,), bool.
        Returns:
            Its last map, and what each link loses: the mean squared error as a share of the variance.
        """
        x = _stem(trunk, images)
        losses: dict[str, Tensor] = {}
        for link in LINKS:
            x = self._given(x, link.given, lesson, forced)
            for name in link.blocks:
                x = trunk.get_submodule(name)(x)
            if lesson is not None:
                sought = self.carried(link.sought, lesson.maps[link.sought])
                wrong = (x[:, link.first : link.first + sought.shape[1]].float() - sought).square()
                losses[link.blocks[-1]] = (wrong / self._of("variance", link.sought)).mean()
        x = trunk.get_submodule(LAST[0])(self._given(x, LINKS[-1].sought, lesson, forced))
        if lesson is not None:
            wrong = (self.deepest(x).float() - self._scaled(DEEPEST, lesson.maps[DEEPEST])).square()
            losses[LAST[0]] = wrong.mean()
        return trunk.get_submodule(LAST[1])(x), losses

    def read(self, last: Tensor) -> Tensor:
        """Return what the student makes of the teachers' places. Shape: (n, 512, h, w) to (n, k * 512, h, w)."""
        places: Tensor = self.places(last)
        return places.float() * self.spread

    def _given(self, x: Tensor, number: int | None, lesson: BlockLesson | None, forced: Tensor | None) -> Tensor:
        """Return what a link is given: the student's map, in forced pictures with the teachers' channels in it."""
        if number is None or lesson is None or forced is None:
            return x
        x = x.detach()
        theirs = self.carried(number, lesson.maps[number]).to(x.dtype)
        first, width = FIRST[number], theirs.shape[1]
        mine = x[:, first : first + width]
        chosen = torch.where(forced.view(-1, 1, 1, 1), theirs, mine)
        return torch.cat([x[:, :first], chosen, x[:, first + width :]], dim=1)

    def _scaled(self, number: int, values: Tensor) -> Tensor:
        return (values - self._of("mean", number)) / self._of("deviation", number)

    def _of(self, name: str, number: int) -> Tensor:
        return self.get_buffer(f"{name}{number}")


def _stem(trunk: nn.Module, images: Tensor) -> Tensor:
    resnet = cast("Any", trunk)  # torchvision's ResNet: its layers are attributes that nn.Module does not declare
    x: Tensor = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
    return x


@torch.no_grad()
def given_last(trunk: nn.Module, images: Tensor, arch: str) -> Tensor:
    """Return what the fourth stage is given of pictures in [0, 1]. Shape: (n, 3, h, w) to (n, 256, h / 16, w / 16)."""
    with torch.autocast("cpu", torch.bfloat16):
        x = _stem(trunk, normalise(images, arch))
        for name in ("layer1", "layer2", "layer3"):
            x = trunk.get_submodule(name)(x)
    return x.bfloat16()


@torch.no_grad()
def prepare(trunk: nn.Module) -> None:
    """Make a fresh ResNet34 ready: channels that stand for something begin at `SHIFT`, branches a little open.

    Where the teachers' channels move to others (layer3.3), those that are in the way are subtracted from themselves.
    """
    block_type = import_torchvision().models.resnet.BasicBlock
    for block in trunk.modules():
        if isinstance(block, block_type):
            nn.init.constant_(cast("nn.BatchNorm2d", block.bn2).weight, BRANCH)

    def begin(name: str, first: int, end: int) -> None:
        cast("nn.BatchNorm2d", trunk.get_submodule(name)).bias[first:end] = SHIFT

    begin("layer1.2.bn2", 0, MOST * CHANNELS[2])
    begin("layer2.0.downsample.1", 0, MOST * CHANNELS[3])
    begin("layer3.0.downsample.1", 0, MOST * CHANNELS[6])
    begin("layer4.0.downsample.1", 0, MOST * CHANNELS[14])
    moved, before = FIRST[10], MOST * CHANNELS[9]
    begin("layer3.3.bn2", before, moved + MOST * CHANNELS[10])
    block = cast("Any", trunk.get_submodule("layer3.3"))
    cleared = before - moved
    block.conv1.weight[:cleared] = 0
    block.conv2.weight[moved:before] = 0
    for at in range(cleared):
        block.conv1.weight[at, moved + at, 1, 1] = 1
        block.conv2.weight[moved + at, at, 1, 1] = -1
    block.bn1.bias[:cleared] = SHIFT
    block.bn2.weight[moved:before] = 1


def imitate(
    blocks: Blocks, teachers: BlockTeachers, trunk: nn.Module, images: Tensor, arch: str, forced: Tensor | None
) -> tuple[Tensor, dict[str, float], Tensor]:
    """Return the loss of a student on pictures in [0, 1], its parts, and the student's pooled features (n, 512).

    Args:
        forced: see `Blocks.forward`.
    """
    lesson = teachers(images)
    with torch.autocast("cpu", torch.bfloat16):
        last, losses = blocks(trunk, normalise(images, arch), lesson, forced)
    return _total(losses | _ends(blocks, teachers, last, lesson), last)


def imitate_end(
    blocks: Blocks, teachers: BlockTeachers, trunk: nn.Module, given: Tensor, lesson: BlockLesson
) -> tuple[Tensor, dict[str, float], Tensor]:
    """Return what `imitate` does, of the fourth stage alone, and without what its blocks lose.

    Args:
        given: see `given_last`.
        lesson: its maps are not looked at.
    """
    with torch.autocast("cpu", torch.bfloat16):
        last = trunk.get_submodule("layer4")(given)
    return _total(_ends(blocks, teachers, last, lesson), last)


def _ends(blocks: Blocks, teachers: BlockTeachers, last: Tensor, lesson: BlockLesson) -> dict[str, Tensor]:
    """Return what is lost behind the last block: in places, features and names."""
    with torch.autocast("cpu", torch.bfloat16):
        places = blocks.read(last)
    losses = {"places": ((places - lesson.places) / blocks.spread).square().mean()}
    features = teachers.features(places)
    pairs = zip(features, lesson.features, strict=True)
    losses["features"] = torch.stack([1 - F.cosine_similarity(*pair, dim=1).mean() for pair in pairs]).sum()
    named = zip(teachers.logits(features), lesson.logits, strict=True)
    losses["categories"] = torch.stack(
        [F.kl_div(F.log_softmax(a / 2, 1), F.softmax(b / 2, 1), reduction="batchmean") for a, b in named]
    ).sum()
    return losses


def _total(losses: dict[str, Tensor], last: Tensor) -> tuple[Tensor, dict[str, float], Tensor]:
    total = torch.stack([WEIGHTS.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
    return total, {name: float(loss.detach()) for name, loss in losses.items()}, last.float().mean(dim=(2, 3))


@torch.no_grad()
def see(
    blocks: Blocks, teachers: BlockTeachers, trunk: nn.Module, arch: str, source: PictureSet, size: int, batch: int = 64
) -> tuple[Tensor, Tensor]:
    """Return what a student makes of a whole set: the teachers' features, each of unit length, and mean logits.

    Shape: (len(source), k * 512), (len(source), 13).
    """
    trunk.eval()
    vectors, logits = [], []
    for start in range(0, len(source), batch):
        pictures = over_white(source.pictures(np.arange(start, min(start + batch, len(source))), size))
        with torch.autocast("cpu", torch.bfloat16):
            places = blocks.read(blocks(trunk, normalise(pictures, arch), None)[0])
        features = teachers.features(places)
        vectors.append(torch.cat([F.normalize(one, dim=1) for one in features], dim=1))
        logits.append(torch.stack(teachers.logits(features)).mean(dim=0))
    return torch.cat(vectors), torch.cat(logits)
