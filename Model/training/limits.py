"""Limits on activations: what the network computes stays within bounds, so that eight bits are enough for it.

One activation in a thousand is several times larger than the rest, and int8 spends its 255 steps on the way there. A
network that is trained with such values cut off learns to do without them, and each step of its int8 file is two to
three times smaller: of the ten nearest neighbours of a photo, more stay the same (docs/experiments.md, 31). At export
the limits become Clip nodes, which the quantiser takes into the convolutions' own ranges; they cost nothing there.

Source: Choi et al. 2018, PACT, https://arxiv.org/abs/1805.06085; here the limits are measured once instead of learned.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from Model.training.resnet import Encoder
from Model.training.torch_compat import import_torchvision

Limits = dict[str, tuple[float, float]]
"""Lowest and highest value of each point's output, by the name of its module in the trunk."""

SAMPLE = 100_000
"""Values of one point that are looked at in one batch."""


def points(trunk: nn.Module) -> Iterator[tuple[str, nn.Module, bool]]:
    """Yield every module of a ResNet whose output int8 rounds, its name, and whether only what is positive goes on."""
    yield "bn1", trunk.get_submodule("bn1"), True
    block_type = import_torchvision().models.resnet.BasicBlock
    for name, block in trunk.named_modules():
        if isinstance(block, block_type):
            yield f"{name}.bn1", block.get_submodule("bn1"), True
            yield f"{name}.bn2", block.get_submodule("bn2"), False
            if block.downsample is not None:
                yield f"{name}.downsample", block.downsample, False
            yield name, block, True


def bound(network: Encoder, limits: Limits) -> None:
    """Keep the outputs of the network's trunk within limits from now on, in training, in use and in exports.

    Raises:
        KeyError: the trunk has a point that the limits do not name.
    """
    for name, module, positive in points(network.trunk):
        low, high = limits[name]

        def keep(_: nn.Module, __: tuple[Tensor, ...], out: Tensor, low: float = low, high: float = high) -> Tensor:
            return out.clamp(min=low, max=high)

        # The ReLU that follows, or went before, sees to what is negative.
        def cap(_: nn.Module, __: tuple[Tensor, ...], out: Tensor, high: float = high) -> Tensor:
            return out.clamp(max=high)

        module.register_forward_hook(cap if positive else keep)


@torch.no_grad()
def measure(network: Encoder, inputs: Tensor, share: float, batch: int = 16, seed: int = 0) -> Limits:
    """Return limits that this share of each point's values on some pictures stays within, on either side.

    Args:
        inputs: normalised training pictures. Shape: (n, 3, h, w).
        share: 0.5..1; of what only the positive part counts for, of all values, the zeros included.
    """
    seen: dict[str, list[Tensor]] = {}
    generator = torch.Generator().manual_seed(seed)
    handles = []
    for name, module, positive in points(network.trunk):

        def look(
            _: nn.Module, __: tuple[Tensor, ...], out: Tensor, name: str = name, positive: bool = positive
        ) -> None:
            values = (out.clamp(min=0) if positive else out).float().flatten()
            if len(values) > SAMPLE:
                values = values[torch.randint(len(values), (SAMPLE,), generator=generator)]
            seen.setdefault(name, []).append(values)

        handles.append(module.register_forward_hook(look))
    was_training = network.training
    network.eval()
    for part in inputs.split(batch):
        network(part.contiguous(memory_format=torch.channels_last))
    network.train(was_training)
    for handle in handles:
        handle.remove()
    limits = {}
    for name, parts in seen.items():
        low, high = np.quantile(torch.cat(parts).numpy(), (1 - share, share)).tolist()
        limits[name] = (min(low, 0.0), max(high, 1e-3))
    return limits
