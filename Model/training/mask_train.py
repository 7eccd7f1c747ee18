"""Train the garment mask network on the published sets, one CPU core or a GPU, resumable at any moment.

``python -m Model.training.mask_train --data DIR --teachers DIR --out DIR [--minutes M | --short | --smoke]``

1. A head on frozen teacher features learns masks and labels the photos that have none (mask_teacher.py).
2. The trunk learns masks and the teacher's own maps from stocks of views at half size (mask_views.py).
3. The whole network learns masks at full size, true and soft ones, without the teacher.

The learning rate falls along a cosine that follows the share of the budget that is spent, so that a run of any length
ends annealed.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.mask_data import MaskSets, Pixels, read_sets
from Model.training.mask_metrics import validation_iou
from Model.training.mask_net import GarmentMaskNet, Widths
from Model.training.mask_sampler import MaskSampler, coloured
from Model.training.mask_teacher import MaskTeacher
from Model.training.mask_views import HINT_CHANNELS, HINTS, Batch, ViewStock

log = logging.getLogger(__name__)

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FORMAT = 2
SOFT_MASKS = "mask-soft-labels.npz"


@dataclass(frozen=True)
class Plan:
    """How much of everything a run does.

    Args:
        trunk: (until which share of the budget, side in px) of the stages in which the trunk trains alone, with the
            teacher's hints; it is served at half of ``side``.
        side: of the full picture in px.
        trunk_batch, batch: pictures in a step at half and at full size.
        stock, passes: views in a stock, and how often each is seen.
        teacher_views, teacher_epochs: of the teacher's head.
        limit: pictures of each kind to read; None reads all.
    """

    trunk: tuple[tuple[float, int], ...] = ((0.45, 128), (0.8, 160))
    side: int = 320
    trunk_batch: int = 16
    batch: int = 12
    stock: int = 3200
    passes: int = 4
    teacher_views: int = 2400
    teacher_epochs: int = 5
    limit: int | None = None


SMOKE = Plan(
    trunk=((0.5, 32),),
    side=64,
    trunk_batch=4,
    batch=2,
    stock=16,
    passes=1,
    teacher_views=16,
    teacher_epochs=1,
    limit=10,
)


@dataclass
class Progress:
    """What a checkpoint remembers beside the weights."""

    step: int = 0
    seconds: float = 0.0
    seed: int = 0


def normalised(pictures: Tensor) -> Tensor:
    """Return pictures (n, 3, h, w), 0 .. 1, as rembg feeds them: divided by their own maximum, ImageNet mean, std."""
    peak = pictures.amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
    return (pictures / peak - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


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


@torch.no_grad()
def predict(net: GarmentMaskNet, pictures: Pixels) -> npt.NDArray[np.float32]:
    """Return soft masks (n, side, side), 0 .. 1, of pictures (n, side, side, 3)."""
    x = normalised(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(x.contiguous(memory_format=torch.channels_last))[0]
    return np.asarray(logits.float().sigmoid()[:, 0].numpy(), np.float32)


def hint_loss(maps: Sequence[Tensor], adapters: nn.ModuleList, hints: Sequence[Tensor]) -> Tensor:
    """Return the mean squared distance of the encoder's adapted maps to the teacher's (FitNets, Romero et al. 2015)."""
    total = torch.zeros(())
    for level, adapter, hint in zip(HINTS, adapters, hints, strict=True):
        total = total + F.smooth_l1_loss(adapter(maps[level]).float(), hint)
    return total


class Training:
    """The state of one run: network, its moving average, optimiser, progress."""

    def __init__(self, out_dir: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.net = GarmentMaskNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.net).eval()
        self.adapters = nn.ModuleList(
            nn.Conv2d(Widths().out[level], channels, 1) for level, channels in zip(HINTS, HINT_CHANNELS, strict=True)
        )
        parameters = [*self.net.parameters(), *self.adapters.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.01, fused=True)
        self.progress = Progress(seed=seed)
        pairs = zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True)
        floats = [(mine, theirs) for mine, theirs in pairs if mine.dtype.is_floating_point]
        self.averaged, self.followed = [mine for mine, _ in floats], [theirs for _, theirs in floats]
        self.file = out_dir / "mask-checkpoint.pt"

    def load(self) -> bool:
        """Continue from the checkpoint if there is one; return whether there was."""
        if not self.file.exists():
            return False
        state: dict[str, Any] = torch.load(self.file, weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"{self.file} is a checkpoint of format {state['format']}, this code reads {FORMAT}")
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.adapters.load_state_dict(state["adapters"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        return True

    def save(self) -> None:
        """Write the checkpoint beside the old one, then put it in its place."""
        part = self.file.with_suffix(".part")
        state = {
            "format": FORMAT,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "adapters": self.adapters.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        torch.save(state, part)
        part.replace(self.file)

    def learn_trunk(self, batch: Batch, hint_weight: float, rate: float) -> float:
        """Learn masks and hints at half size; return the loss."""
        x = normalised(batch.pictures).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            outputs, maps = self.net.trunk(x)
            hints = hint_loss(maps, self.adapters, batch.hints)
        return self.step(mask_loss(outputs, batch.masks) + hint_weight * hints, rate)

    def learn_whole(self, pictures: Tensor, masks: Tensor, rate: float) -> float:
        """Learn masks at full size; return the loss."""
        x = normalised(pictures).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.net(x)
        return self.step(mask_loss(outputs, masks), rate)

    def step(self, loss: Tensor, rate: float) -> float:
        """Follow the loss one step, and let the average follow the network; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.progress.step += 1
        keep = min(0.996, self.progress.step / (self.progress.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.followed, 1 - keep)
        return float(loss.detach())


def learning_rate(share: float, step: int) -> float:
    """Return the rate at a share of the budget: 200 steps of warm-up, then a cosine from 2e-3 to 2e-5."""
    return min(1.0, (step + 1) / 200) * (2e-5 + 1.98e-3 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def prepared_teacher(teachers: Path, out_dir: Path, sets: MaskSets, plan: Plan, seed: int) -> MaskTeacher:
    """Return a fitted teacher and give ``sets`` its soft masks; both are kept in ``out_dir`` for a resumed run."""
    teacher = MaskTeacher(teachers)
    head, labels = out_dir / "mask-teacher-head.pt", out_dir / SOFT_MASKS
    if head.exists():
        teacher.head.load_state_dict(torch.load(head, weights_only=True))
        teacher.head.eval()
    else:
        teacher.fit(sets, views=plan.teacher_views, epochs=plan.teacher_epochs, seed=seed)
        torch.save(teacher.head.state_dict(), head.with_suffix(".part"))
        head.with_suffix(".part").replace(head)
    if labels.exists():
        sets.load_soft_masks(labels)
    else:
        teacher.label(sets)
        part = labels.with_suffix(".part.npz")
        np.savez(part, masks=np.asarray(sets.pseudo), weight=sets.pseudo_weight)
        part.replace(labels)
    return teacher


def run(
    data_dir: Path,
    out_dir: Path,
    *,
    teachers: Path,
    threads: int = 1,
    seed: int = 7,
    minutes: float = 60.0,
    steps: int | None = None,
    resume: bool = True,
    plan: Plan | None = None,
) -> Path:
    """Train and return the checkpoint's path; its averaged weights are what mask_publish exports.

    Args:
        data_dir: folder with the three archives.
        out_dir: where the checkpoint, the teacher's head and the soft masks go.
        teachers: folder with the TFLite classifiers.
        minutes: the budget after the teacher is ready; what an interrupted run has spent counts when it resumes.
        steps: a budget of optimiser steps instead of minutes.
        resume: continue from the checkpoint in ``out_dir`` if there is one.
    Raises:
        FileNotFoundError: an archive or the teacher is missing.
        ValueError: the checkpoint is of another format.
    """
    plan = plan or Plan()
    torch.set_num_threads(threads)
    out_dir.mkdir(parents=True, exist_ok=True)
    sets = read_sets(data_dir, limit=plan.limit)
    teacher = prepared_teacher(teachers, out_dir, sets, plan, seed)
    training = Training(out_dir, seed)
    if resume and training.load():
        log.info("resumed at step %d after %.0f s", training.progress.step, training.progress.seconds)
    progress = training.progress
    sampler = MaskSampler(sets, seed=seed + progress.step)
    generator = torch.Generator().manual_seed(seed + progress.step)
    training.net.train()
    stock: Iterator[Batch] = iter(())
    seen, losses, began, reported = 0, [], time.monotonic() - progress.seconds, time.monotonic()
    while True:
        progress.seconds = time.monotonic() - began
        share = progress.step / steps if steps is not None else progress.seconds / (60 * minutes)
        if share >= 1:
            break
        rate = learning_rate(share, progress.step)
        if share < plan.trunk[-1][0]:
            batch = next(stock, None)
            if batch is None:
                side = next(side for until, side in plan.trunk if share < until)
                views = ViewStock(sampler, teacher, plan.stock, side)
                stock = views.passes(plan.passes, plan.trunk_batch, generator)
                log.info("a stock of %d views of %d px is ready, share %.2f", plan.stock, side, share)
                continue
            batch.pictures = coloured(batch.pictures, generator)
            losses.append(training.learn_trunk(batch, 2.0 * (1 - share / plan.trunk[-1][0]), rate))
            seen += plan.trunk_batch
        else:
            pictures, masks = sampler.batch(plan.batch, plan.side)
            losses.append(training.learn_whole(coloured(pictures, generator), masks, rate))
            seen += plan.batch
        if time.monotonic() - reported > 240:
            took = time.monotonic() - reported
            figures = validation_iou(partial(predict, training.average), sets, count=30)
            log.info(
                "step %d share %.2f loss %.3f, %.1f pictures/s, IoU %s",
                progress.step, share, np.mean(losses), seen / took, {k: round(v, 4) for k, v in figures.items()},
            )  # fmt: skip
            training.save()
            seen, losses, reported = 0, [], time.monotonic()
    training.save()
    return training.file


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, help="folder of the TFLite classifiers; DATA/../models/teachers")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--short", action="store_true", help="a tenth of the minutes")
    parser.add_argument("--smoke", action="store_true", help="four steps on a few pictures")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    run(
        asked.data,
        asked.out,
        teachers=asked.teachers or asked.data.resolve().parent / "models" / "teachers",
        threads=asked.threads,
        seed=asked.seed,
        minutes=asked.minutes / 10 if asked.short else asked.minutes,
        steps=4 if asked.smoke else None,
        plan=SMOKE if asked.smoke else None,
    )


if __name__ == "__main__":
    main()
