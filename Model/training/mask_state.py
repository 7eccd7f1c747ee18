"""The state of a mask training: network, moving average, optimiser and progress, and how a checkpoint keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from Model.training.files import written_whole
from Model.training.mask_begin import CHECKPOINT
from Model.training.mask_loss import mask_loss
from Model.training.mask_net import FORMAT, GarmentMaskNet, normalised, read_checkpoint

TRUNK_SHARE = 0.15
"""Of the learning rate, for the maps that begin as the encoder's."""


@dataclass
class Progress:
    """What a checkpoint remembers beside the weights."""

    step: int = 0
    seconds: float = 0.0
    moved_back: bool = False


class Training:
    """The state of one run: network, its moving average, optimiser, progress."""

    def __init__(self, out_dir: Path, seed: int, encoder: Mapping[str, Tensor] | None = None) -> None:
        torch.manual_seed(seed)
        self.net = GarmentMaskNet()
        if encoder is not None:
            self.net.trunk.maps.begin_as(encoder)
        self.net = self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.net).eval()
        begun = list(self.net.trunk.maps.parameters())
        known = set(map(id, begun))
        fresh = [parameter for parameter in self.net.parameters() if id(parameter) not in known]
        groups = [{"params": begun, "share": TRUNK_SHARE}, {"params": fresh, "share": 1.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.01, fused=True)
        self.progress = Progress()
        pairs = zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True)
        floats = [(mine, theirs) for mine, theirs in pairs if mine.dtype.is_floating_point]
        self.averaged, self.followed = [mine for mine, _ in floats], [theirs for _, theirs in floats]
        self.file = out_dir / CHECKPOINT

    def load(self) -> bool:
        """Continue from the checkpoint if there is one; return whether there was."""
        if not self.file.exists():
            return False
        state = read_checkpoint(self.file)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])
        return True

    def go_on_from(self, checkpoint: Path) -> None:
        """Take over the averaged network of another run."""
        average = read_checkpoint(checkpoint)["average"]
        self.net.load_state_dict(average)
        self.average.load_state_dict(average)

    @torch.no_grad()
    def move_back(self, checkpoint: Path, share: float) -> None:
        """Move the average a share of the way back to the network that the run went on from, once."""
        if self.progress.moved_back:
            return
        before = read_checkpoint(checkpoint)["average"]
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(before[name], share)
        self.progress.moved_back = True

    def save(self) -> None:
        """Write the checkpoint beside the old one, then put it in its place."""
        state = {
            "format": FORMAT,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        with written_whole(self.file) as part:
            torch.save(state, part)

    def learn(self, part: Any, pictures: Tensor, masks: Tensor, rate: float) -> float:
        """Learn masks with the trunk alone or with the whole network; return the loss."""
        x = normalised(pictures).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = part(x)
        return self.step(mask_loss(outputs, masks), rate)

    def step(self, loss: Tensor, rate: float) -> float:
        """Follow the loss one step, and let the average follow the network; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.progress.step += 1
        self.progress.moved_back = False  # a run that goes on is moved back at its new end
        keep = min(0.996, self.progress.step / (self.progress.step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.followed, 1 - keep)
        return float(loss.detach())
