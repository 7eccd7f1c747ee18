"""A mask teacher tuned as a whole: a MobileNetV2 under a mask head, both trained on masks.

The head on frozen maps (mask_teacher.py) is ready in three minutes and does not know composites; tuned for half an hour
on the views that the served network learns from, it does. Like the other it is never shipped: what it thinks of the
photos without masks is what the served network learns.
"""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.errors import CheckpointInvalid
from Model.training.files import written_whole
from Model.training.guided_filter import GuidedFilter
from Model.training.mask_data import MaskSets, Pixels
from Model.training.mask_loss import learning_rate, mask_loss
from Model.training.mask_sampler import MaskSampler
from Model.training.mask_teacher import TEACHER, MaskHead
from Model.training.mask_views import ViewStock
from Model.training.teachers import load_teacher
from Model.training.torch_compat import channels_last

log = logging.getLogger(__name__)

SIDE = 256
WIDTH = 64
BLOCKS = (2, 5, 12, 16)
"""The last block of MobileNetV2 at strides 4, 8, 16 and 32."""
RATE, TRUNK_SHARE = 2e-3, 0.15
BATCH, STOCK, PASSES = 16, 1200, 3
REPORT_EVERY_S = 240
FILE = "mask-teacher.pt"


class TunedTeacher(nn.Module):
    """MobileNetV2 and a mask head.

    Args:
        teachers: folder of the TFLite classifiers.
        trunk: checkpoint of a teacher that train_encoder.py tuned, to begin as; None for the classifier itself.
    Shape: pictures (n, 3, s, s) in 0 .. 1 to logits (n, 1, s / 4, s / 4).
    Raises:
        FileNotFoundError: the classifier or the checkpoint is missing.
        CheckpointInvalid: the checkpoint is of another network.
    """

    def __init__(self, teachers: Path, trunk: Path | None = None) -> None:
        super().__init__()
        self.trunk, self.head = load_teacher(teachers / TEACHER), MaskHead(WIDTH)
        self.edges = GuidedFilter()
        if trunk is not None:
            try:
                state = torch.load(trunk, map_location="cpu", weights_only=False)["average"]
                named = {key.removeprefix("trunk."): value for key, value in state.items() if key.startswith("trunk.")}
                self.trunk.load_state_dict(named)
            except (EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
                raise CheckpointInvalid(f"{trunk} is not a tuned MobileNetV2.") from error

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits at a quarter of the pictures' side."""
        _, maps = self.trunk.with_maps(pictures * 2 - 1, BLOCKS)
        logits: Tensor = self.head(maps)
        return logits

    @torch.no_grad()
    def predict(self, pictures: Pixels, side: int) -> Pixels:
        """Return soft masks (n, side, side), 0 .. 255, of square pictures (n, s, s, 3), each seen mirrored as well.

        Their edges are drawn where the picture has them. s is a multiple of 4.
        """
        whole = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255
        x = F.interpolate(whole, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        with torch.autocast("cpu", torch.bfloat16):
            shares = (self(x).float().sigmoid() + self(x.flip(3)).float().sigmoid().flip(3)) / 2
        drawn = self.edges(F.interpolate(shares, size=whole.shape[-2:], mode="bilinear"), whole)
        return np.asarray((F.adaptive_avg_pool2d(drawn, side)[:, 0] * 255).round().byte().numpy())


def tune(teacher: TunedTeacher, sets: MaskSets, *, minutes: float, steps: int | None, seed: int, side: int) -> None:
    """Train the teacher, which then has the averaged weights, in eval mode.

    Args:
        sets: with soft masks of the photos without any, so that no composite is laid on a part of a garment.
        minutes: the budget; the learning rate falls along a cosine over it.
        steps: a budget of steps instead.
        side: of a view in px.
    """
    net = channels_last(teacher)
    average = deepcopy(net).eval()
    groups = [{"params": net.trunk.parameters(), "share": TRUNK_SHARE}, {"params": net.head.parameters(), "share": 1.0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.02, fused=True)
    pairs = zip(average.state_dict().values(), net.state_dict().values(), strict=True)
    floats = [(mine, theirs) for mine, theirs in pairs if mine.dtype.is_floating_point]
    averaged, followed = [mine for mine, _ in floats], [theirs for _, theirs in floats]
    sampler, generator = MaskSampler(sets, seed), torch.Generator().manual_seed(seed)
    stock: Iterator[tuple[Tensor, Tensor]] = iter(())
    began = reported = time.monotonic()
    step, losses = 0, []
    net.train()
    while True:
        share = (time.monotonic() - began) / (60 * minutes) if steps is None else step / steps
        if share >= 1:
            break
        batch = next(stock, None)
        if batch is None:
            count = STOCK if steps is None else BATCH
            stock = ViewStock(sampler, count, side).passes(PASSES, BATCH, generator)
            batch = next(stock)
        pictures, masks = batch
        rate = learning_rate(RATE, share, step, warmup=60)
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(pictures.contiguous(memory_format=torch.channels_last))
        loss = mask_loss([logits], masks)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            torch._foreach_lerp_(averaged, followed, 1 - min(0.995, step / (step + 20)))
        losses.append(float(loss.detach()))
        if time.monotonic() - reported > REPORT_EVERY_S:
            log.info("mask teacher: step %d share %.2f loss %.3f", step, share, np.mean(losses))
            reported, losses = time.monotonic(), []
    teacher.load_state_dict(average.state_dict())
    teacher.eval()


def tuned_teacher(
    teachers: Path,
    out_dir: Path,
    sets: MaskSets,
    *,
    trunk: Path | None,
    minutes: float,
    steps: int | None,
    seed: int,
    side: int = SIDE,
) -> TunedTeacher:
    """Return a run's tuned teacher: the one that lies in its folder, or one that is tuned now and put there."""
    file = out_dir / FILE
    teacher = TunedTeacher(teachers, trunk)
    if file.exists():
        teacher.load_state_dict(torch.load(file, weights_only=True))
        return teacher.eval()
    tune(teacher, sets, minutes=minutes, steps=steps, seed=seed, side=side)
    with written_whole(file) as part:
        torch.save(teacher.state_dict(), part)
    return teacher
